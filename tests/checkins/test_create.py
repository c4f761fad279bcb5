"""The main job: a check-in, end to end."""

import asyncio
import importlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from tests.support.people import Circle, Person

from wellspring.checkins import history_pages
from wellspring.checkins import queries as q
from wellspring.checkins.jobs import roll_all, roll_day
from wellspring.checkins.read_later import read_on
from wellspring.identity.schemas import TIMEZONES
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload

pytestmark = pytest.mark.anyio

FULL = {
    "mood_score": 6,
    "energy_level": 5,
    "anxiety_level": 4,
    "stress_level": 4,
    "emotions": [{"emotion": "calm", "intensity": 3}, {"emotion": "wistful", "intensity": 2}],
    "context_location": "home",
    "context_activity": "reading",
    "context_social": "alone",
    "factors": [{"type": "sleep", "value": 4, "notes": "woke once"}],
    "activities": ["reading", "tea"],
    "triggers": ["news"],
    "weather": {"condition": "rain", "temperature": 8.5},
    "journal_text": "A slow evening. The rain on the roof helped.",
    "body_scan_data": {"shoulders": 4},
    "sensory_load_score": 3,
    "executive_function_score": 5,
    "masking_level": 2,
    "duration": 40,
}


async def test_a_stranger_stores_and_reads_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/checkins", json={"mood_score": 5})).status_code == 401
    assert (await client.get("/v1/checkins")).status_code == 401
    assert (await client.get(f"/v1/checkins/{ids.new()}")).status_code == 401


async def test_alice_checks_in_with_everything(alice: Person) -> None:
    answer = await alice.post("/v1/checkins", json=FULL)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["crisis_alert"] is False
    assert len(body["recommendations"]) == 3
    for offer in body["recommendations"]:
        assert offer["name"]
        assert offer["why_recommended"]
        assert 0 <= offer["predicted_effectiveness"] <= 1
    made = body["checkin"]
    stored = (await alice.get(f"/v1/checkins/{made['id']}")).json()
    assert stored == made
    for name, value in FULL.items():
        if name not in ("weather",):
            assert stored[name] == value, name
    assert stored["weather"]["condition"] == "rain"


async def test_danger_opens_an_event_before_the_reply(alice: Person, dana: Person) -> None:
    text = "I am going to kill myself tonight, goodbye"
    body = (await alice.post("/v1/checkins", json={"mood_score": 1, "journal_text": text})).json()
    assert body["crisis_alert"] is True
    assert body["crisis"]["level"] == "critical"
    assert body["crisis"]["resources"]
    assert body["crisis"]["evidence"][0]["counted"] is True
    assert len(body["recommendations"]) == 3
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    desk = (await dana.get("/v1/crisis/desk")).json()
    assert [item["id"] for item in desk["items"]] == [body["crisis"]["event_id"]]


async def test_an_ordinary_bad_day_is_no_alarm(alice: Person) -> None:
    body = (
        await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "this deadline is killing me"})
    ).json()
    assert body["crisis_alert"] is False
    assert body.get("crisis") is None


async def test_the_same_request_twice_stores_once(alice: Person) -> None:
    headers = {"idempotency-key": "phone-1-draft-7"}
    first = await alice.post("/v1/checkins", json=FULL, headers=headers)
    second = await alice.post("/v1/checkins", json=FULL, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["checkin"] == second.json()["checkin"]
    assert [o["intervention_id"] for o in first.json()["recommendations"]] == [
        o["intervention_id"] for o in second.json()["recommendations"]
    ]
    assert first.json() == second.json()
    assert len((await alice.get("/v1/checkins")).json()["items"]) == 1
    other = await alice.post("/v1/checkins", json={"mood_score": 2}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_list_tells_when_it_was_when_it_was_written_and_when_changed(alice: Person) -> None:
    earlier = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    now = (await alice.post("/v1/checkins", json={"mood_score": 6})).json()["checkin"]
    past = (await alice.post("/v1/checkins", json={"mood_score": 5, "occurred_at": earlier})).json()["checkin"]
    assert (await alice.get("/v1/checkins")).json()["items"] == [now, past]
    assert now["occurred_at"] == now["created_at"] == now["updated_at"]
    assert past["occurred_at"] < now["created_at"] < past["created_at"] == past["updated_at"]
    changed = (await alice.patch(f"/v1/checkins/{past['id']}", json={"mood_score": 4})).json()["checkin"]
    assert changed["created_at"] == past["created_at"] < changed["updated_at"]
    assert (await alice.get("/v1/checkins")).json()["items"] == [now, changed]


async def test_a_client_may_name_the_id(alice: Person) -> None:
    own = str(ids.new())
    assert (await alice.post("/v1/checkins", json={"mood_score": 5, "id": own})).json()["checkin"]["id"] == own
    again = await alice.post("/v1/checkins", json={"mood_score": 5, "id": own})
    assert (again.status_code, again.json()["code"]) == (409, "checkin_exists")


def _v7(at: datetime) -> str:
    return str(ids.UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 1))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing"),
        ({"mood_score": 0}, "out_of_range"),
        ({"mood_score": 11}, "out_of_range"),
        ({"mood_score": "7"}, "wrong_type"),
        ({"mood_score": 7.5}, "wrong_type"),
        ({"mood_score": None}, "wrong_type"),
        ({"mood_score": 5, "role": "admin"}, "unknown_field"),
        ({"mood_score": 5, "person_id": str(uuid4())}, "unknown_field"),
        ({"mood_score": 5, "emotions": [{"emotion": "joy", "intensity": 9}]}, "out_of_range"),
        ({"mood_score": 5, "context_location": "mars"}, "not_one_of"),
        ({"mood_score": 5, "journal_text": "a\x00b"}, "out_of_range"),
        ({"mood_score": 5, "journal_text": "x" * 20_001}, "out_of_range"),
        ({"mood_score": 5, "id": str(uuid4())}, "id_not_version_7"),
        ({"mood_score": 5, "id": _v7(datetime(2019, 1, 1, tzinfo=UTC))}, "id_too_old"),
        ({"mood_score": 5, "id": _v7(datetime.now(UTC) + timedelta(days=2))}, "id_in_future"),
        ({"mood_score": 5, "occurred_at": "2999-01-01T00:00:00Z"}, "time_in_future"),
        ({"mood_score": 5, "timezone": "Mars/Olympus"}, "timezone_unknown"),
    ],
)
async def test_bad_input_is_a_problem_and_stores_nothing(alice: Person, body: dict[str, object], code: str) -> None:
    answer = await alice.post("/v1/checkins", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["code"] == code, answer.text
    assert (await alice.get("/v1/checkins")).json()["items"] == []


async def test_broken_json_and_huge_bodies(alice: Person) -> None:
    headers = {"content-type": "application/json"}
    broken = await alice.post("/v1/checkins", content=b'{"mood_score": 5', headers=headers)
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed")
    huge = await alice.post("/v1/checkins", content=b"[" + b"0," * 200_000 + b"0]", headers=headers)
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")


async def test_other_people_s_entries_do_not_exist(alice: Person, charlie: Person) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 5})).json()["checkin"]["id"]
    for method in ("GET", "DELETE"):
        assert (await charlie.request(method, f"/v1/checkins/{made}")).status_code == 404
    assert (await charlie.patch(f"/v1/checkins/{made}", json={"mood_score": 1})).status_code == 404
    assert (await charlie.get("/v1/checkins")).json()["items"] == []


async def test_pages_follow_each_other_without_gap(alice: Person) -> None:
    wanted = []
    for n in range(7):
        at = (datetime.now(UTC) - timedelta(hours=n)).isoformat()
        body = {"mood_score": 5, "occurred_at": at}
        wanted.append((await alice.post("/v1/checkins", json=body)).json()["checkin"]["id"])
    seen, cursor = [], None
    while True:
        page = (await alice.get("/v1/checkins", params={"limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == wanted
    bad = await alice.get("/v1/checkins", params={"cursor": "made-up"})
    assert (bad.status_code, bad.json()["errors"][0]["code"]) == (422, "cursor_invalid")


async def test_a_change_is_judged_again(alice: Person) -> None:
    made = await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "fine"})
    path = f"/v1/checkins/{made.json()['checkin']['id']}"
    answer = await alice.patch(path, json={"journal_text": "I want to die tonight"}, headers={"if-match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["crisis_alert"] is True
    assert answer.json()["checkin"]["mood_score"] == 5
    stale = await alice.patch(path, json={"mood_score": 3}, headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")


async def test_no_text_instead_of_none_is_no_other_text(alice: Person, database_url: str) -> None:
    worst = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    made = (await alice.post("/v1/checkins", json=worst)).json()["checkin"]
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("UPDATE safety.crisis_event SET created_at = created_at - interval '4 days'")
        for text in ("", None):
            answer = await alice.patch(f"/v1/checkins/{made['id']}", json={"journal_text": text})
            assert answer.json()["crisis"]["level"] == "moderate"
            assert owner.execute("SELECT count(*) FROM safety.crisis_event").fetchone() == (1,), "one moment, one event"
        await alice.patch(f"/v1/checkins/{made['id']}", json={"journal_text": "fine"})
        assert owner.execute("SELECT count(*) FROM safety.crisis_event").fetchone() == (2,)


async def test_a_day_is_rolled_by_one_after_the_other(alice: Person, parts: Edge, database_url: str) -> None:
    """Who counted before another check-in came must not write after who has counted it."""
    first = UUID((await alice.post("/v1/checkins", json={"mood_score": 2})).json()["checkin"]["id"])
    context = JobContext(parts.db, parts.settings, parts.keys, parts.ports)
    async with parts.db.begin(DbRole.WORKER, subject=alice.id) as tx:
        await tx.one(q.ROLL_IN_TURN, alice.id)
        jobs = [asyncio.create_task(job(context, JobPayload(alice.id, first))) for job in (roll_day, roll_all)]
        assert not (await asyncio.wait(jobs, timeout=0.3))[0]
        await alice.post("/v1/checkins", json={"mood_score": 8})
    await asyncio.gather(*jobs)
    with psycopg.connect(database_url) as owner:
        assert owner.execute("SELECT count, mood_min, mood_max FROM checkins.day").fetchall() == [(2, 2, 8)]


async def test_searching_one_s_own_journal(alice: Person, charlie: Person) -> None:
    await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "Une forêt près de la rivière"})
    await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "nothing much"})
    found = (await alice.post("/v1/checkins/search", json={"text": "FORET riviere"})).json()
    assert len(found["items"]) == 1
    assert (await charlie.post("/v1/checkins/search", json={"text": "foret"})).json()["items"] == []


async def test_what_is_typed_without_ligatures_is_found(alice: Person) -> None:
    await alice.post("/v1/checkins", json={"mood_score": 5, "journal_text": "Ma sœur a un cœur d’or."})
    for text in ("soeur", "CŒUR", "d'or", "d’or"):
        assert len((await alice.post("/v1/checkins/search", json={"text": text})).json()["items"]) == 1, text
    for text in ("  ", "\u0301\u0301"):
        answer = await alice.post("/v1/checkins/search", json={"text": text})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "missing")


async def test_a_time_zone_is_one_that_the_database_knows(alice: Person, database_url: str) -> None:
    answer = await alice.post("/v1/checkins", json={"mood_score": 5, "timezone": "localtime"})
    assert answer.status_code == 422
    with psycopg.connect(database_url) as conn:
        for zone in TIMEZONES:
            conn.execute("SELECT now() AT TIME ZONE %s::text", (zone,))


async def test_the_chart_knows_the_whole_of_a_day_nine_days_ago(alice: Person, parts: Edge) -> None:
    today = datetime.now(UTC).date()
    day = today - timedelta(days=9)
    for clock, mood in (("00:00:30", 2), ("23:59:30", 10)):
        sent = {"mood_score": mood, "occurred_at": f"{day}T{clock}Z", "timezone": "UTC"}
        assert (await alice.post("/v1/checkins", json=sent)).status_code == 201
    async with parts.db.begin(DbRole.WORKER, subject=alice.id) as tx:
        await tx.do(q.ROLL_ALL, alice.id)
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        assert await history_pages._moods(tx, alice.id, today - timedelta(days=41), today) == {day: 6.0}


async def test_a_quick_check_is_one_number(alice: Person) -> None:
    body = (await alice.post("/v1/checkins/quick", json={"mood_score": 8})).json()
    assert body["checkin"]["is_quick"] is True
    assert len(body["recommendations"]) == 3


async def test_french_is_answered_in_french(circle: Circle) -> None:
    amelie = await circle.member("amelie", language="fr", country="FR")
    body = (
        await amelie.post("/v1/checkins", json={"mood_score": 1, "journal_text": "Je veux mourir ce soir, adieu"})
    ).json()
    assert body["crisis"]["level"] == "critical"
    assert any(c["value"] == "3114" for r in body["crisis"]["resources"] for c in r["channels"])


@pytest.mark.parametrize("broken", ["wellspring.checkins.reading.judge", "wellspring.checkins.signals.of"])
async def test_a_check_in_without_words_that_could_not_be_judged_shows_help_and_is_judged_later(
    alice: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    place, _, name = broken.rpartition(".")
    module = importlib.import_module(place)
    right, calls = getattr(module, name), []

    def breaks(*args: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return right(*args, **named)

    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    headers = {"idempotency-key": "01970000-0000-7000-8000-0000000000aa"}
    with monkeypatch.context() as patched:
        patched.setattr(module, name, breaks)
        answer = await alice.post("/v1/checkins", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["crisis_alert"]
    assert made["crisis"]["resources"]
    again = (await alice.post("/v1/checkins", json=body, headers=headers)).json()
    assert again["crisis_alert"]
    assert again["crisis"]["resources"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        jobs = "SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'checkins.read_later'"
        assert conn.execute(jobs).fetchall() == [(1,)]
        context = JobContext(parts.db, parts.settings, parts.keys, parts.ports)
        for _ in range(2):
            await read_on(context, alice.id, UUID(made["checkin"]["id"]))
        found = "SELECT risk_level, state FROM safety.crisis_event"
        assert conn.execute(found).fetchall() == [("moderate", "open")]
        stored = "SELECT reading_state::text, risk_level, crisis_event_id IS NOT NULL FROM checkins.checkin"
        assert conn.execute(stored).fetchall() == [("none", "moderate", True)]
