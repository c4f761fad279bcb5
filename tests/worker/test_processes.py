"""Worker processes that are killed in the middle of a job."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker import program  # noqa: F401 - registers the jobs here too, so that they may be queued
from tests.worker.support import listening, put, start_program, states, until_states
from wellspring import worker
from wellspring.kernel.edge import Edge

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[object]:
    started: list[subprocess.Popen[bytes]] = []

    def run() -> "subprocess.Popen[bytes]":
        started.append(start_program(database_url, tmp_path))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


async def until_exists(path: Path, lines: int = 1, seconds: float = 30) -> list[str]:
    for _ in range(int(seconds / 0.02)):
        if path.exists() and len(found := path.read_text().split()) >= lines:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(path)


async def test_a_job_of_a_killed_worker_runs_again(parts: Edge, start, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = start()
    ref = await put(parts, "test.slow_at_first")
    await until_exists(tmp_path / f"began-{ref}")
    start()
    await asyncio.sleep(2)
    first.kill()
    killed = time.perf_counter()
    await until_exists(tmp_path / f"ended-{ref}")
    print(f"runs again {time.perf_counter() - killed:.1f} s after the kill")
    assert time.perf_counter() - killed < 10
    assert len(set((tmp_path / f"began-{ref}").read_text().split())) == 2
    await until_states(parts, [])


async def test_a_job_that_keeps_killing_its_worker_is_set_aside_after_five_picks(
    parts: Edge,
    start,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    ref = await put(parts, "test.poison")
    for picks in range(1, worker.MOST_PICKS + 1):
        process = start()
        await until_exists(tmp_path / f"poisoned-{ref}", picks)
        assert process.wait(10) == -signal.SIGKILL
    process = start()
    after = await put(parts, "test.short")
    await until_exists(tmp_path / f"short-{after}")
    await until_states(parts, ["failed 0"], 20)
    assert process.poll() is None
    assert len((tmp_path / f"poisoned-{ref}").read_text().split()) == worker.MOST_PICKS


async def test_two_processes_run_each_job_once_and_stop_when_asked(
    parts: Edge,
    database_url: str,
    start,
    tmp_path: Path,  # type: ignore[no-untyped-def]
) -> None:
    both = [start(), start()]
    await listening(database_url, 2)
    refs = [await put(parts, "test.short") for _ in range(100)]
    for ref in refs:
        await until_exists(tmp_path / f"short-{ref}")
    await until_states(parts, [])
    assert all(len((tmp_path / f"short-{ref}").read_text().split()) == 1 for ref in refs)
    for process in both:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in both] == [0, 0]
    assert await states(parts) == []
