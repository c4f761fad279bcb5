"""What is believed of each intervention for one person in one moment: the shared regression and their own effects."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import numpy as np
from msgspec import Struct

from wellspring.interventions.filters import Filters, filters_of
from wellspring.interventions.learning.effects import OF_NOBODY, Effects, of_person
from wellspring.interventions.learning.features import WIDTH, Floats, Numbers, Singles
from wellspring.interventions.learning.regression import Posterior, pairs, posterior
from wellspring.interventions.score import Moment, Scoring, scoring_of
from wellspring.interventions.shelf import Shelf, shipped


class Block(Struct, frozen=True):
    """What everybody's ratings say of one intervention: sum of x xᵀ (WIDTH, WIDTH), sum of x y (WIDTH,), how many
    ratings, from how many people. y is the rating above its prior, without the person's own effect."""

    gram: Floats
    moment: Floats
    ratings: int
    people: int


class Model(Struct, frozen=True):
    """The shared state, laid out for one shelf. `version` 0 has learned nothing. `usual`, shape (WIDTH,), are the mean
    weights over the shelf, `people`, shape (items,), how many people rated each, `alike`, shape (items, WIDTH), how
    many ratings it has of moments with each feature."""

    version: int
    scoring: Scoring
    filters: Filters
    weights: Posterior
    usual: Floats
    people: Numbers
    alike: Floats

    @property
    def shelf(self) -> Shelf:
        """Return the shelf that it was made for."""
        return self.scoring.shelf


class Belief(Struct, frozen=True):
    """By position: the expected rating (0..1, not cut off); the standard deviation of what is an intervention's own,
    for everybody and for this person; this person's effects (None: nothing is known of them); `pairs` of the moment."""

    mean: Floats
    spread: Floats
    effects: Effects | None
    products: Singles


def make(shelf: Shelf, blocks: Mapping[UUID, Block], version: int) -> Model:
    """Return the model for a shelf; what has no block has learned nothing, what is not on the shelf is left out."""
    count = len(shelf.items)
    gram, moment = np.zeros((count, WIDTH, WIDTH)), np.zeros((count, WIDTH))
    people = np.zeros(count, dtype=np.intp)
    for intervention_id, block in blocks.items():
        number = shelf.position.get(intervention_id)
        if number is not None:
            gram[number], moment[number], people[number] = block.gram, block.moment, block.people
    weights = posterior(gram, moment, shelf.groups)
    usual: Floats = weights.mean.sum(axis=0) / max(count, 1)
    alike: Floats = gram.diagonal(axis1=1, axis2=2)
    return Model(version, scoring_of(shelf), filters_of(shelf), weights, usual, people, alike)


def believe(model: Model, moment: Moment) -> Belief:
    """Return what is believed in this moment."""
    weights, shelf = model.weights, model.shelf
    mean = weights.mean @ moment.x
    mean += moment.prior
    products = pairs(moment.x)
    variance = weights.own @ products
    if not len(moment.tried):
        return Belief(mean, np.sqrt(variance + OF_NOBODY[0]), None, products)
    found = of_person(moment.counts, moment.sums, moment.tried, shelf.groups, shelf.categories)
    return Belief(mean + found.mean, np.sqrt(variance + found.own), found, products)


def deviations(model: Model, belief: Belief, picks: list[int]) -> list[float]:
    """Return the standard deviations of expected ratings, with everything that is unsure."""
    variance = model.weights.whole[picks] @ belief.products
    personal = OF_NOBODY[1] if belief.effects is None else belief.effects.whole[picks]
    found: list[float] = np.sqrt(variance + personal).tolist()
    return found


class _Held:
    """The model that this process decides by."""

    def __init__(self) -> None:
        self.model: Model | None = None


_HELD: Final = _Held()


def current() -> Model:
    """Return the model that this process decides by; one that has learned nothing until `hold` was called."""
    if _HELD.model is None:
        _HELD.model = make(shipped(), {}, 0)
    return _HELD.model


def hold(model: Model | None) -> None:
    """Decide by this model from now on; None forgets what was learned."""
    _HELD.model = model
