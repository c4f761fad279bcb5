"""Erasing oneself: asked for with the password, carried out by a worker, never stopped half-way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.support.people import PASSWORD, Circle, Person
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.kernel.policy import Role
from wellspring.privacy import erasure, leaving
from wellspring.privacy.erasure import NotErased
from wellspring.privacy.ledger import NAME, Ledger

pytestmark = pytest.mark.anyio
HERE = "/v1/delete-account"
SURE = {"current_password": PASSWORD}


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


@pytest.fixture
def worker(parts: Edge, tmp_path: Path) -> JobContext:
    return JobContext(parts.db, parts.settings.model_copy(update={"data": tmp_path}), parts.keys, {})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / NAME)


async def status_of(owner: asyncpg.Connection, person: Person) -> str | None:
    found: str | None = await owner.fetchval("SELECT status FROM identity.person WHERE person_id = $1", person.id)
    return found


async def wishes(owner: asyncpg.Connection) -> list[UUID]:
    return [row[0] for row in await owner.fetch("SELECT person_id FROM privacy.leaving")]


async def in_danger(person: Person) -> None:
    asked = await person.post("/v1/crisis/report", json={"wants_contact": True})
    assert asked.status_code == 201, asked.text


async def safe_again(owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE safety.crisis_event SET state = 'resolved'")


async def test_a_stranger_erases_nobody(client: httpx.AsyncClient, alice: Person, charlie: Person) -> None:
    for method, path in (("DELETE", HERE), ("GET", HERE), ("POST", f"{HERE}/take-back")):
        assert (await client.request(method, path, json=SURE)).status_code == 401
    assert (await charlie.request("DELETE", HERE, json=SURE)).status_code == 202
    assert (await alice.get(HERE)).status_code == 404
    assert (await alice.post(f"{HERE}/take-back")).status_code == 409
    assert (await charlie.get(HERE)).status_code == 200


async def test_the_password_is_asked_for(alice: Person, owner: asyncpg.Connection) -> None:
    assert (await alice.request("DELETE", HERE)).status_code in (400, 415, 422)
    assert (await alice.request("DELETE", HERE, json={})).status_code == 422
    refused = await alice.request("DELETE", HERE, json={"current_password": "not it at all"})
    assert (refused.status_code, refused.json()["code"]) == (403, "password_wrong")
    assert await wishes(owner) == []


async def test_whoever_asks_is_erased_by_a_worker(
    alice: Person, charlie: Person, worker: JobContext, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    sent = await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "quokkaberry"})
    assert sent.status_code == 201
    asked = await alice.request("DELETE", HERE, json=SURE)
    assert (asked.status_code, asked.json()["waits_for"]) == (202, None)
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) is None
    assert (await alice.get("/v1/users/me")).status_code == 401
    left = await owner.fetch(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'person_id'"
    )
    holding = [
        name for (name,) in left if await owner.fetchval(f"SELECT count(*) FROM {name} WHERE person_id = $1", alice.id)
    ]
    assert sorted(holding) in (["kernel.audit"], ["kernel.audit", "kernel.audit_link"])
    row = await owner.fetchrow("SELECT actor_id FROM kernel.audit WHERE action = 'privacy:person:erase'")
    assert row == (alice.id,)
    assert ledger.people() == [alice.id]
    assert await status_of(owner, charlie) == "active"
    assert (await charlie.get("/v1/users/me")).status_code == 200


async def test_an_erasure_can_be_called_off_until_it_begins(
    alice: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    await alice.request("DELETE", HERE, json=SURE)
    assert (await alice.post(f"{HERE}/take-back")).status_code == 204
    assert (await alice.get(HERE)).status_code == 404
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) == "active"


async def test_it_waits_while_people_look_for_her_and_begins_by_itself(
    alice: Person, worker: JobContext, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    await in_danger(alice)
    await alice.request("DELETE", HERE, json=SURE)
    await leaving.carry_out(worker)
    assert (await alice.get(HERE)).json()["waits_for"] == "in_crisis"
    assert ledger.people() == []
    await safe_again(owner)
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) is None
    kept = await owner.fetchval("SELECT count(*) FROM safety.crisis_event WHERE person_id = $1", alice.id)
    assert kept == 1


async def test_staff_who_hold_something_wait_and_say_why(
    circle: Circle, worker: JobContext, owner: asyncpg.Connection
) -> None:
    alice, dana = await circle.member("alice"), await circle.staff("dana", Role.RESPONDER)
    erin = await circle.staff("erin", Role.ADMIN)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await in_danger(alice)
    event = (await dana.get("/v1/crisis/desk")).json()["items"][0]["id"]
    assert (await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")).status_code == 200
    for person in (dana, erin):
        assert (await person.request("DELETE", HERE, json=SURE)).status_code == 202
    await leaving.carry_out(worker)
    assert (await dana.get(HERE)).json()["waits_for"] == "working"
    assert (await erin.get(HERE)).json()["waits_for"] == "last_admin"
    await safe_again(owner)
    await leaving.carry_out(worker)
    assert await status_of(owner, dana) is None
    named = await owner.fetchrow("SELECT e.claimed_by, d.claimed_by FROM safety.crisis_event e, safety.desk d")
    assert named == (None, None), "the name goes with her, also where the worker could not see it"
    assert await status_of(owner, erin) == "active"


async def _stopped_in_the_middle(parts: Edge, database_url: str, ledger: Ledger, person: Person) -> None:
    """Close the account as an erasure does, and kill that while it waits for what is under way."""
    conn = await asyncpg.connect(database_url)
    async with parts.db.begin(DbRole.MEMBER, actor=person.id):
        erasing = asyncio.create_task(erasure.erase(conn, parts.keys, ledger, person.id))
        await asyncio.sleep(0.5)
        conn.terminate()
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError)):
        await erasing


async def test_danger_found_after_a_kill_opens_the_account_again(
    alice: Person, worker: JobContext, parts: Edge, database_url: str, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    await in_danger(alice)
    await safe_again(owner)
    await _stopped_in_the_middle(parts, database_url, ledger, alice)
    assert await status_of(owner, alice) == "deleted"
    await owner.execute("UPDATE safety.crisis_event SET state = 'paged'")
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) == "active"
    assert await wishes(owner) == [], "the operator, who asked for it, was not there to hear the answer"
    again = await alice.client.post("/v1/auth/login", json={"email": alice.email, "password": PASSWORD})
    assert again.status_code == 200


async def test_an_erasure_that_was_killed_is_ended(
    alice: Person, worker: JobContext, parts: Edge, database_url: str, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    await _stopped_in_the_middle(parts, database_url, ledger, alice)
    assert await status_of(owner, alice) == "deleted"
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) is None
    assert await wishes(owner) == []
    assert ledger.people() == [alice.id]


async def test_a_suspended_account_is_suspended_again_when_it_is_refused(
    alice: Person, parts: Edge, database_url: str, owner: asyncpg.Connection, ledger: Ledger, worker: JobContext
) -> None:
    await owner.execute("UPDATE identity.person SET status = 'suspended' WHERE person_id = $1", alice.id)
    await _stopped_in_the_middle(parts, database_url, ledger, alice)
    await owner.execute(
        "INSERT INTO safety.crisis_event (person_id, id, trigger_source, risk_level, risk_score, state, evidence,"
        " response_due_at) VALUES ($1, $1, 'checkin', 'high', 1, 'paged', '', now())",
        alice.id,
    )
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) == "suspended"


async def test_an_erasure_that_could_not_be_noted_is_noted_later(
    alice: Person, worker: JobContext, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    await alice.request("DELETE", HERE, json=SURE)
    ledger.path.mkdir()  # nothing can be written there
    await leaving.carry_out(worker)
    assert await status_of(owner, alice) is None
    assert await wishes(owner) == [alice.id]
    ledger.path.rmdir()
    await leaving.carry_out(worker)
    assert await wishes(owner) == []
    assert ledger.people() == [alice.id]


async def test_two_who_erase_the_same_person_take_turns(
    alice: Person, parts: Edge, database_url: str, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    other = await asyncpg.connect(database_url)
    try:
        async with erasure.alone(other, alice.id):
            assert await erasure.erase(owner, parts.keys, ledger, alice.id, wait=False) is None
            waiting = asyncio.create_task(erasure.erase(owner, parts.keys, ledger, alice.id))
            await asyncio.sleep(0.2)
            assert not waiting.done()
        assert await waiting is not None
    finally:
        await other.close()


async def test_who_came_back_with_a_backup_is_erased_although_help_was_on_its_way(
    alice: Person, parts: Edge, owner: asyncpg.Connection, ledger: Ledger
) -> None:
    await in_danger(alice)
    with pytest.raises(NotErased):
        await erasure.erase(owner, parts.keys, ledger, alice.id)
    assert await erasure.erase(owner, parts.keys, ledger, alice.id, again=True) is not None
    assert await owner.fetchval("SELECT state FROM safety.crisis_event") == "resolved"
    assert await owner.fetchval("SELECT count(*) FROM safety.desk") == 0


def test_a_ledger_survives_a_torn_line(ledger: Ledger) -> None:
    first, second = UUID(int=1), UUID(int=2)
    ledger.note(first)
    with ledger.path.open("ab") as file:
        file.write(b'{"person_id": "0000')
    ledger.note(second)
    ledger.note(first)
    assert ledger.people() == [first, second]
    assert ledger.path.stat().st_mode & 0o777 == 0o600
