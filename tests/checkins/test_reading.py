"""What models read in a journal: beside the rules, raising and never lowering; feelings, and danger found later."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import structlog
from tests.support.models import CORRIDOR, TUNNEL, StandIn, in_time, install, late
from tests.support.people import Circle, Person

from wellspring.checkins.read_later import Unfinished, read_on
from wellspring.kernel import logs
from wellspring.kernel.edge import Edge
from wellspring.language.pool import READERS, Readers
from wellspring.safety import paging

pytestmark = pytest.mark.anyio
STUCK = "I am stuck in a crowded day."
FOUND_LATER = f"Dinner was fine. All I see is {TUNNEL}. I feel stuck."


@pytest.fixture
def models(parts: Edge) -> StandIn:
    return install(parts)


async def check_in(who: Person, text: str | None, mood: int = 5, **extra: Any) -> dict[str, Any]:
    answer = await who.post("/v1/checkins", json={"mood_score": mood, "journal_text": text}, **extra)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(url: str, sql: str, *args: object) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(sql, args).fetchall()


def events(url: str, person: Person) -> list[Any]:
    sql = "SELECT risk_level, state, categories FROM safety.crisis_event WHERE person_id = %s ORDER BY created_at, id"
    return rows(url, sql, person.id)


async def test_a_stranger_reads_and_corrects_nothing(
    client: httpx.AsyncClient, models: StandIn, alice: Person, charlie: Person
) -> None:
    made = (await check_in(alice, STUCK))["checkin"]["id"]
    path, said = f"/v1/checkins/{made}/reading", {"answer": "no"}
    assert (await client.get(path)).status_code == 401
    assert (await client.post(f"{path}/correction", json=said)).status_code == 401
    assert (await client.delete(f"{path}/correction")).status_code == 401
    assert (await charlie.get(path)).status_code == 404
    assert (await charlie.post(f"{path}/correction", json=said)).status_code == 404
    await alice.post(f"{path}/correction", json=said)
    assert (await charlie.delete(f"{path}/correction")).status_code == 404
    assert (await alice.get(path)).json()["correction"]["answer"] == "no"


async def test_two_feelings_are_named_with_how_sure_it_is(models: StandIn, alice: Person) -> None:
    made = (await check_in(alice, STUCK))["checkin"]
    assert (made["ai_emotion_primary"], made["ai_emotion_secondary"]) == ("frustrated", "overwhelm")
    assert made["ai_confidence_score"] == 0.55
    assert (await alice.get(f"/v1/checkins/{made['id']}")).json() == made
    assert (await alice.get("/v1/checkins")).json()["items"] == [made]
    found = (await alice.get(f"/v1/checkins/{made['id']}/reading")).json()
    scores = found.pop("journal_emotion_classification")
    assert (scores["frustrated"], scores["overwhelm"], len(scores)) == (0.55, 0.3, 12)
    versions = found.pop("versions")
    assert (versions["light"], versions["encoder"], "pending" in versions) == ("l1", "e1", False)
    assert found == {
        "checkin_id": made["id"],
        "reading": "read",
        "ai_emotion_primary": "frustrated",
        "ai_emotion_secondary": "overwhelm",
        "ai_confidence_score": 0.55,
        "journal_sentiment_score": -0.25,
        "correction": None,
    }


@pytest.mark.parametrize(
    ("text", "named"), [("Just a lantern.", ("calm", None, 0.55)), ("Soup.", (None, None, None)), (None, (None,) * 3)]
)
async def test_what_is_not_clear_is_not_named(
    models: StandIn, alice: Person, text: str | None, named: tuple[object, ...]
) -> None:
    made = (await check_in(alice, text))["checkin"]
    assert (made["ai_emotion_primary"], made["ai_emotion_secondary"], made["ai_confidence_score"]) == named


async def test_what_a_model_finds_opens_an_event_before_the_reply(
    models: StandIn, alice: Person, dana: Person, database_url: str
) -> None:
    body = await check_in(alice, FOUND_LATER)
    assert body["crisis_alert"] is True
    (evidence,) = body["crisis"]["evidence"]
    assert evidence | {"start": 0, "end": 0} == {
        "category": "model",
        "text": f"All I see is {TUNNEL}",
        "start": 0,
        "end": 0,
        "counted": True,
        "reason": None,
        "probability": 0.9,
    }
    assert FOUND_LATER[evidence["start"] : evidence["end"]] == evidence["text"]
    assert events(database_url, alice) == [("high", "paged", ["model"])]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{body['crisis']['event_id']}"
    await dana.post(f"{path}/claim")
    shown = (await dana.get(path)).json()
    assert shown["evidence"] == [evidence]
    said = {part["layer"]: (part["level"], part["sentence"]) for part in shown["explanation"]}
    assert said["text"] == ("low", "Nothing was found in the text. That does not mean safe.")
    model = "A model (encoder e1, light l1) puts the probability of danger at 0.80. It raises the text to high."
    assert said["model"] == ("high", model)
    assert shown["trigger_source"] == "journal_nlp"


async def test_the_same_request_twice_answers_the_same_with_what_a_model_found(models: StandIn, alice: Person) -> None:
    key = {"idempotency-key": "phone-1-draft-9"}
    first = await check_in(alice, FOUND_LATER, headers=key)
    assert first["crisis"]["evidence"]
    assert await check_in(alice, FOUND_LATER, headers=key) == first


async def test_a_light_reading_may_raise_too(models: StandIn, alice: Person, database_url: str) -> None:
    late_body = await check_in(alice, f"I walk along {CORRIDOR}.")
    assert (late_body["crisis_alert"], late_body["crisis"]["level"]) == (False, "moderate")
    assert events(database_url, alice) == [("moderate", "open", ["model"])]


async def test_critical_takes_words(models: StandIn, alice: Person) -> None:
    body = await check_in(alice, f"I am going to kill myself tonight, goodbye. All I see is {TUNNEL}.")
    assert body["crisis"]["level"] == "critical"
    assert {e["category"] for e in body["crisis"]["evidence"]} == {"explicit", "model"}


async def test_danger_that_was_read_too_late_is_found_by_a_job(
    models: StandIn, alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    body = await check_in(alice, FOUND_LATER)
    row_id = UUID(body["checkin"]["id"])
    assert (body["crisis_alert"], body["checkin"]["ai_emotion_primary"]) == (False, "frustrated")
    assert rows(database_url, "SELECT entrypoint FROM jobs.pgqueuer") == [("checkins.read_later",)]
    versions = (await alice.get(f"/v1/checkins/{row_id}/reading")).json()["versions"]
    assert versions["pending"] == "encoder"
    context = in_time(models, parts)
    for _ in range(3):
        await read_on(context, alice.id, row_id)
    assert events(database_url, alice) == [("high", "paged", ["model"])]
    found = (await alice.get(f"/v1/checkins/{row_id}/reading")).json()["versions"]
    assert (found["encoder"], "pending" in found) == ("e1", False)
    assert (await alice.get(f"/v1/checkins/{row_id}")).json()["crisis_flagged"] is True
    (event_id,) = rows(database_url, "SELECT id FROM safety.crisis_event")[0]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await paging.page(context, paging.JobPayload(alice.id, event_id))
    assert [item["id"] for item in (await dana.get("/v1/crisis/desk")).json()["items"]] == [str(event_id)]
    told = [i["topic"] for i in (await alice.get("/v1/changes")).json()["items"]]
    assert told == ["checkin.created", "crisis.opened", "checkin.changed"]
    context.ports[READERS].close()


async def test_a_job_lowers_nothing_and_adds_what_it_found_to_the_event(
    models: StandIn, alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    body = await check_in(alice, f"I am going to kill myself tonight, goodbye. All I see is {TUNNEL}.")
    before = rows(database_url, "SELECT risk_level, risk_score, text_level FROM checkins.checkin")
    context = in_time(models, parts)
    for _ in range(2):
        await read_on(context, alice.id, UUID(body["checkin"]["id"]))
    after = rows(database_url, "SELECT risk_level, risk_score, text_level FROM checkins.checkin")
    assert [row[0] for row in events(database_url, alice)] == ["critical"]
    assert (before[0][0], before[0][2]) == (after[0][0], after[0][2]) == ("critical", "critical")
    assert after[0][1] >= before[0][1]
    path = f"/v1/people/{alice.id}/crisis-events/{body['crisis']['event_id']}"
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await dana.post(f"{path}/claim")
    shown = (await dana.get(path)).json()
    categories = [e["category"] for e in shown["evidence"]]
    assert categories.count("model") == 1
    assert len(categories) == len(body["crisis"]["evidence"]) + 1
    assert "encoder e1" in next(p["sentence"] for p in shown["explanation"] if p["layer"] == "model")
    context.ports[READERS].close()


async def test_a_moderate_event_becomes_a_page_when_the_job_finds_more(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    body = await check_in(alice, f"I walk along {CORRIDOR}. All I see is {TUNNEL}.")
    assert events(database_url, alice) == [("moderate", "open", ["model"])]
    context = in_time(models, parts)
    for _ in range(2):
        await read_on(context, alice.id, UUID(body["checkin"]["id"]))
    assert [row[:2] for row in events(database_url, alice)] == [("moderate", "open"), ("high", "paged")]
    context.ports[READERS].close()


async def test_a_job_judges_with_the_last_days(models: StandIn, alice: Person, parts: Edge, database_url: str) -> None:
    """A moderate text in a very bad week is high: the job must see the week too."""
    for ago, mood in ((6, 9), (5, 9), (4, 9), (2, 1), (1, 1)):
        at = (datetime.now(UTC) - timedelta(days=ago)).isoformat()
        body = {"mood_score": mood, "stress_level": 10, "anxiety_level": 5, "occurred_at": at}
        assert (await alice.post("/v1/checkins", json=body)).status_code == 201
    models.unsure = True
    late(models, parts)
    made = await alice.post("/v1/checkins", json={"mood_score": 1, "stress_level": 8, "journal_text": FOUND_LATER})
    before = rows(database_url, "SELECT risk_level FROM checkins.checkin WHERE id = %s", made.json()["checkin"]["id"])
    assert before == [("moderate",)]
    context = in_time(models, parts)
    await read_on(context, alice.id, UUID(made.json()["checkin"]["id"]))
    assert events(database_url, alice)[-1][:2] == ("high", "paged")
    context.ports[READERS].close()


async def test_a_text_that_was_changed_meanwhile_is_not_judged_by_its_old_words(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    row_id = UUID((await check_in(alice, FOUND_LATER))["checkin"]["id"])
    await alice.patch(f"/v1/checkins/{row_id}", json={"journal_text": "A lantern."})
    context = in_time(models, parts)
    await read_on(context, alice.id, row_id)
    assert events(database_url, alice) == []
    assert (await alice.get(f"/v1/checkins/{row_id}/reading")).json()["ai_emotion_primary"] == "calm"
    await alice.delete(f"/v1/checkins/{row_id}")
    await read_on(context, alice.id, row_id)
    context.ports[READERS].close()


async def test_what_could_not_be_read_at_all_is_read_by_the_job(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    class Silent(StandIn):
        def lightly(self, text: str, hint: str | None = None) -> Any:
            raise ValueError(text)

    parts.ports[READERS] = Readers(Silent)
    with structlog.testing.capture_logs() as lines:
        body = await check_in(alice, FOUND_LATER)
    assert (body["checkin"]["reading"], body["crisis_alert"], body["crisis"]["event_id"]) == ("unread", True, None)
    written = b"".join(logs._line(None, "error", dict(line)) for line in lines)
    assert b"reading_failed" in written
    assert b"tunnel" not in written
    context = in_time(models, parts)
    for _ in range(2):
        await read_on(context, alice.id, UUID(body["checkin"]["id"]))
    assert (await alice.get(f"/v1/checkins/{body['checkin']['id']}")).json()["reading"] == "read"
    assert [row[:2] for row in events(database_url, alice)] == [("high", "paged")]
    context.ports[READERS].close()


async def test_two_jobs_at_once_open_one_event(models: StandIn, alice: Person, parts: Edge, database_url: str) -> None:
    late(models, parts)
    row_id = UUID((await check_in(alice, FOUND_LATER))["checkin"]["id"])
    context = in_time(models, parts)
    models.go = threading.Event()
    both = [asyncio.create_task(read_on(context, alice.id, row_id)) for _ in range(2)]
    await asyncio.sleep(0.1)
    models.go.set()
    await asyncio.gather(*both)
    assert len(events(database_url, alice)) == 1
    context.ports[READERS].close()


async def test_changing_the_mood_keeps_what_was_read(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    body = await check_in(alice, FOUND_LATER)
    path = f"/v1/checkins/{body['checkin']['id']}"
    before = (await alice.get(f"{path}/reading")).json()
    late(models, parts)
    changed = await alice.patch(path, json={"mood_score": 7, "journal_text": FOUND_LATER})
    assert changed.json()["crisis_alert"] is True
    assert (await alice.get(f"{path}/reading")).json() == before
    assert rows(database_url, "SELECT text_level, risk_level FROM checkins.checkin") == [("high", "high")]
    assert len(events(database_url, alice)) == 1
    models.go.set()


async def test_a_changed_text_is_read_again(models: StandIn, alice: Person) -> None:
    path = f"/v1/checkins/{(await check_in(alice, STUCK))['checkin']['id']}"
    await alice.post(f"{path}/reading/correction", json={"answer": "yes"})
    changed = (await alice.patch(path, json={"journal_text": "A quarrel."})).json()["checkin"]
    assert changed["ai_emotion_primary"] == "anger"
    found = (await alice.get(f"{path}/reading")).json()
    assert found["correction"] is None, "what was said was said about other words"
    raised = (await alice.patch(path, json={"journal_text": FOUND_LATER})).json()
    assert raised["crisis_alert"] is True
    emptied = (await alice.patch(path, json={"journal_text": None})).json()["checkin"]
    assert (emptied["reading"], emptied["ai_emotion_primary"]) == ("none", None)


async def test_feelings_are_not_read_where_that_is_switched_off_and_danger_still_is(
    models: StandIn, alice: Person, database_url: str
) -> None:
    assert (await alice.get("/v1/users/me/preferences")).json()["emotion_reading"] is True
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": False})
    body = await check_in(alice, FOUND_LATER)
    assert body["crisis_alert"] is True
    kept = rows(
        database_url,
        "SELECT ai_emotion_primary, ai_confidence_score, journal_sentiment_score, emotion_scores,"
        " crisis_probability::numeric(3, 2)::text FROM checkins.checkin",
    )
    assert kept == [(None, None, None, None, "0.80")]
    path = f"/v1/checkins/{body['checkin']['id']}/reading"
    assert (await alice.get(path)).json()["journal_emotion_classification"] == {}
    refused = await alice.post(f"{path}/correction", json={"answer": "no"})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_read")
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": True})
    assert (await check_in(alice, STUCK))["checkin"]["ai_emotion_primary"] == "frustrated"


async def test_a_job_names_no_feelings_either_where_that_is_switched_off(
    models: StandIn, alice: Person, parts: Edge
) -> None:
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": False})
    late(models, parts)
    row_id = UUID((await check_in(alice, STUCK))["checkin"]["id"])
    context = in_time(models, parts)
    await read_on(context, alice.id, row_id)
    found = (await alice.get(f"/v1/checkins/{row_id}/reading")).json()
    assert (found["ai_emotion_primary"], found["versions"]["encoder"]) == (None, "e1")
    context.ports[READERS].close()


async def test_a_clinician_without_the_journals_does_not_learn_what_was_read_in_them(
    models: StandIn, alice: Person, bob: Person
) -> None:
    await check_in(alice, STUCK)
    grant = await alice.post("/v1/access-grants", json={"clinician_id": str(bob.id), "sections": ["checkins"]})
    path = f"/v1/people/{alice.id}/checkins"
    (shown,) = (await bob.get(path)).json()["items"]
    assert (shown["ai_emotion_primary"], shown["ai_confidence_score"]) == (None, None)
    await alice.patch(f"/v1/access-grants/{grant.json()['id']}", json={"sections": ["checkins", "journals"]})
    (shown,) = (await bob.get(path)).json()["items"]
    assert shown["ai_emotion_primary"] == "frustrated"


async def test_a_language_that_was_unclear_is_settled_by_the_person_s_own(models: StandIn, circle: Circle) -> None:
    amelie = await circle.member("amelie", language="fr", country="FR")
    assert (await check_in(amelie, "Fatigue."))["checkin"]["reading"] == "read"
    unknown = await check_in(amelie, "Мне сегодня очень грустно и я не знаю почему")
    assert unknown["checkin"]["reading"] == "partly"


async def test_a_job_whose_model_breaks_is_tried_again(models: StandIn, alice: Person, parts: Edge) -> None:
    late(models, parts)
    row_id = UUID((await check_in(alice, FOUND_LATER))["checkin"]["id"])
    context = in_time(models, parts)
    models.broken = True
    with pytest.raises(Unfinished):
        await read_on(context, alice.id, row_id)
    models.broken = False
    await read_on(context, alice.id, row_id)
    assert (await alice.get(f"/v1/checkins/{row_id}")).json()["crisis_flagged"] is True
    context.ports[READERS].close()


async def test_a_job_of_a_process_that_stops_is_tried_again(models: StandIn, alice: Person, parts: Edge) -> None:
    late(models, parts)
    row_id = UUID((await check_in(alice, FOUND_LATER))["checkin"]["id"])
    context = in_time(models, parts)
    context.ports[READERS].close()
    with pytest.raises(Unfinished):
        await read_on(context, alice.id, row_id)


async def test_what_the_light_model_raised_keeps_its_level_and_its_reasons(
    models: StandIn, alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    text = f"I walk along {CORRIDOR}. Soup."
    body = await check_in(alice, text)
    (shown_then,) = body["crisis"]["evidence"]
    assert (shown_then["category"], shown_then["text"]) == ("model", f"I walk along {CORRIDOR}")
    context = in_time(models, parts)
    models.doubts = True
    await read_on(context, alice.id, UUID(body["checkin"]["id"]))
    stored = rows(database_url, "SELECT text_level, risk_level, crisis_probability::float4 FROM checkins.checkin")
    assert stored == [("moderate", "moderate", pytest.approx(0.3))]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = f"/v1/people/{alice.id}/crisis-events/{body['crisis']['event_id']}"
    await dana.post(f"{path}/claim")
    shown = (await dana.get(path)).json()
    assert shown["evidence"] == [shown_then]
    said = {part["layer"]: (part["level"], part["sentence"]) for part in shown["explanation"]}
    assert said["model"][0] == "moderate"
    again = (await alice.patch(f"/v1/checkins/{body['checkin']['id']}", json={"energy_level": 4})).json()
    assert again["crisis"]["evidence"] == [shown_then]
    context.ports[READERS].close()


async def test_a_change_in_danger_shows_help_and_a_graver_one_opens_an_event(
    models: StandIn, alice: Person, database_url: str
) -> None:
    """A moderate text in what turns out a very bad week is high."""
    made = await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": f"I walk along {CORRIDOR}."})
    path = f"/v1/checkins/{made.json()['checkin']['id']}"
    for ago, mood in ((6, 9), (5, 9), (4, 9), (2, 1), (1, 1)):
        at = (datetime.now(UTC) - timedelta(days=ago)).isoformat()
        past = {"mood_score": mood, "stress_level": 10, "anxiety_level": 5, "occurred_at": at}
        assert (await alice.post("/v1/checkins", json=past)).status_code == 201
    assert [row[:2] for row in events(database_url, alice)] == [("moderate", "open")]
    changed = (await alice.patch(path, json={"mood_score": 1, "stress_level": 8})).json()
    assert (changed["crisis_alert"], changed["crisis"]["level"]) == (True, "high")
    assert [row[:2] for row in events(database_url, alice)] == [("moderate", "open"), ("high", "paged")]
    again = (await alice.patch(path, json={"energy_level": 2})).json()
    assert (again["crisis_alert"], again["crisis"]["event_id"]) == (True, changed["crisis"]["event_id"])
    assert len(events(database_url, alice)) == 2


async def test_feelings_switched_off_while_a_job_reads_are_not_kept(
    models: StandIn, alice: Person, parts: Edge, database_url: str
) -> None:
    late(models, parts)
    row_id = UUID((await check_in(alice, STUCK))["checkin"]["id"])
    context = in_time(models, parts)
    models.go = threading.Event()
    job = asyncio.create_task(read_on(context, alice.id, row_id))
    await asyncio.sleep(0.1)
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": False})
    models.go.set()
    await job
    assert rows(database_url, "SELECT ai_emotion_primary, emotion_scores FROM checkins.checkin") == [(None, None)]
    context.ports[READERS].close()
