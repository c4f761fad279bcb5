"""The log of offers: it says what was known when a choice was made, and keeps nothing that somebody took back."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.interventions.test_sessions import agree, begin, outcome, rate
from tests.support.people import Person
from wellspring.interventions import shared, shipped
from wellspring.interventions.evaluate import usable
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
SAID: dict[str, Any] = {
    "mood_score": 3,
    "energy_level": 2,
    "stress_level": 8,
    "context_location": "home",
    "emotions": [{"emotion": "fear", "intensity": 5}],
}
UNSAID_X = [1, *[0] * 11, 1, 0.5, *[0.25] * 4, 0.5, 0, 0]


async def check_in(who: Person, **changes: Any) -> tuple[str, list[UUID]]:
    answer = await who.post("/v1/checkins", json=SAID | changes)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["checkin"]["id"], [UUID(one["intervention_id"]) for one in made["recommendations"]]


async def row(owner: asyncpg.Connection, moment: str) -> dict[str, Any]:
    found = await owner.fetchrow("SELECT * FROM interventions.recommendation WHERE id = $1", UUID(moment))
    assert found is not None
    return dict(found) | {name: json.loads(found[name]) for name in ("context", "reasons")}


async def moments(owner: asyncpg.Connection) -> set[str]:
    return {str(found["id"]) for found in await owner.fetch("SELECT id FROM interventions.recommendation")}


@pytest.mark.parametrize(
    "change",
    [
        {"journal_text": "It rained"},
        {"anxiety_level": 4},
        {"emotions": [{"emotion": "fear", "intensity": 5}, {"emotion": "shame", "intensity": 2}]},
        {"sensory_load_score": 3},
        SAID,
    ],
)
async def test_what_is_added_later_was_not_known_when_the_choice_was_made(
    alice: Person, owner: asyncpg.Connection, change: dict[str, Any]
) -> None:
    moment, _ = await check_in(alice)
    before = await row(owner, moment)
    assert (await alice.patch(f"/v1/checkins/{moment}", json=change)).status_code == 200
    assert await row(owner, moment) == before


@pytest.mark.parametrize(
    "change",
    [
        {"mood_score": 4},
        {"energy_level": None},
        {"stress_level": 7},
        {"context_location": None},
        {"emotions": []},
        {"emotions": [{"emotion": "fear", "intensity": 1}]},
    ],
)
async def test_what_is_taken_back_leaves_the_log_and_the_rest_is_as_it_was(
    alice: Person, charlie: Person, owner: asyncpg.Connection, change: dict[str, Any]
) -> None:
    """Never the new words beside a chance that was worked out from the old ones."""
    moment, _ = await check_in(alice)
    other, _ = await check_in(charlie)
    before, others = await row(owner, moment), await row(owner, other)
    assert (await charlie.patch(f"/v1/checkins/{moment}", json=change)).status_code == 404
    assert await row(owner, moment) == before
    assert (await alice.patch(f"/v1/checkins/{moment}", json=change)).status_code == 200
    now = await row(owner, moment)
    assert now["context"] == {"corrected": True, "danger": False}
    assert not {"emotion", "signal", "energy", "minutes"} & {name for reason in now["reasons"] for name in reason}
    assert len(now["reasons"]) == 3
    same = set(now) - {"context", "reasons"}
    assert {name: now[name] for name in same} == {name: before[name] for name in same}
    assert await row(owner, other) == others


async def test_what_was_learned_there_tells_no_more_what_was_taken_back(
    alice: Person, owner: asyncpg.Connection
) -> None:
    moment, (first, second, third) = await check_in(alice)
    here = {"checkin_id": moment, "context_emotion": "fear", "context_energy_level": 2}
    done, running = await rate(alice, 5, first, **here), await begin(alice, second, **here)
    assert (await outcome(owner, done))["features"][4] > 0.5, "fear"
    assert (await alice.patch(f"/v1/checkins/{moment}", json={"emotions": []})).status_code == 200
    await alice.post(f"/v1/interventions/sessions/{running}/complete", json={"effectiveness_rating": 2})
    later = await rate(alice, 4, third, checkin_id=moment)
    for session, target in ((done, 1.0), (running, 0.25), (later, 0.75)):
        found = await outcome(owner, session)
        assert (found["features"], found["learning_target"]) == (UNSAID_X, target)
        kept = await owner.fetchrow("SELECT * FROM interventions.session WHERE id = $1", UUID(session))
        assert kept is not None
        assert (kept["checkin_id"], kept["context_emotion"], kept["context_energy_level"]) == (UUID(moment), None, None)


async def test_what_was_taken_back_is_not_judged_by(parts: Edge, alice: Person) -> None:
    await agree(alice, "shared_ratings")
    found = {}
    for change in ({"mood_score": 6}, {"journal_text": "It rained"}):
        moment, (first, second, _) = await check_in(alice)
        await rate(alice, 4, first, checkin_id=moment)
        await alice.patch(f"/v1/checkins/{moment}", json=change)
        await rate(alice, 5, second, checkin_id=moment)
        found[moment] = "journal_text" in change
    _, rated = await shared.history_to_judge(parts.db)
    judged = {str(one.moment_id) for one in rated if usable(one, shipped())}
    assert judged == {moment for moment, kept in found.items() if kept}


async def test_danger_is_remembered_when_words_are_taken_back(alice: Person, owner: asyncpg.Connection) -> None:
    await agree(alice, "shared_ratings")
    moment, (first, *_) = await check_in(alice, journal_text="I am going to kill myself tonight, goodbye")
    await alice.patch(f"/v1/checkins/{moment}", json={"emotions": [], "journal_text": None})
    assert (await row(owner, moment))["context"] == {"corrected": True, "danger": True}
    found = await outcome(owner, await rate(alice, 5, first, checkin_id=moment))
    assert (found["in_danger"], found["pooled"]) == (True, False)


async def test_what_had_been_offered_before_is_what_was_there_then(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    """An entry written offline an hour ago comes in after the choice, with an older id: it was not known."""
    await agree(alice, "shared_ratings")
    before, known = await check_in(alice)
    moment, (first, *_) = await check_in(alice)
    await rate(alice, 4, first, checkin_id=moment)
    stamp = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000).to_bytes(6)
    await check_in(alice, id=str(UUID(bytes=stamp + ids.new().bytes[6:])), mood_score=9, emotions=[])
    (judged,) = (await shared.history_to_judge(parts.db))[1]
    assert [one.intervention_id for one in judged.seen] == known
    assert before < moment


@pytest.fixture
async def asked(alice: Person, owner: asyncpg.Connection) -> list[str]:
    """Return two moments that alice asked for without a check-in; at the second she began something and rated it."""
    for feeling in ("sadness", "fear"):
        answer = await alice.post("/v1/interventions/recommendations", json={"current_emotion": feeling})
        assert answer.status_code == 200
    found = [str(one["id"]) for one in await owner.fetch("SELECT id FROM interventions.recommendation ORDER BY id")]
    await rate(alice, 4, UUID(answer.json()["items"][0]["intervention_id"]))
    return found


async def age(owner: asyncpg.Connection, days: int) -> None:
    await owner.execute("UPDATE interventions.recommendation SET created_at = now() - make_interval(days => $1)", days)


async def test_a_moment_without_a_check_in_goes_with_age_unless_something_was_learned_there(
    parts: Edge, alice: Person, owner: asyncpg.Connection, asked: list[str]
) -> None:
    with_checkin, _ = await check_in(alice)
    await age(owner, 29)
    assert await shared.drop_asked(parts.db) == 0
    await age(owner, 31)
    assert await shared.drop_asked(parts.db) == 1
    assert await moments(owner) == {asked[1], with_checkin}


async def test_forgetting_takes_moments_without_a_check_in_too(
    alice: Person, charlie: Person, owner: asyncpg.Connection, asked: list[str]
) -> None:
    with_checkin, _ = await check_in(alice)
    await charlie.delete("/v1/interventions/learned")
    assert await moments(owner) == {*asked, with_checkin}
    await alice.delete("/v1/interventions/learned")
    assert await moments(owner) == {with_checkin}


async def test_after_its_session_is_removed_a_moment_without_a_check_in_goes_with_age(
    parts: Edge, alice: Person, owner: asyncpg.Connection, asked: list[str]
) -> None:
    (only,) = (await alice.get("/v1/interventions/sessions")).json()["items"]
    await alice.delete(f"/v1/interventions/sessions/{only['id']}")
    await age(owner, 31)
    assert await shared.drop_asked(parts.db) == len(asked)
    assert await moments(owner) == set()


async def named(owner: asyncpg.Connection) -> set[str]:
    """Return the moments that sessions name."""
    found = await owner.fetch("SELECT recommendation_id FROM interventions.session")
    return {str(one[0]) for one in found if one[0] is not None}


async def test_a_session_names_no_moment_that_is_gone(
    parts: Edge, alice: Person, charlie: Person, owner: asyncpg.Connection, asked: list[str]
) -> None:
    moment, (first, *_) = await check_in(alice)
    await rate(alice, 4, first, checkin_id=moment)
    items = (await charlie.post("/v1/interventions/recommendations", json={"current_emotion": "fear"})).json()["items"]
    await begin(charlie, UUID(items[0]["intervention_id"]))
    (his,) = await moments(owner) - {*asked, moment}
    assert await named(owner) == {asked[1], moment, his}
    await alice.delete("/v1/interventions/learned")
    assert await named(owner) == {moment, his}
    await age(owner, 31)
    assert await shared.drop_asked(parts.db) == 1
    assert await named(owner) == await moments(owner) == {moment}
    assert len((await alice.get("/v1/interventions/sessions")).json()["items"]) == 2
