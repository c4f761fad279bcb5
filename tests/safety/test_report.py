"""Asking for a person: what is read in the note, what stands in its way (nothing), what the responder is given."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.safety.test_desk import DANGER, rows
from tests.safety.test_paging import run_due
from tests.support import models
from tests.support.models import CORRIDOR, TUNNEL
from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobPayload
from wellspring.kernel.policy import Role
from wellspring.language.pool import READERS
from wellspring.safety import service
from wellspring.safety.copy import words
from wellspring.safety.notes import Unfinished, read_note

pytestmark = pytest.mark.anyio
WAITING = "SELECT count(*)::int AS n FROM jobs.pgqueuer WHERE entrypoint = 'safety.read_note'"


async def ask(who: Person, **report: Any) -> str:
    answer = await who.post("/v1/crisis/report", json=report)
    assert answer.status_code == 201, answer.text
    event_id: str = answer.json()["event_id"]
    return event_id


async def taken(dana: Person, whose: Person, event_id: str) -> dict[str, Any]:
    """Let a responder take an event, once, and return all of it."""
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{whose.id}/crisis-events/{event_id}"
    await dana.post(path + "/claim")
    answer = await dana.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def models_found(event: dict[str, Any]) -> list[str]:
    return [e["text"] for e in event["evidence"] if e["category"] == "model"]


async def test_a_stranger_cannot_report(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/crisis/report", json={"note": CORRIDOR, "phone": "06 11 22 33 44"})
    assert answer.status_code == 401


async def test_a_note_is_read_by_the_models_too(alice: Person, dana: Person, parts: Edge, database_url: str) -> None:
    models.install(parts)
    event = await taken(dana, alice, await ask(alice, note=f"I stand in {TUNNEL}. Please call."))
    assert models_found(event) == [f"I stand in {TUNNEL}"]
    assert [p["level"] for p in event["explanation"] if p["layer"] == "model"] == ["high"]
    assert (await rows(database_url, WAITING))[0]["n"] == 0


async def test_what_the_models_had_no_time_for_is_read_by_a_job(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    stand_in = models.install(parts)
    models.late(stand_in, parts)
    event_id = await ask(alice, note=f"I stand in {TUNNEL}. Please call.")
    assert models_found(await taken(dana, alice, event_id)) == []
    assert (await rows(database_url, WAITING))[0]["n"] == 1
    context, payload = models.in_time(stand_in, parts), JobPayload(alice.id, UUID(event_id))
    stand_in.broken = True
    with pytest.raises(Unfinished):
        await read_note(context, payload)
    stand_in.broken = False
    for _ in range(2):
        await read_note(context, payload)
        event = await taken(dana, alice, event_id)
        assert models_found(event) == [f"I stand in {TUNNEL}"]
        assert [p["layer"] for p in event["explanation"]].count("model") == 1
        assert event["note"] == f"I stand in {TUNNEL}. Please call."
    context.ports[READERS].close()


class Broken:
    """Nothing can be read at all."""

    async def read(self, text: str, **_: Any) -> Any:
        raise OSError("rules")


@pytest.mark.parametrize("where", ["reading", "judging"])
async def test_whatever_breaks_who_asks_is_heard_and_read_later(
    alice: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    readers = parts.ports[READERS]
    with monkeypatch.context() as broken:
        if where == "reading":
            broken.setitem(parts.ports, READERS, Broken())
        else:
            broken.setattr(service, "hinted", None)
        event_id = await ask(alice, note=DANGER, phone="06 11 22 33 44")
    await run_due(parts, database_url)
    assert [r["risk_level"] for r in await rows(database_url, "SELECT risk_level FROM safety.crisis_event")] == ["high"]
    stand_in = models.StandIn()
    context = models.in_time(stand_in, parts)
    await read_note(context, JobPayload(alice.id, UUID(event_id)))
    await run_due(parts, database_url)
    mails = await rows(database_url, "SELECT template FROM notify.delivery ORDER BY created_at, template")
    assert [m["template"] for m in mails] == ["crisis_page", "crisis_page_now"], "critical pages anew, at once"
    event = await taken(dana, alice, event_id)
    assert (event["risk_level"], event["phone"], event["note"]) == ("critical", "06 11 22 33 44", DANGER)
    assert [p["level"] for p in event["explanation"] if p["layer"] == "text"] == ["critical"]
    assert parts.ports[READERS] is readers
    context.ports[READERS].close()


async def test_who_took_it_is_told_that_it_is_critical_after_all(
    alice: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(parts.ports, READERS, Broken())
        event_id = await ask(alice, note=DANGER)
    await taken(dana, alice, event_id)
    heard = f"SELECT 1 FROM kernel.stream WHERE topic = 'desk.changed' AND person_id = '{dana.id}'"
    before = len(await rows(database_url, heard))
    context = models.in_time(models.StandIn(), parts)
    for _ in range(2):
        await read_note(context, JobPayload(alice.id, UUID(event_id)))
    told = await rows(database_url, "SELECT person_id, template FROM notify.delivery")
    assert [(t["person_id"], t["template"]) for t in told] == [(dana.id, "crisis_page_now")]
    assert len(await rows(database_url, heard)) == before + 1
    context.ports[READERS].close()


async def test_an_event_that_was_closed_meanwhile_stays_closed(
    alice: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(parts.ports, READERS, Broken())
        event_id = await ask(alice, note=DANGER)
    await taken(dana, alice, event_id)
    path = f"/v1/people/{alice.id}/crisis-events/{event_id}/steps"
    await dana.post(path, json={"step": "contact"})
    await dana.post(path, json={"step": "resolve", "outcome": "safe_with_plan"})
    context = models.in_time(models.StandIn(), parts)
    await read_note(context, JobPayload(alice.id, UUID(event_id)))
    [left] = await rows(database_url, "SELECT state, risk_level FROM safety.crisis_event")
    assert left == {"state": "resolved", "risk_level": "high"}
    context.ports[READERS].close()


async def test_the_number_is_the_one_given_now_else_that_of_the_profile(alice: Person, dana: Person) -> None:
    await alice.patch("/v1/users/me", json={"phone": "+33 6 00 00 00 01", "age_range": "16-17"})
    assert (await alice.get("/v1/users/me")).json()["phone"] == "+33 6 00 00 00 01"
    first = await taken(dana, alice, await ask(alice))
    assert (first["phone"], first["age_range"]) == ("+33 6 00 00 00 01", "16-17")
    second = await taken(dana, alice, await ask(alice, phone="06 11 22 33 44"))
    assert second["phone"] == "06 11 22 33 44"
    odd = await alice.post("/v1/crisis/report", json={"phone": "call me"})
    assert odd.status_code == 422


async def test_who_wants_no_contact_is_not_told_that_they_asked_for_it(alice: Person, dana: Person) -> None:
    answer = (await alice.post("/v1/crisis/report", json={"wants_contact": False})).json()
    assert answer["crisis"]["headline"] == words().headline["high"].en
    again = (await alice.post("/v1/crisis/report", json={"wants_contact": False})).json()
    assert again == answer
    event = await taken(dana, alice, answer["event_id"])
    assert (event["wants_contact"], event["trigger_source"]) == (False, "user_reported")


async def test_a_colleague_never_sees_the_number(alice: Person, circle: Circle) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await fay.put("/v1/crisis/duty", json={"on_duty": True})
    await ask(alice, phone="06 11 22 33 44", note="Please")
    assert "06 11" not in (await fay.get("/v1/crisis/desk")).text


async def test_who_took_back_that_words_are_read_is_heard_by_people_only(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await alice.put("/v1/consents/health_data", json={"given": False})
    event_id = await ask(alice, note=DANGER)
    context = models.in_time(models.StandIn(), parts)
    await read_note(context, JobPayload(alice.id, UUID(event_id)))
    event = await taken(dana, alice, event_id)
    assert (event["risk_level"], event["evidence"], event["note"]) == ("high", [], DANGER)
    context.ports[READERS].close()
