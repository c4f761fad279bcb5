"""Paging until somebody answers: late first pages, a queue that lost its jobs, one event in the way of another."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from tests.safety.test_desk import context, danger, rows
from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobPayload
from wellspring.kernel.policy import Role
from wellspring.safety import paging, telling

pytestmark = pytest.mark.anyio


async def later(url: str, seconds: float) -> None:
    """Let time pass for every event, its pages and its jobs."""
    for column in ("safety.crisis_event.created_at", "safety.crisis_event.paged_at", "jobs.pgqueuer.execute_after"):
        table, _, name = column.rpartition(".")
        await rows(url, f"UPDATE {table} SET {name} = {name} - $1::interval", timedelta(seconds=seconds))


async def run_due(parts: Edge, url: str) -> int:
    """Run the page jobs whose time has come, as the queue does; return how many there were."""
    due = await rows(
        url,
        "WITH d AS (DELETE FROM jobs.pgqueuer WHERE entrypoint = 'safety.page' AND execute_after <= now()"
        " RETURNING convert_from(payload, 'utf8')::json AS j)"
        " SELECT j ->> 'person_id' AS who, j ->> 'ref' AS ref FROM d",
    )
    for job in due:
        await paging.page(context(parts), JobPayload(UUID(job["who"]), UUID(job["ref"])))
    return len(due)


async def steps(url: str) -> list[int]:
    return [row["step"] for row in await rows(url, "SELECT DISTINCT step FROM safety.page ORDER BY step")]


async def supervisor(circle: Circle, url: str) -> Person:
    boss = await circle.staff("boss", Role.RESPONDER)
    await boss.put("/v1/crisis/duty", json={"on_duty": False})
    await rows(url, "UPDATE safety.duty SET is_supervisor = true WHERE person_id = $1", boss.id)
    return boss


async def told(url: str, who: Person) -> bool:
    return bool(await rows(url, "SELECT 1 FROM safety.page WHERE responder_id = $1", who.id))


async def test_a_late_first_page_still_climbs_to_the_supervisor_in_time(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    boss = await supervisor(circle, database_url)
    await danger(alice)
    await later(database_url, 9)
    assert await run_due(parts, database_url) == 1
    for seconds, expected in ((112, [0]), (9, [0, 1]), (180, [0, 1, 2]), (300, [0, 1, 2, 3])):
        await later(database_url, seconds)
        await run_due(parts, database_url)
        assert await steps(database_url) == expected
    assert await told(database_url, boss)


async def test_the_sweep_climbs_too_when_the_queue_lost_every_job(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    boss = await supervisor(circle, database_url)
    await danger(alice)
    for seconds, expected in ((11, [0]), (125, [0]), (6, [0, 1]), (180, [0, 1, 2]), (300, [0, 1, 2, 3])):
        await rows(database_url, "DELETE FROM jobs.pgqueuer")
        await later(database_url, seconds)
        await paging.sweep(context(parts))
        assert await steps(database_url) == expected
        assert await paging.sweep(context(parts)) == 0
    assert await told(database_url, boss)
    await later(database_url, 250)
    assert await paging.sweep(context(parts)) == 0


async def two_unpaged(first: Person, second: Person, url: str) -> UUID:
    """Open two events that the queue has lost, and return the younger one."""
    await danger(first)
    event = UUID((await danger(second))["event_id"])
    await rows(url, "DELETE FROM jobs.pgqueuer")
    await later(url, 20)
    return event


async def test_a_locked_event_does_not_keep_the_sweep_from_others(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = await two_unpaged(alice, charlie, database_url)
    conn = await asyncpg.connect(database_url)
    async with conn.transaction():
        await conn.execute("SELECT 1 FROM safety.crisis_event WHERE person_id = $1 FOR UPDATE", alice.id)
        assert await paging.sweep(context(parts)) == 2
    await conn.close()
    assert [r["event_id"] for r in await rows(database_url, "SELECT event_id FROM safety.page")] == [event]
    assert await paging.sweep(context(parts)) == 1
    assert await paging.sweep(context(parts)) == 0


async def test_an_event_that_cannot_be_paged_neither_ends_the_sweep_nor_hides_others(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = await two_unpaged(alice, charlie, database_url)
    await rows(database_url, f"ALTER TABLE safety.page ADD CONSTRAINT broken CHECK (person_id <> '{alice.id}')")
    monkeypatch.setattr(paging, "SWEEP_EVERY", 0.05)
    sweeping = asyncio.create_task(paging.sweep_for_ever(context(parts)))
    await asyncio.sleep(1)
    assert [r["event_id"] for r in await rows(database_url, "SELECT event_id FROM safety.page")] == [event]
    await rows(database_url, "ALTER TABLE safety.page DROP CONSTRAINT broken")
    await asyncio.sleep(1)
    assert len(await rows(database_url, "SELECT 1 FROM safety.page")) == 2
    assert not sweeping.done()
    sweeping.cancel()


async def test_events_that_cannot_be_paged_hide_no_younger_one_however_many_they_are(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 1)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = await two_unpaged(alice, charlie, database_url)
    await rows(database_url, f"ALTER TABLE safety.page ADD CONSTRAINT broken CHECK (person_id <> '{alice.id}')")
    assert await paging.sweep(context(parts)) == 2
    assert [r["event_id"] for r in await rows(database_url, "SELECT event_id FROM safety.page")] == [event]


async def test_events_that_cannot_be_handed_back_hide_no_younger_one(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 1)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    for who in (alice, charlie):
        await taken(dana, who)
    await rows(database_url, "UPDATE safety.duty SET on_duty = false")
    await rows(database_url, f"ALTER TABLE safety.page ADD CONSTRAINT broken CHECK (person_id <> '{alice.id}')")
    assert await paging.hand_back(context(parts)) == 2
    paged = await rows(database_url, "SELECT person_id FROM safety.crisis_event WHERE state = 'paged'")
    assert [r["person_id"] for r in paged] == [charlie.id]


async def taken(by: Person, whose: Person) -> str:
    """Let somebody on duty take an event, and return its path."""
    path = f"/v1/people/{whose.id}/crisis-events/{(await danger(whose))['event_id']}"
    assert (await by.post(path + "/claim")).status_code == 200
    return path


@pytest.mark.parametrize(
    "leave",
    [
        "UPDATE safety.duty SET on_duty = false WHERE person_id = $1",
        "UPDATE safety.duty SET until = now() WHERE person_id = $1",
        "UPDATE identity.person SET status = 'suspended' WHERE person_id = $1",
    ],
)
async def test_an_event_of_somebody_who_went_off_duty_pages_again(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str, leave: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    for who in (dana, fay):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    assert await paging.hand_back(context(parts)) == 0
    await rows(database_url, leave, dana.id)
    await asyncio.gather(*(paging.hand_back(context(parts)) for _ in range(3)))
    assert await paging.hand_back(context(parts)) == 0
    assert [r["responder_id"] for r in await rows(database_url, "SELECT responder_id FROM safety.page")] == [fay.id]
    [item] = (await fay.get("/v1/crisis/desk")).json()["items"]
    assert (item["state"], item["claimed"]) == ("paged", False)
    assert (await fay.post(path + "/claim")).status_code == 200
    walked = await rows(database_url, "SELECT from_state, to_state FROM safety.event_step ORDER BY at")
    assert [(w["from_state"], w["to_state"]) for w in walked] == [
        ("paged", "acknowledged"),
        ("acknowledged", "paged"),
        ("paged", "acknowledged"),
    ]


async def test_whoever_is_on_duty_takes_over_from_who_is_not(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay, gil = [await circle.staff(name, Role.RESPONDER) for name in ("fay", "gil")]
    for who in (dana, fay, gil):
        await who.put("/v1/crisis/duty", json={"on_duty": True})
    path = await taken(dana, alice)
    await dana.post(path + "/steps", json={"step": "contact"})
    before = await rows(database_url, "SELECT contacted_at FROM safety.crisis_event")
    assert (await fay.post(path + "/claim")).json()["code"] == "already_claimed"
    await dana.put("/v1/crisis/duty", json={"on_duty": False})
    assert await paging.hand_back(context(parts)) == 0, "who was reached is not paged again"
    [item] = (await fay.get("/v1/crisis/desk")).json()["items"]
    assert (item["state"], item["claimed"]) == ("contacted", False)
    answers = await asyncio.gather(*(who.post(path + "/claim") for who in (fay, gil)))
    assert sorted(a.status_code for a in answers) == [200, 409]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    assert (await dana.get(path)).json()["code"] == "not_yours"
    winner = fay if answers[0].status_code == 200 else gil
    done = await winner.post(path + "/steps", json={"step": "resolve", "outcome": "safe_with_plan"})
    assert done.json()["state"] == "resolved"
    assert await rows(database_url, "SELECT contacted_at FROM safety.crisis_event") == before


async def mails(url: str, who: Person) -> int:
    return len(await rows(url, "SELECT 1 FROM notify.delivery WHERE person_id = $1", who.id))


async def test_an_event_that_nobody_takes_goes_on_paging_by_jobs(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    event = (await danger(alice))["event_id"]
    for _ in range(6):
        assert await run_due(parts, database_url) <= 1
        assert await run_due(parts, database_url) == 0
        await later(database_url, 300)
    assert await steps(database_url) == [0, 2, 3, 4]
    for expected in (5, 6, 7, 8):
        assert await run_due(parts, database_url) == 1
        assert (await steps(database_url))[-1] == expected
        await later(database_url, 900)
    assert len(await rows(database_url, "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'safety.page'")) == 1
    await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")
    before = await mails(database_url, dana)
    await later(database_url, 3600)
    await run_due(parts, database_url)
    assert await paging.sweep(context(parts)) == 0
    assert await mails(database_url, dana) == before


async def test_the_sweep_goes_on_paging_once_for_all_that_was_missed(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await danger(alice)
    await run_due(parts, database_url)
    for seconds in (5 * 3600, 900, 86_400, 86_400):
        await rows(database_url, "DELETE FROM jobs.pgqueuer WHERE entrypoint = 'safety.page'")
        await later(database_url, seconds + 11)
        before = await mails(database_url, dana)
        assert await paging.sweep(context(parts)) == 1
        assert await mails(database_url, dana) == before + 1, "one page, however many were missed"
        assert await paging.sweep(context(parts)) == 0
    await later(database_url, 3600)
    assert await paging.sweep(context(parts)) == 0, "once a day after the first"


async def test_a_month_of_silence_can_be_paged(alice: Person, dana: Person, parts: Edge, database_url: str) -> None:
    await danger(alice)
    await run_due(parts, database_url)
    await rows(database_url, "UPDATE safety.page SET step = 32767")
    await later(database_url, 30 * 86_400)
    assert await paging.sweep(context(parts)) == 1
    assert await paging.sweep(context(parts)) == 0


async def test_when_those_on_duty_are_silent_others_are_told_and_then_supervisors(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    fay = await circle.staff("fay", Role.RESPONDER)
    gone = await circle.staff("gone", Role.RESPONDER)
    await rows(database_url, "UPDATE identity.person SET status = 'suspended' WHERE person_id = $1", gone.id)
    bosses = [await supervisor(circle, database_url)]
    bosses.append(await circle.staff("chief", Role.RESPONDER))
    await bosses[1].put("/v1/crisis/duty", json={"on_duty": False})
    await rows(database_url, "UPDATE safety.duty SET is_supervisor = true WHERE person_id = $1", bosses[1].id)
    await danger(alice)
    told_by_now = []
    for seconds in (0, 121, 180, 300, 300):
        await later(database_url, seconds)
        await run_due(parts, database_url)
        told_by_now.append([await mails(database_url, who) for who in (dana, fay, *bosses)])
    assert told_by_now == [[1, 0, 0, 0], [2, 0, 0, 0], [3, 1, 0, 0], [4, 2, 1, 1], [5, 3, 2, 2]]
    assert not await told(database_url, gone)


async def test_without_a_supervisor_the_others_are_told_all_the_same(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    fay = await circle.staff("fay", Role.RESPONDER)
    await alice.post("/v1/crisis/report", json={})
    await run_due(parts, database_url)
    for seconds, expected in ((601, 0), (600, 1), (600, 2), (1800, 3), (3600, 4)):
        await later(database_url, seconds)
        await run_due(parts, database_url)
        assert await mails(database_url, fay) == expected


async def test_opening_an_event_queues_its_first_page_only(alice: Person, parts: Edge, database_url: str) -> None:
    await danger(alice)
    waiting = "SELECT execute_after <= now() AS due FROM jobs.pgqueuer WHERE entrypoint = 'safety.page'"
    assert [row["due"] for row in await rows(database_url, waiting)] == [True]
    await run_due(parts, database_url)
    assert [row["due"] for row in await rows(database_url, waiting)] == [False]


async def test_a_mild_event_that_is_raised_is_a_high_one(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    answer = await alice.post("/v1/checkins", json={"mood_score": 1, "stress_level": 10, "anxiety_level": 10})
    path = f"/v1/people/{alice.id}/crisis-events/{answer.json()['crisis']['event_id']}"
    await dana.post(path + "/claim")
    assert (await dana.post(path + "/steps", json={"step": "raise"})).json()["state"] == "paged"
    [item] = (await dana.get("/v1/crisis/desk")).json()["items"]
    assert item["risk_level"] == "high"
    for table in ("safety.desk", "safety.crisis_event"):
        [row] = await rows(database_url, f"SELECT risk_level, response_due_at - now() < '2 hours' AS soon FROM {table}")
        assert row == {"risk_level": "high", "soon": True}
    await run_due(parts, database_url)
    assert await steps(database_url) == [0]


async def test_of_very_many_responders_those_on_duty_and_supervisors_are_told(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await rows(
        database_url,
        "INSERT INTO identity.person (person_id, country, roles)"
        " SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'FR', '{responder}'"
        " FROM generate_series(1, 250) AS n",
    )
    await danger(alice)
    await run_due(parts, database_url)
    assert [r["responder_id"] for r in await rows(database_url, "SELECT responder_id FROM safety.page")] == [dana.id]
    await later(database_url, 601)
    await run_due(parts, database_url)
    assert await told(database_url, boss)
