"""The program's own policy in the simulated world: its code, as the program runs it."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
from numpy.random import Generator

from bench.simulator.world import OFFERS, PEOPLE, library, person_id
from wellspring.interventions.choose import CURIOSITY, choose
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.features import Floats
from wellspring.interventions.model import Block, make
from wellspring.interventions.moment import Context, History
from wellspring.interventions.outcomes import Outcome, fold, happened, relearn, shared_rating
from wellspring.interventions.score import moment_of
from wellspring.interventions.shelf import prepare, unit

APART: Final = timedelta(days=30)
"""Between two rounds, so that what repetition takes away is gone: nobody is bored in this world."""
NIGHTS: Final = 10
"""Everything is learned again after so many rounds; in between only each person's own effects act."""


class Ours:
    """`choose` with the shared model and what is kept of each person."""

    def __init__(self, rng: Generator, *, personal: bool = True, curiosity: float = CURIOSITY) -> None:
        self._rng, self._personal, self._curiosity = rng, personal, curiosity
        self._shelf = prepare(library())
        self._model = make(self._shelf, {}, 0)
        self._kept = [b""] * PEOPLE
        self._outcomes: list[Outcome] = []
        self._new: list[Outcome] = []
        self._blocks: dict[UUID, Block] = {}
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self._round = 0

    def _history(self, person: int) -> History:
        return History((), self._kept[person] if self._personal else b"", kept.day_of(self._now))

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        seed = int(self._rng.integers(1 << 63))
        offers = choose(context, self._model, self._history(person), OFFERS, seed, curiosity=self._curiosity)
        self._context = context
        return [self._shelf.position[offer.intervention.id] for offer in offers]

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        moment = moment_of(self._model.scoring, self._context, self._history(person))
        outcome = Outcome(
            person_id=person_id(person),
            intervention_id=self._shelf.items[arm].id,
            at=self._now,
            x=moment.x.tolist(),
            prior=float(moment.prior[arm]),
            rating=unit(stars),
            target=unit(stars),
            weight=1.0,
            pooled=True,
        )
        self._outcomes.append(outcome)
        self._new.append(outcome)
        self._kept[person] = kept.added(self._kept[person], happened(outcome, shared_rating(self._model, outcome)))

    def night(self) -> None:
        self._now += APART
        self._round += 1
        if self._round % NIGHTS:
            kept_now = {person_id(n): one for n, one in enumerate(self._kept)} if self._personal else {}
            self._blocks |= fold(self._blocks, self._new, kept_now, self._shelf)
        else:
            self._relearn()
        self._new.clear()
        self._model = make(self._shelf, self._blocks, self._round)

    def _relearn(self) -> None:
        # Without personal effects every rating is taken for another person's.
        outcomes = self._outcomes if self._personal else [_alone(n, o) for n, o in enumerate(self._outcomes)]
        found = relearn(outcomes, self._shelf)
        self._blocks = found.blocks
        if self._personal:
            self._kept = [found.kept.get(person_id(person), b"") for person in range(PEOPLE)]

    def bytes_a_person(self) -> int:
        """Return the most that is kept of anybody."""
        return int(np.max([len(one) for one in self._kept]))


def _alone(number: int, outcome: Outcome) -> Outcome:
    return msgspec.structs.replace(outcome, person_id=person_id(number))
