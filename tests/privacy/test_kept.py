"""What is kept for years goes when they are over: of those who left, of those who are here, and of nobody too early."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge
from wellspring.privacy import kept

pytestmark = pytest.mark.anyio
KEPT = ("safety.crisis_event", "safety.event_step", "safety.page")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def aged(owner: asyncpg.Connection, age: timedelta) -> UUID:
    """Return an id of that age; two are never the same."""
    floor: UUID = await owner.fetchval("SELECT kernel.uuid7_floor(now() - $1::interval)", age)
    return UUID(int=(floor.int >> 62 << 62) | (ids.new().int & (1 << 62) - 1))


async def event(
    owner: asyncpg.Connection, person_id: UUID, age: timedelta, *, step: timedelta, state: str = "resolved"
) -> UUID:
    """Store a crisis event of that age with a page of the same age, and a step of another."""
    made = await aged(owner, age)
    await owner.execute(
        "INSERT INTO safety.crisis_event (person_id, id, trigger_source, risk_level, risk_score, state, evidence,"
        " response_due_at) VALUES ($1, $2, 'checkin', 'high', 1, $3, 'x', now())",
        person_id,
        made,
        state,
    )
    await owner.execute(
        "INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state)"
        " VALUES ($1, $2, $3, $1, 'paged', 'resolved')",
        person_id,
        await aged(owner, step),
        made,
    )
    await owner.execute(
        "INSERT INTO safety.page (person_id, id, event_id, step) VALUES ($1, $2, $3, 0)",
        person_id,
        await aged(owner, age),
        made,
    )
    return made


async def counts(owner: asyncpg.Connection, event_id: UUID) -> tuple[int, ...]:
    found = [await owner.fetchval("SELECT count(*) FROM safety.crisis_event WHERE id = $1", event_id)]
    for table in KEPT[1:]:
        found.append(await owner.fetchval(f"SELECT count(*) FROM {table} WHERE event_id = $1", event_id))
    return tuple(found)


async def removed(parts: Edge) -> dict[str, int]:
    """Remove what is too old, after the dry run has said the same."""
    said = await kept.look(parts.db)
    done = await kept.remove_old(parts.db, parts.keys)
    assert said == done
    assert all(one.rows == 0 for one in await kept.look(parts.db))
    return {one.table: one.rows for one in done if one.rows}


YEARS = timedelta(days=7 * 365 + 3)
SOON = timedelta(days=7 * 365 - 3)


async def test_records_of_the_living_go_after_seven_years(
    alice: Person, parts: Edge, owner: asyncpg.Connection
) -> None:
    old = await event(owner, alice.id, YEARS, step=YEARS)
    young = await event(owner, alice.id, SOON, step=SOON)
    assert await removed(parts) == dict.fromkeys(KEPT, 1)
    assert await counts(owner, old) == (0, 0, 0)
    assert await counts(owner, young) == (1, 1, 1)
    assert await owner.fetchval("SELECT count(*) FROM kernel.person_key WHERE person_id = $1", alice.id) == 1


async def test_an_event_stays_as_long_as_a_step_of_it_does(
    alice: Person, parts: Edge, owner: asyncpg.Connection
) -> None:
    late = await event(owner, alice.id, YEARS, step=SOON)
    assert await removed(parts) == {"safety.page": 1}
    assert await counts(owner, late) == (1, 1, 0)


async def test_nothing_goes_that_somebody_works_with(alice: Person, parts: Edge, owner: asyncpg.Connection) -> None:
    open_now = await event(owner, alice.id, YEARS, step=YEARS, state="contacted")
    await removed(parts)
    assert (await counts(owner, open_now))[0] == 1


async def test_of_those_who_left_the_key_goes_with_the_last_record(
    circle: Circle, parts: Edge, owner: asyncpg.Connection
) -> None:
    gone, charlie = await circle.member("gone"), await circle.member("charlie")
    await event(owner, gone.id, YEARS, step=YEARS)
    young = await event(owner, gone.id, SOON, step=SOON)
    await owner.execute("DELETE FROM identity.person WHERE person_id = $1", gone.id)
    assert await removed(parts) == dict.fromkeys(KEPT, 1)
    await owner.execute("DELETE FROM safety.crisis_event WHERE id = $1", young)
    await event(owner, gone.id, YEARS, step=YEARS)
    assert await removed(parts) == {**dict.fromkeys(KEPT, 1), "kernel.person_key": 1}
    assert await owner.fetchval("SELECT count(*) FROM kernel.person_key WHERE person_id = $1", charlie.id) == 1


async def test_a_check_in_outlives_the_record_of_its_danger(
    alice: Person, parts: Edge, owner: asyncpg.Connection
) -> None:
    sent = await alice.post(
        "/v1/checkins", json={"mood_score": 1, "journal_text": "I am going to kill myself tonight, goodbye"}
    )
    checkin, made = sent.json()["checkin"]["id"], sent.json()["crisis"]["event_id"]
    old = await aged(owner, YEARS)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE safety.crisis_event SET id = $2, state = 'resolved' WHERE id = $1", UUID(made), old)
    for table in ("safety.event_step", "safety.page"):
        await owner.execute(f"DELETE FROM {table}")
    await owner.execute("UPDATE safety.desk SET id = $2 WHERE id = $1", UUID(made), old)
    await owner.execute("SET session_replication_role = origin")
    await owner.execute("UPDATE checkins.checkin SET crisis_event_id = $1", old)
    assert await removed(parts) == {"safety.crisis_event": 1}
    assert await owner.fetchval("SELECT count(*) FROM safety.desk") == 0, "the desk's line goes with it"
    assert (await alice.get(f"/v1/checkins/{checkin}")).status_code == 200
    assert (await alice.get("/v1/checkins")).status_code == 200
    assert (await alice.get(f"/v1/checkins/{checkin}/reading")).status_code == 200
    assert (await alice.patch(f"/v1/checkins/{checkin}", json={"mood_score": 4})).status_code == 200
