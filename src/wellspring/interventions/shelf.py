"""The library laid out for choosing: what can be computed once is computed once. Prepare again when content changes."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, get_args
from uuid import UUID

import msgspec

from wellspring.interventions.library import Intervention, load
from wellspring.interventions.moment import Tally
from wellspring.interventions.vocabulary import (
    CONTRAINDICATIONS,
    EMOTIONS,
    ENERGIES,
    TIMES_OF_DAY,
    AgeBand,
    Approach,
    Emotion,
    MomentPlace,
    Strength,
)

UNKNOWN: Final = 0.5
"""The expected rating, on 0..1, of something nobody has rated."""

SHARED_WEIGHT: Final = 20
"""Everyone's ratings of one intervention count as if twenty undecided ones came with them."""

REACHES_OUT: Final = "safety planning"
"""The sub-category that leads to people or away from danger; offered first when somebody is in danger."""

_EVIDENCE: Final[Mapping[Strength, float]] = {"strong": 1.0, "moderate": 0.6, "emerging": 0.3}

_BITS: Final[Mapping[str, int]] = {
    word: 1 << number
    for vocabulary in (CONTRAINDICATIONS, TIMES_OF_DAY, get_args(AgeBand), get_args(MomentPlace))
    for number, word in enumerate(vocabulary)
}


class Row(msgspec.Struct, frozen=True, gc=False):
    """One intervention as numbers. The masks are bits of `mask`; `energy` is 0 (minimal) to 3 (high)."""

    contraindications: int
    ages: int
    places: int
    times: int
    premium: bool
    crisis_safe: bool
    reaches_out: bool
    energy: int
    minutes: float
    approach: Approach
    evidence: float
    shared: float
    suits_adhd: bool
    suits_autism: bool


class Shelf(msgspec.Struct, frozen=True):
    """Active interventions, their rows in the same order, positions by id, match by emotion (0..1), all durations."""

    items: tuple[Intervention, ...]
    rows: tuple[Row, ...]
    position: dict[UUID, int]
    match: dict[Emotion, tuple[float, ...]]
    minutes: frozenset[float]


def mask(words: Iterable[str]) -> int:
    """The bits of some words of one vocabulary."""
    bits = 0
    for word in words:
        bits |= _BITS[word]
    return bits


def unit(rating: float) -> float:
    """A rating of 1–5 on the scale 0..1."""
    return (rating - 1) / 4


def _shared(tally: Tally | None) -> float:
    """What everyone's ratings say, 0..1, drawn towards not knowing while they are few."""
    if tally is None:
        return UNKNOWN
    return (tally.total - tally.count + 4 * SHARED_WEIGHT * UNKNOWN) / (4 * (tally.count + SHARED_WEIGHT))


def _row(item: Intervention, tally: Tally | None) -> Row:
    facts = item.facts
    places: tuple[str, ...] = get_args(MomentPlace) if item.anywhere else item.places
    return Row(
        contraindications=mask(facts.contraindications),
        ages=mask(facts.age_appropriate),
        places=mask(places),
        times=mask(facts.times_of_day),
        premium=facts.is_premium,
        crisis_safe=facts.crisis_safe,
        reaches_out=facts.sub_category == REACHES_OUT,
        energy=ENERGIES.index(facts.energy_required),
        minutes=facts.duration_seconds / 60,
        approach=item.therapeutic_approach,
        evidence=_EVIDENCE[facts.evidence_strength],
        shared=_shared(tally),
        suits_adhd=facts.adhd_friendly,
        suits_autism=facts.asd_friendly and facts.sensory_intensity != "high",
    )


def _match(item: Intervention, emotion: Emotion) -> float:
    """1.0 for the emotion an entry names first, a tenth less for each later one, 0 for the others."""
    targets = item.facts.target_emotions
    return 1 - targets.index(emotion) / 10 if emotion in targets else 0.0


def prepare(library: Iterable[Intervention], everyone: Mapping[UUID, Tally] | None = None) -> Shelf:
    """Lays a library out, without its inactive entries. `everyone` holds the shared ratings, if there are any."""
    items = tuple(item for item in library if item.facts.is_active)
    tallies = everyone or {}
    return Shelf(
        items=items,
        rows=tuple(_row(item, tallies.get(item.id)) for item in items),
        position={item.id: number for number, item in enumerate(items)},
        match={emotion: tuple(_match(item, emotion) for item in items) for emotion in EMOTIONS},
        minutes=frozenset(item.facts.duration_seconds / 60 for item in items),
    )


@cache
def shipped() -> Shelf:
    """The shipped library, laid out once a process and without anyone's ratings."""
    return prepare(load())
