"""The library laid out for choosing: what can be computed once is computed once. Prepare again when content changes."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from wellspring.interventions.learning.features import Flags, Floats, Numbers
from wellspring.interventions.learning.kept import Columns
from wellspring.interventions.library import Intervention, LibraryError, load
from wellspring.interventions.vocabulary import (
    APPROACHES,
    CONTRAINDICATIONS,
    EMOTIONS,
    ENERGIES,
    TIMES_OF_DAY,
    AgeBand,
    Emotion,
    MomentPlace,
    Strength,
)

REACHES_OUT: Final = "safety planning"
"""The sub-category that leads to people or away from danger; offered first when somebody is in danger."""

_EVIDENCE: Final[Mapping[Strength, float]] = {"strong": 1.0, "moderate": 0.6, "emerging": 0.3}

_BITS: Final[Mapping[str, int]] = {
    word: 1 << number
    for vocabulary in (CONTRAINDICATIONS, TIMES_OF_DAY, get_args(AgeBand), get_args(MomentPlace))
    for number, word in enumerate(vocabulary)
}


class Shelf(msgspec.Struct, frozen=True):
    """Active interventions sorted by approach, and what choosing asks of each, as columns in the same order.

    The masks are bits of `mask`; `groups` are approaches from 0 to `categories` - 1, and each starts at its
    position in `starts`; `energy` is 0 (minimal) to 3 (high); `evidence` is 0..1; `match`, shape (emotions, items), is
    how well each is meant for an emotion, 0..1. `keys`
    are the short keys of `key_of` in rising order, `holders` the positions that they stand for.
    """

    items: tuple[Intervention, ...]
    position: dict[UUID, int]
    keys: Numbers
    holders: Numbers
    groups: Numbers
    starts: Numbers
    categories: int
    contraindications: Numbers
    ages: Numbers
    places: Numbers
    times: Numbers
    free: Flags
    crisis_safe: Flags
    reaches_out: Flags
    energy: Numbers
    minutes: Floats
    evidence: Floats
    suits_adhd: Flags
    suits_autism: Flags
    match: Floats


def mask(words: Iterable[str]) -> int:
    """The bits of some words of one vocabulary."""
    bits = 0
    for word in words:
        bits |= _BITS[word]
    return bits


def unit(rating: float) -> float:
    """A rating of 1–5 on the scale 0..1."""
    return (rating - 1) / 4


def key_of(intervention_id: UUID) -> int:
    """The three bytes that stand for an intervention in what is kept of a person."""
    return intervention_id.int >> 104


def _match(item: Intervention, emotion: Emotion) -> float:
    """1.0 for the emotion an entry names first, a tenth less for each later one, 0 for the others."""
    targets = item.facts.target_emotions
    return 1 - targets.index(emotion) / 10 if emotion in targets else 0.0


def _places(item: Intervention) -> int:
    return mask(get_args(MomentPlace) if item.anywhere else item.places)


def _keys(items: tuple[Intervention, ...]) -> Numbers:
    """The keys in rising order, and one above all of them. Raises LibraryError when two interventions share one."""
    keys = sorted(key_of(item.id) for item in items)
    if twice := [key for key, following in pairwise(keys) if key == following]:
        same = ", ".join(item.slug for item in items if key_of(item.id) == twice[0])
        raise LibraryError(f"{same}: the same key: rename the newest")
    return np.array([*keys, 1 << 24], dtype=np.intp)


def find(shelf: Shelf, columns: Columns) -> tuple[Numbers, Floats, Floats, Numbers]:
    """Positions of what is kept of a person, and its counts, sums and days, without interventions that are gone."""
    keys = columns.keys
    places = shelf.keys.searchsorted(keys)
    here = shelf.keys[places] == keys
    if here.all():
        return shelf.holders[places], columns.counts, columns.sums, columns.days_ago
    return shelf.holders[places[here]], columns.counts[here], columns.sums[here], columns.days_ago[here]


def _arranged(library: Iterable[Intervention]) -> tuple[Intervention, ...]:
    active = (item for item in library if item.facts.is_active)
    return tuple(sorted(active, key=lambda item: APPROACHES.index(item.therapeutic_approach)))


def prepare(library: Iterable[Intervention]) -> Shelf:
    """Lays a library out, without its inactive entries. Raises LibraryError."""
    items = _arranged(library)
    kinds = list(dict.fromkeys(item.therapeutic_approach for item in items))

    def first_of(kind: str) -> int:
        return next(n for n, item in enumerate(items) if item.therapeutic_approach == kind)

    def column(value: Callable[[Intervention], Any], kind: type[Any]) -> NDArray[Any]:
        return np.array([value(item) for item in items], dtype=kind)

    return Shelf(
        items=items,
        position={item.id: number for number, item in enumerate(items)},
        keys=_keys(items),
        holders=np.array(sorted(range(len(items)), key=lambda n: key_of(items[n].id)), dtype=np.intp),
        groups=column(lambda item: kinds.index(item.therapeutic_approach), np.intp),
        starts=np.array([first_of(kind) for kind in kinds], dtype=np.intp),
        categories=len(kinds),
        contraindications=column(lambda item: mask(item.facts.contraindications), np.intp),
        ages=column(lambda item: mask(item.facts.age_appropriate), np.intp),
        places=column(_places, np.intp),
        times=column(lambda item: mask(item.facts.times_of_day), np.intp),
        free=column(lambda item: not item.facts.is_premium, np.bool_),
        crisis_safe=column(lambda item: item.facts.crisis_safe, np.bool_),
        reaches_out=column(lambda item: item.facts.sub_category == REACHES_OUT, np.bool_),
        energy=column(lambda item: ENERGIES.index(item.facts.energy_required), np.intp),
        minutes=column(lambda item: item.facts.duration_seconds / 60, np.float64),
        evidence=column(lambda item: _EVIDENCE[item.facts.evidence_strength], np.float64),
        suits_adhd=column(lambda item: item.facts.adhd_friendly, np.bool_),
        suits_autism=column(lambda item: item.facts.asd_friendly and item.facts.sensory_intensity != "high", np.bool_),
        match=np.array([[_match(item, emotion) for item in items] for emotion in EMOTIONS]),
    )


@cache
def shipped() -> Shelf:
    """The shipped library, laid out once a process."""
    return prepare(load())
