"""UUIDv7 identifiers (RFC 9562), made here or by a client."""

from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto

from wellspring.kernel import clock
from wellspring.kernel.errors import Invalid

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""Older ids are refused: nothing was written before it, and no partition holds it."""
AHEAD = timedelta(days=1)

NIL = UUID(int=0)


def new() -> UUID:
    """Return a new UUIDv7, as the driver's subclass: made, hashed and sent at a fraction of the cost."""
    return cast("UUID", pgproto.UUID(uuid_utils.uuid7().bytes))


def parse(text: str) -> UUID:
    """Return a UUID from its text; raises ValueError."""
    return cast("UUID", pgproto.UUID(text))


def timestamp(value: UUID) -> datetime:
    """Return the time inside a UUIDv7, in UTC, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def check(value: UUID, field: str = "id") -> UUID:
    """Return a client-made id, or raise Invalid: not version 7, more than a day ahead, or before 2020."""
    if value.version != 7:
        raise Invalid.of(field, "id_not_version_7", "The id must be a UUID of version 7.")
    made = (value.int >> 80) / 1000
    if made > (clock.now() + AHEAD).timestamp():
        raise Invalid.of(field, "id_in_future", "The time inside this id is more than a day ahead.")
    if made < EPOCH.timestamp():
        raise Invalid.of(field, "id_too_old", "The time inside this id is before 2020.")
    return value
