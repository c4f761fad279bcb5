"""`python -m bench.faults`: kill -9 of the program and of PostgreSQL under write load, then count what is there.

Passes when every acknowledged check-in is stored exactly once, every dangerous one has exactly one crisis event, and
every event is paged, none twice.
"""

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from bench.client import each, request
from bench.faults.program import Program, become_subreaper, reap
from bench.faults.writers import Journal, Writer
from wellspring.app import make_edge
from wellspring.identity import service
from wellspring.identity.passwords import Passwords
from wellspring.identity.schemas import Register
from wellspring.identity.sessions import Where
from wellspring.kernel import keys
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import ACCESS_TTL, TokenKind
from wellspring.postgres import hold

WRITERS = 6


async def people(program: Program, url: str, journal: Journal) -> list[Writer]:
    """Make the writers and one responder on duty."""
    settings = Settings(data=program.data / "home", environment="development")
    ring = keys.load(settings)
    parts = make_edge(settings, ring, url)
    accounts = service.Accounts(parts.db, ring, Passwords(cheap=True), settings)
    nowhere = Where(None, None, "")
    writers = []
    for n in range(WRITERS):
        wanted = Register(email=f"w{n}@example.org", password="a quiet lamp by the river")
        opened = await service.register(accounts, wanted, nowhere, kind=TokenKind.ACCESS)
        token = parts.tokens.issue(opened.who, TokenKind.ACCESS, ACCESS_TTL * 8)
        writers.append(Writer(program.port, token, opened.who.person_id, journal))
    wanted = Register(email="dana@example.org", password="a quiet lamp by the river")
    dana = await service.register(
        accounts, wanted, nowhere, kind=TokenKind.ACCESS, roles=frozenset({Role.RESPONDER, Role.MEMBER})
    )
    owner = await asyncpg.connect(url)
    await owner.execute(
        "INSERT INTO safety.duty (person_id, on_duty, until) VALUES ($1, true, now() + interval '1 day')",
        dana.who.person_id,
    )
    await owner.close()
    await parts.db.close()
    return writers


async def harm(program: Program, kills: int, postgres_kills: int, seed: int) -> dict[str, Any]:
    """Kill, now one, now the other; return how long recovery took."""
    rng = random.Random(seed)
    plan = ["program"] * kills + ["postgres"] * postgres_kills
    rng.shuffle(plan)
    took: dict[str, list[float]] = {"program": [], "postgres": []}
    for number, what in enumerate(plan, 1):
        await asyncio.sleep(rng.uniform(0.5, 2.0))
        began = time.monotonic()
        if what == "program":
            await asyncio.to_thread(program.kill)
            await asyncio.to_thread(program.start)
        else:
            await asyncio.to_thread(program.kill_postmaster)
            await _ready(program.port)
        took[what].append(time.monotonic() - began)
        print(f"{number}/{len(plan)} kill -9 of the {what}: back after {took[what][-1]:.1f} s", flush=True)
        reap()
    return {what: round(max(times), 2) for what, times in took.items() if times}


async def _ready(port: int) -> None:
    for _ in range(600):
        try:
            status, _ = (await each(port, [request("GET", "/readyz")]))[0]
            if status == 200:
                return
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(0.05)
    raise TimeoutError("not ready again")


async def count(url: str, writers: list[Writer]) -> dict[str, int]:
    """Compare what was acknowledged with what is stored."""
    db = await asyncpg.connect(url)
    stored = {(r["person_id"], r["id"]) for r in await db.fetch("SELECT person_id, id FROM checkins.checkin")}
    acknowledged = {(w.person, entry): danger for w in writers for entry, danger in w.acknowledged.items()}
    dangerous = {key for key, danger in acknowledged.items() if danger}
    events = await db.fetch("SELECT person_id, source_id, count(*) AS n FROM safety.crisis_event GROUP BY 1, 2")
    by_source = {(r["person_id"], r["source_id"]): r["n"] for r in events}
    unpaged = "SELECT count(*) FROM safety.crisis_event e WHERE NOT EXISTS (SELECT 1 FROM safety.page p"
    twice = (
        "SELECT count(*) FROM (SELECT 1 FROM safety.page GROUP BY event_id, step, responder_id HAVING count(*) > 1) x"
    )
    mails = (
        "SELECT count(*) FROM (SELECT 1 FROM notify.delivery GROUP BY person_id, unique_key, channel"
        " HAVING count(*) > 1) x"
    )
    found = {
        "acknowledged": len(acknowledged),
        "acknowledged_dangerous": len(dangerous),
        "retries": sum(w.retries for w in writers),
        "lost": len(acknowledged.keys() - stored),
        "stored_unacknowledged": len(stored - acknowledged.keys()),
        "dangerous_without_event": sum(by_source.get(key, 0) == 0 for key in dangerous),
        "dangerous_with_two_events": sum(n > 1 for n in by_source.values()),
        "events": await db.fetchval("SELECT count(*) FROM safety.crisis_event"),
        "events_not_paged": await db.fetchval(f"{unpaged} WHERE p.event_id = e.id)"),
        "pages_twice": await db.fetchval(twice),
        "messages_twice": await db.fetchval(mails),
        "unexpected_answers": sum(len(w.unexpected) for w in writers),
    }
    await db.close()
    for writer in writers:
        for status, text in writer.unexpected[:3]:
            print("unexpected", status, text[:300])
    return found


MUST_BE_ZERO = (
    "lost",
    "dangerous_without_event",
    "dangerous_with_two_events",
    "events_not_paged",
    "pages_twice",
    "messages_twice",
    "unexpected_answers",
)


async def run(program: Program, options: argparse.Namespace) -> dict[str, Any]:
    """Write, harm, wait, count."""
    with hold(program.data / "home" / "postgres") as cluster:
        url = cluster.dsn("wellspring")
        writers = await people(program, url, Journal(program.data / "journal.jsonl"))
    running = asyncio.Event()
    running.set()
    tasks = [asyncio.create_task(writer.run(running)) for writer in writers]
    recovery = await harm(program, options.kills, options.postgres_kills, options.seed)
    running.clear()
    await asyncio.gather(*tasks)
    await asyncio.sleep(options.settle)
    return {**await count(url, writers), "longest_recovery_s": recovery}


def main() -> None:
    """Run in a folder of its own; end with 1 when a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--postgres-kills", type=int, default=10)
    parser.add_argument("--settle", type=float, default=25.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--port", type=int, default=8392)
    options = parser.parse_args()
    become_subreaper()
    folder = Path(tempfile.mkdtemp(prefix="wellspring-faults-"))
    program = Program(folder, options.port)
    try:
        print(f"first start {program.start():.1f} s")
        found = asyncio.run(run(program, options))
    finally:
        program.stop()
        reap()
    print(json.dumps(found, indent=2))
    broken = [name for name in MUST_BE_ZERO if found[name]]
    if broken:
        print("broken:", ", ".join(broken), "- kept:", folder)
        raise SystemExit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
