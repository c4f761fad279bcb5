"""Taking back that data about one's health is kept: nothing is stored, nothing is read, help stays open."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from tests.support.models import StandIn, in_time, install, late
from tests.support.people import Person

from wellspring.checkins import read_later, service
from wellspring.checkins.read_later import read_on
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
WORDS = "I am going to kill myself tonight, goodbye"
REFUSED = (409, "health_data_refused")


@pytest.fixture
def models(parts: Edge) -> StandIn:
    return install(parts)


async def _say(who: Person, given: bool) -> None:
    answer = await who.put("/v1/consents/health_data", json={"given": given})
    assert answer.status_code == 200, answer.text


async def _stored(who: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await who.get("/v1/checkins")).json()["items"]
    return found


def _jobs(url: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute("SELECT entrypoint FROM jobs.pgqueuer ORDER BY id").fetchall()


def _said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_no_is_one_s_own(models: StandIn, alice: Person, charlie: Person, client: httpx.AsyncClient) -> None:
    assert (await client.put("/v1/consents/health_data", json={"given": False})).status_code == 401
    await _say(charlie, False)
    assert (await alice.post("/v1/checkins", json={"mood_score": 5})).status_code == 201
    assert _said(await charlie.post("/v1/checkins", json={"mood_score": 5})) == REFUSED


async def test_nothing_is_stored_changed_or_read_until_it_is_given_again(
    models: StandIn, alice: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "rain"})).json()["checkin"]
    path = f"/v1/checkins/{made['id']}"
    await _say(alice, False)
    read: list[str] = []
    monkeypatch.setattr(models, "lightly", lambda text, hint=None: read.append(text))
    before = _jobs(database_url)
    assert _said(await alice.post("/v1/checkins", json={"mood_score": 1, "journal_text": WORDS})) == REFUSED
    assert _said(await alice.post("/v1/checkins/quick", json={"mood_score": 1})) == REFUSED
    assert _said(await alice.patch(path, json={"journal_text": WORDS})) == REFUSED
    assert _said(await alice.patch(path, json={"mood_score": 1})) == REFUSED
    assert (await alice.patch(f"/v1/checkins/{ids.new()}", json={"mood_score": 1})).status_code == 404
    assert (await alice.post("/v1/checkins", json={"mood_score": 11})).status_code == 422
    assert read == []
    monkeypatch.undo()
    assert _jobs(database_url) == before
    assert await _stored(alice) == [made]
    assert (await alice.get(path)).json() == made
    assert len((await alice.post("/v1/checkins/search", json={"text": "rain"})).json()["items"]) == 1
    assert (await alice.delete(path)).status_code == 204
    await _say(alice, True)
    answer = await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": WORDS})
    assert (answer.status_code, answer.json()["crisis_alert"]) == (201, True)


async def test_what_was_stored_before_is_answered_as_before(models: StandIn, alice: Person) -> None:
    key, body = {"idempotency-key": "sent-before-the-no"}, {"mood_score": 4, "journal_text": "rain"}
    first = await alice.post("/v1/checkins", json=body, headers=key)
    await _say(alice, False)
    again = await alice.post("/v1/checkins", json=body, headers=key)
    assert (again.status_code, again.json()["checkin"]) == (201, first.json()["checkin"])
    assert len(await _stored(alice)) == 1


async def test_what_is_shown_again_is_not_read_again(
    models: StandIn, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help stays, the words are left alone."""
    key, body = {"idempotency-key": "sent-before-the-no"}, {"mood_score": 1, "journal_text": WORDS}
    first = (await alice.post("/v1/checkins", json=body, headers=key)).json()
    assert first["crisis"]["evidence"]
    read: list[str] = []

    def reads(text: str, **_: object) -> None:
        read.append(text)
        raise AssertionError

    monkeypatch.setattr(service, "read", reads)
    await _say(alice, False)
    again = await alice.post("/v1/checkins", json=body, headers=key)
    assert again.status_code == 201, again.text
    assert read == []
    crisis = again.json()["crisis"]
    assert (crisis["event_id"], crisis["resources"]) == (first["crisis"]["event_id"], first["crisis"]["resources"])
    assert crisis["evidence"] == []


async def test_a_moment_without_words_waits_too_when_the_no_comes_while_it_is_looked_at(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 5})).json()["checkin"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE checkins.checkin SET reading_state = 'unread' WHERE id = %s", [made["id"]])
    path = f"/v1/checkins/{made['id']}/reading"
    await _say(alice, False)
    await read_later._without_words(in_time(models, parts), alice.id, UUID(made["id"]))
    assert (await alice.get(path)).json()["reading"] == "unread"
    await _say(alice, True)
    await read_on(in_time(models, parts), alice.id, UUID(made["id"]))
    assert (await alice.get(path)).json()["reading"] == "none"


async def test_help_never_asks_for_it(models: StandIn, alice: Person, dana: Person) -> None:
    await _say(alice, False)
    report = await alice.post("/v1/crisis/report", json={"note": WORDS})
    assert report.status_code == 201, report.text
    assert (await alice.put("/v1/crisis/safety-plan", json={"warning_signs": ["no sleep"]})).status_code == 200
    assert (await alice.get("/v1/crisis/resources")).status_code == 200
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = report.json()["event_id"]
    assert (await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")).status_code == 200


async def test_a_job_that_waits_reads_nothing_until_it_is_given_again(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    made = (await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "I feel stuck."})).json()
    context = in_time(models, parts)
    row_id = UUID(made["checkin"]["id"])
    path = f"/v1/checkins/{row_id}/reading"
    assert "pending" in (await alice.get(path)).json()["versions"]
    await _say(alice, False)
    await read_on(context, alice.id, row_id)
    assert "pending" in (await alice.get(path)).json()["versions"]
    before = len(_jobs(database_url))
    await _say(alice, True)
    assert _jobs(database_url)[before:] == [("checkins.read_later",)]
    await read_on(context, alice.id, row_id)
    assert "pending" not in (await alice.get(path)).json()["versions"]


async def test_a_no_among_many_check_ins_holds_from_its_answer_on(models: StandIn, alice: Person) -> None:
    sent = [alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "rain"}) for _ in range(6)]
    answers, _ = await asyncio.gather(asyncio.gather(*sent), _say(alice, False))
    assert {one.status_code for one in answers} <= {201, 409}
    kept = [one for one in answers if one.status_code == 201]
    assert len(await _stored(alice)) == len(kept)
    assert _said(await alice.post("/v1/checkins", json={"mood_score": 5})) == REFUSED
