"""Idempotency-Key: sending the same request twice stores once and answers the same.

Kept are digests of key and body, the status and the id of what was made; the reply is rebuilt from the row.
"""

import hashlib
import re
from typing import Final
from uuid import UUID

from asyncpg import UniqueViolationError
from msgspec import Struct

from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.errors import InFlight, Invalid, KeyReused

_FORM: Final = re.compile(r"[\x21-\x7e]{8,200}")


class Key(Struct, frozen=True):
    """A request's key: its digest, the lock number it maps to, and the digest of the body."""

    digest: bytes
    lock: int
    body: bytes


class Stored(Struct, frozen=True):
    """What an earlier request with this key left: the digest of its body, its status, the id it made."""

    body: bytes
    status: int
    ref: UUID


def key(header: str | None, person_id: UUID, route: str, body: bytes) -> Key | None:
    """Return the key of a request, None when it has none; raises Invalid for an unusable header."""
    if header is None:
        return None
    if not _FORM.fullmatch(header):
        raise Invalid.of(
            "Idempotency-Key", "idempotency_key_invalid", "Use 8 to 200 printable characters without spaces."
        )
    digest = hashlib.sha256(b"\0".join((person_id.bytes, route.encode(), header.encode()))).digest()
    lock = int.from_bytes(digest[:8], signed=True)
    return Key(digest, lock, hashlib.sha256(body).digest())


# The lock and the look-up are one statement; a rival that commits between the two is caught by the primary key.
FIND: Final[str] = "pg_try_advisory_xact_lock({lock}::bigint)"
STORED: Final[str] = (
    "(SELECT ARRAY[i.body_digest::text, i.status::text, i.ref::text] FROM kernel.idempotency i"
    " WHERE i.person_id = {person} AND i.key_digest = {digest}::bytea)"
)


class Found(Struct, frozen=True):
    """Whether the lock was free, and what was stored."""

    free: bool
    stored: list[str] | None


BEGIN: Final = Query(
    f"SELECT {FIND.format(lock='$3')}, {STORED.format(person='$1', digest='$2')}",
    Found,
    DbRole.MEMBER,
    DbRole.STAFF,
)

KEEP: Final = Query(
    "INSERT INTO kernel.idempotency (person_id, key_digest, body_digest, status, ref) VALUES ($1, $2, $3, $4, $5)",
    int,
    DbRole.MEMBER,
    DbRole.STAFF,
    DbRole.SIGNIN,
)


def judge(found: Found, wanted: Key) -> Stored | None:
    """Return what to replay, None to go on; raises InFlight or KeyReused."""
    if not found.free:
        raise InFlight
    if found.stored is None:
        return None
    stored = Stored(bytes.fromhex(found.stored[0][2:]), int(found.stored[1]), UUID(found.stored[2]))
    if stored.body != wanted.body:
        raise KeyReused
    return stored


async def begin(tx: Tx, person_id: UUID, wanted: Key | None) -> Stored | None:
    """Take the key for this transaction; return what an earlier one left."""
    if wanted is None:
        return None
    return judge(await tx.one(BEGIN, person_id, wanted.digest, wanted.lock), wanted)


async def keep(tx: Tx, person_id: UUID, wanted: Key | None, status: int, ref: UUID) -> None:
    """Remember what this request made; raises InFlight when a rival with the same key did so a moment ago."""
    if wanted is not None:
        try:
            await tx.do(KEEP, person_id, wanted.digest, wanted.body, status, ref)
        except UniqueViolationError as error:
            raise InFlight from error
