"""Leaving by oneself: asking for it, taking that back, and the worker that carries it out.

The wish is a row. A tick erases whoever asked, and follows every erasure that was stopped in the middle: it goes on
with it, or opens the account again. Somebody whom people on duty are looking for or helping waits until that is over.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
from asyncpg import Connection
from msgspec import Struct

from wellspring.kernel import logs
from wellspring.kernel.db import Database, DbRole, Query, Tx
from wellspring.kernel.jobs import JobContext, every
from wellspring.privacy import erasure
from wellspring.privacy.erasure import NotErased
from wellspring.privacy.errors import NotLeaving
from wellspring.privacy.ledger import Ledger
from wellspring.privacy.people import LEAVING

log = logs.get("privacy")

M: Final = DbRole.MEMBER
AT_ONCE: Final = 4
"""How many are erased at the same time, by one worker: each has a connection of its own, and others are waiting too."""
MOST_IN_A_TICK: Final = 200
TIMEOUT_S: Final = 60.0
WaitsFor = Literal["in_crisis", "last_admin", "working"]


class Wish(Struct, frozen=True):
    """When somebody asked to be erased, and what that waits for."""

    asked_at: datetime
    waits_for: WaitsFor | None


ASK: Final = Query(f"INSERT INTO {LEAVING} (person_id) VALUES ($1) ON CONFLICT DO NOTHING", int, M)
WISH: Final = Query(f"SELECT asked_at, waits_for FROM {LEAVING} WHERE person_id = $1", Wish, M)
TAKE_BACK: Final = Query(f"DELETE FROM {LEAVING} WHERE person_id = $1 AND closed_at IS NULL", int, M)
# Those who wait come last, so that they keep nobody else from being erased.
DUE: Final = Query(
    f"SELECT person_id FROM {LEAVING} ORDER BY waits_for IS NOT NULL, random() LIMIT {MOST_IN_A_TICK}",
    UUID,
    DbRole.MAINTENANCE,
    crosses_people=True,
)


async def ask(tx: Tx, person_id: UUID) -> Wish:
    """Note that somebody wants to be erased; asking twice asks once."""
    await tx.do(ASK, person_id)
    return await tx.one(WISH, person_id)


async def wish(tx: Tx, person_id: UUID) -> Wish | None:
    """Return what somebody asked for, None when they did not."""
    return await tx.maybe(WISH, person_id)


async def take_back(tx: Tx, person_id: UUID) -> None:
    """Forget the wish; raises NotLeaving when there is none, or it is too late."""
    if not await tx.do(TAKE_BACK, person_id):
        raise NotLeaving


@asynccontextmanager
async def own_connection(db: Database) -> AsyncGenerator[Connection]:
    """Yield a connection of the worker's for one long piece of work; what it locks is free when it is gone."""
    conn = await asyncpg.connect(db.dsn(DbRole.WORKER), timeout=5, command_timeout=TIMEOUT_S)
    try:
        yield conn
    finally:
        await conn.close()


@every("* * * * * */10", "privacy.leaving")
async def carry_out(context: JobContext) -> None:
    """Erase whoever asked for it, and end what was stopped in the middle; a few at a time.

    Most of an erasure is waiting for what was under way, which several can do together.
    """
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        people = iter(await tx.all(DUE))

    async def one_after_another() -> None:
        for person_id in people:
            await _erase(context, person_id)

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def _erase(context: JobContext, person_id: UUID) -> None:
    try:
        async with own_connection(context.db) as conn:
            await erasure.erase(conn, context.keys, Ledger.of(context.settings), person_id, wait=False)
    except NotErased as refused:
        log.debug("erasure_waits", why=refused.why.value)
    except Exception as error:  # noqa: BLE001 - one erasure that fails must not keep others waiting; it comes again
        log.error("erasure_failed", person_id=person_id, error=error)
