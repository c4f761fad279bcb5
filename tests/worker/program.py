"""A worker process with jobs that a test can watch and that may kill it."""

import asyncio
import os
import signal
from pathlib import Path

from tests.support.database import KEYS
from wellspring import worker
from wellspring.app import make_edge
from wellspring.kernel.jobs import JobContext, JobPayload, register
from wellspring.kernel.settings import Settings

NOTES = Path(os.environ.get("NOTES", "."))


def note(name: str, payload: JobPayload) -> None:
    with (NOTES / f"{name}-{payload.ref}").open("a") as file:
        file.write(f"{os.getpid()}\n")


@register("test.slow_at_first")
async def slow_at_first(_: JobContext, payload: JobPayload) -> None:
    """Hang in the first process that runs it; end at once in the next."""
    first = not (NOTES / f"began-{payload.ref}").exists()
    note("began", payload)
    if first:
        await asyncio.sleep(60)
    note("ended", payload)


@register("test.poison")
async def poison(_: JobContext, payload: JobPayload) -> None:
    """Kill the worker."""
    note("poisoned", payload)
    os.kill(os.getpid(), signal.SIGKILL)


@register("test.short")
async def short(_: JobContext, payload: JobPayload) -> None:
    note("short", payload)
    await asyncio.sleep(0.01)


if __name__ == "__main__":
    settings = Settings(environment="test", pool_size=4)
    assert settings.database_url is not None
    worker.main(make_edge(settings, KEYS, settings.database_url.get_secret_value()))
