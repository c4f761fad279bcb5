"""What happens to people and how it moves them: a temper, a week, a season, events that come suddenly and fade slowly.

Effects are of our own making, chosen to look like diaries, not fitted to data: nothing here is a finding about people.
"""

import math
from datetime import date, timedelta
from random import Random
from typing import Final

from msgspec import Struct

from wellspring.demo.cast import DAYS, Persona, first_day
from wellspring.demo.library import rng


class Shape(Struct, frozen=True):
    """How an event moves somebody at its height (points), and its days of rise, hold and half-life."""

    rise: float
    hold: float
    half: float
    mood: float
    energy: float
    anxiety: float
    stress: float
    sleep: float
    alone: float
    weight: float


class Episode(Struct, frozen=True):
    """An event in one life; `force` scales it, 1 is usual."""

    kind: str
    start: int
    force: float


class Day(Struct, frozen=True):
    """How one day is, before the hour and chance of a check-in. `episode` is what is uppermost, with its phase."""

    date: date
    mood: float
    energy: float
    anxiety: float
    stress: float
    sleep: float
    alone: float
    episode: str | None
    phase: str
    dark: float


SHAPES: Final[dict[str, Shape]] = {
    "exam": Shape(12, 6, 2, -0.8, -0.6, 1.8, 2.4, -0.7, 0.15, 1.2),
    "new_job": Shape(2, 12, 12, 0.1, -0.6, 1.2, 1.8, -0.4, 0.0, 0.8),
    "break_up": Shape(1, 6, 16, -2.3, -1.2, 1.0, 1.0, -0.9, 0.3, 0.7),
    "bereavement": Shape(1, 8, 26, -2.4, -1.5, 0.4, 0.8, -0.8, 0.1, 0.4),
    "illness": Shape(1, 4, 2, -1.2, -3.0, 0.4, 0.2, -0.5, 0.3, 1.6),
    "conflict": Shape(0.5, 2, 2, -1.5, -0.3, 1.0, 2.0, -0.6, 0.1, 1.6),
    "good_news": Shape(0.5, 2, 5, 1.8, 1.2, -0.4, -0.4, 0.2, -0.2, 1.2),
    "holiday": Shape(1, 8, 3, 1.3, 0.8, -1.2, -2.0, 0.6, -0.2, 1.4),
    "moving": Shape(6, 6, 6, -0.2, -0.8, 0.6, 2.0, -0.4, 0.0, 0.5),
    "anxious": Shape(7, 12, 8, -0.9, -0.6, 2.6, 1.2, -0.8, 0.1, 0.7),
    "low": Shape(20, 18, 18, -2.6, -2.0, 0.9, 0.6, -0.8, 0.35, 0.25),
}
_WEEK: Final = (-0.5, -0.15, 0.0, 0.05, 0.35, 0.5, 0.0)
_ONCE: Final = frozenset({"break_up", "bereavement", "moving", "low"})
_MEMORY: Final = 0.65
_OVER: Final = 0.12
"""Below this share of its height an event is over."""


def share(shape: Shape, age: float) -> float:
    """Return how much of an event is felt `age` days after it began, 0–1."""
    if age < 0:
        return 0.0
    if age < shape.rise:
        return (age + 1) / (shape.rise + 1)
    left = age - shape.rise - shape.hold
    return 1.0 if left <= 0 else 0.5 ** (left / shape.half)


def phase(shape: Shape, age: float) -> str:
    """Return start, during or after."""
    if age < max(4.0, 0.6 * shape.rise):
        return "start"
    return "during" if age <= shape.rise + shape.hold + 0.8 * shape.half else "after"


def _ordinary(persona: Persona, r: Random) -> list[Episode]:
    found: list[Episode] = []
    kinds = [k for k in SHAPES if _may_happen(k, persona)]
    day = r.randrange(5, 60)
    while day < DAYS:
        kind = r.choices(kinds, [SHAPES[k].weight for k in kinds])[0]
        found.append(Episode(kind, day, _force(r)))
        if kind in _ONCE:
            kinds.remove(kind)
        day += int(r.expovariate(1 / 38)) + 12
    return found


def _may_happen(kind: str, persona: Persona) -> bool:
    """Exams are for students; who lives with a partner in January does so in December."""
    return not (kind == "exam" and persona.works) and not (kind == "break_up" and persona.lives_with == "partner")


def _force(r: Random) -> float:
    return min(max(r.gauss(0.9, 0.25), 0.4), 1.4)


def _day_of(today: date, month: int, day: int) -> int:
    """Return the number of the last such date before today, counted from the first day of the year lived."""
    found = date(today.year, month, day)
    if found > today:
        found = date(today.year - 1, month, day)
    return (found - first_day(today)).days


def episodes(persona: Persona, today: date, r: Random) -> list[Episode]:
    """Return the events of one person's year."""
    end = DAYS - 1
    match persona.arc:
        case "alice":
            late = _day_of(today, 9, 20)
            winter = max(_day_of(today, 12, 12), 0)
            return [
                Episode("low", winter, 1.15),
                Episode("anxious", _day_of(today, 4, 24), 0.9),
                Episode("holiday", _day_of(today, 7, 14), 1.0),
                Episode("anxious", late, 1.0),
                Episode("good_news", _day_of(today, 6, 2), 0.9),
            ]
        case "amelie":
            return [
                Episode("break_up", _day_of(today, 3, 8), 1.1),
                Episode("holiday", _day_of(today, 8, 3), 1.1),
                Episode("new_job", _day_of(today, 9, 7), 1.0),
                Episode("good_news", _day_of(today, 5, 30), 1.0),
            ]
        case "dark":
            return [*_ordinary(persona, r)[:3], Episode("low", r.randrange(30, end - 110), r.uniform(1.1, 1.4))]
        case "open_moderate":
            return [*_ordinary(persona, r)[:3], Episode("anxious", end - 9, 0.5)]
        case "open_high" | "open_urgent":
            return [*_ordinary(persona, r)[:2], Episode("low", end - r.randrange(28, 36), 1.25)]
        case _:
            return _ordinary(persona, r)


def _darkness(persona: Persona, active: list[tuple[Episode, float]]) -> float:
    """Return how dark a day's writing may be, 0–1: only for those whose year leads there, near the lowest point."""
    if persona.arc in ("", "amelie", "open_moderate"):
        return 0.0
    deepest = max((s for e, s in active if e.kind == "low"), default=0.0)
    return min(max((deepest - 0.8) / 0.2, 0.0), 1.0) * (0.5 if persona.arc == "alice" else 1.0)


def days(persona: Persona, seed: int, today: date) -> list[Day]:
    """Return every day of the year, oldest first."""
    r = rng(seed, "life", persona.index)
    happening = episodes(persona, today, r)
    t, first = persona.temper, first_day(today)
    found: list[Day] = []
    drift = worry = 0.0
    for number in range(DAYS):
        day = first + timedelta(days=number)
        drift = _MEMORY * drift + r.gauss(0, t.swing)
        worry = _MEMORY * worry + r.gauss(0, 0.7 * t.swing)
        found.append(_day(persona, day, number, happening, drift, worry, r))
    return found


def _season(day: date) -> float:
    """Return 1 in the middle of a northern winter and 0 in summer."""
    return 0.5 + 0.5 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 10) / 365)


def _day(
    persona: Persona, day: date, number: int, happening: list[Episode], drift: float, worry: float, r: Random
) -> Day:
    t = persona.temper
    felt = [(e, e.force * share(SHAPES[e.kind], number - e.start)) for e in happening]
    active = [(e, s) for e, s in felt if s > _OVER]

    def moved(name: str) -> float:
        return float(sum(getattr(SHAPES[e.kind], name) * s for e, s in active))

    mood = t.mood + t.week * _WEEK[day.weekday()] - t.season * (_season(day) - 0.4) + drift + moved("mood")
    lower = t.mood - mood
    anxiety = t.anxiety + 0.35 * lower + worry + moved("anxiety")
    stress = t.stress + 0.3 * (anxiety - t.anxiety) + (0.4 if day.weekday() < 5 else -0.6) + moved("stress")
    sleep = t.sleep - 0.15 * (anxiety - t.anxiety) + moved("sleep") + r.gauss(0, 0.45)
    uppermost = max(active, key=lambda x: x[1], default=None)
    return Day(
        date=day,
        mood=mood,
        energy=t.energy - 0.45 * lower + 0.5 * (sleep - t.sleep) + moved("energy"),
        anxiety=anxiety,
        stress=stress + r.gauss(0, 0.5),
        sleep=sleep,
        alone=t.alone + 0.05 * lower + moved("alone"),
        episode=uppermost[0].kind if uppermost else None,
        phase=phase(SHAPES[uppermost[0].kind], number - uppermost[0].start) if uppermost else "",
        dark=_darkness(persona, active),
    )
