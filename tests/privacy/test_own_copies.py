"""A copy of everything about oneself: asked for with the password, made by a job, fetched in the same sign-in."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.support.people import PASSWORD, Person
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.privacy import own_copies

pytestmark = pytest.mark.anyio
HERE, FILE = "/v1/export", "/v1/export/all"
SURE = {"current_password": PASSWORD}
WORD = "quokkaberry"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


@pytest.fixture
def worker(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {})


async def work(worker: JobContext, owner: asyncpg.Connection) -> int:
    """Run the copies that wait in the queue; return how many there were."""
    rows = await owner.fetch("DELETE FROM jobs.pgqueuer WHERE entrypoint = 'privacy.copy' RETURNING payload")
    for (payload,) in rows:
        found = json.loads(payload)
        await own_copies.make(worker, JobPayload(UUID(found["person_id"]), UUID(found["ref"])))
    return len(rows)


async def elsewhere(person: Person) -> Person:
    """Return the same person where they are signed in a second time."""
    answer = await person.client.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200
    return Person(person.client, person.id, person.email, answer.json())


async def written(person: Person) -> None:
    sent = await person.post("/v1/checkins", json={"mood_score": 4, "journal_text": f"{WORD}, a quiet day"})
    assert sent.status_code == 201


async def test_a_stranger_gets_nothing(
    client: httpx.AsyncClient, alice: Person, charlie: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    await written(alice)
    assert (await alice.post(HERE, json=SURE)).status_code == 202
    await work(worker, owner)
    for method, path in (("POST", HERE), ("GET", HERE), ("GET", FILE), ("DELETE", HERE)):
        assert (await client.request(method, path, json=SURE)).status_code == 401
    for path in (HERE, FILE):
        assert (await charlie.get(path)).status_code == 404
    assert (await charlie.delete(HERE)).status_code == 404
    assert (await charlie.post(HERE, json=SURE)).status_code == 202
    await work(worker, owner)
    theirs = await charlie.get(FILE)
    assert theirs.status_code == 200
    with zipfile.ZipFile(io.BytesIO(theirs.content)) as archive:
        text = archive.read("everything.json").decode()
    assert not [mark for mark in (WORD, str(alice.id), alice.email) if mark in text]
    assert (await alice.get(FILE)).status_code == 200


async def test_the_password_is_asked_for_and_wrong_ones_lock(alice: Person, owner: asyncpg.Connection) -> None:
    for _ in range(5):
        refused = await alice.post(HERE, json={"current_password": "not it at all"})
        assert (refused.status_code, refused.json()["code"]) == (403, "password_wrong")
    assert (await alice.post(HERE, json=SURE)).status_code == 429
    assert await owner.fetchval("SELECT count(*) FROM privacy.copy") == 0
    assert await owner.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'privacy:copy:make'") == 5


async def test_a_copy_is_made_in_the_background_and_holds_what_was_written(
    alice: Person, worker: JobContext, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_copies, "PART", 500)
    monkeypatch.setattr(own_copies._Parts.drain, "__defaults__", (500,))
    await written(alice)
    assert (await alice.get(HERE)).status_code == 404
    asked = await alice.post(HERE, json=SURE)
    assert (asked.status_code, asked.json()["state"], asked.json()["here"]) == (202, "asked", True)
    early = await alice.get(FILE)
    assert (early.status_code, early.json()["code"]) == (409, "copy_not_ready")
    await alice.post(HERE, json=SURE)
    assert await work(worker, owner) == 1, "asking twice asks once"
    state = (await alice.get(HERE)).json()
    assert state["state"] == "ready"
    file = await alice.get(FILE)
    assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
    assert file.headers["content-disposition"].startswith('attachment; filename="wellspring-2')
    assert len(file.content) == state["size"]
    assert await owner.fetchval("SELECT count(*) FROM privacy.copy_part") == -(-state["size"] // 500) > 2
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.testzip() is None
        found = json.loads(archive.read("everything.json"))
        assert WORD in archive.read("csv/checkins.checkin.csv").decode()
    assert WORD in json.dumps(found["tables"]["checkins.checkin"])
    assert found["unreadable"] == []
    actions = {row[0] for row in await owner.fetch("SELECT action FROM kernel.audit WHERE actor_id = $1", alice.id)}
    assert {"privacy:copy:make", "privacy:copy:read"} <= actions
    assert await owner.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'privacy:person:export'") == 0
    sealed = b"".join(row[0] for row in await owner.fetch("SELECT sealed FROM privacy.copy_part ORDER BY n"))
    assert b"everything.json" not in sealed


async def test_no_other_sign_in_of_hers_can_fetch_it(
    alice: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    other = await elsewhere(alice)
    await alice.post(HERE, json=SURE)
    await work(worker, owner)
    assert (await other.get(FILE)).status_code == 404
    seen = (await other.get(HERE)).json()
    assert (seen["state"], seen["here"]) == ("ready", False)
    assert (await other.post(HERE, json=SURE)).json()["here"] is True
    assert (await alice.get(FILE)).status_code == 404, "the first one went"
    await work(worker, owner)
    assert (await other.get(FILE)).status_code == 200
    assert await owner.fetchval("SELECT count(*) FROM privacy.copy") == 1


async def test_a_copy_lasts_a_day_and_can_be_removed_before(
    alice: Person, charlie: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    for person in (alice, charlie):
        await person.post(HERE, json=SURE)
    await work(worker, owner)
    assert (await alice.delete(HERE)).status_code == 204
    assert (await alice.delete(HERE)).status_code == 404
    await own_copies.remove_over(worker)
    assert (await charlie.get(FILE)).status_code == 200
    await owner.execute("UPDATE privacy.copy SET expires_at = now() - interval '1 second'")
    assert (await charlie.get(FILE)).status_code == 404
    await own_copies.remove_over(worker)
    assert await owner.fetchval("SELECT count(*) FROM privacy.copy_part") == 0


async def test_a_copy_that_was_removed_meanwhile_is_not_made(
    alice: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    await alice.post(HERE, json=SURE)
    await alice.delete(HERE)
    assert await work(worker, owner) == 1
    assert await owner.fetchval("SELECT count(*) FROM privacy.copy_part") == 0


async def test_a_copy_that_was_begun_and_killed_is_made_again_whole(
    alice: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    await alice.post(HERE, json=SURE)
    copy_id = await owner.fetchval("SELECT id FROM privacy.copy")
    await owner.execute(
        "INSERT INTO privacy.copy_part (person_id, id, copy_id, n, sealed) VALUES ($1, $2, $3, 0, 'half')",
        alice.id,
        ids.new(),
        copy_id,
    )
    await work(worker, owner)
    assert zipfile.ZipFile(io.BytesIO((await alice.get(FILE)).content)).testzip() is None


async def test_a_job_that_never_ended_is_told(alice: Person, owner: asyncpg.Connection, worker: JobContext) -> None:
    await alice.post(HERE, json=SURE)
    await owner.execute("UPDATE privacy.copy SET asked_at = now() - interval '2 hours'")
    assert (await alice.get(HERE)).json()["state"] == "failed"
    assert (await alice.post(HERE, json=SURE)).json()["state"] == "asked"
    await work(worker, owner)
    assert (await alice.get(HERE)).json()["state"] == "ready"
