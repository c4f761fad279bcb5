"""Our tables are what pgqueuer expects, its own tools agree, and its trigger never fires."""

import asyncio
import os
import subprocess
import sys

import asyncpg
import pytest

from wellspring import worker

pytestmark = pytest.mark.anyio


def pgqueuer(database_url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PGQUEUER_SCHEMA": worker.SCHEMA, "PGQUEUER_DSN": database_url}
    command = [sys.executable, "-m", "pgqueuer", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_verify_and_upgrade_find_nothing_to_do(database_url: str) -> None:
    verified = await asyncio.to_thread(pgqueuer, database_url, "verify", "--expect", "present")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    upgraded = await asyncio.to_thread(pgqueuer, database_url, "upgrade")
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    conn = await asyncpg.connect(database_url)
    plan = await worker.make_queries(conn).plan_upgrade()
    assert plan.statements == ()
    enabled = await conn.fetchval("SELECT tgenabled FROM pg_trigger WHERE tgname = 'tg_pgqueuer_changed'")
    await conn.close()
    assert enabled == b"D"


async def test_a_writing_transaction_notifies_nobody(database_url: str) -> None:
    conn, other = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    heard: list[object] = []
    await other.add_listener("ch_pgqueuer", lambda *args: heard.append(args))
    await conn.execute("INSERT INTO jobs.pgqueuer (priority, entrypoint, status) VALUES (0, 'x', 'queued')")
    await conn.execute("SELECT pg_notify('ch_pgqueuer', 'by hand')")
    await asyncio.sleep(0.2)
    await conn.close()
    await other.close()
    assert [args[-1] for args in heard] == ["by hand"]  # type: ignore[index]
