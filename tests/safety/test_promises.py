"""What a member is told about who will look is what is done: five quiet check-ins, a joke, the days after a crisis."""

from typing import Any

import pytest

from tests.safety.test_desk import DANGER, danger, rows
from tests.safety.test_paging import taken
from tests.support.people import Person
from wellspring.safety.copy import notice, words

pytestmark = pytest.mark.anyio
WORST = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
KIDDING = "just kidding, I was joking about yesterday, all good"


async def check_in(who: Person, **given: Any) -> dict[str, Any]:
    answer = await who.post("/v1/checkins", json={"mood_score": 5} | given)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def events(url: str) -> list[tuple[str, str]]:
    found = await rows(url, "SELECT risk_level, state FROM safety.crisis_event ORDER BY created_at")
    return [(row["risk_level"], row["state"]) for row in found]


async def close(url: str) -> None:
    """What a reviewer or responder does."""
    for table in ("crisis_event", "desk"):
        await rows(
            url, f"UPDATE safety.{table} SET state = CASE WHEN state = 'open' THEN 'reviewed' ELSE 'resolved' END"
        )


async def test_a_joke_after_danger_takes_nothing_back(alice: Person, dana: Person, database_url: str) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await danger(alice)
    joke = await check_in(alice, mood_score=8, journal_text=KIDDING)
    assert joke["crisis"]["what_next"] == words().what_next["moderate"].en.format(hours=6)
    assert await events(database_url) == [("critical", "paged")]
    [item] = (await dana.get("/v1/crisis/desk")).json()["items"]
    assert item["risk_level"] == "critical"


async def test_changing_the_words_to_a_joke_takes_nothing_back(alice: Person, database_url: str) -> None:
    made = (await check_in(alice, mood_score=1, journal_text=DANGER))["checkin"]
    await alice.patch(f"/v1/checkins/{made['id']}", json={"journal_text": KIDDING})
    await alice.delete(f"/v1/checkins/{made['id']}")
    assert await events(database_url) == [("critical", "paged")]


async def test_after_a_closed_crisis_nobody_is_promised_who_was_not_told(
    alice: Person, dana: Person, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await dana.post(path + "/steps", json={"step": "contact"})
    await dana.post(path + "/steps", json={"step": "resolve", "outcome": "safe_with_plan"})
    quiet = await check_in(alice, mood_score=8)
    assert quiet["crisis"]["level"] == "moderate"
    assert quiet["crisis"]["what_next"] == notice("next_nobody_told", "en")
    assert quiet["crisis"]["who_sees"] == words().who_sees["low"].en
    assert quiet["crisis"]["duty"] == ""
    assert await events(database_url) == [("critical", "resolved")]


async def test_new_signs_after_a_closed_crisis_are_seen(alice: Person, dana: Person, database_url: str) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await danger(alice)
    await close(database_url)
    again = await check_in(alice, **WORST)
    assert again["crisis"]["what_next"] == words().what_next["moderate"].en.format(hours=6)
    assert await events(database_url) == [("critical", "resolved"), ("moderate", "open")]
    once = await check_in(alice, **WORST)
    assert once["crisis"]["what_next"] == words().what_next["moderate"].en.format(hours=6)
    assert len(await events(database_url)) == 2, "one spell waits once"


async def test_five_quiet_check_ins_that_fall_are_seen_by_somebody(
    alice: Person, dana: Person, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    for ago, mood, stress in ((4, 7, 4), (3, 6, 6), (2, 4, 8), (1, 2, 9)):
        await check_in(alice, mood_score=mood, stress_level=stress)
        await rows(
            database_url,
            "UPDATE checkins.checkin SET occurred_at = now() - make_interval(days => $1)"
            " WHERE occurred_at > now() - interval '1 hour'",
            ago,
        )
    last = await check_in(alice, mood_score=1, stress_level=9)
    assert last["crisis"]["level"] == "moderate"
    assert await events(database_url) == [("moderate", "open")]
    await close(database_url)
    more = await check_in(alice, mood_score=2, stress_level=9)
    assert await events(database_url) == [("moderate", "reviewed")], "the same days were looked at"
    assert more["crisis"]["what_next"] == notice("next_nobody_told", "en")
