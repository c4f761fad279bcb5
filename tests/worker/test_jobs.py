"""Jobs in one worker: committed ones run, at once when woken; failed ones are tried again, then held."""

import asyncio
import os
import signal
import time
from collections import Counter
from uuid import UUID

import asyncpg
import pytest

from tests.worker.support import listening, put, states, until_states, working
from wellspring import worker
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JOBS, JobContext, JobPayload, enqueue, register

pytestmark = pytest.mark.anyio

RAN: Counter[UUID] = Counter()
AT: dict[UUID, float] = {}
CANARY = "the heron waits in the reeds"


@register("test.count")
async def count(_: JobContext, payload: JobPayload) -> None:
    AT[payload.ref] = time.perf_counter()
    RAN[payload.ref] += 1


@register("test.fail")
async def fail(_: JobContext, payload: JobPayload) -> None:
    RAN[payload.ref] += 1
    raise ValueError(CANARY)


@register("test.fail_once")
async def fail_once(_: JobContext, payload: JobPayload) -> None:
    RAN[payload.ref] += 1
    if RAN[payload.ref] == 1:
        raise ValueError(CANARY)


@register("test.hang")
async def hang(_: JobContext, payload: JobPayload) -> None:
    RAN[payload.ref] += 1
    await asyncio.sleep(60)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests wait for no back-off of minutes."""
    monkeypatch.setattr(worker, "DELAYS_S", (0,) * 7)
    monkeypatch.setattr(worker, "_GRACE_S", 0.2)


async def until_ran(ref: UUID, times: int = 1, seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.01)):
        if RAN[ref] >= times:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(RAN[ref])


async def put_and_fail(parts: Edge, ref: UUID) -> None:
    async with parts.db.begin(DbRole.WORKER) as tx:
        await enqueue(tx, "test.count", ids.NIL, ref)
        raise KeyError("changed my mind")


async def test_a_job_of_a_transaction_that_rolls_back_never_runs(parts: Edge, database_url: str) -> None:
    ref = ids.new()
    async with working(parts):
        await listening(database_url)
        with pytest.raises(KeyError):
            await put_and_fail(parts, ref)
        marker = await put(parts, "test.count")
        await until_ran(marker)
        await until_states(parts, [])
    assert RAN[ref] == 0


async def test_a_committed_job_runs_within_100_ms_when_woken(parts: Edge, database_url: str) -> None:
    async with working(parts):
        await listening(database_url)
        await until_ran(await put(parts, "test.count"))
        waits = []
        for _ in range(20):
            ref = await put(parts, "test.count")
            committed = time.perf_counter()
            await until_ran(ref)
            waits.append(AT[ref] - committed)
            await asyncio.sleep(0.02)
    waits.sort()
    print(f"picked up after p50 {waits[9] * 1000:.1f} ms, worst {waits[-1] * 1000:.1f} ms")
    assert waits[9] < 0.1


async def test_a_job_nobody_told_about_runs_within_two_seconds(parts: Edge, database_url: str) -> None:
    async with working(parts):
        await listening(database_url)
        parts.db.on_commit = None
        ref = await put(parts, "test.count")
        await until_ran(ref, seconds=2.5)


async def test_a_job_starts_when_its_time_has_come_and_not_before(parts: Edge, database_url: str) -> None:
    async with working(parts):
        await listening(database_url)
        began = time.perf_counter()
        ref = await put(parts, "test.count", after_s=0.8)
        await until_ran(ref)
        assert AT[ref] - began >= 0.75


async def test_a_failed_job_is_tried_again(parts: Edge) -> None:
    async with working(parts):
        ref = await put(parts, "test.fail_once")
        await until_ran(ref, 2)
        await until_states(parts, [])


async def test_a_job_that_always_fails_is_held_and_its_words_stay_out_of_the_queue(
    parts: Edge, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with working(parts):
        ref = await put(parts, "test.fail")
        await until_states(parts, ["failed 7"])
    assert RAN[ref] == worker.MOST_TRIES
    conn = await asyncpg.connect(database_url)
    logged = await conn.fetchval("SELECT string_agg(traceback::text, ' ') FROM jobs.pgqueuer_log")
    await conn.close()
    assert "ValueError" in logged
    assert CANARY not in logged
    assert CANARY not in capfd.readouterr().err


async def test_a_payload_nobody_can_read_is_held_at_once(parts: Edge, database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        "INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status) VALUES (0, 'test.count', '{', 'queued')"
    )
    await conn.close()
    async with working(parts):
        await until_states(parts, ["failed 0"])


async def lose(conn: asyncpg.Connection, times: int) -> None:
    """Let workers take the one job of the queue and die: each says who it is, and nobody says how it ended."""
    for _ in range(times):
        await conn.execute("UPDATE jobs.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid()")
    await conn.execute("UPDATE jobs.pgqueuer SET heartbeat = now() - interval '1 minute'")


async def test_a_job_that_was_picked_too_often_is_set_aside_unrun(parts: Edge, database_url: str) -> None:
    ref = await put(parts, "test.count")
    conn = await asyncpg.connect(database_url)
    await lose(conn, worker.MOST_PICKS)
    async with working(parts):
        await until_states(parts, ["failed 0"])
    assert RAN[ref] == 0
    assert await conn.fetchval("SELECT headers FROM jobs.pgqueuer") is None
    await conn.execute("UPDATE jobs.pgqueuer SET status = 'queued'")
    await conn.close()
    async with working(parts):
        await until_ran(ref)
        await until_states(parts, [])


async def test_a_job_that_was_lost_less_often_runs(parts: Edge, database_url: str) -> None:
    ref = await put(parts, "test.count")
    conn = await asyncpg.connect(database_url)
    await lose(conn, worker.MOST_PICKS - 1)
    await conn.close()
    async with working(parts):
        await until_ran(ref)
        await until_states(parts, [])


async def test_a_job_that_its_own_worker_takes_again_was_not_lost(parts: Edge, database_url: str) -> None:
    await put(parts, "test.count")
    conn = await asyncpg.connect(database_url)
    await lose(conn, 1)
    await conn.execute("UPDATE jobs.pgqueuer SET status = 'picked', heartbeat = now()")
    assert await conn.fetchval("SELECT headers FROM jobs.pgqueuer") is None
    await conn.execute("UPDATE jobs.pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid()")
    assert await conn.fetchval("SELECT headers->>'lost' FROM jobs.pgqueuer") == "1"
    await conn.close()


async def test_ticks_run_and_one_that_fails_stops_nothing(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    ticked: list[str] = []

    async def good(context: JobContext) -> None:
        assert context.db is parts.db
        ticked.append("good")

    async def bad(_: JobContext) -> None:
        ticked.append("bad")
        raise ValueError(CANARY)

    monkeypatch.setattr(worker, "TICKS", {"test.good": ("* * * * * *", good), "test.bad": ("* * * * * *", bad)})
    async with working(parts):
        for _ in range(200):
            if ticked.count("good") >= 2 and ticked.count("bad") >= 2:
                break
            await asyncio.sleep(0.05)
    assert {"good", "bad"} == set(ticked)
    assert min(ticked.count("good"), ticked.count("bad")) >= 2


async def test_two_workers_run_each_tick_once(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    at: list[int] = []

    async def tick(_: JobContext) -> None:
        at.append(int(time.time()))

    monkeypatch.setattr(worker, "TICKS", {"test.tick": ("* * * * * *", tick)})
    async with working(parts), working(parts):
        await asyncio.sleep(5)
    assert 2 <= len(at) <= 6


async def test_a_worker_waits_for_a_database_that_is_away(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = parts.db.dsn, 0

    def dsn(role: DbRole) -> str:
        nonlocal asked
        asked += 1
        return "postgresql://x@127.0.0.1:9/none" if asked < 3 else real(role)

    monkeypatch.setattr(parts.db, "dsn", dsn)
    monkeypatch.setattr(worker, "_PAUSES_S", (0.05, 0.1))
    async with working(parts):
        await until_ran(await put(parts, "test.count"))
    assert asked == 3


async def test_a_signal_stops_a_worker(parts: Edge, database_url: str) -> None:
    serving = asyncio.create_task(worker._serve(parts))
    await listening(database_url)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 10)


async def test_a_job_is_queued_once_for_each_dedupe_key(parts: Edge) -> None:
    for _ in range(3):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            await enqueue(tx, "test.count", ids.NIL, ids.new(), dedupe="page:1")
    assert await states(parts) == ["queued 0"]


async def test_a_job_must_have_a_handler(parts: Edge) -> None:
    async with parts.db.begin(DbRole.WORKER) as tx:
        with pytest.raises(LookupError):
            await enqueue(tx, "test.nobody", ids.NIL, ids.new())


async def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        register("test.count")(count)
    assert JOBS["test.count"] is count


async def test_a_worker_that_stops_gives_its_job_back(parts: Edge) -> None:
    async with working(parts):
        ref = await put(parts, "test.hang")
        await until_ran(ref)
    assert await states(parts) == ["queued 1"]


async def test_a_worker_that_lost_its_connection_comes_back_and_loses_no_job(parts: Edge, database_url: str) -> None:
    async with working(parts):
        hanging = await put(parts, "test.hang")
        await until_ran(hanging)
        [pid] = await listening(database_url)
        conn = await asyncpg.connect(database_url)
        await conn.execute("SELECT pg_terminate_backend($1)", pid)
        began = time.perf_counter()
        ref = await put(parts, "test.count")
        await until_ran(ref, seconds=15)
        print(f"works again after {time.perf_counter() - began:.1f} s")
        await until_ran(hanging, 2, seconds=15)
        await conn.execute("DELETE FROM jobs.pgqueuer")
        await conn.close()


async def test_two_workers_run_each_job_once(parts: Edge) -> None:
    some = Query("SELECT 1", int, DbRole.WORKER, register=False)
    async with working(parts), working(parts):
        refs = []
        async with parts.db.begin(DbRole.WORKER) as tx:
            await tx.one(some)
            for _ in range(200):
                refs.append(ids.new())
                await enqueue(tx, "test.count", ids.NIL, refs[-1])
        for ref in refs:
            await until_ran(ref, seconds=20)
        await until_states(parts, [])
    assert {RAN[ref] for ref in refs} == {1}
