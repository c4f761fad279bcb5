"""The durable record of what a person's devices must learn: rows with a gap-free sequence per person.

A row holds a topic and the id of what changed, never health data. After the commit the writer's process sends one
coalesced NOTIFY (`kernel.wake`); readers give their cursor and miss nothing.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.errors import Problem


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


class Kept(Struct, frozen=True):
    """How far a person's sequence goes, and the oldest change of it that is still kept (None without any)."""

    head: int
    oldest: int | None

    def check(self, cursor: int) -> None:
        """Raise CursorExpired unless everything after `cursor` is still here.

        A cursor beyond the head is of a database that was put back from a backup since.
        """
        if cursor == self.head:
            return
        if cursor > self.head or self.oldest is None or self.oldest > cursor + 1:
            raise CursorExpired


class CursorExpired(Problem):
    """What changed after this cursor is no longer kept. Please start over: load everything anew, without a cursor."""

    code = "cursor_expired"
    status = 410


KEPT: Final = Query(
    "SELECT coalesce((SELECT seq FROM kernel.stream_head WHERE person_id = $1), 0),"
    " (SELECT seq FROM kernel.stream WHERE person_id = $1 ORDER BY seq LIMIT 1)",
    Kept,
    DbRole.MEMBER,
)


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
