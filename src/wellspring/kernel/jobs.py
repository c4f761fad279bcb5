"""Jobs: rows in the caller's transaction that a worker runs later, perhaps twice.

A handler takes ids, reloads, claims its business row and does its work. `register` is called by the slices; the worker
and the scheduler read `JOBS` and `TICKS`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.kernel.db import Database, DbRole, Query, Tx
from wellspring.kernel.settings import Settings


class JobPayload(Struct, frozen=True):
    """What a job knows: whose, and which row."""

    person_id: UUID
    ref: UUID


class JobContext(Struct, frozen=True):
    """What a handler may use. `ports` holds the adapters to the outside (`mail`) by name."""

    db: Database
    settings: Settings
    keys: Any
    ports: dict[str, Any]


Handler = Callable[[JobContext, JobPayload], Awaitable[None]]
Tick = Callable[[JobContext], Awaitable[None]]

JOBS: Final[dict[str, Handler]] = {}
AT_ONCE: Final[dict[str, int]] = {}
"""How many of a job may run at the same time, where that is limited."""
TICKS: Final[dict[str, tuple[str, Tick]]] = {}

H = TypeVar("H", bound=Handler)
K = TypeVar("K", bound=Tick)


def register(name: str, *, at_once: int = 0) -> Callable[[H], H]:
    """Register a handler under `slice.verb`; `at_once` limits how many run at the same time, of all workers together.

    A job that waits for somebody else's machine needs a limit, else it holds the places of all others.
    """

    def add(handler: H) -> H:
        if name in JOBS:
            raise ValueError(f"job {name} is registered twice")
        JOBS[name] = handler
        if at_once:
            AT_ONCE[name] = at_once
        return handler

    return add


def every(cron: str, name: str) -> Callable[[K], K]:
    """Register maintenance that runs on a cron expression (six fields: seconds last)."""

    def add(tick: K) -> K:
        TICKS[name] = (cron, tick)
        return tick

    return add


URGENT: Final = 100
"""The priority of jobs for which a person waits: they go before all others that are due."""


def insert(entrypoint: str, payload: str, after: str = "now()", dedupe: str = "NULL", priority: int | str = 0) -> str:
    """Return the INSERT of one job; the arguments are SQL expressions."""
    return (
        "INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status, execute_after, dedupe_key)"
        f" VALUES ({priority}, {entrypoint}, {payload}, 'queued', {after}, {dedupe})"
    )


ENQUEUE: Final = Query(
    insert("$1::text", "$2::bytea", "now() + make_interval(secs => $3::float8)", "$4::text", "$5::int")
    + " ON CONFLICT DO NOTHING",
    int,
    DbRole.MEMBER,
    DbRole.STAFF,
    DbRole.WORKER,
    DbRole.SIGNIN,
    DbRole.MAINTENANCE,
)


def encode(person_id: UUID, ref: UUID) -> bytes:
    """Return the bytes a job row carries."""
    return msgspec.json.encode(JobPayload(person_id, ref))


async def enqueue(
    tx: Tx,
    name: str,
    person_id: UUID,
    ref: UUID,
    *,
    after_s: float = 0.0,
    dedupe: str | None = None,
    priority: int = 0,
) -> None:
    """Put a job into the caller's transaction; it starts `after_s` seconds after it (database time)."""
    if name not in JOBS:
        raise LookupError(f"no job is called {name}")
    await tx.do(ENQUEUE, name, encode(person_id, ref), after_s, dedupe, priority)
    tx.wake_jobs = True


class Due(Struct, frozen=True):
    """When the database says it is, and a deadline reckoned from it."""

    now: datetime
    due: datetime
