"""From sessions that ended to what is learned of them; everything here is arithmetic on rows that others read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning import effects, fit, kept
from wellspring.interventions.learning.features import WIDTH, Floats, Singles
from wellspring.interventions.learning.fit import Log, Shared
from wellspring.interventions.learning.kept import Happened
from wellspring.interventions.model import Block, Model
from wellspring.interventions.schemas import Tag
from wellspring.interventions.shelf import Shelf, find, key_of, unit

SKIPPED: Final = 0.25
"""What a skip says of this intervention for this person, on the scale of ratings: less than a middling one."""
NOT_FOR_ME: Final = 0.0
SKIP_WEIGHT: Final = 0.5


class Outcome(Struct, frozen=True, kw_only=True):
    """One session that ended, as it is stored and learned from.

    `x` are the features of its moment, `prior` the expected rating before anything was learned. `target` (0..1) is what
    is learned: the rating, or what a skip says; None when there is nothing to learn but when it was done. `rating` is
    None unless the person rated it. `pooled` outcomes teach what is shared. `at` is when the session ended, whatever
    was said of it since; `amended_at` is when something else was last said, None where that never happened.
    """

    person_id: UUID
    intervention_id: UUID
    at: datetime
    x: Sequence[float] | Singles
    prior: float
    rating: float | None
    target: float | None
    weight: float
    pooled: bool
    amended_at: datetime | None = None


def signal(stars: int | None, tags: Iterable[Tag], *, skipped: bool) -> tuple[float | None, float]:
    """Return what a session's end says of the intervention for this person (0..1, None: nothing), and its weight.

    A rating says itself. A skip says little, and nothing when it was only not the moment.
    """
    if stars is not None:
        return unit(stars), 1.0
    if not skipped or "not_now" in tags:
        return None, 0.0
    return (NOT_FOR_ME if "not_for_me" in tags else SKIPPED), SKIP_WEIGHT


def happened(outcome: Outcome, shared: float) -> Happened:
    """Return what is kept of an outcome, where `shared` is the rating that was expected of anybody, with its prior."""
    residual = 0.0 if outcome.target is None else outcome.target - shared
    weight = 0.0 if outcome.target is None else outcome.weight
    return Happened(key_of(outcome.intervention_id), kept.day_of(outcome.at), outcome.rating, residual, weight)


def shared_rating(model: Model, outcome: Outcome) -> float:
    """Return the rating that the model expects of anybody in the outcome's moment."""
    number = model.shelf.position.get(outcome.intervention_id)
    learned = 0.0 if number is None else float(model.weights.mean[number] @ np.asarray(outcome.x))
    return outcome.prior + learned


def kept_of(model: Model, outcomes: Iterable[Outcome]) -> bytes:
    """Return what is kept of one person whose outcomes come in the order in which they happened."""
    known = (outcome for outcome in outcomes if outcome.intervention_id in model.shelf.position)
    return kept.added(b"", *(happened(outcome, shared_rating(model, outcome)) for outcome in known))


class Relearned(Struct, frozen=True):
    """What a whole log teaches: the blocks of the shared state, and what is kept of each person."""

    blocks: dict[UUID, Block]
    kept: dict[UUID, bytes]
    ratings: int


def _log(outcomes: Sequence[Outcome], shelf: Shelf, numbers: dict[UUID, int]) -> Log:
    teaching = [o for o in outcomes if o.target is not None]
    return Log(
        person=np.array([numbers[o.person_id] for o in teaching], dtype=np.intp),
        arm=np.array([shelf.position[o.intervention_id] for o in teaching], dtype=np.intp),
        x=np.array([o.x for o in teaching], dtype=np.float64).reshape(-1, WIDTH),
        y=np.array([(o.target or 0.0) - o.prior for o in teaching], dtype=np.float64),
        pooled=np.array([o.pooled for o in teaching], dtype=np.bool_),
    )


def _kept(outcomes: Sequence[Outcome], weights: Floats, shelf: Shelf) -> dict[UUID, bytes]:
    """Return what is kept of each person; outcomes of a person come in the order in which they happened."""
    by_person: dict[UUID, list[Happened]] = {}
    for outcome in outcomes:
        number = shelf.position[outcome.intervention_id]
        expected = outcome.prior + float(weights[number] @ np.asarray(outcome.x))
        by_person.setdefault(outcome.person_id, []).append(happened(outcome, expected))
    return {person_id: kept.added(b"", *found) for person_id, found in by_person.items()}


def blocks_of(shared: Shared, shelf: Shelf) -> dict[UUID, Block]:
    """Return the shared state by intervention, without those that nobody rated."""
    return {
        item.id: Block(shared.gram[n], shared.moment[n], int(shared.ratings[n]), int(shared.people[n]))
        for n, item in enumerate(shelf.items)
        if shared.ratings[n]
    }


def relearn(outcomes: Iterable[Outcome], shelf: Shelf) -> Relearned:
    """Learn everything again; what is not on the shelf any more is left out."""
    known = sorted((o for o in outcomes if o.intervention_id in shelf.position), key=lambda o: o.at)
    numbers = {person_id: n for n, person_id in enumerate(dict.fromkeys(o.person_id for o in known))}
    shared = fit.shared(_log(known, shelf, numbers), shelf.groups)
    return Relearned(blocks_of(shared, shelf), _kept(known, shared.weights, shelf), int(shared.ratings.sum()))


def folded(block: Block | None, outcome: Outcome, own: float) -> Block:
    """Return an intervention's block with one outcome more, less what is this person's own.

    How many people rated it is counted when everything is learned again.
    """
    x = np.asarray(outcome.x, dtype=np.float64)
    y = (outcome.target or 0.0) - outcome.prior - own
    if block is None:
        return Block(np.outer(x, x), x * y, 1, 0)
    return Block(block.gram + np.outer(x, x), block.moment + x * y, block.ratings + 1, block.people)


def fold(
    blocks: dict[UUID, Block], outcomes: Iterable[Outcome], kept_of: Mapping[UUID, bytes], shelf: Shelf
) -> dict[UUID, Block]:
    """Return the blocks that outcomes change, by what is kept of their people, who have learned of them already."""
    changed: dict[UUID, Block] = {}
    for outcome in outcomes:
        number = shelf.position.get(outcome.intervention_id)
        if number is None or not outcome.pooled or outcome.target is None:
            continue
        own = effect(kept_of.get(outcome.person_id, b""), shelf, number)
        before = changed.get(outcome.intervention_id) or blocks.get(outcome.intervention_id)
        changed[outcome.intervention_id] = folded(before, outcome, own)
    return changed


def effect(kept_bytes: bytes, shelf: Shelf, number: int) -> float:
    """Return somebody's own effect on one intervention."""
    tried, counts, sums, _ = find(shelf, kept.columns(kept_bytes, 0))
    if not len(tried):
        return 0.0
    return float(effects.of_person(counts, sums, tried, shelf.groups, shelf.categories).mean[number])
