"""The mood of days as a chart draws it: gaps stay gaps, a mean is shown only where days carry it."""

from datetime import date, timedelta
from statistics import fmean, stdev
from typing import Final

from msgspec import Struct

from wellspring.kernel.i18n import Local

_WINDOW: Final = 7
_ENOUGH: Final = 4
"""A mean of seven days is drawn where at least this many of them have a check-in."""


class Point(Struct, frozen=True):
    """One day: its mood, the mean of the seven days that end with it, and one standard deviation around that."""

    label: str
    value: float | None
    mean: float | None
    low: float | None
    high: float | None


def tidy(value: float) -> float | int:
    """Return a mood as people read it: one decimal, none where it is whole."""
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def points(moods: dict[date, float], start: date, end: date, here: Local) -> list[Point]:
    """Return a point for each day of a range, oldest first; `moods` may begin before it."""
    found = []
    for number in range((end - start).days + 1):
        day = start + timedelta(days=number)
        window = [moods[d] for back in range(_WINDOW) if (d := day - timedelta(days=back)) in moods]
        enough = len(window) >= _ENOUGH
        mean = fmean(window) if enough else None
        spread = stdev(window) if enough else 0.0
        value = moods.get(day)
        found.append(
            Point(
                label=here.short_day(day),
                value=None if value is None else tidy(value),
                mean=mean,
                low=None if mean is None else max(1.0, mean - spread),
                high=None if mean is None else min(10.0, mean + spread),
            )
        )
    return found
