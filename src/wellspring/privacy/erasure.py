"""Erasing a person, driven by the declarations of the tables.

First the account is closed, then what was under way comes to its end, and then one transaction takes everything:
whoever shared with this person is told that it has ended, rows go or stay as declared, and the data key is destroyed.
Sealed words of what stays (records of crises) are sealed anew under a key that opens nothing else. At last the erasure
is noted outside of the database, for the day on which an older backup is restored. Done again, it finds nothing more.

`privacy.leaving` says how far it came. Whoever is stopped in the middle is followed by `leaving.py`, which goes on or
opens the account again.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final
from uuid import UUID

from asyncpg import Connection
from msgspec import Struct

from wellspring.identity import leaving
from wellspring.kernel import audit
from wellspring.kernel.audit import Access
from wellspring.kernel.crypto import Keyring, Sealer, Unreadable
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.ids import NIL
from wellspring.kernel.tables import Erase, Kind, Named
from wellspring.privacy import closing
from wellspring.privacy.ledger import Ledger
from wellspring.privacy.people import KEYS, LEAVING, Placed, about_people, count, is_here

SETTLE_S: Final = 25.0
"""How long to wait for what was under way; the program's own transactions end sooner."""
_LOOK_S: Final = 0.05

# Every open transaction holds the lock of its virtual number, also one that has written nothing yet.
_UNDER_WAY: Final = (
    "SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'virtualxid'"
    r" AND a.datname = current_database() AND a.usename LIKE 'wellspring\_%'"
)
_BEGUN: Final = (
    f"INSERT INTO {LEAVING} AS l (person_id, by_self, status, closed_at) VALUES ($1, false, $2, now())"
    " ON CONFLICT (person_id) DO UPDATE SET status = coalesce(l.status, excluded.status),"
    " closed_at = coalesce(l.closed_at, now()), waits_for = NULL"
)
_DONE: Final = f"UPDATE {LEAVING} SET done_at = coalesce(done_at, now()) WHERE person_id = $1 RETURNING by_self"
_REFUSED: Final = f"DELETE FROM {LEAVING} WHERE person_id = $1 AND NOT by_self"
_WAITS: Final = (
    f"UPDATE {LEAVING} SET waits_for = $2, status = NULL, closed_at = NULL WHERE person_id = $1"
    " AND (closed_at IS NOT NULL OR waits_for IS DISTINCT FROM $2)"
)
_NOTED: Final = f"DELETE FROM {LEAVING} WHERE person_id = $1 AND done_at IS NOT NULL"
_FIRST_STATUS: Final = f"SELECT status FROM {LEAVING} WHERE person_id = $1"
_MINE: Final = "hashtextextended('privacy.erase ' || $1::text, 0)"
# Who shares with a clinician is told in the transaction that takes that clinician, in rows of their own.
_IN_TURN: Final = (
    f"SET LOCAL lock_timeout = '{SETTLE_S}s'; SELECT pg_advisory_xact_lock(hashtextextended('privacy.erase', 0));"
    " SET LOCAL lock_timeout TO DEFAULT"
)
_JOBS: Final = "SELECT id FROM jobs.pgqueuer WHERE position(convert_to($1, 'UTF8') IN payload) > 0"


class Why(StrEnum):
    """Why somebody is not erased now."""

    IN_CRISIS = "in_crisis"
    LAST_ADMIN = "last_admin"
    WORKING = "working"


class NotErased(Exception):
    """Somebody cannot be erased now; nothing was taken."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class Rows(Struct, frozen=True):
    """How many rows of a table, and whose: the person's own, or others' that name them."""

    table: str
    rows: int
    own: bool = True


class Stays(Struct, frozen=True):
    """How many rows of a table stay, why, and for how many years (0: its own rule)."""

    table: str
    rows: int
    why: str
    years: int


class Erased(Struct, frozen=True):
    """What goes, what stays, and where only the name is taken from rows of others; `done` when it has happened."""

    person_id: UUID
    done: bool
    deleted: list[Rows]
    cleared: list[Rows]
    kept: list[Stays]
    jobs: int

    @property
    def total(self) -> int:
        """Return how many rows go or change."""
        return sum(row.rows for row in (*self.deleted, *self.cleared)) + self.jobs


async def plan(conn: Connection, person_id: UUID) -> Erased:
    """Return what erasing this person would do. Raises NotErased."""
    async with conn.transaction():
        places = await about_people(conn)
        await _refuse(conn, places, person_id)
        return await _seen(conn, places, person_id)


@asynccontextmanager
async def alone(conn: Connection, person_id: UUID, *, wait: bool = True) -> AsyncGenerator[bool]:
    """Be the only one who erases this person for the length of the block; without `wait`, tell whether one is.

    The lock is the connection's: whoever is killed has it no more.
    """
    name = str(person_id)
    if wait:
        await conn.execute(f"SELECT pg_advisory_lock({_MINE})", name)
    elif not await conn.fetchval(f"SELECT pg_try_advisory_lock({_MINE})", name):
        yield False
        return
    try:
        yield True
    finally:
        if not conn.is_closed():
            await conn.execute(f"SELECT pg_advisory_unlock({_MINE})", name)


async def erase(
    conn: Connection, keys: Keyring, ledger: Ledger, person_id: UUID, *, again: bool = False, wait: bool = True
) -> Erased | None:
    """Erase a person and return what went and what stays. Raises NotErased; may be run again at any time.

    `again` is for somebody who was erased and came back with a backup: a crisis event that was open at that time was
    brought to its end before they went, and ends with them. Without `wait`, None when somebody else is at it.
    """
    async with alone(conn, person_id, wait=wait) as mine:
        if not mine:
            return None
        await conn.execute("SELECT set_config('app.subject_id', $1, false)", str(person_id))
        return await _erase(conn, keys, ledger, person_id, again=again)


async def _erase(conn: Connection, keys: Keyring, ledger: Ledger, person_id: UUID, *, again: bool) -> Erased:
    async with conn.transaction():
        places = await about_people(conn)
    try:
        async with conn.transaction():
            await _refuse(conn, places, person_id, again=again)
            status = await leaving.close(conn, person_id)
            if status is not None:
                await conn.execute(_BEGUN, person_id, status)
        await _settled(conn)
        async with conn.transaction():
            await conn.execute(_IN_TURN)
            await _refuse_busy(conn, places, person_id, again=again)
            found = await _seen(conn, places, person_id)
            if status is not None:
                await _end_work(conn, places, person_id)
                if not again:  # else they were told when this happened first
                    await closing.end(Tx(conn, DbRole.WORKER), person_id)
                await _new_key(conn, keys, places, person_id)
            await _take(conn, places, person_id)
            by_self = await conn.fetchval(_DONE, person_id)
            actor = person_id if by_self else NIL
            access = Access(
                action="privacy:person:erase",
                section="everything",
                person_id=person_id,
                actor_id=actor,
                count=found.total,
            )
            await conn.execute(audit.RECORD.sql, *access.args())
    except NotErased as refused:  # perhaps by danger found in something that was under way: the account stays open
        await _give_up(conn, person_id, refused.why)
        raise
    await _settled(conn)
    async with conn.transaction():  # a job that ran meanwhile may have left something
        await _take(conn, places, person_id)
    if by_self is not None:
        await asyncio.to_thread(ledger.note, person_id)
        await conn.execute(_NOTED, person_id)
    return Erased(person_id, True, found.deleted, found.cleared, found.kept, found.jobs)


async def _give_up(conn: Connection, person_id: UUID, why: Why) -> None:
    """Open the account again, if it was closed for this; who asked by themselves goes on waiting."""
    async with conn.transaction():
        status = await conn.fetchval(_FIRST_STATUS, person_id)
        if status is not None:
            await leaving.reopen(conn, person_id, status)
        await conn.execute(_REFUSED, person_id)
        await conn.execute(_WAITS, person_id, why.value)


async def _refuse(conn: Connection, places: list[Placed], person_id: UUID, *, again: bool = False) -> None:
    if await leaving.is_last_admin(conn, person_id):
        raise NotErased(Why.LAST_ADMIN)
    await _refuse_busy(conn, places, person_id, again=again)


async def _refuse_busy(conn: Connection, places: list[Placed], person_id: UUID, *, again: bool) -> None:
    for place in places:
        if not place.table.busy:
            continue
        own = () if again else (("person_id", Why.IN_CRISIS),)
        for column, why in (*own, *((name, Why.WORKING) for name, _ in place.table.names)):
            test = f'SELECT EXISTS (SELECT 1 FROM {place.sql} WHERE "{column}" = $1 AND ({place.table.busy}))'
            if await conn.fetchval(test, person_id):
                raise NotErased(why)


async def _seen(conn: Connection, places: list[Placed], person_id: UUID) -> Erased:
    deleted, cleared, kept = [], [], []
    for place in places:
        table = place.table
        if table.kind is Kind.SYSTEM and table.erase is Erase.KEEP:
            continue  # seals of the audit trail, and how far this came: neither says anything about the person
        rows = await count(conn, place, person_id)
        if table.name == KEYS and not await is_here(conn, person_id):
            continue  # of somebody who is gone, a key is left for what stays
        if rows and table.erase is Erase.DELETE:
            deleted.append(Rows(table.name, rows))
        elif rows:
            kept.append(Stays(table.name, rows, table.keep_reason, table.keep_years))
        for column, then in table.names:
            others = await count(conn, place, person_id, column)
            if others and then is Named.REMOVE:
                deleted.append(Rows(table.name, others, own=False))
            elif others and then is Named.CLEAR:
                cleared.append(Rows(table.name, others, own=False))
    jobs = len(await conn.fetch(_JOBS, str(person_id)))
    return Erased(person_id, False, deleted, cleared, kept, jobs)


async def _settled(conn: Connection) -> None:
    """Wait until everything that the program had begun before has ended."""
    began = await _under_way(conn)
    for _ in range(int(SETTLE_S / _LOOK_S)):
        if not began & await _under_way(conn):
            return
        await asyncio.sleep(_LOOK_S)


async def _under_way(conn: Connection) -> set[str]:
    return {row[0] for row in await conn.fetch(_UNDER_WAY)}


async def _end_work(conn: Connection, places: list[Placed], person_id: UUID) -> None:
    """End what would be worked on for ever: the person is not there any more."""
    for place in places:
        if place.table.busy:
            text = f"UPDATE {place.sql} SET {place.table.ends} WHERE person_id = $1 AND ({place.table.busy})"
            await conn.execute(text, person_id)


async def _new_key(conn: Connection, keys: Keyring, places: list[Placed], person_id: UUID) -> None:
    """Put a fresh data key in the place of the old one, and seal under it what stays."""
    wrapped = await conn.fetchval(f"SELECT wrapped FROM {KEYS} WHERE person_id = $1 FOR UPDATE", person_id)
    if wrapped is None:
        return
    try:
        old = keys.sealer(wrapped, person_id)
    except Unreadable:
        return  # what nobody can open stays as it is
    new, fresh = keys.new_key(person_id)
    for place in _kept(places):
        for column in place.table.sealed:
            await _seal_anew(conn, place, column, person_id, old, new)
    await conn.execute(f"UPDATE {KEYS} SET wrapped = $2 WHERE person_id = $1", person_id, fresh)


async def _seal_anew(conn: Connection, place: Placed, column: str, person_id: UUID, old: Sealer, new: Sealer) -> None:
    key, where = place.table.row_key, f"{place.table.name}.{column}"
    text = f'SELECT "{key}", "{column}" FROM {place.sql} WHERE person_id = $1 AND "{column}" IS NOT NULL'
    for row_id, value in await conn.fetch(text, person_id):
        try:
            sealed = new.seal(old.open(value, where, row_id), where, row_id)
        except Unreadable:
            continue
        store = f'UPDATE {place.sql} SET "{column}" = $3 WHERE person_id = $1 AND "{key}" = $2'
        await conn.execute(store, person_id, row_id, sealed)


def _kept(places: list[Placed]) -> list[Placed]:
    return [p for p in places if p.table.erase is Erase.KEEP and p.table.kind is Kind.PERSON]


async def _take(conn: Connection, places: list[Placed], person_id: UUID) -> None:
    """Delete as declared; the data key goes unless sealed words of the person stay.

    Rows of others that name the person go, or lose the name, by their keys to the person's own row.
    """
    await _take_jobs(conn, person_id)
    sealed = [p for p in _kept(places) if p.table.sealed]
    needed = any([await count(conn, place, person_id) for place in sealed])
    for place in places:
        if place.table.erase is Erase.DELETE and not (needed and place.table.name == KEYS):
            await conn.execute(f"DELETE FROM {place.sql} WHERE person_id = $1", person_id)


async def _take_jobs(conn: Connection, person_id: UUID) -> None:
    """Delete the jobs about a person, and what the queue noted of them."""
    jobs = [row[0] for row in await conn.fetch(_JOBS, str(person_id))]
    await conn.execute("DELETE FROM jobs.pgqueuer WHERE id = ANY($1::bigint[])", jobs)
    await conn.execute(
        "DELETE FROM jobs.pgqueuer_log WHERE job_id = ANY($1::bigint[]) OR position($2 IN traceback::text) > 0",
        jobs,
        str(person_id),
    )
