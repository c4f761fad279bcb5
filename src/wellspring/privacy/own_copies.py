"""A copy of everything about oneself: a job writes it, in parts that are sealed like a journal; it goes after a day.

It belongs to the sign-in in which its owner gave the password once more: no other one of theirs can fetch it.
"""

import io
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from asyncpg import Connection
from msgspec import Struct

from wellspring.kernel import ids, jobs, vault
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Begin, DbRole, Query, Tx
from wellspring.kernel.errors import NotFound
from wellspring.kernel.jobs import JobContext, JobPayload, every, register
from wellspring.privacy import copies
from wellspring.privacy.errors import CopyNotReady
from wellspring.privacy.leaving import own_connection
from wellspring.privacy.people import KEYS

M: Final = DbRole.MEMBER
JOB: Final = "privacy.copy"
PART: Final = 256 * 1024
"""How many bytes are sealed together."""
SEALED: Final = "privacy.copy_part.sealed"
State = Literal["asked", "ready", "failed"]


class Copy(Struct, frozen=True):
    """A copy that was asked for; `here` when it was in this sign-in."""

    id: UUID
    state: State
    size: int
    asked_at: datetime
    expires_at: datetime
    here: bool


class Part(Struct, frozen=True):
    """A sealed part, and the id of its row."""

    id: UUID
    sealed: bytes


# A job that was killed again and again says nothing any more: after an hour nobody waits for it.
FIND: Final = Query(
    "SELECT id, CASE WHEN state = 'asked' AND asked_at < now() - interval '1 hour' THEN 'failed' ELSE state END,"
    " size, asked_at, expires_at, session_id = $2 FROM privacy.copy WHERE person_id = $1 AND expires_at > now()",
    Copy,
    M,
)
ADD: Final = Query(
    "INSERT INTO privacy.copy (person_id, id, session_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", int, M
)
REMOVE: Final = Query("DELETE FROM privacy.copy WHERE person_id = $1", int, M)
READ: Final = Query(
    "SELECT p.id, p.sealed FROM privacy.copy_part p JOIN privacy.copy c ON c.person_id = p.person_id"
    " AND c.id = p.copy_id WHERE p.person_id = $1 AND p.copy_id = $2 AND p.n = $3 AND c.session_id = $4"
    " AND c.state = 'ready' AND c.expires_at > now()",
    Part,
    M,
)
OVER: Final = Query("DELETE FROM privacy.copy WHERE expires_at <= now()", int, DbRole.MAINTENANCE, crosses_people=True)


async def find(tx: Tx, person_id: UUID, session_id: UUID) -> Copy | None:
    """Return the copy of this person that there is, None when there is none."""
    return await tx.maybe(FIND, person_id, session_id)


async def ask(tx: Tx, person_id: UUID, session_id: UUID) -> Copy:
    """Ask for a copy, in the place of an earlier one; who asks twice while it is made asks once."""
    found = await find(tx, person_id, session_id)
    if found is not None and found.state == "asked" and found.here:
        return found
    await tx.do(REMOVE, person_id)
    made = ids.new()
    if await tx.do(ADD, person_id, made, session_id):
        await jobs.enqueue(tx, JOB, person_id, made)
    found = await find(tx, person_id, session_id)
    if found is None:
        raise NotFound
    return found


async def remove(tx: Tx, person_id: UUID) -> None:
    """Remove the copy; raises NotFound."""
    if not await tx.do(REMOVE, person_id):
        raise NotFound


async def ready(tx: Tx, person_id: UUID, session_id: UUID) -> Copy:
    """Return the copy that can be fetched here; raises CopyNotReady, and NotFound when there is none."""
    found = await find(tx, person_id, session_id)
    if found is None or not found.here:
        raise NotFound
    if found.state != "ready":
        raise CopyNotReady
    return found


async def content(
    begin: Callable[[], Begin], keys: Keyring, found: Copy, person_id: UUID, session_id: UUID
) -> AsyncGenerator[bytes]:
    """Yield the file part by part, each from a transaction of its own that checks the sign-in anew."""
    n, sent = 0, 0
    while sent < found.size:  # not one look more: whoever has all of it hangs up
        async with begin() as tx:
            part = await tx.maybe(READ, person_id, found.id, n, session_id)
            sealer = None if part is None else await vault.sealer(tx, keys, person_id)
        if part is None or sealer is None:
            return
        plain = sealer.open(part.sealed, SEALED, part.id)
        n, sent = n + 1, sent + len(plain)
        yield plain


class _Parts(io.RawIOBase):
    """A file that can only be written: what comes is kept until it is stored in parts."""

    def __init__(self, conn: Connection, sealer: Sealer, person_id: UUID, copy_id: UUID) -> None:
        super().__init__()
        self._conn, self._sealer = conn, sealer
        self._person_id, self._copy_id = person_id, copy_id
        self._buffer = bytearray()
        self._n = 0
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._buffer += data
        self.size += len(data)
        return len(data)

    async def drain(self, least: int = PART) -> None:
        """Store what has come, as soon as it is `least` bytes."""
        while self._buffer and len(self._buffer) >= least:
            plain, row_id = bytes(self._buffer[:PART]), ids.new()
            del self._buffer[:PART]
            await self._conn.execute(
                "INSERT INTO privacy.copy_part (person_id, id, copy_id, n, sealed) VALUES ($1, $2, $3, $4, $5)",
                self._person_id,
                row_id,
                self._copy_id,
                self._n,
                self._sealer.seal(plain, SEALED, row_id),
            )
            self._n += 1


_WANTED: Final = "SELECT 1 FROM privacy.copy WHERE person_id = $1 AND id = $2 AND state = 'asked'"
_AGAIN: Final = "DELETE FROM privacy.copy_part WHERE person_id = $1 AND copy_id = $2"
_READY: Final = (
    "UPDATE privacy.copy SET state = 'ready', size = $3, expires_at = now() + interval '1 day'"
    " WHERE person_id = $1 AND id = $2"
)


@register(JOB, at_once=2)
async def make(context: JobContext, payload: JobPayload) -> None:
    """Write a copy that was asked for and is still wanted."""
    person_id, copy_id = payload.person_id, payload.ref
    async with own_connection(context.db) as reading, own_connection(context.db) as storing:
        for conn in (reading, storing):
            await conn.execute("SELECT set_config('app.subject_id', $1, false)", str(person_id))
        if await storing.fetchval(_WANTED, person_id, copy_id) is None:
            return
        await storing.execute(_AGAIN, person_id, copy_id)
        wrapped = await storing.fetchval(f"SELECT wrapped FROM {KEYS} WHERE person_id = $1", person_id)
        sealer = context.keys.sealer(wrapped, person_id)
        parts = _Parts(storing, sealer, person_id, copy_id)
        await copies.write_archive(reading, context.keys, person_id, parts, drain=parts.drain)  # type: ignore[arg-type]
        await parts.drain(1)
        await storing.execute(_READY, person_id, copy_id, parts.size)


@every("*/10 * * * *", "privacy.copies_over")
async def remove_over(context: JobContext) -> None:
    """Remove copies whose day is over."""
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        await tx.do(OVER)
