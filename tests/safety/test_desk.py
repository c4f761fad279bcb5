"""From danger to a human: the event, its pages, the desk, claiming, steps."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.kernel.policy import Role
from wellspring.notify.ports import RecordingMail
from wellspring.safety import paging
from wellspring.safety.copy import notice

pytestmark = pytest.mark.anyio
DANGER = "I am going to kill myself tonight, goodbye"


def context(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {"mail": RecordingMail()})


async def rows(url: str, sql: str, *args: object) -> list[dict[str, Any]]:
    conn = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await conn.fetch(sql, *args)]
    finally:
        await conn.close()


async def danger(who: Person) -> dict[str, Any]:
    answer = await who.post("/v1/checkins", json={"mood_score": 1, "journal_text": DANGER})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["crisis"]
    return found


async def test_a_stranger_sees_help_and_nothing_else(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/crisis/resources", params={"country": "FR", "language": "fr"})
    assert answer.status_code == 200, answer.text
    assert any(c["value"] == "3114" for r in answer.json()["items"] for c in r["channels"])
    for method, path in (("GET", "/v1/crisis/desk"), ("POST", "/v1/crisis/report"), ("GET", "/v1/crisis/safety-plan")):
        assert (await client.request(method, path, json={})).status_code == 401


async def test_at_least_25_countries_are_readable_signed_out(client: httpx.AsyncClient) -> None:
    for country in ("US", "GB", "FR", "DE", "IN", "AU", "BR", "JP", "ZA", "NG"):
        body = (await client.get("/v1/crisis/resources", params={"country": country})).json()
        assert body["items"], country
        assert body["emergency_number"], country


async def test_a_member_cannot_see_the_desk(alice: Person) -> None:
    assert (await alice.get("/v1/crisis/desk")).status_code == 403
    event = await danger(alice)
    path = f"/v1/people/{alice.id}/crisis-events/{event['event_id']}"
    assert (await alice.get(path)).status_code == 404
    assert (await alice.post(path + "/claim")).status_code == 404


async def test_only_who_is_on_duty_sees_events(alice: Person, dana: Person, bob: Person) -> None:
    await danger(alice)
    empty = {"items": [], "after_care": [], "missed": {"reviews": 0, "contacts": 0}, "on_duty": False}
    assert (await dana.get("/v1/crisis/desk")).json() == empty
    assert (await bob.get("/v1/crisis/desk")).status_code == 403
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    desk = (await dana.get("/v1/crisis/desk")).json()
    assert desk["on_duty"] is True
    assert desk["items"][0]["risk_level"] == "critical"
    assert "evidence" not in desk["items"][0]


async def test_evidence_and_contacts_come_with_the_claim(alice: Person, dana: Person) -> None:
    contact = {"name": "Sam", "relationship": "sibling", "phone": "+1 555 0100", "may_be_contacted": True}
    await alice.post("/v1/users/me/emergency-contacts", json=contact)
    event = await danger(alice)
    path = f"/v1/people/{alice.id}/crisis-events/{event['event_id']}"
    assert (await dana.get(path)).status_code == 403
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await dana.get(path)).json()["code"] == "not_yours"
    claimed = await dana.post(path + "/claim")
    assert claimed.status_code == 200, claimed.text
    body = claimed.json()
    assert body["email"] == alice.email
    assert body["contacts"][0]["phone"] == "+1 555 0100"
    assert any("kill myself" in e["text"] for e in body["evidence"])
    assert body["explanation"]
    assert "contact" in body["next_steps"]


async def test_of_many_claims_exactly_one_wins(alice: Person, circle: Circle) -> None:
    event = await danger(alice)
    responders = [await circle.staff(f"dana{n}", Role.RESPONDER) for n in range(6)]
    for responder in responders:
        await responder.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{event['event_id']}/claim"
    answers = await asyncio.gather(*(r.post(path) for r in responders))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"already_claimed"}


async def _news(who: Person, cursor: int = 0) -> tuple[list[tuple[str, str]], int]:
    found = (await who.get("/v1/changes", params={"cursor": cursor})).json()
    return [(item["topic"], item["ref"]) for item in found["items"]], found["cursor"]


async def test_every_desk_on_duty_hears_of_claims_steps_and_duties(alice: Person, circle: Circle) -> None:
    dana, fay, off = [await circle.staff(name, Role.RESPONDER) for name in ("dana", "fay", "off")]
    erin = await circle.staff("erin", Role.ADMIN)
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    duties = [("desk.changed", str(dana.id)), ("desk.changed", str(fay.id))]
    heard, cursor = await _news(fay)
    assert heard == duties
    assert (await _news(off))[0] == duties, "who is not on duty learns that others are"
    event = await danger(alice)
    path = f"/v1/people/{alice.id}/crisis-events/{event['event_id']}"
    assert (await dana.post(path + "/claim")).status_code == 200
    heard, cursor = await _news(fay, cursor)
    assert heard == [("desk.changed", event["event_id"])]
    assert (await fay.post(path + "/claim")).status_code == 409
    assert (await dana.post(path + "/steps", json={"step": "contact"})).status_code == 200
    await dana.put("/v1/crisis/duty", json={"on_duty": False})
    heard, _ = await _news(fay, cursor)
    assert heard == [("desk.changed", event["event_id"]), ("desk.changed", str(dana.id))]
    assert (await _news(off))[0] == [*duties, ("desk.changed", str(dana.id))], "events only to those on duty"
    assert (await _news(erin))[0] == []
    assert {topic for topic, _ in (await _news(alice))[0]} == {"checkin.created", "crisis.opened", "crisis.changed"}


async def test_the_steps_to_the_end(alice: Person, dana: Person) -> None:
    event = await danger(alice)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{event['event_id']}"
    await dana.post(path + "/claim")
    early = await dana.post(path + "/steps", json={"step": "resolve", "outcome": "safe_with_plan"})
    assert (early.status_code, early.json()["code"]) == (409, "step_refused")
    assert (await dana.post(path + "/steps", json={"step": "contact", "note": "We spoke."})).json()[
        "state"
    ] == "contacted"
    missing = await dana.post(path + "/steps", json={"step": "resolve"})
    assert (missing.status_code, missing.json()["code"]) == (422, "outcome_needed")
    done = await dana.post(path + "/steps", json={"step": "resolve", "outcome": "safe_with_plan"})
    assert done.json()["state"] == "resolved"
    assert (await dana.get("/v1/crisis/desk")).json()["items"] == []


async def test_a_page_is_sent_once_however_often_the_job_runs(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = UUID((await danger(alice))["event_id"])
    payload = JobPayload(alice.id, event)
    await asyncio.gather(*(paging.page(context(parts), payload) for _ in range(3)))
    await paging.page(context(parts), payload)
    pages = await rows(database_url, "SELECT step, responder_id FROM safety.page WHERE event_id = $1", event)
    assert pages == [{"step": 0, "responder_id": dana.id}]
    mails = await rows(database_url, "SELECT template FROM notify.delivery WHERE person_id = $1", dana.id)
    assert [m["template"] for m in mails] == ["crisis_page_now"]


async def test_an_unacknowledged_page_climbs_to_the_supervisor(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    boss = await circle.staff("boss", Role.RESPONDER)
    await boss.put("/v1/crisis/duty", json={"on_duty": False})
    await rows(database_url, "UPDATE safety.duty SET is_supervisor = true WHERE person_id = $1", boss.id)
    event = UUID((await danger(alice))["event_id"])
    payload = JobPayload(alice.id, event)
    await paging.page(context(parts), payload)
    await rows(database_url, "UPDATE safety.crisis_event SET paged_at = paged_at - interval '11 minutes'")
    await paging.page(context(parts), payload)
    pages = await rows(database_url, "SELECT step, responder_id FROM safety.page ORDER BY step, at")
    assert {(p["step"], p["responder_id"]) for p in pages} == {(0, dana.id), (3, dana.id), (3, boss.id)}


async def test_nobody_is_paged_once_somebody_has_it(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = UUID((await danger(alice))["event_id"])
    await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")
    await paging.page(context(parts), JobPayload(alice.id, event))
    assert await rows(database_url, "SELECT 1 FROM safety.page") == []


async def test_the_sweep_finds_an_event_that_the_queue_lost(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await danger(alice)
    await rows(database_url, "DELETE FROM jobs.pgqueuer")
    assert await paging.sweep(context(parts)) == 0
    await rows(database_url, "UPDATE safety.crisis_event SET created_at = created_at - interval '20 seconds'")
    assert await paging.sweep(context(parts)) == 1
    assert await paging.sweep(context(parts)) == 0
    assert len(await rows(database_url, "SELECT 1 FROM safety.page")) == 1


async def test_nobody_on_duty_pages_everybody_and_tells_the_member_so(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    event = await danger(alice)
    assert event["duty"]
    await paging.page(context(parts), JobPayload(alice.id, UUID(event["event_id"])))
    pages = await rows(database_url, "SELECT responder_id FROM safety.page")
    assert [p["responder_id"] for p in pages] == [dana.id]


async def test_asking_for_a_person_needs_no_classifier(alice: Person, dana: Person) -> None:
    answer = await alice.post("/v1/crisis/report", json={})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["crisis"]["level"] == "high"
    again = (await alice.post("/v1/crisis/report", json={})).json()
    assert again["event_id"] == body["event_id"]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    items = (await dana.get("/v1/crisis/desk")).json()["items"]
    assert [(i["id"], i["wants_contact"]) for i in items] == [(body["event_id"], True)]


async def test_the_safety_plan_comes_with_the_reply_in_danger(alice: Person, charlie: Person) -> None:
    plan = {"warning_signs": ["I stop answering"], "people_to_ask": ["Sam"]}
    stored = await alice.put("/v1/crisis/safety-plan", json=plan)
    assert stored.json()["version"] == 1
    assert (await danger(alice))["safety_plan"]["people_to_ask"] == ["Sam"]
    assert (await charlie.get("/v1/crisis/safety-plan")).json()["version"] == 0
    lost = await alice.put("/v1/crisis/safety-plan", json=plan, headers={"if-match": '"0"'})
    assert lost.status_code == 412


async def test_handing_back_pages_again(alice: Person, dana: Person, parts: Edge, database_url: str) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = (await danger(alice))["event_id"]
    payload = JobPayload(alice.id, UUID(event))
    await paging.page(context(parts), payload)
    path = f"/v1/people/{alice.id}/crisis-events/{event}"
    await dana.post(path + "/claim")
    assert (await dana.post(path + "/steps", json={"step": "hand_back"})).json()["state"] == "paged"
    await paging.page(context(parts), payload)
    steps = await rows(database_url, "SELECT step FROM safety.page ORDER BY step")
    assert [s["step"] for s in steps] == [0, 10]


async def test_a_moderate_event_is_reviewed_by_whoever_takes_it(
    alice: Person, circle: Circle, database_url: str
) -> None:
    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    answer = (await alice.post("/v1/checkins", json=body)).json()
    assert (answer["crisis_alert"], answer["crisis"]["level"]) == (False, "moderate")
    again = (await alice.post("/v1/checkins", json=body)).json()
    assert again["crisis"]["level"] == "moderate"
    assert len(await rows(database_url, "SELECT 1 FROM safety.crisis_event")) == 1
    dana, other = [await circle.staff(name, Role.RESPONDER) for name in ("dana", "other")]
    for responder in (dana, other):
        await responder.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{answer['crisis']['event_id']}"
    assert (await dana.get(path)).status_code == 403
    assert (await dana.post(path + "/claim")).status_code == 200
    assert (await other.post(path + "/claim")).json()["code"] == "already_claimed"
    assert (await other.get(path)).json()["code"] == "not_yours"
    done = await dana.post(path + "/steps", json={"step": "review", "outcome": "no_danger_found"})
    assert done.json()["state"] == "reviewed"


async def test_who_was_suspended_or_let_go_is_not_on_duty(alice: Person, circle: Circle, database_url: str) -> None:
    gone, other = [await circle.staff(name, Role.RESPONDER) for name in ("gone", "other")]
    for responder in (gone, other):
        await responder.put("/v1/crisis/duty", json={"on_duty": True})
    there = (await danger(alice))["duty"]
    await rows(database_url, "UPDATE identity.person SET status = 'suspended' WHERE person_id = $1", gone.id)
    assert (await danger(alice))["duty"] == there
    await rows(database_url, "UPDATE identity.person SET roles = '{member}' WHERE person_id = $1", other.id)
    assert (await danger(alice))["duty"] != there
    assert (await danger(alice))["duty"] == notice("duty_none", "en")


async def test_a_responder_in_danger_is_not_their_own_help(dana: Person, database_url: str) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await danger(dana))["duty"] == notice("duty_none", "en")


async def test_a_step_that_waited_does_not_take_the_event_from_who_has_it_now(
    alice: Person, circle: Circle, database_url: str
) -> None:
    dana, fay = [await circle.staff(name, Role.RESPONDER) for name in ("dana", "fay")]
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{(await danger(alice))['event_id']}"
    await dana.post(path + "/claim")
    conn = await asyncpg.connect(database_url)
    async with conn.transaction():  # what handing back in another window, and a colleague's claim, commit
        await conn.execute("UPDATE safety.desk SET claimed_by = $1", fay.id)
        await conn.execute("UPDATE safety.crisis_event SET claimed_by = $1", fay.id)
        step = asyncio.create_task(dana.post(path + "/steps", json={"step": "contact"}))
        await asyncio.sleep(0.5)
    await conn.close()
    late = await step
    assert (late.status_code, late.json()["code"]) == (403, "not_yours")
    assert [r["claimed_by"] for r in await rows(database_url, "SELECT claimed_by FROM safety.desk")] == [fay.id]


async def test_what_colleagues_hold_never_hides_who_waits(alice: Person, circle: Circle, database_url: str) -> None:
    dana, fay = [await circle.staff(name, Role.RESPONDER) for name in ("dana", "fay")]
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    event = (await danger(alice))["event_id"]
    await rows(
        database_url,
        "WITH e AS (INSERT INTO safety.crisis_event (person_id, id, trigger_source, risk_level, risk_score, state,"
        " evidence, response_due_at, claimed_by) SELECT $1, gen_random_uuid(), 'checkin', 'critical', 0.9, 'contacted',"
        " '', now() - interval '1 day', $2 FROM generate_series(1, 250) RETURNING *)"
        " INSERT INTO safety.desk (person_id, id, risk_level, state, wants_contact, response_due_at, claimed_by)"
        " SELECT person_id, id, risk_level, state, false, response_due_at, claimed_by FROM e",
        alice.id,
        fay.id,
    )
    items = (await dana.get("/v1/crisis/desk")).json()["items"]
    assert (items[0]["id"], len(items)) == (event, 200)


async def test_nobody_is_paged_for_or_takes_their_own_event(
    dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = (await danger(dana))["event_id"]
    await paging.page(context(parts), JobPayload(dana.id, UUID(event)))
    pages = await rows(database_url, "SELECT responder_id FROM safety.page")
    assert [p["responder_id"] for p in pages] == [fay.id], "nobody else is on duty: everybody else is paged"
    assert (await dana.get("/v1/crisis/desk")).json()["items"] == []
    path = f"/v1/people/{dana.id}/crisis-events/{event}"
    assert (await dana.post(path + "/claim")).status_code == 404
    await fay.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await fay.post(path + "/claim")).status_code == 200


async def test_a_report_sent_again_is_answered_as_gravely_as_the_first(alice: Person) -> None:
    await alice.put("/v1/crisis/safety-plan", json={"people_to_ask": ["Sam"]})
    headers = {"idempotency-key": "the-first-answer-was-lost"}
    first = await alice.post("/v1/crisis/report", json={"note": DANGER}, headers=headers)
    assert first.json()["crisis"]["level"] == "critical"
    second = await alice.post("/v1/crisis/report", json={"note": DANGER}, headers=headers)
    assert (second.status_code, second.json()) == (201, first.json())
    pressed = (await alice.post("/v1/crisis/report", json={})).json()
    assert pressed["event_id"] == first.json()["event_id"]
    assert pressed["crisis"]["headline"] == first.json()["crisis"]["headline"]


async def test_of_very_many_responders_those_on_duty_learn_that_the_desk_has_changed(
    dana: Person, circle: Circle, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await rows(
        database_url,
        "INSERT INTO identity.person (person_id, roles, country) SELECT ('00000000-0000-7000-8000-' ||"
        " lpad(n::text, 12, '0'))::uuid, '{responder}', 'FR' FROM generate_series(1, 250) AS n",
    )
    for who in (dana, fay):
        assert (await who.put("/v1/crisis/duty", json={"on_duty": True})).status_code == 200
    told = "SELECT DISTINCT person_id FROM kernel.stream WHERE topic = 'desk.changed' AND ref = $1"
    found = {row["person_id"] for row in await rows(database_url, told, fay.id)}
    assert {dana.id, fay.id} <= found
    assert len(found) == 200
