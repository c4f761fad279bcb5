"""Events that somebody took, or should review, and that stand still; desks that nobody can open."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.safety.test_desk import context, danger, rows
from tests.safety.test_paging import run_due, supervisor, taken
from tests.support.people import Circle, Person
from wellspring.cli import invariants
from wellspring.kernel.edge import Edge
from wellspring.kernel.ids import NIL
from wellspring.kernel.policy import Role
from wellspring.privacy import erasure
from wellspring.privacy.ledger import NAME, Ledger
from wellspring.safety import paging, unattended
from wellspring.safety.copy import notice

pytestmark = pytest.mark.anyio
WORST = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}


async def since(url: str, minutes: float) -> None:
    """Let time pass for every event and its pages."""
    for column in (
        "safety.crisis_event.created_at",
        "safety.crisis_event.response_due_at",
        "safety.crisis_event.claimed_at",
        "safety.crisis_event.contacted_at",
        "safety.desk.claimed_at",
        "safety.desk.response_due_at",
        "safety.desk.care_due_at",
        "safety.desk.missed_at",
        "safety.page.at",
    ):
        table, _, name = column.rpartition(".")
        await rows(url, f"UPDATE {table} SET {name} = {name} - make_interval(secs => $1::float8)", minutes * 60)


async def mails(url: str, who: Person) -> list[str]:
    found = await rows(url, "SELECT template FROM notify.delivery WHERE person_id = $1 ORDER BY created_at", who.id)
    return [row["template"] for row in found]


async def no_factor(url: str, who: Person) -> None:
    await rows(url, "UPDATE identity.login SET totp_secret = NULL WHERE person_id = $1", who.id)


async def test_who_took_an_event_and_fell_asleep_is_reminded_and_a_colleague_may_take_over(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    fay, gil = [await circle.staff(name, Role.RESPONDER) for name in ("fay", "gil")]
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await since(database_url, 29)
    assert await paging.remind(context(parts)) == 0
    assert (await fay.post(path + "/claim")).json()["code"] == "already_claimed"
    await since(database_url, 2)
    await asyncio.gather(*(paging.remind(context(parts)) for _ in range(3)))
    assert [await mails(database_url, who) for who in (dana, fay, boss, gil)] == [["crisis_overdue"]] * 3 + [[]]
    assert await paging.remind(context(parts)) == 0
    [item] = (await fay.get("/v1/crisis/desk")).json()["items"]
    assert (item["claimed"], item["claimed_by_me"]) == (False, False)
    [item] = (await dana.get("/v1/crisis/desk")).json()["items"]
    assert (item["claimed"], item["claimed_by_me"]) == (False, True)
    assert (await dana.get(path)).status_code == 200, "nothing is taken from them before somebody else takes over"
    await since(database_url, 30)
    assert await paging.remind(context(parts)) == 1
    assert (await fay.post(path + "/claim")).status_code == 200
    assert (await dana.get(path)).json()["code"] == "not_yours"
    assert (await dana.post(path + "/claim")).json()["code"] == "already_claimed", "the time begins anew"
    assert await paging.remind(context(parts)) == 0


async def test_when_only_the_one_who_sleeps_is_on_duty_everybody_is_told(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await taken(dana, alice)
    await since(database_url, 31)
    assert await paging.remind(context(parts)) == 1
    assert await mails(database_url, fay) == ["crisis_overdue"]


async def test_a_review_that_nobody_makes_is_told_of_once_a_day(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    assert (await alice.post("/v1/checkins", json=body)).json()["crisis"]["level"] == "moderate"
    await since(database_url, 5 * 60)
    assert await paging.remind(context(parts)) == 0
    await since(database_url, 61)
    assert await paging.remind(context(parts)) == 1
    assert await paging.remind(context(parts)) == 0
    await since(database_url, 24 * 60 + 1)
    await rows(database_url, "UPDATE notify.delivery SET unique_key = 'of an earlier hour'")
    assert await mails(database_url, dana) == ["crisis_overdue"]
    assert await paging.remind(context(parts)) == 1
    assert await mails(database_url, dana) == ["crisis_overdue"] * 2


async def moderate(who: Person) -> str:
    """Open a milder event; return its path at the desk."""
    crisis = (await who.post("/v1/checkins", json=WORST)).json()["crisis"]
    assert crisis["level"] == "moderate"
    return f"/v1/people/{who.id}/crisis-events/{crisis['event_id']}"


async def states(url: str) -> list[str]:
    return [row["state"] for row in await rows(url, "SELECT state FROM safety.crisis_event ORDER BY created_at")]


async def days(url: str, parts: Edge, number: int) -> int:
    """Let days pass, with a sweep in each; return how many reminders went out and events were given up."""
    done = 0
    for _ in range(number):
        await since(url, 24 * 60 + 1)
        await rows(url, "UPDATE notify.delivery SET unique_key = id::text")
        done += await paging.remind(context(parts)) + await unattended.sweep(context(parts))
    return done


async def test_a_review_that_nobody_makes_is_given_up_after_a_last_call_and_says_so(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    fay = await circle.staff("fay", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = await moderate(alice)
    assert await days(database_url, parts, 6) == 6
    told = [len(await mails(database_url, who)) for who in (dana, boss, fay)]
    assert told == [6, 6, 0]
    assert await days(database_url, parts, 1) == 1
    assert [len(await mails(database_url, who)) for who in (dana, boss, fay)] == [7, 7, 1], "the last time everybody"
    assert await days(database_url, parts, 6) == 0
    assert await states(database_url) == ["open"], "it still stands at the desk"
    assert len((await dana.get("/v1/crisis/desk")).json()["items"]) == 1
    assert await days(database_url, parts, 1) == 1
    assert await rows(database_url, "SELECT state, outcome, resolved_at IS NULL AS open FROM safety.crisis_event") == [
        {"state": "lapsed", "outcome": "nobody_looked", "open": False}
    ]
    desk = (await dana.get("/v1/crisis/desk")).json()
    assert (desk["items"], desk["missed"]) == ([], {"reviews": 1, "contacts": 0})
    assert (await dana.post(path + "/claim")).json()["code"] == "step_refused"
    steps = await rows(database_url, "SELECT actor_id, from_state, to_state FROM safety.event_step")
    assert steps == [{"actor_id": NIL, "from_state": "open", "to_state": "lapsed"}]
    assert await days(database_url, parts, 3) == 0
    promise = next(one for one in invariants.INVARIANTS if one.code == "WI014")
    assert len(await rows(database_url, promise.sql)) == 1
    # It hid every later milder sign; now one opens an event again.
    await moderate(alice)
    assert await states(database_url) == ["lapsed", "open"]


async def test_a_review_is_given_up_by_one_of_many_sweeps(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await moderate(alice)
    await days(database_url, parts, 13)
    await since(database_url, 24 * 60 + 1)
    await asyncio.gather(*(unattended.sweep(context(parts)) for _ in range(3)))
    assert len(await rows(database_url, "SELECT 1 FROM safety.event_step")) == 1


async def test_after_an_outage_a_review_has_its_last_call_and_a_week(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await moderate(alice)
    await since(database_url, 60 * 24 * 60)
    assert await unattended.sweep(context(parts)) == 0
    assert await days(database_url, parts, 1) == 1
    assert await days(database_url, parts, 6) == 0
    assert await states(database_url) == ["open"]
    assert await days(database_url, parts, 1) == 1
    assert await states(database_url) == ["lapsed"]


async def test_who_is_just_reviewing_is_not_interrupted(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    path = await moderate(alice)
    await days(database_url, parts, 13)
    await since(database_url, 2 * 60)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await dana.post(path + "/claim")).status_code == 200
    await since(database_url, 12 * 60)
    await since(database_url, 11 * 60)
    assert (
        await rows(database_url, "SELECT now() - created_at > interval '14 days' AS over FROM safety.crisis_event")
    )[0]["over"], "without the one who reviews it would be given up now"
    assert await unattended.sweep(context(parts)) == 0
    done = await dana.post(path + "/steps", json={"step": "review", "outcome": "no_danger_found"})
    assert done.json() == {"state": "reviewed"}
    assert await days(database_url, parts, 3) == 0


async def test_the_years_of_a_review_that_was_given_up_run(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await moderate(alice)
    await days(database_url, parts, 14)
    pages = len(await rows(database_url, "SELECT 1 FROM safety.page"))
    await days(database_url, parts, 10)
    assert len(await rows(database_url, "SELECT 1 FROM safety.page")) == pages, "a page a day would keep it for ever"


async def test_of_many_reviews_that_nobody_made_one_mail_comes(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    for who in (alice, charlie):
        await who.post("/v1/checkins", json=body)
    await since(database_url, 6 * 60 + 1)
    assert await paging.remind(context(parts)) == 2
    assert await paging.remind(context(parts)) == 0
    hours = await rows(database_url, "SELECT DISTINCT date_trunc('hour', at) FROM safety.page")
    assert len(await mails(database_url, dana)) == len(hours), "one, or two when the clock struck meanwhile"
    assert len(await rows(database_url, "SELECT 1 FROM safety.page")) == 2


async def test_who_was_reached_and_then_left_open_is_told_of_after_a_day(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await dana.post(path + "/steps", json={"step": "contact"})
    await since(database_url, 23 * 60)
    assert await paging.remind(context(parts)) == 0
    await since(database_url, 61)
    assert await paging.remind(context(parts)) == 1
    assert await mails(database_url, boss) == ["crisis_overdue"]
    await dana.post(path + "/steps", json={"step": "resolve", "outcome": "safe_with_plan"})
    await since(database_url, 48 * 60)
    assert await paging.remind(context(parts)) == 0


async def test_an_event_whose_taker_is_gone_for_good_is_taken_over(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await dana.post(path + "/steps", json={"step": "contact"})
    for table in ("crisis_event", "desk"):
        await rows(database_url, f"UPDATE safety.{table} SET claimed_by = NULL")
    assert (await fay.post(path + "/claim")).status_code == 200
    for table in ("crisis_event", "desk"):
        await rows(database_url, f"UPDATE safety.{table} SET claimed_by = NULL, state = 'acknowledged'")
    assert await paging.hand_back(context(parts)) == 1
    assert [r["state"] for r in await rows(database_url, "SELECT state FROM safety.desk")] == ["paged"]


async def test_without_a_second_factor_nobody_is_on_duty(alice: Person, dana: Person, database_url: str) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await danger(alice))["duty"] == notice("duty_someone", "en")
    await no_factor(database_url, dana)
    assert (await danger(alice))["duty"] == notice("duty_none", "en")


async def test_who_cannot_open_the_desk_is_paged_last(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    lost, erin = await circle.staff("lost", Role.RESPONDER), await circle.staff("erin", Role.ADMIN)
    await lost.put("/v1/crisis/duty", json={"on_duty": True})
    await no_factor(database_url, lost)
    await danger(alice)
    told = []
    for minutes in (0, 2.1, 3, 5):
        await since(database_url, minutes)
        await rows(
            database_url,
            "UPDATE safety.crisis_event SET paged_at = paged_at - make_interval(secs => $1::float8)",
            minutes * 60,
        )
        await rows(database_url, "UPDATE jobs.pgqueuer SET execute_after = now()")
        await run_due(parts, database_url)
        told.append([len(await mails(database_url, who)) for who in (dana, lost, erin)])
    assert told == [[1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 1, 0]]


@pytest.mark.parametrize("responders", ["none", "without a second factor", "only the one in danger"])
async def test_when_nobody_can_open_the_desk_administrators_are_told(
    alice: Person, circle: Circle, parts: Edge, database_url: str, responders: str
) -> None:
    erin, lost = await circle.staff("erin", Role.ADMIN), None
    in_danger = alice
    if responders != "none":
        lost = await circle.staff("lost", Role.RESPONDER)
        await no_factor(database_url, lost)
    if responders == "only the one in danger":
        assert lost is not None
        in_danger, lost = lost, None
    await danger(in_danger)
    await run_due(parts, database_url)
    assert await mails(database_url, erin) == ["desk_empty"]
    if lost is not None:
        assert await mails(database_url, lost) == ["crisis_page_now"], "nobody else is there: they may set one up"
    pages: list[dict[str, Any]] = await rows(database_url, "SELECT responder_id FROM safety.page")
    assert [p["responder_id"] for p in pages] == [lost.id if lost else None]


async def test_who_is_administrator_and_responder_is_paged(
    alice: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    both, erin = await circle.staff("both", Role.RESPONDER), await circle.staff("erin", Role.ADMIN)
    await rows(database_url, "UPDATE identity.person SET roles = roles || 'admin'::text WHERE person_id = $1", both.id)
    await no_factor(database_url, both)
    await danger(alice)
    await run_due(parts, database_url)
    assert await mails(database_url, both) == ["crisis_page_now"], "the other mail would have taken its place"
    assert await mails(database_url, erin) == ["desk_empty"]


async def test_paging_and_reminders_do_not_count_each_other(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await since(database_url, 31)
    assert await paging.remind(context(parts)) == 1
    await dana.post(path + "/steps", json={"step": "hand_back"})
    await run_due(parts, database_url)
    steps = await rows(database_url, "SELECT step FROM safety.page ORDER BY step")
    assert [s["step"] for s in steps] == [0, 10]


async def test_of_somebody_who_left_nobody_is_reminded(
    alice: Person, dana: Person, parts: Edge, database_url: str, tmp_path: Path
) -> None:
    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    assert (await alice.post("/v1/checkins", json=body)).json()["crisis"]["level"] == "moderate"
    conn = await asyncpg.connect(database_url)
    try:
        await erasure.erase(conn, parts.keys, Ledger(tmp_path / NAME), alice.id)
    finally:
        await conn.close()
    assert [r["state"] for r in await rows(database_url, "SELECT state FROM safety.crisis_event")] == ["open"]
    await since(database_url, 6 * 60 + 1)
    assert await paging.remind(context(parts)) == 0
    assert await mails(database_url, dana) == []
    assert await rows(database_url, "SELECT 1 FROM safety.page") == [], "a page a day would keep the record for ever"


async def test_of_many_reviews_that_nobody_can_make_an_administrator_gets_one_mail(
    alice: Person, charlie: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    erin = await circle.staff("erin", Role.ADMIN)
    body = {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}
    for who in (alice, charlie):
        await who.post("/v1/checkins", json=body)
    await since(database_url, 6 * 60 + 1)
    assert await paging.remind(context(parts)) == 2
    hours = await rows(database_url, "SELECT DISTINCT date_trunc('hour', at) FROM safety.page")
    assert await mails(database_url, erin) == ["desk_empty"] * len(hours)
