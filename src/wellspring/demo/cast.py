"""Who the synthetic people are: names, homes, tempers and habits. The same seed makes the same people."""

import unicodedata
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from wellspring.demo import uuids
from wellspring.demo.library import Home, places, rng

DAYS: Final = 365
Arc = Literal["", "alice", "amelie", "dark", "open_high", "open_urgent", "open_moderate"]
OPEN: Final[dict[int, Arc]] = {2: "open_high", 3: "open_urgent", 4: "open_moderate"}
_DARK_EVERY: Final = 25
_VOICES: Final = ("plain", "plain", "chatty", "texting", "careful", "dry")
BORN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_AGES: Final = ("16-17", "18-24", "18-24", "25-34", "25-34", "25-34", "35-44", "35-44", "45-54", "55-64", "65+")


class Temper(Struct, frozen=True, kw_only=True):
    """What somebody is like on an ordinary day (1–10, sleep 1–5), and how much that moves."""

    mood: float
    energy: float
    anxiety: float
    stress: float
    sleep: float
    alone: float
    swing: float
    season: float
    week: float


class Habit(Struct, frozen=True, kw_only=True):
    """When and how much somebody checks in. Hours are of their own clock, shares 0–1."""

    rate: float
    second: float
    hours: tuple[float, ...]
    joined: int
    leaves_after: int | None
    detail: float
    writes: float
    voice: str
    does: float


class Persona(Struct, frozen=True, kw_only=True):
    """One synthetic member."""

    index: int
    person_id: UUID
    first: str
    last: str
    woman: bool
    email: str
    home: Home
    timezone: str
    age_range: str
    has_adhd: bool
    has_autism_spectrum: bool
    has_anxiety: bool
    has_depression: bool
    contraindications: tuple[str, ...]
    tier: str
    works: bool
    lives_with: str
    style: str
    temper: Temper
    habit: Habit
    arc: Arc

    @property
    def name(self) -> str:
        """Return the full name."""
        return f"{self.first} {self.last}"


def plain(text: str) -> str:
    """Return letters without accents, for addresses."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if c.isascii() and c.isalnum())


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _temper(r: Random, *, anxious: bool, low: bool) -> Temper:
    return Temper(
        mood=_clip(r.gauss(6.5, 0.8) - 0.9 * low - 0.3 * anxious, 4.3, 8.2),
        energy=_clip(r.gauss(6.0, 0.9) - 0.8 * low, 3.5, 8.0),
        anxiety=_clip(r.gauss(3.4, 0.9) + 1.6 * anxious, 1.5, 6.3),
        stress=_clip(r.gauss(4.0, 1.0) + 0.6 * anxious, 1.8, 6.5),
        sleep=_clip(r.gauss(3.7, 0.4) - 0.4 * anxious, 2.6, 4.6),
        alone=_clip(r.gauss(0.4, 0.18), 0.1, 0.85),
        swing=_clip(r.gauss(0.55, 0.15), 0.25, 0.95),
        season=_clip(abs(r.gauss(0.3, 0.3)), 0.0, 1.1),
        week=_clip(r.gauss(1.0, 0.4), 0.2, 2.0),
    )


def _hours(r: Random) -> tuple[float, ...]:
    morning, evening = r.uniform(6.5, 9.5), r.uniform(19.0, 23.0)
    kind = r.random()
    if kind < 0.4:
        return (evening,)
    return (morning, evening) if kind < 0.75 else (morning, r.uniform(12.0, 16.0), evening)


def _habit(r: Random) -> Habit:
    kind = r.random()
    joined = 0 if r.random() < 0.6 else r.randrange(0, DAYS - 60)
    daily, often, weekly = kind < 0.33, kind < 0.62, kind < 0.85
    rate = r.uniform(0.75, 0.95) if daily else r.uniform(0.35, 0.6) if often else r.uniform(0.1, 0.2)
    leaves = None
    if not weekly:
        rate, leaves = r.uniform(0.5, 0.9), r.randrange(8, 56)
    return Habit(
        rate=rate,
        second=r.uniform(0.1, 0.5) if daily else 0.08,
        hours=_hours(r),
        joined=joined,
        leaves_after=leaves,
        detail=r.uniform(0.3, 0.95),
        writes=_clip(r.betavariate(1.2, 1.9), 0.02, 0.9),
        voice=r.choice(_VOICES),
        does=r.uniform(0.05, 0.45),
    )


def _home(r: Random, index: int) -> Home:
    homes = places().home
    if index == 1:
        return homes[2]
    return homes[1] if index == 0 else r.choices(homes, [h.weight for h in homes])[0]


def _name(r: Random, home: Home, *, woman: bool) -> tuple[str, str]:
    names = places().names[home.names]
    return r.choice(names.women if woman else names.men), r.choice(names.last)


def _arc(index: int) -> Arc:
    if index in OPEN:
        return OPEN[index]
    return "dark" if index % _DARK_EVERY == 7 else ""


def member(seed: int, index: int) -> Persona:
    """Return the member with this number; 0 is alice, 1 amélie."""
    r = rng(seed, "person", index)
    arc = _arc(index)
    home, woman = _home(r, index), r.random() < 0.6
    first, last = _name(r, home, woman=woman)
    anxious, low = r.random() < 0.25, r.random() < 0.2 or arc != ""
    adhd, autism = r.random() < 0.12, r.random() < 0.07
    habit = _habit(r)
    made = Persona(
        index=index,
        person_id=uuids.at(BORN + timedelta(hours=index), rng(seed, "id", index)),
        first=first,
        last=last,
        woman=woman,
        email=f"{plain(first)}.{plain(last)}{index}@example.org",
        home=home,
        timezone=r.choice(home.timezones),
        age_range=r.choice(_AGES),
        has_adhd=adhd,
        has_autism_spectrum=autism,
        has_anxiety=anxious,
        has_depression=low,
        contraindications=tuple(r.sample(("heart_condition", "dizziness", "injury"), 1)) if r.random() < 0.08 else (),
        tier=r.choices(("free", "premium", "family", "therapy"), (70, 15, 10, 5))[0],
        works=True,
        lives_with=r.choice(("alone", "partner", "family", "friends")),
        style=r.choice(("warm", "direct", "playful", "professional")),
        temper=_temper(r, anxious=anxious, low=low),
        habit=replace(habit, joined=0, leaves_after=None, writes=0.6, rate=0.85) if arc else habit,
        arc=arc,
    )
    return _named(replace(made, works=made.age_range not in ("16-17", "18-24")))


def _named(made: Persona) -> Persona:
    """Give alice and amélie their own names, tempers and habits."""
    if made.index > 1:
        return made
    habit = replace(
        made.habit,
        rate=0.93,
        second=0.35,
        hours=(7.8, 21.3),
        joined=0,
        leaves_after=None,
        detail=0.85,
        writes=0.55,
        voice="careful",
        does=0.4,
    )
    first, last, arc = (("Alice", "Morgan", "alice"), ("Amélie", "Moreau", "amelie"))[made.index]
    return replace(
        made,
        first=first,
        last=last,
        woman=True,
        email=f"{plain(first)}@example.org",
        age_range="25-34",
        works=True,
        tier="premium",
        contraindications=(),
        has_adhd=False,
        has_autism_spectrum=False,
        has_anxiety=made.index == 0,
        has_depression=False,
        lives_with="partner" if made.index == 0 else "alone",
        temper=replace(made.temper, mood=6.6, anxiety=4.4, stress=4.6, sleep=3.5, swing=0.6, season=0.8),
        habit=habit,
        arc=arc,
    )


def first_day(today: date) -> date:
    """Return the day on which the year begins."""
    return today - timedelta(days=DAYS - 1)
