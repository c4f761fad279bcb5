"""Safety: what danger looks like, what is done about it, and where help is. See README.md beside this file.

The kernel of the slice, all pure: no tables, no network, no clock of its own.
"""

from wellspring.safety.behaviour import Baseline, Day, Earlier, Factor, Moment, Signals
from wellspring.safety.copy import CrisisCopy, crisis_copy, emergency_line, explain
from wellspring.safety.levels import LEVELS, Level, rank, worst
from wellspring.safety.resources import Emergency, Resource, emergency_number, for_country, stale
from wellspring.safety.risk import RISK_VERSION, Judgement, TextReading, judge

__all__ = [
    "LEVELS",
    "RISK_VERSION",
    "Baseline",
    "CrisisCopy",
    "Day",
    "Earlier",
    "Emergency",
    "Factor",
    "Judgement",
    "Level",
    "Moment",
    "Resource",
    "Signals",
    "TextReading",
    "crisis_copy",
    "emergency_line",
    "emergency_number",
    "explain",
    "for_country",
    "judge",
    "rank",
    "stale",
    "worst",
]
