"""The worker: runs the jobs and the ticks of all slices from the queue in PostgreSQL.

The queue is pgqueuer's, on one connection of its own. Its conditions, and how they are kept: a job that keeps killing
its worker is set aside after five picks (a trigger counts in its row how often it was lost); a failed job is held, and
never deleted; a worker that stops, or loses its connection, gives its jobs back; `run` starts the queue again when it
fails; wake-ups come from the processes that committed (`kernel.wake`), with a poll each second as a fall-back.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, cast

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job, Schedule
from pgqueuer.domain.settings import DBSettings

from wellspring import slices
from wellspring.kernel import dsn, logs, maintenance, seal
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import AT_ONCE, JOBS, TICKS, Handler, JobContext, JobPayload, Tick
from wellspring.kernel.wake import Waker
from wellspring.language.pool import READERS
from wellspring.safety.paging import sweep_for_ever

MODULES: Final = (maintenance, seal, *slices.JOBS)
"""Importing these registered their jobs and ticks."""

SCHEMA: Final = "jobs"
BATCH: Final = 25
POLL: Final = timedelta(seconds=1)
HEARTBEAT: Final = timedelta(seconds=5)
"""A job whose worker died is picked again after HEARTBEAT + POLL."""
MOST_PICKS: Final = 5
MOST_TRIES: Final = 8
DELAYS_S: Final = (1, 4, 16, 64, 256, 300, 300)
"""How long a job waits after each failure; MOST_TRIES - 1 of them."""
_GRACE_S: Final = 5.0
_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)

log = logs.get("worker")


class HeldError(Exception):
    """A job that will not be tried again; it stays in the queue as `failed` until an operator decides."""


def make_queries(conn: asyncpg.Connection) -> Queries:
    """Return pgqueuer's statements for our schema over one connection."""
    named = DBSettings(db_schema=SCHEMA)
    return Queries(
        AsyncpgDriver(conn),
        QueryBuilderEnvironment(named),
        QueryQueueBuilder(named),
        QuerySchedulerBuilder(named),
    )


class Attempt:
    """One registered job as the queue calls it.

    What a handler raises never reaches the queue's log table: its text may quote what a person wrote. Only its kind
    does, and the place in our own log.
    """

    def __init__(self, context: JobContext, name: str, handler: Handler) -> None:
        self._context = context
        self._name = name
        self._handler = handler

    async def __call__(self, job: Job) -> None:
        """Run the handler once; raises RetryRequested or HeldError."""
        lost = (job.headers or {}).get("lost", 0)
        if cast("int", lost) >= MOST_PICKS:
            raise self._held(job, f"picked {MOST_PICKS} times and never finished")
        try:
            payload = msgspec.json.decode(job.payload or b"", type=JobPayload)
        except msgspec.DecodeError as error:
            raise self._held(job, type(error).__name__) from None
        try:
            await self._handler(self._context, payload)
        except asyncio.CancelledError:
            raise RetryRequested(reason="worker stopped") from None
        except Exception as error:  # noqa: BLE001 - a job may fail in any way; it is tried again, then held
            log.error("job_failed", job=self._name, id=job.id, tries=job.attempts + 1, error=error)
            raise self._next(job, type(error).__name__) from None

    def _next(self, job: Job, kind: str) -> Exception:
        if job.attempts + 1 >= MOST_TRIES:
            return self._held(job, kind)
        return RetryRequested(timedelta(seconds=DELAYS_S[job.attempts]), kind)

    def _held(self, job: Job, why: str) -> HeldError:
        log.error("job_held", job=self._name, id=job.id, why=why)
        return HeldError(why)


def _scheduled(context: JobContext, name: str, tick: Tick) -> Callable[[Schedule], Awaitable[None]]:
    async def body(_: Schedule) -> None:
        try:
            await tick(context)
        except Exception as error:  # noqa: BLE001 - a tick that fails comes again by itself
            log.error("tick_failed", tick=name, error=error)

    return body


def _make_queue(conn: asyncpg.Connection, context: JobContext) -> PgQueuer:
    queries = make_queries(conn)
    queue = PgQueuer(queries.driver, queries=queries)
    for name, handler in JOBS.items():
        queue.entrypoint(name, concurrency_limit=AT_ONCE.get(name, 0), on_failure="hold", accepts_context=False)(
            Attempt(context, name, handler)
        )
    for name, (cron, tick) in TICKS.items():
        queue.schedule(name, cron, accepts_context=False)(_scheduled(context, name, tick))
    return queue


async def _work(conn: asyncpg.Connection, context: JobContext, shutdown: asyncio.Event) -> None:
    """Run one queue until it fails or `shutdown`; jobs that do not end in time are given back."""
    queue = _make_queue(conn, context)
    working = asyncio.create_task(
        queue.run(
            dequeue_timeout=POLL,
            batch_size=BATCH,
            max_concurrent_tasks=2 * BATCH,
            shutdown_on_listener_failure=True,
            heartbeat_timeout=HEARTBEAT,
        )
    )
    stopping = asyncio.create_task(shutdown.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if shutdown.is_set():
            queue.shutdown.set()
            await asyncio.wait({working}, timeout=_GRACE_S)
    finally:
        stopping.cancel()
        if not working.done():
            working.cancel()
        outcome = (await asyncio.gather(working, return_exceptions=True))[0]
    if isinstance(outcome, Exception) and not shutdown.is_set():
        raise outcome


async def _once(context: JobContext, shutdown: asyncio.Event) -> None:
    conn = await asyncpg.connect(
        context.db.dsn(DbRole.WORKER),
        timeout=5,
        command_timeout=10,
        server_settings={"application_name": dsn.name("queue", context.keys)},
    )
    try:
        await _work(conn, context, shutdown)
    finally:
        conn.terminate()


async def run(parts: Edge, shutdown: asyncio.Event) -> None:
    """Run jobs and ticks until `shutdown`; after a failure the queue starts again, with growing pauses."""
    context = JobContext(parts.db, parts.settings, parts.keys, parts.ports)
    waker = Waker(parts.db)
    waker.start()
    sweeping = asyncio.create_task(sweep_for_ever(context), name="sweep")
    loop = asyncio.get_running_loop()
    failures = 0
    log.info("worker_started", modules=len(MODULES), jobs=len(JOBS), ticks=len(TICKS))
    try:
        while not shutdown.is_set():
            began = loop.time()
            try:
                await _once(context, shutdown)
            except Exception as error:  # noqa: BLE001 - a worker that stays down pages nobody
                log.error("queue_failed", error=error)
            failures = 0 if loop.time() - began > 60 else failures + 1
            pause = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
            await asyncio.wait({asyncio.ensure_future(shutdown.wait())}, timeout=pause)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await waker.stop()


async def _serve(parts: Edge) -> None:
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.set)
    try:
        await run(parts, shutdown)
    finally:
        parts.ports[READERS].close()
        await parts.db.close()


def main(parts: Edge) -> None:
    """Run a worker process until SIGTERM or SIGINT."""
    asyncio.run(_serve(parts))
