"""The four levels of risk, in order. The names are those of the wire and of the database."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

Level = Literal["low", "moderate", "high", "critical"]

LEVELS: Final[tuple[Level, ...]] = get_args(Level)


def rank(level: Level) -> int:
    """0 for low to 3 for critical."""
    return LEVELS.index(level)


def worst(levels: Iterable[Level]) -> Level:
    """The highest of some levels; low for none."""
    return LEVELS[max((rank(level) for level in levels), default=0)]
