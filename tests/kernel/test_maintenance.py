"""Upkeep: what is old goes, partitions are made ahead, data keys move to a new key-encryption key online."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from tests.support import database
from tests.support.people import Person
from wellspring.identity import jobs as identity_jobs
from wellspring.kernel import ids, maintenance, seal
from wellspring.kernel.crypto import Keyring, Unreadable
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JOBS, TICKS, JobContext
from wellspring.migrations import bootstrap

pytestmark = pytest.mark.anyio

BOTH = Keyring({1: b"k" * 32, 2: b"n" * 32}, b"r" * 32)
NEW = Keyring({2: b"n" * 32}, b"r" * 32)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


@pytest.fixture
def context(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {})


async def test_old_rows_go_and_young_ones_stay(
    context: JobContext, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 5000)
    for age, times in (("8 days", 3), ("6 days", 2)):
        await owner.execute(
            "INSERT INTO kernel.idempotency SELECT gen_random_uuid(), 'k', 'b', 201, gen_random_uuid(),"
            f" now() - interval '{age}' FROM generate_series(1, {times})"
        )
        await owner.execute(
            "INSERT INTO jobs.pgqueuer_log (created, job_id, status, priority, entrypoint)"
            f" SELECT now() - interval '{age}', 1, 'successful', 0, 'x' FROM generate_series(1, {times})"
        )
    await owner.execute(
        "INSERT INTO kernel.attempt VALUES ('old', 1, now() - interval '25 hours', NULL),"
        " ('young', 1, now(), NULL), ('locked', 9, now() - interval '25 hours', now() + interval '1 hour')"
    )
    await maintenance.clean_tick(context)
    assert await owner.fetchval("SELECT count(*) FROM kernel.idempotency") == 2
    assert await owner.fetchval("SELECT count(*) FROM jobs.pgqueuer_log") == 2
    assert await owner.fetchval("SELECT array_agg(scope ORDER BY scope) FROM kernel.attempt") == [b"locked", b"young"]


async def test_jobs_that_no_worker_knows_are_set_aside_after_a_day(
    context: JobContext, owner: asyncpg.Connection
) -> None:
    for name, hours in (("another_version.job", 25), ("another_version.job", 23), ("kernel.known", 25)):
        await owner.execute(
            "INSERT INTO jobs.pgqueuer (priority, entrypoint, status, execute_after)"
            " VALUES (0, $1, 'queued', now() - make_interval(hours => $2))",
            name,
            hours,
        )
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(JOBS, "kernel.known", None)
        await maintenance.clean_tick(context)
    rows = await owner.fetch("SELECT entrypoint, status::text FROM jobs.pgqueuer ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("another_version.job", "failed"),
        ("another_version.job", "queued"),
        ("kernel.known", "queued"),
    ]


async def test_more_rows_than_a_batch_all_go(context: JobContext, owner: asyncpg.Connection) -> None:
    await owner.execute(
        "INSERT INTO jobs.pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " SELECT now() - interval '8 days', 1, 'successful', 0, 'x' FROM generate_series(1, $1)",
        maintenance.BATCH + 10,
    )
    assert await maintenance.clean(context.db) == maintenance.BATCH + 10


async def test_partitions_exist_two_quarters_ahead_and_are_made_once(
    context: JobContext, owner: asyncpg.Connection
) -> None:
    names = await _partitions(owner)
    last = max(name for name in names if not name.endswith("default"))
    await owner.execute(f"DROP TABLE kernel.{last}")
    await maintenance.partitions_tick(context)
    await maintenance.partitions_tick(context)
    assert await _partitions(owner) == names
    today = datetime.now(UTC)
    assert f"audit_{today.year}q{(today.month + 2) // 3}" in names


QUARTER = "date_trunc('quarter', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"


def _stream_row(at: str) -> str:
    return (
        "INSERT INTO kernel.stream (person_id, id, seq, topic, ref)"
        f" SELECT gen_random_uuid(), kernel.uuid7_floor({at}), 1, 'x', gen_random_uuid()"
    )


async def test_a_quarter_that_began_without_its_partition_keeps_no_other_from_being_made(
    context: JobContext, owner: asyncpg.Connection
) -> None:
    """After a long pause the web processes write before the nightly job: their rows lie in the default partition."""
    names = sorted(name for name in await _partitions(owner) if name.startswith("stream") and "default" not in name)
    for name in names:
        await owner.execute(f"DROP TABLE kernel.{name}")
    await owner.execute(_stream_row("now()"))
    await maintenance.partitions_tick(context)
    found = await _partitions(owner)
    assert names[0] not in found
    assert set(names[1:]) <= found
    assert await owner.fetchval("SELECT count(*) FROM kernel.stream") == 1


async def test_a_start_makes_the_partitions_before_anybody_writes(owner: asyncpg.Connection, database_url: str) -> None:
    names = await _partitions(owner)
    for name in names:
        if "default" not in name:
            await owner.execute(f"DROP TABLE kernel.{name}")
    bootstrap.prepare(database_url, database.KEYS)
    assert await _partitions(owner) == names


async def test_changes_are_kept_for_two_quarters(context: JobContext, owner: asyncpg.Connection) -> None:
    for months in (3, 6, 9, 12):
        await owner.execute(_stream_row(f"{QUARTER} - interval '{months} months'"))
    await owner.execute(
        "DO $$ DECLARE start timestamptz := date_trunc('quarter', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
        " - interval '24 months'; BEGIN EXECUTE format('CREATE TABLE kernel.%I PARTITION OF kernel.stream"
        " FOR VALUES FROM (%L) TO (%L)', 'stream' || to_char(start AT TIME ZONE 'UTC', '\"_\"YYYY\"q\"Q'),"
        " kernel.uuid7_floor(start), kernel.uuid7_floor(start + interval '3 months')); END $$"
    )
    await owner.execute(_stream_row(f"{QUARTER} - interval '24 months'"))
    before = await _partitions(owner)
    await maintenance.partitions_tick(context)
    await maintenance.partitions_tick(context)
    assert await owner.fetchval("SELECT count(*) FROM kernel.stream") == 2
    [gone] = before - await _partitions(owner)
    assert gone.startswith("stream_")


async def test_what_became_of_messages_is_kept_for_two_quarters(
    context: JobContext, owner: asyncpg.Connection, alice: Person
) -> None:
    for number, (age, state) in enumerate((("7 months", "sent"), ("7 months", "queued"), ("5 months", "sent"))):
        await owner.execute(
            "INSERT INTO notify.delivery (person_id, id, channel, template, language, unique_key, ref, state,"
            " created_at)"
            f" VALUES ($1, $2, 'mail', 'x', 'en', $3, $2, $4, now() - interval '{age}')",
            alice.id,
            ids.new(),
            str(number),
            state,
        )
    await TICKS["notify.forget"][1](context)
    left = await owner.fetch("SELECT unique_key FROM notify.delivery WHERE template = 'x' ORDER BY 1")
    assert [row["unique_key"] for row in left] == ["1", "2"]


async def _partitions(owner: asyncpg.Connection) -> set[str]:
    rows = await owner.fetch("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    return {row["relname"] for row in rows}


async def test_sessions_are_forgotten_90_days_after_their_end(
    context: JobContext, owner: asyncpg.Connection, alice: Person
) -> None:
    for end in ("NULL", "now() - interval '91 days'", "now() - interval '89 days'"):
        await owner.execute(
            "INSERT INTO identity.session (person_id, id, kind, is_staff, expires_at, ended_at)"
            f" VALUES ($1, $2, 'api', false, now(), {end})",
            alice.id,
            ids.new(),
        )
    assert await identity_jobs.forget_sessions(context.db) == 1
    await identity_jobs.forget_sessions_tick(context)
    assert await owner.fetchval("SELECT count(*) FROM identity.session") == 3
    assert (await alice.get("/v1/users/me")).status_code == 200


async def test_keys_rotate_while_people_go_on(
    parts: Edge, owner: asyncpg.Connection, alice: Person, charlie: Person
) -> None:
    await alice.patch("/v1/users/me", json={"bio": "before"})
    assert await maintenance.rotate_keys(parts.db, parts.keys) == 0
    with pytest.raises(Unreadable):
        NEW.sealer(await _wrapped(owner, alice), alice.id)
    parts.keys = BOTH
    assert (await alice.get("/v1/users/me")).json()["bio"] == "before"
    assert await maintenance.rotate_keys(parts.db, BOTH) == 2
    assert await maintenance.rotate_keys(parts.db, BOTH) == 0
    parts.keys = NEW
    assert (await alice.get("/v1/users/me")).json()["bio"] == "before"
    assert (await charlie.get("/v1/users/me")).status_code == 200


async def _wrapped(owner: asyncpg.Connection, who: Person) -> bytes:
    return bytes(await owner.fetchval("SELECT wrapped FROM kernel.person_key WHERE person_id = $1", who.id))


async def test_a_key_that_cannot_be_opened_stays_and_stops_nobody(
    parts: Edge, owner: asyncpg.Connection, alice: Person, charlie: Person
) -> None:
    broken = await _wrapped(owner, charlie)
    broken = broken[:-1] + bytes([broken[-1] ^ 1])
    await owner.execute("UPDATE kernel.person_key SET wrapped = $2 WHERE person_id = $1", charlie.id, broken)
    assert await maintenance.rotate_keys(parts.db, BOTH) == 1
    assert await _wrapped(owner, charlie) == broken
    assert (await _wrapped(owner, alice))[1] == 2


async def test_many_keys_rotate_in_batches(parts: Edge, owner: asyncpg.Connection) -> None:
    people = [ids.new() for _ in range(maintenance.BATCH // 10 + 20)]
    rows = [(person, database.KEYS.new_key(person)[1]) for person in people]
    await owner.executemany("INSERT INTO kernel.person_key (person_id, wrapped) VALUES ($1, $2)", rows)
    assert await maintenance.rotate_keys(parts.db, BOTH) == len(people)
    left = await owner.fetchval("SELECT count(*) FROM kernel.person_key WHERE get_byte(wrapped, 1) <> 2")
    assert left == 0


def test_the_ticks_are_there() -> None:
    assert TICKS["kernel.seal"][1] is seal.seal_tick
    assert {"kernel.clean", "kernel.partitions", "identity.forget_sessions"} <= set(TICKS)
