"""Upkeep of the kernel's own tables, and the rotation of the key-encryption key."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import logs
from wellspring.kernel.crypto import Keyring, Unreadable
from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JOBS, JobContext, every

log = logs.get("maintenance")

BATCH: Final = 5000
AHEAD: Final = 2
"""Quarters for which partitions exist beyond the current one."""

FORGET_STREAM: Final = Query("SELECT kernel.forget_stream()", int, DbRole.MAINTENANCE)
PARTITIONS: Final = Query("SELECT kernel.ensure_partitions($1, $2)", int, DbRole.MAINTENANCE)


def old(table: str, key: str, test: str) -> Query[int]:
    """Return the statement that deletes one batch of rows that are too old; a batch never locks for long."""
    return Query(
        f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("
        f"SELECT ctid FROM {table} WHERE {test} ORDER BY {key} LIMIT {BATCH}))",
        int,
        DbRole.MAINTENANCE,
        crosses_people=True,
    )


OLD: Final = (
    old("kernel.idempotency", "created_at", "created_at < now() - interval '7 days'"),
    old("kernel.attempt", "last_at", "last_at < now() - interval '1 day' AND coalesce(locked_until, now()) <= now()"),
    old("jobs.pgqueuer_log", "created", "created < now() - interval '7 days'"),
    old("jobs.pgqueuer_statistics", "created", "created < now() - interval '90 days'"),
)
"""What may go: keys of repeated requests, failed sign-ins, the log and the statistics of the queue."""


STRAYS: Final = Query(
    "UPDATE jobs.pgqueuer SET status = 'failed', updated = now() WHERE status = 'queued'"
    " AND execute_after < now() - interval '1 day' AND entrypoint <> ALL($1::text[]) RETURNING entrypoint",
    str,
    DbRole.MAINTENANCE,
)
"""Jobs of another version, whose names nobody here knows. A day is for workers that are still to be replaced by it."""


async def clean(db: Database, queries: Sequence[Query[int]] = OLD) -> int:
    """Delete what is too old, batch by batch; return how many rows."""
    total = 0
    for query in queries:
        found = BATCH
        while found == BATCH:
            async with db.begin(DbRole.MAINTENANCE) as tx:
                found = await tx.do(query)
            total += found
    return total


@every("*/5 * * * *", "kernel.clean")
async def clean_tick(context: JobContext) -> None:
    """Delete what is too old, and set aside jobs that no worker will take."""
    await clean(context.db)
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        strays = await tx.all(STRAYS, list(JOBS))
    for name in sorted(set(strays)):
        log.error("jobs_unknown", job=name, jobs=strays.count(name))


@every("11 3 * * *", "kernel.partitions")
async def partitions_tick(context: JobContext) -> None:
    """Make the partitions of the coming quarters; changes of quarters that ended two quarters ago go."""
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        for table in ("audit", "stream"):
            await tx.one(PARTITIONS, table, AHEAD)
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        await tx.one(FORGET_STREAM)


class Wrapped(Struct, frozen=True):
    """A person's data key, wrapped."""

    person_id: UUID
    wrapped: bytes


TO_ROTATE: Final = Query(
    "SELECT person_id, wrapped FROM kernel.person_key WHERE person_id > $1 AND get_byte(wrapped, 1) <> $2"
    " ORDER BY person_id LIMIT $3",
    Wrapped,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
# `old` guards against a key that was erased or wrapped anew in the meantime.
REWRAP: Final = Query(
    "UPDATE kernel.person_key k SET wrapped = n.new FROM unnest($1::uuid[], $2::bytea[], $3::bytea[])"
    " AS n(person_id, old, new) WHERE k.person_id = n.person_id AND k.wrapped = n.old",
    int,
    DbRole.MAINTENANCE,
    crosses_people=True,
)


def _rewrapped(keys: Keyring, row: Wrapped) -> bytes | None:
    try:
        return keys.rewrap(row.wrapped, row.person_id)
    except Unreadable as error:
        log.error("key_unreadable", person_id=row.person_id, error=error)
        return None


async def rotate_keys(db: Database, keys: Keyring) -> int:
    """Wrap every data key under the current KEK, online, in batches; return how many were wrapped anew.

    A key that cannot be opened stays as it is and is logged. Once this returns 0, older KEKs may be taken away.
    """
    total, last = 0, NIL
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            rows = await tx.all(TO_ROTATE, last, keys.current, BATCH // 10)
            done = [(r.person_id, r.wrapped, new) for r in rows if (new := _rewrapped(keys, r)) is not None]
            if done:
                total += await tx.do(REWRAP, *map(list, zip(*done, strict=True)))
        if not rows:
            return total
        last = rows[-1].person_id
