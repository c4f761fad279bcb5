"""The shared state in the database: read into each process, added to while the day goes on, learned again at night."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final
from uuid import UUID

import numpy as np

from wellspring.interventions import model as models
from wellspring.interventions import shared_queries as q
from wellspring.interventions.evaluate import Rated
from wellspring.interventions.learning.features import WIDTH
from wellspring.interventions.learning.regression import PAIRS, pack, unpack
from wellspring.interventions.model import Block, Model, make
from wellspring.interventions.moment import Seen
from wellspring.interventions.outcomes import Outcome, Relearned, fold, relearn
from wellspring.interventions.shelf import Shelf, shipped
from wellspring.kernel import logs
from wellspring.kernel.db import Database, DbRole, Tx
from wellspring.kernel.errors import Problem
from wellspring.kernel.ids import NIL

log = logs.get("recommender")

FOLLOW_EVERY_S: Final = 30.0
PAGE: Final = 5000
MOST: Final = 200_000
"""Outcomes learned from, the newest: older ones would cost memory and change nothing."""
AT_ONCE: Final = 100
"""People whose kept numbers are written in one transaction, or moments removed in one, so that nobody waits for it."""
ASKED_DAYS: Final = 30
"""How long what was said when asking without a check-in is kept, unless something was learned at it."""
_SINGLE: Final = np.dtype("<f4")


def _block(row: q.BlockRow) -> Block | None:
    """Return a block, or None when it was made with other features or is damaged: one that is no number spoils its
    whole category, and the night makes it again."""
    if len(row.gram) != PAIRS * _SINGLE.itemsize or len(row.moment) != WIDTH * _SINGLE.itemsize:
        return None
    gram, moment = np.frombuffer(row.gram, _SINGLE), np.frombuffer(row.moment, _SINGLE)
    if not (np.isfinite(gram).all() and np.isfinite(moment).all()):
        return None
    return Block(unpack(gram[None].astype(np.float64))[0], moment.astype(np.float64), row.ratings, row.people)


async def blocks_of(tx: Tx) -> dict[UUID, Block]:
    """Return the shared state by intervention."""
    rows = await tx.all(q.BLOCKS)
    return {row.intervention_id: block for row in rows if (block := _block(row)) is not None}


async def load(db: Database) -> Model:
    """Return the model that is stored now, for the shipped library."""
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        version = await tx.one(q.VERSION)
        return make(shipped(), await blocks_of(tx), version)


async def follow(db: Database) -> bool:
    """Take up the stored model if it is another than this process decides by; tell whether it was."""
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        version = await tx.one(q.VERSION)
    if version == models.current().version:
        return False
    models.hold(await load(db))
    return True


async def follow_for_ever(db: Database) -> None:
    """Follow the stored model, beside the requests: none of them ever asks for its version."""
    while True:
        try:
            await follow(db)
        except Problem as error:
            log.warning("not_followed", error=error)
        except Exception as error:  # noqa: BLE001 - what was learned before still serves
            log.error("follow_failed", error=error)
        await asyncio.sleep(FOLLOW_EVERY_S)


async def _put(tx: Tx, blocks: dict[UUID, Block]) -> None:
    grams = pack(np.array([b.gram for b in blocks.values()]).reshape(-1, WIDTH, WIDTH)).astype(_SINGLE)
    moments = np.array([b.moment for b in blocks.values()]).reshape(-1, WIDTH).astype(_SINGLE)
    await tx.do(
        q.PUT_BLOCKS,
        list(blocks),
        [gram.tobytes() for gram in grams],
        [moment.tobytes() for moment in moments],
        [block.ratings for block in blocks.values()],
        [block.people for block in blocks.values()],
    )


def outcome(row: q.OutcomeRow) -> Outcome:
    """Return a stored outcome, its features as an array: many thousands of them are held at once."""
    return Outcome(
        person_id=row.person_id,
        intervention_id=row.intervention_id,
        at=row.at,
        x=np.array(row.features, dtype=np.float32),
        prior=row.prior,
        rating=row.rating,
        target=row.target,
        weight=row.weight,
        pooled=row.pooled,
        amended_at=row.amended_at,
    )


def _usable(row: q.OutcomeRow) -> bool:
    return len(row.features) == WIDTH


async def fold_new(db: Database) -> int:
    """Add what was rated since the last time; return how much. Does nothing while everything is learned again.

    The first time, everything that there is is learned at once.
    """
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        first = await tx.one(q.IS_FIRST)
    if first:
        return (await relearn_all(db)).ratings
    total = 0
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            if await tx.maybe(q.LOCK_OR_SKIP) is None:
                return total
            rows = await tx.all(q.NEW, PAGE)
            if not rows:
                return total
            kept = {row.person_id: row.state for row in rows}
            changed = fold(await blocks_of(tx), [outcome(r) for r in rows if _usable(r)], kept, shipped())
            await _put(tx, changed)
            await tx.do(q.FOLDED, [row.person_id for row in rows], [row.id for row in rows])
            await tx.one(q.NEXT_VERSION, False)
            total += len(rows)


async def _read(tx: Tx) -> list[q.OutcomeRow]:
    """Return the newest outcomes of everybody, in order of people."""
    since = await tx.one(q.OLDEST, MOST)
    found: list[q.OutcomeRow] = []
    last = (NIL, NIL)
    while page := await tx.all(q.PAGE, *last, since, PAGE):
        found += page
        last = (page[-1].person_id, page[-1].id)
    return found


async def _refresh(db: Database, learned: Relearned, rows: Sequence[q.OutcomeRow], done: q.State) -> int:
    """Write what is kept of each person anew, with residuals from today's expectations; return of how many.

    Each part holds the lock of the model, and is written only while nobody has learned everything again meanwhile.
    """
    # Of a person whose outcomes lay on two pages the smaller number counts: they may have grown in between.
    seen: dict[UUID, int] = {}
    for row in rows:
        seen[row.person_id] = min(row.interactions, seen.get(row.person_id, row.interactions))
    changed = 0
    items = iter(learned.kept.items())
    while people := list(islice(items, AT_ONCE)):
        ids, states = [person_id for person_id, _ in people], [state for _, state in people]
        async with db.begin(DbRole.MAINTENANCE, flush=False) as tx:
            if (await tx.one(q.LOCK)).relearned_at != done.relearned_at:
                break
            changed += await tx.do(q.REFRESH, ids, states, [seen[person_id] for person_id in ids], done.version)
    return changed


async def relearn_all(db: Database) -> Relearned:
    """Learn everything again from the outcomes that are stored: who was erased or withdrew is in it no more."""
    shelf: Shelf = shipped()
    async with db.begin(DbRole.MAINTENANCE) as tx:
        await tx.one(q.LOCK)
        rows = [row for row in await _read(tx) if _usable(row)]
        learned = await asyncio.to_thread(relearn, [outcome(row) for row in rows], shelf)
        await tx.do(q.KEEP_BLOCKS, list(learned.blocks))
        await _put(tx, learned.blocks)
        new = [row for row in rows if row.pooled and not row.folded]
        await tx.do(q.FOLDED, [row.person_id for row in new], [row.id for row in new])
        done = await tx.one(q.NEXT_VERSION, True)
    await _refresh(db, learned, rows, done)
    return learned


async def drop_asked(db: Database) -> int:
    """Remove moments that were asked for without a check-in and served nothing; return how many."""
    total = 0
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            gone = await tx.do(q.DROP_ASKED, ASKED_DAYS, AT_ONCE)
        total += gone
        if gone < AT_ONCE:
            return total


async def _rated(tx: Tx) -> list[q.RatedRow]:
    found: list[q.RatedRow] = []
    last = (NIL, NIL)
    while page := await tx.all(q.RATED, *last, PAGE):
        found += page
        last = (page[-1].person_id, page[-1].id)
    return found


async def history_to_judge(db: Database) -> tuple[list[Outcome], list[Rated]]:
    """Return what `evaluate` needs: outcomes of those who agreed that theirs help others, and their rated offers."""
    async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        rows = [row for row in await _read(tx) if _usable(row)]
        rated = await _rated(tx)
    outcomes = {(row.person_id, row.id): outcome(row) for row in rows}
    people = {row.person_id for row in rated}
    return [o for o in outcomes.values() if o.person_id in people], [
        Rated(
            outcome=outcomes[row.person_id, row.id],
            moment_id=row.moment_id,
            made_at=row.made_at,
            offered=row.offered,
            propensities=row.propensities,
            context=row.context,
            contraindications=row.contraindications,
            policy_version=row.policy_version,
            seen=[
                Seen(i, max(hours, 0.0) / 24) for i, hours in zip(row.seen_ids or (), row.seen_hours or (), strict=True)
            ],
        )
        for row in rated
        if (row.person_id, row.id) in outcomes
    ]
