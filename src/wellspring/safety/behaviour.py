"""The last seven days as signals, and what they may say about risk. Pure arithmetic, no I/O.

Five factors, each 0 to 1 with the numbers behind it, or honestly not assessed when there is too little to go
on. The thresholds are judgements written down with their reasons, not measurements: nothing here is validated
clinically. It helps people look; it can never say that somebody is safe.

Every factor is built so that one more bad day never makes it smaller. That is why a step between the earlier
and the later part of the week is scored and not the slope: a slope flattens when the bad days go on.
"""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, Literal

import msgspec

from wellspring.safety.levels import Level

FactorName = Literal["mood_decline", "stress_escalation", "sleep_disruption", "social_withdrawal", "missed_checkins"]
ScreenerOutcome = Literal["negative", "possible", "positive", "acute"]
Protective = Literal["safety_plan", "emergency_contact", "care_team", "with_people", "sleeping_well", "mood_rising"]

MIN_DAYS: Final = 3
"""Fewer than three days of a signal are one bad day, not a pattern."""
MIN_BASELINE_DAYS: Final = 7
"""A person's own normal needs at least a week of its own."""
RECENT: Final = 3
"""The last three days with data stand for "now": shorter is noise, longer hides a fast fall."""

STEP_FULL: Final = 5.0
"""A step of 5 of 10 points between two parts of a week: from "all right" to "very bad"."""
DROP_SDS: Final = 3.0
"""Three of the person's own standard deviations below their normal is beyond ordinary ups and downs."""
SD_FLOOR: Final = 1.0
"""A very even person must not raise an alarm with half a point."""
LOW_MOOD: Final = (3.5, 1.0)
"""Who has been low for months has no fall to show: a mean from 3.5 down to 1 counts by itself."""
HIGH_STRESS: Final = (6.0, 9.0)
"""6 is the upper end of ordinary days on a scale of 10; 9 and 10 are the "cannot cope" end."""
BAD_SLEEP: Final = (3.0, 1.0)
"""On the scale of 1 to 5, 3 is middling and 1 is as bad as can be said."""
ALONE_RISE: Final = 0.6
"""Being alone counts only as a rise over one's own habit: living alone is not withdrawing."""
GAP: Final = (3.0, 7.0)
"""Silence three times as long as usual is nothing yet; seven times (a week, for a daily habit) is full."""
MIN_WEEKLY: Final = 2.0
"""Who checks in less than twice a week has no rhythm that could be missed."""

WEIGHTS: Final[dict[FactorName, float]] = {
    "mood_decline": 0.6,
    "stress_escalation": 0.4,
    "sleep_disruption": 0.35,
    "social_withdrawal": 0.35,
    "missed_checkins": 0.3,
}
"""Only mood can reach the moderate threshold alone; the others need company: each has innocent causes."""
MODERATE_AT: Final = 0.5
STRONG_AT: Final = 0.75
"""Mood at its full and one more at its full: the combination that lifts what a person has said themselves."""


class Day(msgspec.Struct, frozen=True):
    """Means of one local day. `ago`: 0 (today) to 6. 1 to 10, but sleep 1 to 5 (5 is good), alone 0 to 1."""

    ago: int
    checkins: int = 0
    mood: float | None = None
    stress: float | None = None
    anxiety: float | None = None
    energy: float | None = None
    sleep: float | None = None
    alone: float | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The check-in being judged, 1 to 10."""

    mood: float | None = None
    stress: float | None = None
    anxiety: float | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The person's own normal: the 28 days before the last seven. `*_days` say what each mean rests on."""

    mood_days: int = 0
    mood_mean: float | None = None
    mood_sd: float | None = None
    alone_days: int = 0
    alone_share: float | None = None
    observed_days: int = 0
    checkins_per_week: float | None = None


class Earlier(msgspec.Struct, frozen=True):
    """An earlier judgement of this person, so that a change of topic does not clear it."""

    level: Level
    hours_ago: float


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """All that the caller knows, for the last seven days. Every part may be missing.

    `gap_days` is the time between the check-in being judged and the one before it, or, in a sweep without a
    check-in, since the last one. `screener`: possible (PHQ-9 item 9 above 0), positive (any ASQ item, or
    refused), acute (the ASQ's "right now" item).
    """

    days: tuple[Day, ...] = ()
    moment: Moment | None = None
    baseline: Baseline | None = None
    gap_days: float | None = None
    earlier: tuple[Earlier, ...] = ()
    screener: ScreenerOutcome | None = None
    protective: tuple[Protective, ...] = ()


class Factor(msgspec.Struct, frozen=True):
    """One factor. `value` is 0 to 1, or None when not assessed: too few days, or no baseline."""

    name: FactorName
    value: float | None
    numbers: dict[str, float]
    have: int
    need: int

    @property
    def assessed(self) -> bool:
        """Whether there was enough data to say anything."""
        return self.value is not None


class Factors(msgspec.Struct, frozen=True):
    """All five factors and their combination: 0 to 1, 0 also when nothing could be assessed."""

    factors: tuple[Factor, ...]
    score: float
    protective: tuple[Protective, ...]

    @property
    def moderate(self) -> bool:
        """Enough to ask for a look."""
        return self.score >= MODERATE_AT

    @property
    def strong(self) -> bool:
        """Enough to take a moderate word as more."""
        return self.score >= STRONG_AT


Point = tuple[int, float]
"""A day's number (0 today, -1 yesterday) and its value."""
_MOOD: Final[Callable[[Day], float | None]] = attrgetter("mood")
_ENERGY: Final[Callable[[Day], float | None]] = attrgetter("energy")
_SLEEP: Final[Callable[[Day], float | None]] = attrgetter("sleep")
_ALONE: Final[Callable[[Day], float | None]] = attrgetter("alone")


def behaviour(signals: Signals) -> Factors:
    """The five factors of the last seven days. Never raises: absurd or NaN numbers count as missing."""
    days = sorted([d for d in signals.days if 0 <= d.ago <= 6], key=attrgetter("ago"), reverse=True)
    base = signals.baseline or Baseline()
    mood = _series(days, _MOOD, 1, 10)
    nights = [v for _, v in _series(days, _SLEEP, 1, 5)]
    shares = [v for _, v in _series(days, _ALONE, 0, 1)]
    factors = (
        _mood(mood, _series(days, _ENERGY, 1, 10), base),
        _stress(days),
        _sleep(nights),
        _alone(shares, base),
        _missed(days, base, signals.gap_days),
    )
    return Factors(factors, _combine(factors), _protective([v for _, v in mood], nights, shares, signals.protective))


def _combine(factors: Sequence[Factor]) -> float:
    """1 minus the product of what each factor leaves open: grows with every factor, never past 1."""
    return 1.0 - math.prod([1.0 - WEIGHTS[f.name] * (f.value or 0.0) for f in factors])


def _mood(mood: Sequence[Point], energy: Sequence[Point], base: Baseline) -> Factor:
    if len(mood) < MIN_DAYS:
        return Factor("mood_decline", None, {}, len(mood), MIN_DAYS)
    values = [v for _, v in mood]
    recent = _mean(values[-RECENT:])
    numbers = {"recent": recent, "step": _step(values), "slope": _slope(mood)}
    parts = [numbers["step"] / STEP_FULL, _between(recent, *LOW_MOOD)]
    normal = number(base.mood_mean, 1, 10)
    if normal is not None and base.mood_days >= MIN_BASELINE_DAYS:
        spread = max(number(base.mood_sd, 0, 10) or 0.0, SD_FLOOR)
        numbers |= {"baseline": normal, "drop": normal - recent}
        parts.append((normal - recent) / (DROP_SDS * spread))
    if energy:
        numbers["energy"] = _mean([v for _, v in energy][-RECENT:])  # told to staff, not scored
    return Factor("mood_decline", _clamp(max(parts)), numbers, len(mood), MIN_DAYS)


def _stress(days: Sequence[Day]) -> Factor:
    """The worse of stress and anxiety each day: either alone can be the one that overwhelms."""
    strain = _series(days, _strain, 1, 10)
    if len(strain) < MIN_DAYS:
        return Factor("stress_escalation", None, {}, len(strain), MIN_DAYS)
    values = [v for _, v in strain]
    recent = _mean(values[-RECENT:])
    step = _step([-v for v in values])
    value = max(_between(recent, *HIGH_STRESS), step / STEP_FULL)
    numbers = {"recent": recent, "step": step, "slope": _slope(strain)}
    return Factor("stress_escalation", _clamp(value), numbers, len(strain), MIN_DAYS)


def _sleep(nights: Sequence[float]) -> Factor:
    if len(nights) < MIN_DAYS:
        return Factor("sleep_disruption", None, {}, len(nights), MIN_DAYS)
    recent = _mean(nights[-RECENT:])
    return Factor("sleep_disruption", _between(recent, *BAD_SLEEP), {"recent": recent}, len(nights), MIN_DAYS)


def _alone(shares: Sequence[float], base: Baseline) -> Factor:
    habit = number(base.alone_share, 0, 1)
    if len(shares) < MIN_DAYS or habit is None or base.alone_days < MIN_BASELINE_DAYS:
        return Factor("social_withdrawal", None, {}, len(shares), MIN_DAYS)
    recent = _mean(shares[-RECENT:])
    numbers = {"recent": recent, "baseline": habit, "rise": recent - habit}
    value = _clamp((recent - habit) / ALONE_RISE)
    return Factor("social_withdrawal", value, numbers, len(shares), MIN_DAYS)


def _missed(days: Sequence[Day], base: Baseline, gap: float | None) -> Factor:
    weekly = number(base.checkins_per_week, 0, 1000)
    silent = number(gap, 0, 36500)
    have = base.observed_days
    if silent is None or weekly is None or weekly < MIN_WEEKLY or have < MIN_BASELINE_DAYS:
        return Factor("missed_checkins", None, {}, have, MIN_BASELINE_DAYS)
    times = silent / (7.0 / weekly)
    numbers = {
        "gap_days": silent,
        "usual_gap_days": 7.0 / weekly,
        "checkins": float(sum([max(d.checkins, 0) for d in days])),
    }
    return Factor("missed_checkins", _between(times, *GAP), numbers, have, MIN_BASELINE_DAYS)


def _protective(
    mood: Sequence[float], nights: Sequence[float], shares: Sequence[float], known: Sequence[Protective]
) -> tuple[Protective, ...]:
    """What speaks for the person: told to staff, and never lowers a level."""
    found: list[Protective] = list(dict.fromkeys(known))
    if len(shares) >= MIN_DAYS and _mean(shares[-RECENT:]) <= 0.4:
        found.append("with_people")
    if len(nights) >= MIN_DAYS and _mean(nights[-RECENT:]) >= 4.0:
        found.append("sleeping_well")
    if len(mood) > MIN_DAYS and _mean(mood[-2:]) - _mean(mood[:-2]) >= 2.0:
        found.append("mood_rising")
    return tuple(found)


def _strain(day: Day) -> float | None:
    stress, anxiety = number(day.stress, 1, 10), number(day.anxiety, 1, 10)
    if stress is None or anxiety is None:
        return anxiety if stress is None else stress
    return max(stress, anxiety)


def _series(days: Sequence[Day], of: Callable[[Day], float | None], low: float, high: float) -> list[Point]:
    """Pairs of (day number, value), oldest first, without what is missing or out of range."""
    return [(-d.ago, value) for d in days if (value := of(d)) is not None and low <= value <= high]


def number(value: float | None, low: float, high: float) -> float | None:
    """The value if it is a number within its scale; anything else is missing, not zero."""
    return value if value is not None and low <= value <= high else None


def _step(values: Sequence[float]) -> float:
    """The largest fall between the mean before and the mean after any day of the week (negative: it rose)."""
    before, after, size = 0.0, sum(values), len(values)
    steps = []
    for cut, value in enumerate(values[:-1], 1):
        before += value
        after -= value
        steps.append(before / cut - after / (size - cut))
    return max(steps)


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Least squares, points per day; 0 when all lie on one day."""
    middle = sum([x for x, _ in points]) / len(points)
    width = sum([(x - middle) ** 2 for x, _ in points])
    return sum([(x - middle) * y for x, y in points]) / width if width else 0.0


def _between(value: float, none: float, full: float) -> float:
    """0 at `none`, 1 at `full`, straight between; works in both directions."""
    return _clamp((value - none) / (full - none))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _clamp(value: float) -> float:
    return min(max(value, 0.0), 1.0)
