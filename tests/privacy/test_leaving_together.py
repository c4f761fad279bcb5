"""Many who ask to be erased at the same time: none waits until all before them are gone, and not all go at once."""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.support.people import Circle, Person
from wellspring.kernel.audit import Access
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.kernel.policy import Role
from wellspring.privacy import closing, erasure, leaving
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


async def _share(member: Person, clinician: Person) -> None:
    body = {"clinician_id": str(clinician.id), "sections": ["checkins"]}
    assert (await member.post("/v1/access-grants", json=body)).status_code == 201


async def _until_another_waits(owner: asyncpg.Connection) -> None:
    """Return once another transaction waits for a lock, or none has for two seconds."""
    blocked = (
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    for _ in range(40):
        if await owner.fetchval(blocked):
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("each_other", [False, True])
async def test_who_share_can_be_erased_in_the_same_moment(
    circle: Circle,
    bob: Person,
    worker: JobContext,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    each_other: bool,
) -> None:
    """One transaction is telling the other person when that one's own begins to take what is theirs."""
    alice = await circle.staff("blair", Role.CLINICIAN) if each_other else await circle.member("alice")
    owner = await asyncpg.connect(database_url)
    await _share(alice, bob)
    if each_other:
        await _share(bob, alice)
    telling, tell, settled = asyncio.Event(), closing._tell, erasure._settled

    async def told(tx: Tx, one: closing.Untold) -> Access | None:
        if one.person_id == alice.id:
            telling.set()
            await _until_another_waits(owner)
        return await tell(tx, one)

    async def erase(who: Person) -> None:
        async with leaving.own_connection(worker.db) as conn:
            if who is alice:
                second.append(conn)
            await erasure.erase(conn, worker.keys, Ledger(tmp_path / NAME), who.id)

    async def after(conn: asyncpg.Connection) -> None:
        await settled(conn)
        if conn in second:
            await telling.wait()

    second: list[asyncpg.Connection] = []
    monkeypatch.setattr(closing, "_tell", told)
    monkeypatch.setattr(erasure, "_settled", after)
    await asyncio.gather(erase(bob), erase(alice))
    assert telling.is_set()
    assert await owner.fetchval(HERE) == 0
    await owner.close()


async def test_who_is_told_of_an_end_can_be_erased_in_the_same_moment(
    alice: Person,
    bob: Person,
    worker: JobContext,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The job locks what it tells of and then the stream, as everybody does: so does who takes both."""
    owner = await asyncpg.connect(database_url)
    await _share(alice, bob)
    await owner.execute("UPDATE identity.person SET status = 'suspended' WHERE person_id = $1", bob.id)
    telling, publish, settled = asyncio.Event(), closing.stream.publish, erasure._settled

    async def slowly(tx: Tx, person_id: UUID, topic: str, ref: UUID) -> None:
        telling.set()
        await _until_another_waits(owner)
        await publish(tx, person_id, topic, ref)

    async def after(conn: asyncpg.Connection) -> None:
        await settled(conn)
        if not telling.is_set():
            jobs.append(asyncio.create_task(closing.tell(worker)))
            await telling.wait()

    jobs: list[asyncio.Task[None]] = []
    monkeypatch.setattr(closing.stream, "publish", slowly)
    monkeypatch.setattr(erasure, "_settled", after)
    async with leaving.own_connection(worker.db) as conn:
        await erasure.erase(conn, worker.keys, Ledger(tmp_path / NAME), alice.id)
    await asyncio.gather(*jobs)
    assert await owner.fetchval("SELECT count(*) FROM identity.person WHERE person_id = $1", alice.id) == 0
    await owner.close()
