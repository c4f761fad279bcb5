"""A model that has learned nothing, one that has been taught, and what is kept of somebody."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from wellspring.interventions import History, Seen, intervention_id, load, shipped
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened
from wellspring.interventions.model import Model, make
from wellspring.interventions.moment import Context
from wellspring.interventions.outcomes import Outcome, relearn
from wellspring.interventions.score import moment_of
from wellspring.interventions.shelf import key_of

LIBRARY = load()
SHELF = shipped()
MODEL = make(SHELF, {}, 0)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = kept.day_of(NOW)


def after(*rated: tuple[str, float]) -> History:
    """Somebody who rated these, so much above expectation (0..1), a month ago."""
    happened = [Happened(key_of(intervention_id(slug)), TODAY - 30, 0.5, above, 1.0) for slug, above in rated]
    return History((), kept.added(b"", *happened), TODAY)


def lately(*slugs: str, days: float = 0.2) -> History:
    """Somebody who was offered these so many days ago."""
    return History(tuple(Seen(intervention_id(slug), days) for slug in slugs), b"", TODAY)


def outcome(person: int, slug: str, rating: float, context: Context | None = None) -> Outcome:
    """A rating (0..1) that somebody gave."""
    moment = moment_of(MODEL.scoring, context or Context(mood=5, energy=5, age="18+"), History())
    number = SHELF.position[intervention_id(slug)]
    return Outcome(
        person_id=UUID(int=person + 1),
        intervention_id=intervention_id(slug),
        at=NOW,
        x=moment.x.tolist(),
        prior=float(moment.prior[number]),
        rating=rating,
        target=rating,
        weight=1.0,
        pooled=True,
    )


def taught(ratings: dict[str, float], people: int = 40, usual: float = 0.5) -> Model:
    """The model after these people rated everything once: what is named so, all else `usual`."""
    everything = [
        outcome(person, item.slug, ratings.get(item.slug, usual)) for person in range(people) for item in SHELF.items
    ]
    return make(SHELF, relearn(everything, SHELF).blocks, 1)


async def waits(owner: asyncpg.Connection, task: asyncio.Task[Any]) -> bool:
    """Tell whether a task has come to wait for a lock of the database, once it has or is done."""
    blocked = (
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    while not task.done() and not await owner.fetchval(blocked):
        await asyncio.sleep(0.01)
    return not task.done()
