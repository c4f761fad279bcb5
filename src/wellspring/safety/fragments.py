"""What safety lends to the statements of other slices."""

from typing import Final

from wellspring.safety.protocol import CLOSED

EARLIER: Final = (
    "SELECT array_agg(v.risk_level) AS levels,"
    " array_agg(extract(epoch FROM now() - v.created_at)::float8 / 3600) AS hours,"
    f" coalesce(bool_or(v.state NOT IN {CLOSED}), false) AS waits"
    " FROM safety.crisis_event v WHERE v.person_id = {person} AND v.created_at > now() - interval '72 hours'"
)
"""Levels and ages in hours of the person's events of the last 72 hours, and whether one of them is not closed yet."""

HARD_TIME: Final = (
    "EXISTS (SELECT 1 FROM safety.crisis_event v WHERE v.person_id = {person}"
    " AND v.created_at > now() - interval '7 days' AND (v.state IN ('paged', 'acknowledged', 'contacted')"
    " OR (v.risk_level IN ('high', 'critical') AND v.created_at > now() - interval '72 hours')))"
)
"""Whether a person is in danger or was lately: for 72 hours, and for a week while people on duty are still with them.

What they are told and what they are offered both go by this.
"""
