"""A worker in this process, a worker as a process, and jobs that the tests give them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg

from wellspring import worker
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import enqueue

STATES = Query(
    "SELECT status::text || ' ' || attempts FROM jobs.pgqueuer ORDER BY id", str, DbRole.WORKER, register=False
)


@asynccontextmanager
async def working(parts: Edge) -> AsyncIterator[asyncio.Event]:
    """Run a worker in this loop; yields the event that stops it."""
    shutdown = asyncio.Event()
    task = asyncio.create_task(worker.run(parts, shutdown))
    try:
        yield shutdown
    finally:
        shutdown.set()
        await asyncio.wait_for(task, 30)


async def put(parts: Edge, name: str, ref: UUID | None = None, **extra: float) -> UUID:
    """Commit one job and return its ref."""
    ref = ref or ids.new()
    async with parts.db.begin(DbRole.WORKER) as tx:
        await enqueue(tx, name, ids.NIL, ref, **extra)  # type: ignore[arg-type]
    return ref


async def states(parts: Edge) -> list[str]:
    """Return `status attempts` of each job that is still in the queue."""
    async with parts.db.begin(DbRole.WORKER) as tx:
        return await tx.all(STATES)


async def until_states(parts: Edge, wanted: list[str], seconds: float = 15) -> None:
    """Wait until the queue looks as `wanted`."""
    for _ in range(int(seconds / 0.05)):
        if await states(parts) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError((await states(parts), wanted))


async def listening(url: str, workers: int = 1, seconds: float = 20) -> list[int]:
    """Wait until so many workers listen, and return the pids of their server processes."""
    conn = await asyncpg.connect(url)
    try:
        for _ in range(int(seconds / 0.05)):
            rows = await conn.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name LIKE 'wellspring queue %' AND query ~ 'jobs[.]pgqueuer\\s'"
            )
            if len(rows) >= workers:
                return [row["pid"] for row in rows]
            await asyncio.sleep(0.05)
    finally:
        await conn.close()
    raise AssertionError("no worker came up")


def start_program(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Start tests/worker/program.py, which notes what it does in files of `folder`."""
    environment = {**os.environ, "DATABASE_URL": url, "NOTES": str(folder), "WELLSPRING_ENVIRONMENT": "test"}
    return subprocess.Popen([sys.executable, "-m", "tests.worker.program"], env=environment)
