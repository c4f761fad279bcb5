"""Many who ask to be erased at the same time: none waits until all before them are gone, and not all go at once."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.support.people import Circle, Person
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.privacy import leaving
from wellspring.privacy.ledger import NAME, Ledger

pytestmark = pytest.mark.anyio
CLOSED = "SELECT count(*) FROM identity.person WHERE status = 'deleted'"
HERE = "SELECT count(*) FROM identity.person"


@pytest.fixture
def worker(parts: Edge, tmp_path: Path) -> JobContext:
    return JobContext(parts.db, parts.settings.model_copy(update={"data": tmp_path}), parts.keys, {})


async def _ask(owner: asyncpg.Connection, people: list[Person]) -> None:
    await owner.executemany("INSERT INTO privacy.leaving (person_id) VALUES ($1)", [(one.id,) for one in people])


async def test_one_tick_erases_all_who_asked_and_nobody_else(
    circle: Circle, charlie: Person, worker: JobContext, database_url: str, tmp_path: Path
) -> None:
    people = [await circle.member(f"alice{n}") for n in range(24)]
    for one in people:
        assert (await one.post("/v1/checkins", json={"mood_score": 4})).status_code == 201
    owner = await asyncpg.connect(database_url)
    await _ask(owner, people)
    await leaving.carry_out(worker)
    assert [row[0] for row in await owner.fetch("SELECT person_id FROM identity.person")] == [charlie.id]
    assert await owner.fetchval("SELECT count(*) FROM privacy.leaving") == 0
    assert sorted(Ledger(tmp_path / NAME).people()) == sorted(one.id for one in people)
    await owner.close()


async def test_what_holds_one_up_holds_up_a_few_together_and_not_each_in_turn(
    circle: Circle, charlie: Person, parts: Edge, worker: JobContext, database_url: str
) -> None:
    """Every erasure waits for what was under way; here that is something long of charlie's."""
    people = [await circle.member(f"alice{n}") for n in range(leaving.AT_ONCE + 2)]
    owner = await asyncpg.connect(database_url)
    await _ask(owner, people)
    async with parts.db.begin(DbRole.MEMBER, actor=charlie.id):
        erasing = asyncio.create_task(leaving.carry_out(worker))
        for _ in range(200):
            if await owner.fetchval(CLOSED) == leaving.AT_ONCE:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert await owner.fetchval(CLOSED) == leaving.AT_ONCE, "and no more: others need the machine too"
        assert await owner.fetchval(HERE) == len(people) + 1
    await erasing
    assert await owner.fetchval(HERE) == 1
    await owner.close()


async def test_one_that_fails_holds_up_nobody(
    circle: Circle,
    parts: Edge,
    worker: JobContext,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = [await circle.member(f"alice{n}") for n in range(leaving.AT_ONCE + 1)]
    owner = await asyncpg.connect(database_url)
    await _ask(owner, people)
    real, failed = leaving.erasure.erase, people[0].id

    async def fails(conn, keys, ledger, person_id, **how):  # type: ignore[no-untyped-def]
        if person_id == failed:
            raise OSError("no space")
        return await real(conn, keys, ledger, person_id, **how)

    monkeypatch.setattr(leaving.erasure, "erase", fails)
    await leaving.carry_out(worker)
    assert [row[0] for row in await owner.fetch("SELECT person_id FROM privacy.leaving")] == [failed]
    monkeypatch.undo()
    await leaving.carry_out(worker)
    assert await owner.fetchval(HERE) == 0
    await owner.close()
