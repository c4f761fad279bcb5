"""What a person does and rates acts on their next offers, at once and on nobody else's."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.interventions.people import waits
from tests.support.people import Circle, Person
from wellspring.interventions import intervention_id, load, recommend, service
from wellspring.interventions import queries as q
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened
from wellspring.interventions.schemas import Complete
from wellspring.interventions.shelf import key_of
from wellspring.interventions.vocabulary import CONTRAINDICATIONS
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio

TEA = intervention_id("warm-hands")


async def begin(who: Person, intervention: UUID = TEA, **body: Any) -> str:
    answer = await who.post(f"/v1/interventions/{intervention}/start", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def rate(who: Person, stars: int, intervention: UUID = TEA, **body: Any) -> str:
    session = await begin(who, intervention, **body)
    answer = await who.post(f"/v1/interventions/sessions/{session}/complete", json={"effectiveness_rating": stars})
    assert answer.status_code == 200, answer.text
    return session


async def outcome(owner: asyncpg.Connection, session: str) -> asyncpg.Record:
    found = await owner.fetchrow("SELECT * FROM interventions.outcome WHERE id = $1", UUID(session))
    assert found is not None
    return found


async def state(owner: asyncpg.Connection, who: Person) -> kept.Columns:
    found = await owner.fetchval("SELECT state FROM interventions.person_effects WHERE person_id = $1", who.id)
    return kept.columns(found or b"", 0)


async def agree(who: Person, kind: str, *, given: bool = True) -> None:
    answer = await who.put(f"/v1/consents/{kind}", json={"given": given})
    assert answer.status_code == 200, answer.text


async def test_a_stranger_learns_nothing_of_what_was_learned(
    client: httpx.AsyncClient, alice: Person, charlie: Person
) -> None:
    await rate(alice, 5)
    for method in ("GET", "DELETE"):
        assert (await client.request(method, "/v1/interventions/learned")).status_code == 401
    assert (await charlie.get("/v1/interventions/learned")).json()["items"] == []
    assert (await charlie.delete("/v1/interventions/learned")).status_code == 204
    assert len((await alice.get("/v1/interventions/learned")).json()["items"]) == 1


async def test_a_stranger_can_neither_complete_nor_skip(
    client: httpx.AsyncClient, alice: Person, charlie: Person, owner: asyncpg.Connection
) -> None:
    session = await begin(alice)
    for verb in ("complete", "skip"):
        path = f"/v1/interventions/sessions/{session}/{verb}"
        assert (await client.post(path, json={})).status_code == 401
        assert (await charlie.post(path, json={})).status_code == 404
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 0


async def test_an_offer_says_how_unsure_its_prediction_is(alice: Person) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 4})).json()
    asked = (await alice.post("/v1/interventions/recommendations", json={"mood_score": 4})).json()
    for offer in (*made["recommendations"], *asked["items"]):
        assert 0 <= offer["predicted_effectiveness"] <= 1
        assert 0.2 < offer["predicted_effectiveness_sd"] < 0.35


async def test_what_is_logged_can_be_judged_later(alice: Person, owner: asyncpg.Connection) -> None:
    body = {"mood_score": 4, "energy_level": 3, "emotions": [{"emotion": "sadness", "intensity": 4}]}
    made = (await alice.post("/v1/checkins", json=body)).json()
    row = await owner.fetchrow("SELECT * FROM interventions.recommendation WHERE id = $1", UUID(made["checkin"]["id"]))
    assert row is not None
    assert row["policy_version"] == "hlts-1.0"
    assert len(row["propensities"]) == len(row["predicted_effectiveness_sds"]) == 3
    assert all(0 < chance <= 1 for chance in row["propensities"])
    again = (await alice.get(f"/v1/checkins/{made['checkin']['id']}")).json()
    assert again["id"] == made["checkin"]["id"]


async def test_a_rating_is_an_outcome_of_the_offer_it_follows(alice: Person, owner: asyncpg.Connection) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 4, "energy_level": 3})).json()
    offer = made["recommendations"][0]
    session = await rate(alice, 4, UUID(offer["intervention_id"]), checkin_id=made["checkin"]["id"])
    found = await outcome(owner, session)
    assert found["recommendation_id"] == UUID(made["checkin"]["id"])
    assert found["actual_effectiveness"] == found["learning_target"] == 0.75
    assert found["predicted_effectiveness"] == pytest.approx(offer["predicted_effectiveness"], abs=1e-3)
    assert found["learning_signal"] == pytest.approx(0.75 - found["predicted_effectiveness"], abs=1e-6)
    assert found["learning_weight"] == 1
    assert found["policy_version"] == "hlts-1.0"
    assert len(found["features"]) == 21


async def test_the_offer_that_is_followed_may_be_of_a_check_in_written_offline(
    alice: Person, owner: asyncpg.Connection
) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    stamp = int(at.timestamp() * 1000).to_bytes(6)
    written = UUID(bytes=stamp + ids.new().bytes[6:])
    made = (await alice.post("/v1/checkins", json={"id": str(written), "mood_score": 4})).json()
    session = await rate(alice, 4, UUID(made["recommendations"][0]["intervention_id"]))
    assert (await outcome(owner, session))["recommendation_id"] == written


@pytest.mark.parametrize("with_checkin", [True, False])
async def test_a_start_does_not_read_all_that_was_ever_offered(
    alice: Person, owner: asyncpg.Connection, *, with_checkin: bool
) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 4})).json()["checkin"]["id"]
    await owner.execute(
        "INSERT INTO interventions.recommendation SELECT (jsonb_populate_record(r, jsonb_build_object('id',"
        " kernel.uuid7_floor(now() - make_interval(days => 8 + n)), 'created_at', now() - make_interval(days => 8 + n),"
        " 'person_id', r.person_id))).* FROM interventions.recommendation r, generate_series(1, 400) n WHERE id = $1",
        UUID(made),
    )
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 401
    await owner.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    await owner.execute(f"PREPARE start AS {q.START.sql}")
    followed = f"'{made}'" if with_checkin else "NULL"
    given = f"'{alice.id}', '{ids.new()}', '{TEA}', {followed}, NULL, NULL, NULL"
    plan = await owner.fetch(f"EXPLAIN (ANALYZE, COSTS off) EXECUTE start({given})")
    said = "\n".join(line[0] for line in plan)
    removed = [int(found) for found in re.findall(r"Rows Removed by Filter: (\d+)", said)]
    assert sum(removed) <= 1, said


async def test_what_was_found_in_the_library_counts_too(alice: Person, owner: asyncpg.Connection) -> None:
    session = await rate(alice, 2, context_emotion="anxiety", context_energy_level=4, context_time_of_day="night")
    found = await outcome(owner, session)
    assert found["recommendation_id"] is None
    assert found["policy_version"].startswith("none")
    assert sum(found["features"][1:13]) == pytest.approx(1)
    assert found["features"][7] == 1, "anxiety"
    assert found["features"][13] == pytest.approx(0.4)
    assert found["features"][17] == 1, "night"


async def test_a_rating_acts_on_the_very_next_offer(alice: Person, owner: asyncpg.Connection) -> None:
    for _ in range(3):
        await rate(alice, 1)
    own = await state(owner, alice)
    assert own.keys.tolist() == [key_of(TEA)]
    assert own.counts.tolist() == [3]
    assert own.sums[0] == pytest.approx(3 * -0.5, abs=0.5)
    made = (await alice.post("/v1/checkins", json={"mood_score": 4})).json()
    logged = await owner.fetchval(
        "SELECT context FROM interventions.recommendation WHERE id = $1", UUID(made["checkin"]["id"])
    )
    assert '"recent": 0.0' in logged or '"recent":0.0' in logged


async def test_a_skip_says_a_little_and_not_now_says_nothing(alice: Person, owner: asyncpg.Connection) -> None:
    expected = ([], 0.25, 0.5), (["not_for_me"], 0.0, 0.5), (["not_now"], None, 0.0)
    for tags, target, weight in expected:
        session = await begin(alice)
        await alice.post(f"/v1/interventions/sessions/{session}/skip", json={"feedback_tags": tags})
        found = await outcome(owner, session)
        assert (found["actual_effectiveness"], found["learning_target"], found["learning_weight"]) == (
            None,
            target,
            weight,
        )
        assert not found["pooled"], "a skip teaches nothing that is shared"
    assert (await state(owner, alice)).counts.tolist() == [1.0]


async def test_done_without_a_rating_is_remembered_as_done(alice: Person, owner: asyncpg.Connection) -> None:
    session = await begin(alice)
    await alice.post(f"/v1/interventions/sessions/{session}/complete", json={"feedback_tags": ["helped"]})
    own = await state(owner, alice)
    assert (own.keys.tolist(), own.counts.tolist()) == ([key_of(TEA)], [0.0])


async def test_what_was_learned_is_shown_and_forgotten(alice: Person, owner: asyncpg.Connection) -> None:
    await rate(alice, 5)
    await rate(alice, 4)
    session = await begin(alice, load()[0].id)
    await alice.post(f"/v1/interventions/sessions/{session}/skip", json={})
    shown = (await alice.get("/v1/interventions/learned")).json()
    assert [(one["ratings"], one["mean_rating"], one["skips"]) for one in shown["items"]] == [(2, 4.5, 0), (0, None, 1)]
    assert shown["paused"] is shown["helps_others"] is False
    assert (await alice.delete("/v1/interventions/learned")).status_code == 204
    assert (await alice.get("/v1/interventions/learned")).json()["items"] == []
    assert not len((await state(owner, alice)).keys)
    kept_sessions = (await alice.get("/v1/interventions/sessions")).json()["items"]
    assert [one["effectiveness_rating"] for one in kept_sessions] == [None, 4, 5], "her own words and ratings stay"


async def test_ratings_help_others_only_with_a_yes(alice: Person, owner: asyncpg.Connection) -> None:
    assert not (await outcome(owner, await rate(alice, 5)))["pooled"]
    await agree(alice, "analytics")
    await agree(alice, "research")
    assert not (await outcome(owner, await rate(alice, 5)))["pooled"], "a yes to something else is none"
    await agree(alice, "shared_ratings")
    assert (await outcome(owner, await rate(alice, 5)))["pooled"]
    assert await owner.fetchval("SELECT bool_and(pooled) FROM interventions.outcome"), "earlier ones join"
    assert (await alice.get("/v1/interventions/learned")).json()["helps_others"] is True
    await agree(alice, "shared_ratings", given=False)
    assert not await owner.fetchval("SELECT bool_or(pooled) FROM interventions.outcome"), "it stops at once"
    assert len((await state(owner, alice)).keys), "what is hers still helps herself"


async def test_without_consent_to_health_data_nothing_is_learned(alice: Person, owner: asyncpg.Connection) -> None:
    await agree(alice, "shared_ratings")
    await agree(alice, "health_data")
    await rate(alice, 5)
    await agree(alice, "health_data", given=False)
    assert not len((await state(owner, alice)).keys)
    assert not await owner.fetchval("SELECT bool_or(pooled) FROM interventions.outcome")
    await rate(alice, 5)
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 1
    assert (await alice.get("/v1/interventions/learned")).json()["paused"] is True
    await agree(alice, "health_data")
    await rate(alice, 5)
    assert (await state(owner, alice)).counts.tolist() == [1.0]
    assert await owner.fetchval("SELECT bool_and(pooled) FROM interventions.outcome")


async def test_without_consent_to_health_data_a_moment_leaves_no_trace(
    alice: Person, owner: asyncpg.Connection
) -> None:
    ask = {"mood_score": 2, "current_emotion": "sadness"}
    await agree(alice, "health_data", given=False)
    answer = await alice.post("/v1/interventions/recommendations", json=ask)
    assert (answer.status_code, len(answer.json()["items"])) == (200, 3)
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 0
    await agree(alice, "health_data")
    await alice.post("/v1/interventions/recommendations", json=ask)
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 1


async def test_what_is_rated_in_danger_teaches_nobody_else(alice: Person, owner: asyncpg.Connection) -> None:
    await agree(alice, "shared_ratings")
    text = "I am going to kill myself tonight, goodbye"
    made = (await alice.post("/v1/checkins", json={"mood_score": 1, "journal_text": text})).json()
    offer = made["recommendations"][0]
    session = await rate(alice, 5, UUID(offer["intervention_id"]), checkin_id=made["checkin"]["id"])
    found = await outcome(owner, session)
    assert (found["in_danger"], found["pooled"]) == (True, False)
    await agree(alice, "shared_ratings")
    assert not (await outcome(owner, session))["pooled"]
    chances = await owner.fetchval(
        "SELECT propensities FROM interventions.recommendation WHERE id = $1", UUID(made["checkin"]["id"])
    )
    assert chances == [1.0, 1.0, 1.0]


async def test_a_check_in_that_is_removed_leaves_no_copy_of_what_was_felt(
    alice: Person, charlie: Person, owner: asyncpg.Connection
) -> None:
    """The log of offers holds the mood and feelings of its check-in: it goes with it. A rating stays alice's."""
    made = (await alice.post("/v1/checkins", json={"mood_score": 2})).json()
    other = (await charlie.post("/v1/checkins", json={"mood_score": 9})).json()
    path, offer = f"/v1/checkins/{made['checkin']['id']}", UUID(made["recommendations"][0]["intervention_id"])
    await rate(alice, 4, offer, checkin_id=made["checkin"]["id"])
    unfinished = await begin(alice, offer, checkin_id=made["checkin"]["id"])
    assert (await charlie.delete(path)).status_code == 404
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 2
    assert (await alice.delete(path)).status_code == 204
    left = await owner.fetch("SELECT id FROM interventions.recommendation")
    assert [row["id"] for row in left] == [UUID(other["checkin"]["id"])]
    assert (await alice.get("/v1/interventions/learned")).json()["items"][0]["mean_rating"] == 4
    done = await alice.post(f"/v1/interventions/sessions/{unfinished}/complete", json={"effectiveness_rating": 3})
    assert done.status_code == 200


async def test_what_was_learned_at_a_check_in_that_is_removed_tells_no_more_what_was_felt(
    alice: Person, owner: asyncpg.Connection
) -> None:
    """Her fear, her energy and the hour go from the sessions and from what was learned of them; her ratings stay."""
    emotions = [{"emotion": "fear", "intensity": 5}]
    said = {"context_emotion": "fear", "context_energy_level": 1, "context_time_of_day": "night"}
    made = (await alice.post("/v1/checkins", json={"mood_score": 2, "energy_level": 1, "emotions": emotions})).json()
    kept_one = (await alice.post("/v1/checkins", json={"mood_score": 8, "energy_level": 9})).json()
    here, offer = {"checkin_id": made["checkin"]["id"]}, UUID(made["recommendations"][0]["intervention_id"])
    offered, found = await rate(alice, 5, offer, **here, **said), await rate(alice, 4, TEA, **here, **said)
    unfinished = await begin(alice, offer, **here, **said)
    other_offer = UUID(kept_one["recommendations"][0]["intervention_id"])
    other = await rate(alice, 3, other_offer, checkin_id=kept_one["checkin"]["id"])
    before, elsewhere = await outcome(owner, offered), await outcome(owner, other)
    assert before["features"][4] == 1, "fear"
    changes = await owner.fetchval("SELECT interactions FROM interventions.person_effects")
    assert (await alice.delete(f"/v1/checkins/{made['checkin']['id']}")).status_code == 204
    await alice.post(f"/v1/interventions/sessions/{unfinished}/complete", json={"effectiveness_rating": 2})
    for session, target in ((offered, 1.0), (found, 0.75), (unfinished, 0.25)):
        now = await outcome(owner, session)
        assert now["features"] == [1, *[0] * 11, 1, 0.5, *[0.25] * 4, 0.5, 0, 0], "a moment nobody spoke of"
        assert (now["learning_target"], now["recommendation_id"]) == (target, None)
        row = await owner.fetchrow("SELECT * FROM interventions.session WHERE id = $1", UUID(session))
        assert row is not None
        assert {row[name] for name in (*said, "checkin_id", "recommendation_id")} == {None}
    assert (await outcome(owner, offered))["prior_effectiveness"] != before["prior_effectiveness"]
    assert await outcome(owner, other) == elsewhere
    assert await owner.fetchval("SELECT interactions FROM interventions.person_effects") == changes + 2, (
        "a night that read before it writes nothing back"
    )


async def test_a_session_that_ends_while_its_check_in_is_removed_keeps_nothing_of_it(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    emotions = [{"emotion": "fear", "intensity": 5}]
    made = (await alice.post("/v1/checkins", json={"mood_score": 2, "emotions": emotions})).json()
    offer, moment = UUID(made["recommendations"][0]["intervention_id"]), UUID(made["checkin"]["id"])
    session = UUID(await begin(alice, offer, checkin_id=str(moment)))
    wanted = Complete(effectiveness_rating=5)
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await service.end(tx, parts.keys, alice.id, session, wanted)
        removing = asyncio.create_task(alice.delete(f"/v1/checkins/{moment}"))
        assert await waits(owner, removing)
    assert (await removing).status_code == 204
    assert (await outcome(owner, str(session)))["features"][4] == 0


async def test_what_is_forgotten_while_a_session_ends_is_forgotten(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    session = UUID(await begin(alice))
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await service.end(tx, parts.keys, alice.id, session, Complete(effectiveness_rating=5))
        forgetting = asyncio.create_task(alice.delete("/v1/interventions/learned"))
        assert await waits(owner, forgetting)
    assert (await forgetting).status_code == 204
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 0
    assert not len((await state(owner, alice)).keys)


async def test_what_must_not_be_offered_is_kept_in_one_place(alice: Person, owner: asyncpg.Connection) -> None:
    await alice.patch("/v1/users/me", json={"contraindications": ["pregnancy", "injury"]})
    await alice.post("/v1/checkins", json={"mood_score": 4})
    await alice.post("/v1/interventions/recommendations", json={"mood_score": 4})
    rows = await owner.fetch("SELECT to_jsonb(r)::text AS whole FROM interventions.recommendation r")
    assert len(rows) == 2
    assert not any("pregnancy" in row["whole"] or "contraindications" in row["whole"] for row in rows)


async def test_who_took_back_their_consent_leaves_nothing_of_the_moment_in_a_session(
    alice: Person, owner: asyncpg.Connection
) -> None:
    said = {"context_emotion": "sadness", "context_energy_level": 2, "context_time_of_day": "night"}
    columns = f"SELECT {', '.join(said)} FROM interventions.session WHERE id = $1"
    given = await begin(alice, **said)
    await agree(alice, "health_data", given=False)
    refused = await begin(alice, **said)
    assert tuple(await owner.fetchrow(columns, UUID(given)) or ()) == tuple(said.values())
    assert tuple(await owner.fetchrow(columns, UUID(refused)) or ()) == (None, None, None)


async def test_the_same_request_is_offered_the_same_once(alice: Person, owner: asyncpg.Connection) -> None:
    path, ask, key = "/v1/interventions/recommendations", {"mood_score": 4}, {"Idempotency-Key": "moment-0001"}
    first, again = [await alice.post(path, json=ask, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert len(first.json()["items"]) == 3
    assert again.json() == first.json()
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 1
    other = await alice.post(path, json={"mood_score": 5}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await alice.post(path, json=ask, headers={"Idempotency-Key": "short"})).status_code == 422
    await alice.post(path, json=ask)
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 2


async def test_who_took_back_their_consent_may_send_the_same_request_twice(
    alice: Person, owner: asyncpg.Connection
) -> None:
    await agree(alice, "health_data", given=False)
    path, ask, key = "/v1/interventions/recommendations", {"mood_score": 4}, {"Idempotency-Key": "moment-0002"}
    for _ in range(2):
        answer = await alice.post(path, json=ask, headers=key)
        assert (answer.status_code, len(answer.json()["items"])) == (200, 3)
    assert await owner.fetchval("SELECT count(*) FROM interventions.recommendation") == 0


async def test_a_repeated_request_is_offered_nothing_that_hurts_by_now(alice: Person) -> None:
    path, key = "/v1/interventions/recommendations", {"Idempotency-Key": "moment-0003"}
    ask = {"mood_score": 8, "energy_level": 10}
    first = (await alice.post(path, json=ask, headers=key)).json()["items"]
    by_id = {str(item.id): item.facts.contraindications for item in load()}
    words = {word for one in first for word in by_id[one["intervention_id"]]}
    await alice.patch("/v1/users/me", json={"contraindications": sorted(words)})
    again = (await alice.post(path, json=ask, headers=key)).json()["items"]
    assert again == [one for one in first if not by_id[one["intervention_id"]]]


async def test_somebody_who_asks_is_offered_something_though_choosing_is_broken(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(recommend, "choose", broken)
    await alice.post("/v1/crisis/report", json={})
    answer = await alice.post("/v1/interventions/recommendations", json={"mood_score": 1})
    assert answer.status_code == 200, answer.text
    facts = {str(item.id): item.facts for item in load()}
    first, *others = [facts[one["intervention_id"]] for one in answer.json()["items"]]
    assert first.sub_category == "safety planning"
    assert [one.crisis_safe for one in others] == [True, True]


async def test_a_session_of_something_else_is_not_given_out_as_one_of_this(alice: Person) -> None:
    wanted = str(ids.new())
    await begin(alice, id=wanted)
    answer = await alice.post(f"/v1/interventions/{load()[0].id}/start", json={"id": wanted})
    assert (answer.status_code, answer.json()["code"]) == (409, "session_elsewhere")
    assert await begin(alice, id=wanted) == wanted


async def test_an_entry_that_only_a_newer_process_knows_hides_nothing_else(
    alice: Person, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "INSERT INTO interventions.intervention (id, slug, version, is_active, is_premium, therapeutic_approach,"
        " energy_required, duration_seconds, target_emotions, document, text_en, text_fr) SELECT gen_random_uuid(),"
        " slug || '-two', version, true, false, therapeutic_approach, energy_required, duration_seconds,"
        " target_emotions, document, text_en, text_fr FROM interventions.intervention WHERE NOT is_premium"
    )
    found, cursor = list[str](), ""
    for _ in range(100):
        page = (await alice.get(f"/v1/interventions?limit=7&cursor={cursor}")).json()
        found += [item["slug"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == sorted(item.slug for item in load() if not item.facts.is_premium)


async def test_a_person_takes_at_most_500_bytes(alice: Person, owner: asyncpg.Connection) -> None:
    """Somebody who rated everything there is, many times; the whole row counts."""
    everything = [Happened(key_of(item.id), 2500 + n % 200, 0.5, -0.4, 1.0) for n in range(20) for item in load()]
    packed = kept.added(b"", *everything)
    await rate(alice, 5)
    await owner.execute("UPDATE interventions.person_effects SET state = $1", packed)
    size = await owner.fetchval("SELECT pg_column_size(e.*) FROM interventions.person_effects e")
    assert 400 < size <= 500
    assert (await alice.post("/v1/checkins", json={"mood_score": 5})).status_code == 201


async def test_a_state_that_cannot_be_read_does_not_stop_a_check_in(alice: Person, owner: asyncpg.Connection) -> None:
    await rate(alice, 5)
    await owner.execute("UPDATE interventions.person_effects SET state = '\\x0102030405'")
    made = await alice.post("/v1/checkins", json={"mood_score": 5})
    assert made.status_code == 201
    assert len(made.json()["recommendations"]) == 3
    policy = await owner.fetchval("SELECT policy_version FROM interventions.recommendation ORDER BY id DESC LIMIT 1")
    assert policy == "hlts-1.0", "chosen as for somebody of whom nothing is kept"
    await rate(alice, 4)
    assert (await state(owner, alice)).counts.tolist() == [1.0], "what she says now counts again"


async def test_each_person_learns_alone(circle: Circle, alice: Person, owner: asyncpg.Connection) -> None:
    ben = await circle.member("ben")
    await rate(alice, 5)
    assert not len((await state(owner, ben)).keys)


async def test_a_condition_that_no_filter_knows_is_refused(alice: Person) -> None:
    """Alice would think that she is protected: nothing in the library is marked `asthma` or `heart_conditions`."""
    for unknown in ("asthma", "heart_conditions"):
        answer = await alice.patch("/v1/users/me", json={"contraindications": ["dizziness", unknown]})
        assert answer.status_code == 422, unknown
        assert "contraindications" in answer.text
    known = {word for item in load() for word in item.facts.contraindications}
    answer = await alice.patch("/v1/users/me", json={"contraindications": sorted(known)})
    assert answer.status_code == 200
    assert set(answer.json()["contraindications"]) == known == set(CONTRAINDICATIONS)


async def test_what_is_paid_for_is_not_there_for_who_has_not_paid(alice: Person, owner: asyncpg.Connection) -> None:
    """By its id it is neither read nor started, as it is in no list; what was started while paid for stays."""
    paid = next(item for item in load() if item.facts.is_premium).id
    assert (await alice.get(f"/v1/interventions/{paid}")).status_code == 404
    assert (await alice.post(f"/v1/interventions/{paid}/start", json={})).status_code == 404
    await owner.execute("UPDATE identity.person SET subscription_tier = 'premium'")
    assert (await alice.get(f"/v1/interventions/{paid}")).json()["is_premium"] is True
    again = str(ids.new())
    session = await begin(alice, paid, id=again)
    await owner.execute("UPDATE identity.person SET subscription_tier = 'free'")
    assert await begin(alice, paid, id=again) == session
    done = await alice.post(f"/v1/interventions/sessions/{session}/complete", json={"effectiveness_rating": 4})
    assert done.status_code == 200
    assert (await alice.get(f"/v1/interventions/{TEA}")).status_code == 200


async def test_what_another_version_logged_stops_neither_a_rating_nor_a_page(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    """A newer version knew one feeling and one reason more, and was put back."""
    made = (await alice.post("/v1/checkins", json={"mood_score": 4})).json()
    await owner.execute(
        "UPDATE interventions.recommendation SET context = jsonb_set(context, '{emotions}', '{\"boredom\": 3}'),"
        " reasons = jsonb_set(reasons, '{0,key}', '\"weather\"')"
    )
    offer, moment = UUID(made["recommendations"][0]["intervention_id"]), made["checkin"]["id"]
    found = await outcome(owner, await rate(alice, 4, offer, checkin_id=moment))
    assert (found["learning_target"], found["features"][12]) == (0.75, 1), "a moment nobody spoke of"
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        first, *others = await recommend.logged(tx, alice.id, UUID(moment), "en")
    assert first.why_recommended.startswith("A small thing to try.")
    assert [one.why_recommended for one in others] == [o["why_recommended"] for o in made["recommendations"][1:]]
