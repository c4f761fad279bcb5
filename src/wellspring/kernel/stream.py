"""The durable record of what a person's devices must learn: rows with a gap-free sequence per person.

A row holds a topic and the id of what changed, never health data. After the commit the writer's process sends one
coalesced NOTIFY (`kernel.wake`); readers give their cursor and miss nothing.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query, Tx


class Change(Struct, frozen=True):
    """One change: its place in the person's sequence, a topic such as `checkin.created`, and an id."""

    seq: int
    topic: str
    ref: UUID


def append(person: str, row_id: str, topic: str, ref: str) -> str:
    """Return two CTEs (`head`, `streamed`) that append a change; the arguments are SQL expressions."""
    return (
        "head AS (INSERT INTO kernel.stream_head AS h (person_id, seq)"
        f" VALUES ({person}, 1) ON CONFLICT (person_id) DO UPDATE SET seq = h.seq + 1 RETURNING h.seq), "
        "streamed AS (INSERT INTO kernel.stream (person_id, id, seq, topic, ref)"
        f" SELECT {person}, {row_id}, head.seq, {topic}, {ref} FROM head)"
    )


APPEND: Final = Query(
    f"WITH {append('$1::uuid', '$2::uuid', '$3::text', '$4::uuid')} SELECT seq FROM head",
    int,
    DbRole.MEMBER,
    DbRole.STAFF,
    DbRole.WORKER,
)

SINCE: Final = Query(
    "SELECT seq, topic, ref FROM kernel.stream WHERE person_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    Change,
    DbRole.MEMBER,
)

HEAD: Final = Query("SELECT coalesce((SELECT seq FROM kernel.stream_head WHERE person_id = $1), 0)", int, DbRole.MEMBER)


class Delivery(Struct, frozen=True):
    """A change and whose it is."""

    person_id: UUID
    seq: int
    topic: str
    ref: UUID


SINCE_MANY: Final = Query(
    "SELECT person_id, seq, topic, ref FROM kernel.stream_since($1::uuid[], $2::bigint[])",
    Delivery,
    DbRole.SIGNIN,
    crosses_people=True,
)


async def publish(tx: Tx, person_id: UUID, topic: str, ref: UUID) -> None:
    """Append a change for one person in the caller's transaction, and wake readers once it commits."""
    await tx.one(APPEND, person_id, ids.new(), topic, ref)
    tx.woken.add(person_id)
