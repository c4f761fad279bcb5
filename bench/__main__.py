"""`python -m bench [--json FILE]`: creating and listing check-ins, beside pgbench with the same statements."""

import argparse
import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path

import asyncpg

from bench import beside, machine
from bench.client import Tally, at_rate, flat_out, request
from bench.people import Member, make
from bench.server import Running, running, write_json
from wellspring.interventions.library import load as library

TEXT = (
    "Work was long again and I felt tense most of the morning, but the walk at lunch helped a little. "
    "I talked with my sister in the evening and slept badly the night before, so I hope tonight will be calmer."
)
BODY = {
    "mood_score": 6,
    "energy_level": 5,
    "anxiety_level": 4,
    "stress_level": 4,
    "emotions": [{"emotion": "calm", "intensity": 3}],
    "context_location": "home",
    "context_social": "alone",
}


def _creating(members: list[Member], body: dict[str, object], mark: str):  # type: ignore[no-untyped-def]
    encoded = json.dumps(body).encode()

    def make(client: int, number: int) -> bytes:
        member = members[(client * 7 + number) % len(members)]
        return request("POST", "/v1/checkins", member.token, encoded, f"idempotency-key: {mark}-{client}-{number}\r\n")

    return make


def _listing(members: list[Member]):  # type: ignore[no-untyped-def]
    ready = [request("GET", "/v1/checkins?limit=30", m.token) for m in members[::4]]
    return lambda client, number: ready[(client * 7 + number) % len(ready)]


DETAIL = bool(os.environ.get("BENCH_DETAIL"))


async def wal(live: Running, requests: int) -> dict[str, float]:
    """Return what the write-ahead log took for each request since it was last asked, and start counting again."""
    connection = await asyncpg.connect(live.url)
    row = await connection.fetchrow("SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal")
    await connection.execute("SELECT pg_stat_reset_shared('wal')")
    await connection.close()
    return {name: round(float(value) / requests, 2) for name, value in row.items()}


async def quiet(live: Running) -> None:
    """Wait until the worker has done what earlier cases left it."""
    connection = await asyncpg.connect(live.url)
    for _ in range(600):
        left = await connection.fetchval(
            "SELECT (SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint <> 'bench.nothing' AND execute_after <= now())"
            " + (SELECT count(*) FROM kernel.audit a WHERE NOT EXISTS"
            " (SELECT 1 FROM kernel.audit_link l WHERE l.audit_id = a.id))"
        )
        if not left:
            break
        await asyncio.sleep(0.2)
    await connection.close()


async def cost(live: Running) -> tuple[float, float, float]:
    """Return CPU seconds so far: the web program, PostgreSQL for it, and the worker with its own backends.

    What PostgreSQL does for all (WAL writer, checkpointer, vacuum) counts as the request's.
    """
    connection = await asyncpg.connect(live.url)
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE usename IN ('wellspring_worker', 'wellspring_maintenance')"
    )
    own = await connection.fetchval("SELECT pg_backend_pid()")
    jobs = sum(machine.cpu(row["pid"]) for row in rows)
    database = machine.cpu(live.postmaster) - jobs - machine.cpu(own)
    await connection.close()
    return machine.cpu(live.web.pid), database, machine.cpu(live.worker.pid) + jobs


async def measure(live: Running, load, scripts: list[str], status: int, seconds: int, folder: Path):  # type: ignore[no-untyped-def]
    """Run one case: flat out with 16 clients, at 300 a second, and pgbench beside."""
    await flat_out(live.port, 16, 2, load("warm"))
    await quiet(live)
    before = await cost(live)
    tally: Tally = await flat_out(live.port, 16, seconds, load("flat"))
    after = await cost(live)
    if DETAIL:
        print(await wal(live, len(tally.seconds)))
    web, database, jobs = (1000 * (b - a) / len(tally.seconds) for a, b in zip(before, after, strict=True))
    steady = await at_rate(live.port, 300, 5, load("steady"))
    assert set(tally.statuses) | set(steady.statuses) == {status}, (tally.statuses, steady.statuses)
    tps = await asyncio.to_thread(beside.rate, live, scripts, seconds, folder)
    return {
        "cpu_ms": round(web + database, 3),
        "cpu_program_ms": round(web, 3),
        "cpu_database_ms": round(database, 3),
        "cpu_jobs_later_ms": round(jobs, 3),
        "rps": round(tally.rate, 1),
        "pgbench_rps": round(tps, 1),
        "share_of_pgbench": round(tally.rate / tps, 3),
        "p50_ms": round(tally.percentile(0.5), 2),
        "p95_ms": round(tally.percentile(0.95), 2),
        "p95_at_300_ms": round(steady.percentile(0.95), 2),
    }


async def run(live: Running, seconds: int, folder: Path) -> dict[str, object]:
    """Run all cases."""
    members = await make(live, TEXT)
    interventions = [item.id for item in library()]
    figures: dict[str, object] = {}
    scripts = [beside.list_script(m.id, m.session) for m in members[1::25]]
    figures["list"] = await measure(live, lambda _: _listing(members), scripts, 200, seconds, folder)
    print("list", figures["list"], flush=True)
    for name, text in (("create", None), ("create_text", TEXT)):
        body = {**BODY, **({"journal_text": text} if text else {})}
        scripts = [beside.create_script(m.id, m.session, text, interventions) for m in members[1::25]]
        figures[name] = await measure(
            live, lambda mark, b=body, n=name: _creating(members, b, f"{n}-{mark}"), scripts, 201, seconds, folder
        )
        print(name, figures[name], flush=True)
    figures["rss_mb"] = round(machine.rss_mb(live.web_worker()), 1)
    figures["start_s"] = round(live.start_s, 2)
    return figures


def main() -> None:
    """Run the benchmark in a folder of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--port", type=int, default=8391)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="wellspring-bench-"))
    try:
        with running(folder, options.port) as live:
            figures = asyncio.run(run(live, options.seconds, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures, indent=2))
    if options.json:
        write_json(options.json, figures)


if __name__ == "__main__":
    main()
