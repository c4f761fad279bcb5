"""Who may be offered what: safety, which is never relaxed, and comfort, which gives way where too little is left."""

from collections.abc import Iterable
from itertools import product
from typing import Final, get_args

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning.features import Flags, Numbers
from wellspring.interventions.library import Intervention
from wellspring.interventions.moment import Context
from wellspring.interventions.shelf import Shelf, mask
from wellspring.interventions.vocabulary import (
    ENERGIES,
    TIMES_OF_DAY,
    Against,
    AgeBand,
    MomentPlace,
    TimeOfDay,
    energy_of,
)

FAR_ABOVE: Final = 2
"""Steps of energy above what there is that are too many to be comfortable."""

CAREFUL_AGE: Final[AgeBand] = "13-17"
"""How an unknown age is treated."""


class Filters(Struct, frozen=True):
    """The answers of one shelf: what is safe by age, premium and danger; what suits an energy, a place, a time."""

    shelf: Shelf
    safe: dict[tuple[AgeBand, bool, bool], Flags]
    energy: list[Flags]
    place: dict[MomentPlace, Flags]
    time: dict[TimeOfDay, Flags]


def _safe(shelf: Shelf, age: AgeBand, *, premium: bool, danger: bool) -> Flags:
    found: Flags = (shelf.ages & mask((age,))) != 0
    if not premium:
        found &= shelf.free
    return found & shelf.crisis_safe if danger else found


def filters_of(shelf: Shelf) -> Filters:
    """Work out the answers for a shelf."""
    return Filters(
        shelf=shelf,
        safe={
            (age, premium, danger): _safe(shelf, age, premium=premium, danger=danger)
            for age, premium, danger in product(get_args(AgeBand), (False, True), (False, True))
        },
        energy=[shelf.energy < have + FAR_ABOVE for have in range(len(ENERGIES))],
        place={place: (shelf.places & mask((place,))) != 0 for place in get_args(MomentPlace)},
        time={time: (shelf.times & mask((time,))) != 0 for time in TIMES_OF_DAY},
    )


def safe(filters: Filters, context: Context) -> Flags:
    """Which are allowed: not contraindicated, of the right age, paid for, and in danger safe in a crisis."""
    found = filters.safe[context.age or CAREFUL_AGE, context.premium, context.danger]
    if context.contraindications:
        found = found & ((filters.shelf.contraindications & mask(context.contraindications)) == 0)
    return found


def against(
    item: Intervention, contraindications: Iterable[str], age: AgeBand | None, *, danger: bool
) -> list[Against]:
    """Why an intervention is not offered to somebody, by the same rules; empty when nothing speaks against it."""
    facts, told = item.facts, frozenset(contraindications)
    found = list[Against](word for word in facts.contraindications if word in told)
    if (age or CAREFUL_AGE) not in facts.age_appropriate:
        found.append("age")
    if danger and not facts.crisis_safe:
        found.append("hard_time")
    return found


def _suits(filters: Filters, context: Context) -> list[Flags]:
    """What each comfort filter says, as far as the person said anything: time at hand, energy, place, time of day."""
    found = list[Flags]()
    if context.time_available_minutes is not None:
        found.append(filters.shelf.minutes <= context.time_available_minutes)
    if context.energy is not None:
        found.append(filters.energy[ENERGIES.index(energy_of(context.energy))])
    if context.place is not None:
        found.append(filters.place[context.place])
    if context.time_of_day is not None:
        found.append(filters.time[context.time_of_day])
    return found


def comfortable(filters: Filters, context: Context, allowed: Flags) -> Flags:
    """Which of the allowed ones fail no comfort filter."""
    for suits in _suits(filters, context):
        allowed = allowed & suits
    return allowed


def discomfort(filters: Filters, context: Context) -> Numbers:
    """How many comfort filters each fails, 0 to 4; in danger what leads to people fails none."""
    fails = np.zeros(len(filters.shelf.items), dtype=np.intp)
    for suits in _suits(filters, context):
        fails += ~suits
    if context.danger:
        fails[filters.shelf.reaches_out] = 0
    return fails
