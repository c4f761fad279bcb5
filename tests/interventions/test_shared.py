"""The shared state: added to, learned again, forgotten, followed; and nobody waits for it or for anybody else."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest

from tests.interventions.people import LIBRARY, waits
from tests.interventions.test_sessions import TEA, agree, begin, rate, state
from tests.support.people import Circle, Person
from wellspring.interventions import jobs, shared
from wellspring.interventions import model as models
from wellspring.interventions import shared_queries as q
from wellspring.interventions.learn import learn
from wellspring.interventions.learning.features import WIDTH
from wellspring.interventions.model import Block
from wellspring.interventions.schemas import Complete
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JOBS, TICKS, JobContext, JobPayload

pytestmark = pytest.mark.anyio
NOBODY = JobPayload(NIL, NIL)

WALK = next(item.id for item in LIBRARY if item.slug == "brisk-walk")


async def stored(parts: Edge) -> dict[UUID, Block]:
    async with parts.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        return await shared.blocks_of(tx)


async def version(parts: Edge) -> int:
    async with parts.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        return await tx.one(q.VERSION)


def same(one: dict[UUID, Block], other: dict[UUID, Block], tolerance: float = 1e-5) -> bool:
    return one.keys() == other.keys() and all(
        np.allclose(one[key].gram, other[key].gram, atol=tolerance)
        and np.allclose(one[key].moment, other[key].moment, atol=tolerance)
        and one[key].ratings == other[key].ratings
        for key in one
    )


@pytest.fixture
async def agreed(alice: Person) -> Person:
    await agree(alice, "shared_ratings")
    return alice


def context(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {})


async def test_the_jobs_are_scheduled(parts: Edge, owner: asyncpg.Connection) -> None:
    assert TICKS["interventions.fold"] == ("*/10 * * * *", jobs.fold_soon)
    assert TICKS["interventions.relearn"] == ("37 2 * * *", jobs.relearn_tonight)
    for _ in range(2):
        await jobs.fold_soon(context(parts))
        await jobs.relearn_tonight(context(parts))
    waiting = await owner.fetch("SELECT entrypoint FROM jobs.pgqueuer ORDER BY 1")
    assert [row["entrypoint"] for row in waiting] == ["interventions.fold", "interventions.relearn"], "each once"
    assert {"interventions.fold", "interventions.relearn"} <= set(JOBS)


async def test_new_ratings_are_folded_in_once(parts: Edge, agreed: Person) -> None:
    await rate(agreed, 5)
    await jobs.fold(context(parts), NOBODY)  # the first time everything is learned
    assert await version(parts) == 1
    await rate(agreed, 4)
    await rate(agreed, 2, WALK)
    await jobs.fold(context(parts), NOBODY)
    assert await version(parts) == 2
    found = await stored(parts)
    assert {key: block.ratings for key, block in found.items()} == {TEA: 2, WALK: 1}
    assert found[TEA].gram[0, 0] == 2
    await jobs.fold(context(parts), NOBODY)
    assert await version(parts) == 2, "nothing new, nothing written"
    assert same(await stored(parts), found)


async def test_folding_in_is_nearly_learning_again(parts: Edge, agreed: Person, circle: Circle) -> None:
    ben = await circle.member("ben")
    await agree(ben, "shared_ratings")
    await rate(agreed, 3)
    await jobs.fold(context(parts), NOBODY)
    for stars in (5, 4, 5):
        await rate(ben, stars)
        await rate(agreed, stars - 1, WALK)
    await jobs.fold(context(parts), NOBODY)
    folded = await stored(parts)
    await jobs.relearn(context(parts), NOBODY)
    again = await stored(parts)
    assert {key: b.ratings for key, b in folded.items()} == {key: b.ratings for key, b in again.items()}
    assert all(np.allclose(folded[key].gram, again[key].gram) for key in again)
    ones = np.ones(WIDTH) / WIDTH
    one, other = (models.make(models.current().shelf, blocks, 1).weights.mean @ ones for blocks in (folded, again))
    assert np.abs(one - other).max() < 0.02
    assert again[TEA].people == 2
    assert again[WALK].people == 1


async def test_ratings_without_consent_are_left_out(parts: Edge, alice: Person) -> None:
    await rate(alice, 5)
    await jobs.fold(context(parts), NOBODY)
    await jobs.relearn(context(parts), NOBODY)
    assert await stored(parts) == {}
    assert len((await state(await _owner(parts), alice)).keys) == 1, "her own effects stay hers"


async def _owner(parts: Edge) -> Any:
    """The maintenance role reads what the test needs to see of one person."""

    class Reader:
        async def fetchval(self, sql: str, *args: object) -> Any:
            async with parts.db.connection(DbRole.MAINTENANCE) as conn:
                return await conn.fetchval(sql, *args)

    return Reader()


async def test_a_withdrawal_is_unlearned_at_night(parts: Edge, agreed: Person, circle: Circle) -> None:
    ben = await circle.member("ben")
    await agree(ben, "shared_ratings")
    await rate(ben, 2)
    await jobs.relearn(context(parts), NOBODY)
    alone = await stored(parts)
    await rate(agreed, 5)
    await rate(agreed, 5, WALK)
    await jobs.relearn(context(parts), NOBODY)
    assert not same(await stored(parts), alone)
    await agree(agreed, "shared_ratings", given=False)
    await jobs.relearn(context(parts), NOBODY)
    assert same(await stored(parts), alone, tolerance=1e-7)


async def test_erasing_a_person_unlearns_them(
    parts: Edge, agreed: Person, circle: Circle, owner: asyncpg.Connection
) -> None:
    ben = await circle.member("ben")
    await agree(ben, "shared_ratings")
    await rate(ben, 2)
    await jobs.relearn(context(parts), NOBODY)
    alone = await stored(parts)
    for stars, which in ((5, TEA), (5, WALK), (4, TEA)):
        await rate(agreed, stars, which)
    await jobs.fold(context(parts), NOBODY)
    assert not same(await stored(parts), alone)
    await owner.execute("DELETE FROM identity.person WHERE person_id = $1", agreed.id)
    for table in ("outcome", "person_effects", "recommendation", "session"):
        left = await owner.fetchval(f"SELECT count(*) FROM interventions.{table} WHERE person_id = $1", agreed.id)
        assert left == 0, table
    await jobs.relearn(context(parts), NOBODY)
    assert same(await stored(parts), alone, tolerance=1e-7), "as if she had never been there"


async def test_a_process_follows_without_being_asked(parts: Edge, agreed: Person) -> None:
    await rate(agreed, 5)
    assert not await shared.follow(parts.db)
    await jobs.fold(context(parts), NOBODY)
    assert models.current().version == 0
    assert await shared.follow(parts.db)
    assert models.current().version == 1
    assert models.current().weights.mean.any()
    made = (await agreed.post("/v1/checkins", json={"mood_score": 5})).json()
    async with parts.db.connection(DbRole.MAINTENANCE) as conn:
        assert await conn.fetchval("SELECT version FROM interventions.model") == 1
    assert made["recommendations"]
    assert not await shared.follow(parts.db), "nothing new"


async def test_the_log_names_the_version_that_decided(parts: Edge, agreed: Person, owner: asyncpg.Connection) -> None:
    await rate(agreed, 5)
    await jobs.fold(context(parts), NOBODY)
    await shared.follow(parts.db)
    await agreed.post("/v1/checkins", json={"mood_score": 5})
    assert await owner.fetchval("SELECT policy_version FROM interventions.recommendation") == "hlts-1.1"


async def test_following_goes_on_after_a_failure(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    async def broken(_: object) -> bool:
        calls.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr(shared, "follow", broken)
    monkeypatch.setattr(shared, "FOLLOW_EVERY_S", 0.001)
    task = asyncio.create_task(shared.follow_for_ever(parts.db))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(calls) > 1


async def test_two_people_complete_at_once_without_waiting(parts: Edge, agreed: Person, circle: Circle) -> None:
    """Alice's transaction has learned and is still open; ben's learns and commits meanwhile."""
    ben = await circle.member("ben")
    one, other = await begin(agreed), await begin(ben)
    wanted = Complete(effectiveness_rating=5)
    async with parts.db.begin(DbRole.MEMBER, actor=agreed.id) as tx:
        await learn(tx, agreed.id, UUID(one), wanted)
        async with parts.db.begin(DbRole.MEMBER, actor=ben.id) as second, asyncio.timeout(2):
            await learn(second, ben.id, UUID(other), wanted)
    async with parts.db.connection(DbRole.MAINTENANCE) as conn:
        assert await conn.fetchval("SELECT count(*) FROM interventions.outcome") == 2


async def test_nobody_waits_while_everything_is_learned_again(parts: Edge, agreed: Person) -> None:
    await rate(agreed, 5)
    await jobs.relearn(context(parts), NOBODY)
    session = await begin(agreed)
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        await tx.one(q.LOCK)
        async with asyncio.timeout(2):
            done = await agreed.post(f"/v1/interventions/sessions/{session}/complete", json={"effectiveness_rating": 4})
            made = await agreed.post("/v1/checkins", json={"mood_score": 5})
            assert await shared.fold_new(parts.db) == 0, "left for the next time"
    assert (done.status_code, made.status_code) == (200, 201)


async def test_two_devices_of_one_person_lose_nothing(parts: Edge, agreed: Person, owner: asyncpg.Connection) -> None:
    sessions = [await begin(agreed) for _ in range(6)]
    done = [
        agreed.post(f"/v1/interventions/sessions/{session}/complete", json={"effectiveness_rating": 4})
        for session in sessions
    ]
    assert {answer.status_code for answer in await asyncio.gather(*done)} == {200}
    assert (await state(owner, agreed)).counts.tolist() == [6.0]
    assert await owner.fetchval("SELECT interactions FROM interventions.person_effects") == 6


async def test_the_night_writes_residuals_anew_and_leaves_who_was_busy(
    parts: Edge, agreed: Person, circle: Circle, owner: asyncpg.Connection
) -> None:
    """Ben rates something between the reading and the writing: he is left as he is until the next night."""
    ben = await circle.member("ben")
    for stars in (5, 5, 5, 5):
        await rate(agreed, stars)
        await agree(ben, "shared_ratings")
        await rate(ben, stars)
    before = {who: (await state(owner, who)).sums[0] for who in (agreed, ben)}
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        rows = await shared._read(tx)
    learned = shared.relearn([shared.outcome(row) for row in rows], models.current().shelf)
    await rate(ben, 1)
    busy = (await state(owner, ben)).sums[0]
    assert await shared._refresh(parts.db, learned, rows, q.State(9, None)) == 1
    assert (await state(owner, agreed)).sums[0] < before[agreed], "everybody likes it: less of it is hers"
    assert (await state(owner, ben)).sums[0] == busy
    assert (
        await owner.fetchval("SELECT model_version FROM interventions.person_effects WHERE person_id = $1", agreed.id)
        == 9
    )


@pytest.mark.parametrize("how", ["forgets", "takes back"])
async def test_the_night_brings_nothing_back_that_was_forgotten_meanwhile(
    parts: Edge, agreed: Person, owner: asyncpg.Connection, how: str
) -> None:
    """Alice begins anew between the reading and the writing, and has soon done as many as had been read."""
    await rate(agreed, 1, WALK)
    await agree(agreed, "health_data")
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        rows = await shared._read(tx)
    learned = shared.relearn([shared.outcome(row) for row in rows], models.current().shelf)
    if how == "forgets":
        await agreed.delete("/v1/interventions/learned")
        await rate(agreed, 5)
    else:
        await agree(agreed, "health_data", given=False)
        await agree(agreed, "health_data")
    before = await state(owner, agreed)
    assert await shared._refresh(parts.db, learned, rows, q.State(9, None)) == 0
    assert (await state(owner, agreed)).keys.tolist() == before.keys.tolist()


async def test_a_paused_person_is_not_brought_back_at_night(
    parts: Edge, agreed: Person, owner: asyncpg.Connection
) -> None:
    await rate(agreed, 5)
    await agree(agreed, "health_data")
    await agree(agreed, "health_data", given=False)
    await jobs.relearn(context(parts), NOBODY)
    assert not len((await state(owner, agreed)).keys)


async def test_the_newest_outcomes_are_learned_from(
    parts: Edge, agreed: Person, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "PAGE", 2)
    monkeypatch.setattr(shared, "MOST", 3)
    for _ in range(6):
        await rate(agreed, 4)
    await owner.execute(
        "UPDATE interventions.outcome SET at = now() - interval '1 year' WHERE id IN"
        " (SELECT id FROM interventions.outcome ORDER BY id LIMIT 2)"
    )
    await jobs.relearn(context(parts), NOBODY)
    assert (await stored(parts))[TEA].ratings == 4


async def test_what_was_made_with_other_features_is_left_out(
    parts: Edge, agreed: Person, owner: asyncpg.Connection
) -> None:
    await rate(agreed, 5)
    await rate(agreed, 5, WALK)
    await owner.execute("UPDATE interventions.outcome SET features = ARRAY[1, 2] WHERE intervention_id = $1", WALK)
    await jobs.relearn(context(parts), NOBODY)
    assert list(await stored(parts)) == [TEA]
    await owner.execute("UPDATE interventions.block SET gram = '\\x00'")
    assert await stored(parts) == {}


async def test_a_retired_intervention_is_left_out(parts: Edge, agreed: Person, owner: asyncpg.Connection) -> None:
    await rate(agreed, 5)
    await owner.execute("UPDATE interventions.outcome SET intervention_id = gen_random_uuid()")
    await jobs.relearn(context(parts), NOBODY)
    assert await stored(parts) == {}
    assert (await agreed.get("/v1/interventions/learned")).json()["items"] == []


async def test_the_night_writes_nothing_over_what_was_learned_again_meanwhile(
    parts: Edge, agreed: Person, owner: asyncpg.Connection
) -> None:
    """The program's night and somebody's `relearn` overlap: the one that read first writes last."""
    await rate(agreed, 5)
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        rows = await shared._read(tx)
        early = await tx.one(q.NEXT_VERSION, True)
    learned = shared.relearn([], models.current().shelf)
    learned.kept[agreed.id] = b"\x01\x00\x00\x00"
    await jobs.relearn(context(parts), NOBODY)
    assert await shared._refresh(parts.db, learned, rows, early) == 0
    assert (await state(owner, agreed)).counts.tolist() == [1.0]


async def test_writing_what_is_kept_waits_for_who_changes_the_shared_state(
    parts: Edge, agreed: Person, owner: asyncpg.Connection
) -> None:
    await rate(agreed, 5)
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        rows = await shared._read(tx)
    learned = shared.relearn([], models.current().shelf)
    learned.kept[agreed.id] = b"\x01\x00\x00\x00"
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        found = await tx.one(q.LOCK)
        writing = asyncio.create_task(shared._refresh(parts.db, learned, rows, found))
        assert await waits(owner, writing)
    assert await writing == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
async def test_a_damaged_block_is_left_out_and_learned_again(
    parts: Edge, agreed: Person, owner: asyncpg.Connection, value: float
) -> None:
    """One number that is none would spoil all that is known of a whole kind of micro-actions."""
    await rate(agreed, 5)
    await rate(agreed, 5, WALK)
    await jobs.relearn(context(parts), NOBODY)
    whole = await stored(parts)
    damaged = np.full(WIDTH, value, "<f4").tobytes()
    await owner.execute("UPDATE interventions.block SET moment = $1 WHERE intervention_id = $2", damaged, TEA)
    assert list(await stored(parts)) == [WALK]
    await shared.follow(parts.db)
    assert np.isfinite(models.current().weights.mean).all()
    await jobs.relearn(context(parts), NOBODY)
    assert same(await stored(parts), whole)
