"""What somebody said of a session is theirs to change and to take back, and a request that is repeated counts once."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.interventions.test_sessions import TEA, agree, begin, outcome, rate, state
from tests.support.people import Person
from wellspring.interventions import shared
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
WORDS = "quokkaberry, and my sister rang"
NOTHING: dict[str, Any] = {"effectiveness_rating": None, "feedback_tags": [], "feedback_text": None}


def at(session: str) -> str:
    return f"/v1/interventions/sessions/{session}"


@pytest.fixture
async def session(alice: Person) -> str:
    """Return a session of alice's that she rated and wrote about."""
    made = await begin(alice)
    said = {"effectiveness_rating": 5, "feedback_tags": ["helped"], "feedback_text": WORDS}
    assert (await alice.post(f"{at(made)}/complete", json=said)).status_code == 200
    return made


async def test_a_stranger_changes_nothing(
    client: httpx.AsyncClient, alice: Person, charlie: Person, session: str
) -> None:
    for method in ("PATCH", "DELETE"):
        assert (await client.request(method, at(session), json=NOTHING)).status_code == 401
        assert (await charlie.request(method, at(session), json=NOTHING)).status_code == 404
    assert (await alice.get(at(session))).json()["feedback_text"] == WORDS


async def test_words_are_changed_and_removed(alice: Person, session: str, owner: asyncpg.Connection) -> None:
    sealed = "SELECT feedback_text FROM interventions.session WHERE id = $1"
    first = await owner.fetchval(sealed, UUID(session))
    changed = await alice.patch(at(session), json={"feedback_text": "It rained"})
    assert (changed.status_code, changed.json()["feedback_text"]) == (200, "It rained")
    assert changed.json()["effectiveness_rating"] == 5, "what is not named stays"
    assert await owner.fetchval(sealed, UUID(session)) != first
    removed = await alice.patch(at(session), json={"feedback_text": None})
    assert (removed.json()["feedback_text"], removed.json()["feedback_tags"]) == (None, ["helped"])
    assert await owner.fetchval(sealed, UUID(session)) is None
    kinds = await owner.fetch("SELECT topic FROM kernel.stream WHERE person_id = $1", alice.id)
    assert "intervention.changed" in {row["topic"] for row in kinds}


async def test_who_saw_another_version_changes_nothing(alice: Person, session: str) -> None:
    seen = (await alice.get(at(session))).headers["etag"]
    here = {"If-Match": seen}
    first = await alice.patch(at(session), json={"effectiveness_rating": 2}, headers=here)
    assert first.headers["etag"] != seen
    second = await alice.patch(at(session), json={"effectiveness_rating": 1}, headers=here)
    assert second.status_code == 412
    assert (await alice.get(at(session))).json()["effectiveness_rating"] == 2


async def test_only_what_is_over_can_be_said_otherwise(alice: Person) -> None:
    running = await begin(alice)
    refused = await alice.patch(at(running), json={"effectiveness_rating": 3})
    assert (refused.status_code, refused.json()["code"]) == (409, "session_running")
    await alice.post(f"{at(running)}/skip", json={})
    refused = await alice.patch(at(running), json={"effectiveness_rating": 3})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "session_skipped")
    said = {"feedback_tags": ["not_now"], "feedback_text": WORDS}
    assert (await alice.patch(at(running), json=said)).json()["feedback_text"] == WORDS
    assert (await alice.patch(at(running), json=NOTHING)).json()["feedback_tags"] == []


async def test_another_rating_is_what_is_learned(alice: Person, session: str, owner: asyncpg.Connection) -> None:
    """As if she had said so at once: her own numbers are those of somebody who rated it 1."""
    other = await begin(alice)
    await alice.post(f"{at(other)}/complete", json={"effectiveness_rating": 3})
    before = await state(owner, alice)
    assert (await alice.patch(at(session), json={"effectiveness_rating": 1})).status_code == 200
    found, own = await outcome(owner, session), await state(owner, alice)
    assert (found["actual_effectiveness"], found["learning_target"], found["learning_weight"]) == (0, 0, 1)
    assert own.counts.tolist() == before.counts.tolist() == [2]
    assert own.sums[0] == pytest.approx(before.sums[0] - 1, abs=0.01)
    learned = (await alice.get("/v1/interventions/learned")).json()["items"]
    assert [(one["ratings"], one["mean_rating"]) for one in learned] == [(2, 2.0)]


async def test_a_rating_taken_back_teaches_nothing_more(
    parts: Edge, alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    await agree(alice, "shared_ratings")
    await shared.fold_new(parts.db)
    assert await owner.fetchval("SELECT ratings FROM interventions.model") == 1
    assert (await alice.patch(at(session), json=NOTHING)).status_code == 200
    found = await outcome(owner, session)
    assert (found["actual_effectiveness"], found["learning_target"], found["pooled"]) == (None, None, False)
    assert (await state(owner, alice)).counts.tolist() == [0], "that she did it is still known, as it is true"
    await shared.relearn_all(parts.db)
    assert await owner.fetchval("SELECT ratings FROM interventions.model") == 0
    assert (await state(owner, alice)).counts.tolist() == [0]


async def test_what_was_shared_before_counts_once_after_a_change(
    parts: Edge, alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    await agree(alice, "shared_ratings")
    await shared.fold_new(parts.db)
    await alice.patch(at(session), json={"effectiveness_rating": 1})
    await shared.fold_new(parts.db)
    assert await owner.fetchval("SELECT ratings FROM interventions.model") == 1
    learned = await shared.relearn_all(parts.db)
    assert learned.ratings == 1
    assert (await outcome(owner, session))["pooled"]


async def test_other_tags_of_what_was_left_weigh_otherwise(alice: Person, owner: asyncpg.Connection) -> None:
    left = await begin(alice)
    await alice.post(f"{at(left)}/skip", json={})
    for tags, target in ((["not_for_me"], 0.0), (["not_now"], None), ([], 0.25)):
        await alice.patch(at(left), json={"feedback_tags": tags})
        assert (await outcome(owner, left))["learning_target"] == target


async def test_what_was_forgotten_is_not_learned_by_changing_it(
    alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    await alice.delete("/v1/interventions/learned")
    assert (await alice.patch(at(session), json={"effectiveness_rating": 1})).status_code == 200
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 0
    assert not len((await state(owner, alice)).keys)


async def test_who_took_back_their_consent_can_take_back_words_and_teaches_nothing(
    alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    for kind in ("shared_ratings", "health_data"):
        await agree(alice, kind)
    await agree(alice, "health_data", given=False)
    gone = await alice.patch(at(session), json={"feedback_text": None, "effectiveness_rating": 2})
    assert (gone.status_code, gone.json()["feedback_text"]) == (200, None)
    found = await outcome(owner, session)
    assert (found["learning_target"], found["pooled"]) == (0.25, False), "true again, should she come back"
    assert not len((await state(owner, alice)).keys)
    await agree(alice, "health_data")
    assert (await outcome(owner, session))["pooled"]


@pytest.mark.parametrize(
    ("verb", "said", "done"),
    [
        ("complete", {"effectiveness_rating": 4, "feedback_text": WORDS}, "completed"),
        ("skip", {"feedback_tags": ["too_long"], "feedback_text": WORDS}, "skipped"),
    ],
)
async def test_a_phone_that_sends_it_again_ends_it_once(
    alice: Person, charlie: Person, owner: asyncpg.Connection, verb: str, said: dict[str, Any], done: str
) -> None:
    running, key = await begin(alice), {"Idempotency-Key": "ended-0001"}
    path = f"{at(running)}/{verb}"
    assert (await charlie.post(path, json=said, headers=key)).status_code == 404
    first, again = [await alice.post(path, json=said, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["state"]) == (200, done)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await state(owner, alice)).counts.tolist() == [1.0 if verb == "complete" else 0.5]
    events = "SELECT count(*) FROM kernel.stream WHERE topic = $1"
    assert await owner.fetchval(events, f"intervention.{done}") == 1
    audited = "SELECT count(*) FROM kernel.audit WHERE action = $1 AND outcome = 'done'"
    assert await owner.fetchval(audited, f"interventions:session:{verb}") == 1
    other = await alice.post(path, json={**said, "feedback_tags": ["helped"]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    new = await alice.post(path, json=said, headers={"Idempotency-Key": "ended-0002"})
    assert (new.status_code, new.json()["code"]) == (409, "session_over")
    assert (await alice.post(path, json=said, headers={"Idempotency-Key": "short"})).status_code == 422


async def test_one_key_ends_each_session_that_it_is_sent_to(alice: Person) -> None:
    key = {"Idempotency-Key": "ended-0003"}
    for _ in range(2):
        running = await begin(alice, TEA)
        ended = await alice.post(f"{at(running)}/complete", json={}, headers=key)
        assert (ended.status_code, ended.json()["id"]) == (200, running)


async def test_a_rating_is_given_later(alice: Person, owner: asyncpg.Connection) -> None:
    made = await begin(alice)
    await alice.post(f"{at(made)}/complete", json={})
    assert (await alice.patch(at(made), json={"effectiveness_rating": 4})).status_code == 200
    whole = await rate(alice, 4)
    later, once = await outcome(owner, made), await outcome(owner, whole)
    assert later["learning_target"] == once["learning_target"] == 0.75
    assert (await state(owner, alice)).counts.tolist() == [2]


async def test_a_session_that_is_removed_leaves_nothing(
    parts: Edge, alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    await agree(alice, "shared_ratings")
    kept_one = await rate(alice, 2)
    running = await begin(alice, context_emotion="fear")
    await shared.fold_new(parts.db)
    for gone in (session, running):
        assert (await alice.delete(at(gone))).status_code == 204
        assert (await alice.delete(at(gone))).status_code == 404
    assert [one["id"] for one in (await alice.get("/v1/interventions/sessions")).json()["items"]] == [kept_one]
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 1
    assert (await state(owner, alice)).counts.tolist() == [1]
    assert (await shared.relearn_all(parts.db)).ratings == 1


REFUSED = (409, "health_data_refused")


def told(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


async def test_who_took_back_their_consent_adds_no_words(
    client: httpx.AsyncClient, alice: Person, charlie: Person, session: str, owner: asyncpg.Connection
) -> None:
    sealed = "SELECT feedback_text FROM interventions.session WHERE id = $1"
    before = await owner.fetchval(sealed, UUID(session))
    await agree(alice, "health_data", given=False)
    new = {"feedback_text": "I cannot breathe"}
    assert (await client.patch(at(session), json=new)).status_code == 401
    assert told(await charlie.patch(at(session), json=new)) == (404, "not_found")
    assert told(await alice.patch(at(session), json=new)) == REFUSED
    assert await owner.fetchval(sealed, UUID(session)) == before
    assert (await alice.get(at(session))).json()["feedback_text"] == WORDS
    for still in ({"feedback_text": WORDS, "effectiveness_rating": 3}, {"feedback_tags": ["too_long"]}, NOTHING):
        assert (await alice.patch(at(session), json=still)).status_code == 200
    assert await owner.fetchval(sealed, UUID(session)) is None
    assert (await alice.delete(at(session))).status_code == 204


@pytest.mark.parametrize(("verb", "state"), [("complete", "completed"), ("skip", "skipped")])
async def test_who_took_back_their_consent_ends_a_session_without_words(
    alice: Person, owner: asyncpg.Connection, verb: str, state: str
) -> None:
    running, key = await begin(alice), {"Idempotency-Key": "without-words"}
    path, body = f"{at(running)}/{verb}", {"feedback_tags": ["helped"], "feedback_text": WORDS}
    await agree(alice, "health_data", given=False)
    assert told(await alice.post(path, json=body, headers=key)) == REFUSED
    assert (await alice.get(at(running))).json()["state"] == "started", "nothing of it was stored"
    ended = await alice.post(path, json={"feedback_tags": ["helped"]})
    assert (ended.status_code, ended.json()["state"], ended.json()["feedback_text"]) == (200, state, None)
    assert await owner.fetchval("SELECT count(*) FROM interventions.outcome") == 0
    other = await begin(alice)
    await agree(alice, "health_data")
    assert (await alice.post(f"{at(other)}/{verb}", json=body, headers=key)).json()["feedback_text"] == WORDS


async def test_words_of_before_are_answered_again_as_they_were(alice: Person) -> None:
    running, key = await begin(alice), {"Idempotency-Key": "sent-before-the-no"}
    path, body = f"{at(running)}/complete", {"feedback_text": WORDS}
    first = await alice.post(path, json=body, headers=key)
    await agree(alice, "health_data", given=False)
    again = await alice.post(path, json=body, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())


async def test_a_rating_that_is_changed_stays_where_it_was_in_time(
    parts: Edge, alice: Person, session: str, owner: asyncpg.Connection
) -> None:
    """It says how that time went: the last rating stays the last, for her at once and after the night."""
    state = "SELECT state FROM interventions.person_effects WHERE person_id = $1"
    newest = await rate(alice, 1)
    was = (await outcome(owner, session))["at"]
    assert (await alice.patch(at(session), json={"effectiveness_rating": 3})).status_code == 200
    found = await outcome(owner, session)
    assert found["at"] == was < found["amended_at"]
    assert (await outcome(owner, newest))["amended_at"] is None
    as_if = kept.added(b"", Happened(1, 0, 0.5, 0.0, 1.0), Happened(1, 0, 0.0, 0.0, 1.0))
    assert kept.recent(await owner.fetchval(state, alice.id)) == kept.recent(as_if)
    await shared.relearn_all(parts.db)
    assert kept.recent(await owner.fetchval(state, alice.id)) == kept.recent(as_if)
    for same in ({"effectiveness_rating": 3}, {"feedback_text": "It rained"}, {"feedback_tags": ["calming"]}):
        assert (await alice.patch(at(session), json=same)).status_code == 200
    assert (await outcome(owner, session))["amended_at"] == found["amended_at"], "what is learned of it stayed"
