"""After-care of closed events: planned, at the desk, reminded of, taken over, ended; and what the member is told."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.safety.test_desk import context, rows
from tests.safety.test_overdue import mails, no_factor, since
from tests.safety.test_paging import supervisor, taken
from tests.support.people import Circle, Person
from wellspring.cli import invariants
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.privacy import erasure
from wellspring.privacy.ledger import NAME, Ledger
from wellspring.safety import unattended
from wellspring.safety.protocol import NO_AFTER_CARE, REACHED

pytestmark = pytest.mark.anyio
HOUR, DAY = 60, 24 * 60
MAIL = "after_care_overdue"


async def closed(by: Person, whose: Person, outcome: str = "safe_with_plan", **more: Any) -> str:
    """Let somebody on duty take an event, reach the person and close it; return its path."""
    path = await taken(by, whose)
    assert (await by.post(path + "/steps", json={"step": "contact"})).status_code == 200
    done = await by.post(path + "/steps", json={"step": "resolve", "outcome": outcome, **more})
    assert done.json() == {"state": "resolved"}, done.text
    return path


async def duty(*people: Person, on: bool = True) -> None:
    for who in people:
        await who.put("/v1/crisis/duty", json={"on_duty": on})


async def write(by: Person, path: str, step: int = 1, result: str = "reached", **more: Any) -> httpx.Response:
    return await by.post(path + "/after-care", json={"step": step, "result": result, **more})


async def planned(who: Person) -> list[tuple[int, bool, bool, bool]]:
    """What stands at the desk: step, overdue, mine, taken by somebody."""
    items = (await who.get("/v1/crisis/desk")).json()["after_care"]
    return [(i["after_care"]["step"], i["overdue"], i["claimed_by_me"], i["claimed"]) for i in items]


async def late(url: str, minutes: float) -> None:
    """Let the contact that is due be late for so long; the hour of earlier mails is over."""
    due = await rows(url, "SELECT extract(epoch FROM now() - care_due_at)::float8 / 60 AS m FROM safety.desk"
                          " WHERE care_due_at IS NOT NULL")  # fmt: skip
    await since(url, minutes - due[0]["m"])
    await rows(url, "UPDATE notify.delivery SET unique_key = id::text WHERE template = $1", MAIL)


async def broken(url: str) -> set[str]:
    found = set()
    for one in invariants.INVARIANTS:
        if one.code in ("WI014", "WI015", "WI016") and await rows(url, one.sql):
            found.add(one.code)
    return found


async def test_a_stranger_writes_nothing_down(
    client: httpx.AsyncClient, alice: Person, charlie: Person, dana: Person, bob: Person, circle: Circle
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, fay)
    path = await closed(dana, alice)
    assert (await client.post(path + "/after-care", json={"step": 1, "result": "reached"})).status_code == 401
    assert [(await write(who, path)).status_code for who in (charlie, bob, alice)] == [404, 404, 404]
    assert (await write(fay, path)).json()["code"] == "not_yours"
    await duty(dana, on=False)
    assert (await write(dana, path)).json()["code"] == "not_on_duty"


async def test_closing_plans_the_next_contact_and_the_desk_shows_it(
    alice: Person, dana: Person, circle: Circle
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, fay)
    path = await closed(dana, alice, note="Her sister is with her.")
    desk = (await dana.get("/v1/crisis/desk")).json()
    assert desk["items"] == []
    [item] = desk["after_care"]
    opened, due = (datetime.fromisoformat(at) for at in (item["created_at"], item["after_care"]["due_at"]))
    assert due - opened == timedelta(hours=24)
    assert (item["after_care"]["step"], item["after_care"]["of"], item["state"]) == (1, 3, "resolved")
    assert await planned(fay) == [(1, False, False, True)], "of hers it is seen that it is planned, and no more"
    assert (await fay.post(path + "/claim")).json()["code"] == "already_claimed"
    event = (await dana.get(path)).json()
    assert event["next_steps"] == []
    assert [(h["state"], h["by_me"], h["note"]) for h in event["history"]] == [
        ("acknowledged", True, None),
        ("contacted", True, None),
        ("resolved", True, "Her sister is with her."),
    ]


@pytest.mark.parametrize("outcome", sorted(REACHED))
async def test_nobody_is_contacted_again_who_does_not_want_it_or_was_in_no_danger(
    alice: Person, dana: Person, outcome: str
) -> None:
    await duty(dana)
    await closed(dana, alice, outcome)
    assert bool(await planned(dana)) is (outcome not in NO_AFTER_CARE)


async def test_who_could_not_be_reached_is_tried_again(
    alice: Person, dana: Person, circle: Circle, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    await duty(boss)
    path = await taken(boss, alice)
    await boss.post(path + "/steps", json={"step": "give_up", "outcome": "could_not_reach"})
    assert await planned(boss) == [(1, False, True, True)]


async def test_a_late_contact_is_reminded_of_more_and_more_widely_and_not_for_ever(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    boss = await supervisor(circle, database_url)
    fay, gil = [await circle.staff(name, Role.RESPONDER) for name in ("fay", "gil")]
    await duty(dana, fay)
    path = await closed(dana, alice)
    people = (dana, fay, boss, gil)

    async def told() -> list[int]:
        return [(await mails(database_url, who)).count(MAIL) for who in people]

    await late(database_url, -1)
    assert await unattended.sweep(context(parts)) == 0
    counts = [[1, 0, 0, 0], [2, 1, 0, 0], [3, 2, 1, 0]] + [[3 + n, 2 + n, 1 + n, 0] for n in range(1, 8)]
    for after, count in zip((1, 4 * HOUR + 1, 12 * HOUR + 1, *(n * DAY + 1 for n in range(1, 8))), counts, strict=True):
        await late(database_url, after)
        await asyncio.gather(*(unattended.sweep(context(parts)) for _ in range(3)))
        assert await told() == count
        assert await unattended.sweep(context(parts)) == 0, "the same reminder is not sent twice"
    assert await broken(database_url) == {"WI015"}
    for after in (8, 10, 13):
        await late(database_url, after * DAY)
        assert await unattended.sweep(context(parts)) == 0
    await late(database_url, 14 * DAY + 2)
    assert await unattended.sweep(context(parts)) == 1
    assert await told() == counts[-1], "nobody is told of what is given up; the desk and doctor say it"
    desk = (await dana.get("/v1/crisis/desk")).json()
    assert (desk["after_care"], desk["missed"]) == ([], {"reviews": 0, "contacts": 1})
    assert (await dana.get(path)).json()["history"][-1]["result"] == "not_done"
    assert await broken(database_url) == {"WI015"}
    assert (await write(dana, path)).json()["code"] == "step_refused"


async def test_after_an_outage_one_reminder_comes_and_a_week_to_follow_it(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await duty(dana)
    await closed(dana, alice)
    await late(database_url, 30 * DAY)
    assert await broken(database_url) == {"WI015", "WI016"}
    assert await unattended.sweep(context(parts)) == 1
    assert (await mails(database_url, dana)).count(MAIL) == 1
    await since(database_url, 6 * DAY)
    assert await unattended.sweep(context(parts)) == 0
    await since(database_url, DAY + 1)
    assert await unattended.sweep(context(parts)) == 1
    assert (await dana.get("/v1/crisis/desk")).json()["after_care"] == []


async def test_who_has_just_taken_a_late_contact_is_not_interrupted(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, fay)
    path = await closed(dana, alice)
    await late(database_url, 7 * DAY + 1)
    assert await unattended.sweep(context(parts)) == 1
    await late(database_url, 14 * DAY - HOUR)
    assert (await fay.post(path + "/claim")).status_code == 200
    await late(database_url, 14 * DAY + 2 * HOUR)
    assert await unattended.sweep(context(parts)) == 0
    assert (await write(fay, path)).status_code == 200, "she was on the telephone"


async def test_of_many_late_contacts_one_mail_comes(
    alice: Person, charlie: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await duty(dana)
    for who in (alice, charlie):
        await closed(dana, who)
    await late(database_url, 5)
    assert await unattended.sweep(context(parts)) == 2
    hours = await rows(database_url, "SELECT DISTINCT date_trunc('hour', at) FROM safety.page")
    assert (await mails(database_url, dana)).count(MAIL) == len(hours), "two when the clock struck meanwhile"
    assert await planned(dana) == [(1, True, True, True)] * 2


async def test_what_was_done_is_not_reminded_of_and_the_third_ends_it(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await duty(dana)
    path = await closed(dana, alice)
    await late(database_url, -HOUR)
    answer = await write(dana, path, note="She slept. Calls her doctor today.")
    assert answer.json()["after_care"]["step"] == 2
    assert (await write(dana, path)).json()["code"] == "step_refused", "a second press writes nothing"
    await since(database_url, 2 * HOUR)
    assert await unattended.sweep(context(parts)) == 0
    await late(database_url, -HOUR)
    assert (await write(dana, path, 2)).json()["after_care"]["step"] == 3
    await late(database_url, 5)
    assert await unattended.sweep(context(parts)) == 1
    assert (await write(dana, path, 3)).json() == {"after_care": None}
    await since(database_url, 30 * DAY)
    await duty(dana)
    assert await unattended.sweep(context(parts)) == 0
    assert await planned(dana) == []
    done = (await dana.get(path)).json()["history"][3:]
    assert [(h["result"], h["note"]) for h in done] == [
        ("reached", "She slept. Calls her doctor today."),
        ("reached", None),
        ("reached", None),
    ]
    sealed = await rows(database_url, "SELECT note FROM safety.event_step WHERE note IS NOT NULL")
    assert all(b"slept" not in row["note"] for row in sealed)


async def test_who_was_not_reached_is_due_again_in_a_day(
    alice: Person, dana: Person, parts: Edge, database_url: str
) -> None:
    await duty(dana)
    path = await closed(dana, alice)
    await late(database_url, 13 * HOUR)
    await unattended.sweep(context(parts))
    again = (await write(dana, path, result="not_reached")).json()["after_care"]
    assert again["step"] == 1
    assert await planned(dana) == [(1, False, True, True)]
    await since(database_url, 23 * HOUR)
    assert await unattended.sweep(context(parts)) == 0
    await late(database_url, 1)
    assert await unattended.sweep(context(parts)) == 1, "reminders begin anew"


@pytest.mark.parametrize("result", ["declined", "in_other_hands"])
async def test_it_ends_when_they_want_no_more_or_others_look_after_them(
    alice: Person, dana: Person, parts: Edge, database_url: str, result: str
) -> None:
    await duty(dana)
    path = await closed(dana, alice)
    assert (await write(dana, path, result=result)).json() == {"after_care": None}
    await since(database_url, 30 * DAY)
    assert await unattended.sweep(context(parts)) == 0
    await duty(dana)
    assert (await dana.get("/v1/crisis/desk")).json()["missed"] == {"reviews": 0, "contacts": 0}


async def test_giving_up_is_a_supervisors(alice: Person, dana: Person, circle: Circle, database_url: str) -> None:
    boss = await supervisor(circle, database_url)
    await duty(dana, boss)
    path = await closed(dana, alice)
    assert (await write(dana, path, result="could_not_reach")).json()["code"] == "step_refused"
    await duty(dana, on=False)
    assert (await boss.post(path + "/claim")).status_code == 200
    assert (await write(boss, path, result="could_not_reach")).json() == {"after_care": None}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"step": 0, "result": "reached"}, 422),
        ({"step": 4, "result": "reached"}, 422),
        ({"step": 1, "result": "not_done"}, 422),
        ({"step": 1}, 422),
        ({"step": 2, "result": "reached"}, 409),
        ({"step": 1, "result": "reached", "note": "a\x00b"}, 422),
    ],
)
async def test_nonsense_is_refused(alice: Person, dana: Person, body: dict[str, Any], status: int) -> None:
    await duty(dana)
    path = await closed(dana, alice)
    assert (await dana.post(path + "/after-care", json=body)).status_code == status
    assert await planned(dana) == [(1, False, True, True)]


async def test_a_colleague_takes_it_over_when_its_holder_is_away_or_late(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, fay)
    path = await closed(dana, alice, note="Her sister is with her.")
    await late(database_url, 3 * HOUR)
    assert (await fay.post(path + "/claim")).json()["code"] == "already_claimed"
    await late(database_url, 4 * HOUR + 1)
    await rows(database_url, "UPDATE safety.crisis_event SET resolved_at = now() - interval '3 days'")
    assert await planned(fay) == [(1, True, False, False)]
    taken_over = await fay.post(path + "/claim")
    assert taken_over.status_code == 200
    last = taken_over.json()["history"][-1]
    assert (last["state"], last["result"], last["by_me"]) == (None, None, True)
    assert taken_over.json()["history"][-2]["note"] == "Her sister is with her.", (
        "whoever goes on knows what was agreed"
    )
    assert (await dana.get(path)).json()["code"] == "not_yours"
    assert (await dana.post(path + "/claim")).json()["code"] == "already_claimed", "their time begins anew"
    [event] = await rows(
        database_url, "SELECT resolved_at < now() - interval '2 days' AS before FROM safety.crisis_event"
    )
    assert event["before"], "taking it over does not close it anew"
    await duty(fay, on=False)
    assert (await dana.post(path + "/claim")).status_code == 200
    assert (await write(dana, path)).status_code == 200


async def test_the_holder_is_away_so_those_on_duty_are_reminded_at_once(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay, gil = [await circle.staff(name, Role.RESPONDER) for name in ("fay", "gil")]
    await duty(dana, fay)
    await closed(dana, alice)
    await duty(dana, on=False)
    await late(database_url, 1)
    assert await unattended.sweep(context(parts)) == 1
    assert [(await mails(database_url, who)).count(MAIL) for who in (dana, fay, gil)] == [1, 1, 0]
    await duty(fay, on=False)
    await late(database_url, 4 * HOUR + 1)
    assert await unattended.sweep(context(parts)) == 1
    assert [(await mails(database_url, who)).count(MAIL) for who in (dana, fay, gil)] == [2, 2, 1], "nobody is on duty"


async def test_a_holder_who_left_or_cannot_come_does_not_count(
    alice: Person, dana: Person, circle: Circle, parts: Edge, database_url: str, tmp_path: Path
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana)
    path = await closed(dana, alice)
    await no_factor(database_url, dana)
    await late(database_url, 1)
    assert await unattended.sweep(context(parts)) == 1
    assert [(await mails(database_url, who)).count(MAIL) for who in (dana, fay)] == [0, 1]
    conn = await asyncpg.connect(database_url)
    try:
        await erasure.erase(conn, parts.keys, Ledger(tmp_path / NAME), dana.id)
    finally:
        await conn.close()
    await late(database_url, 4 * HOUR + 1)
    assert await unattended.sweep(context(parts)) == 1
    assert (await mails(database_url, fay)).count(MAIL) == 2
    await duty(fay)
    assert (await fay.post(path + "/claim")).status_code == 200


async def test_of_somebody_who_left_nobody_is_reminded(
    alice: Person, dana: Person, parts: Edge, database_url: str, tmp_path: Path
) -> None:
    await duty(dana)
    path = await closed(dana, alice)
    conn = await asyncpg.connect(database_url)
    try:
        done = await erasure.erase(conn, parts.keys, Ledger(tmp_path / NAME), alice.id)
    finally:
        await conn.close()
    assert done is not None, "planned contacts keep nobody from leaving"
    await since(database_url, 30 * DAY)
    assert await unattended.sweep(context(parts)) == 0
    assert (await mails(database_url, dana)).count(MAIL) == 0
    await duty(dana)
    assert await planned(dana) == []
    assert (await dana.post(path + "/claim")).status_code == 404
    assert await broken(database_url) == set()


async def test_one_after_care_at_a_time(alice: Person, dana: Person, database_url: str) -> None:
    await duty(dana)
    first = await closed(dana, alice)
    assert (await write(dana, first)).status_code == 200
    second = await closed(dana, alice, "handed_to_other_service")
    assert await planned(dana) == [(1, False, True, True)]
    assert (await dana.get(first)).json()["history"][-1]["result"] == "newer_event"
    assert (await write(dana, first, 2)).json()["code"] == "step_refused"
    await closed(dana, alice, "no_danger_found")
    assert len(await planned(dana)) == 1, "a mistake takes nothing away"
    await closed(dana, alice, "declined_contact")
    assert await planned(dana) == []
    assert (await dana.get(second)).json()["history"][-1]["result"] == "declined"


async def test_nobody_sees_or_is_reminded_of_their_own(
    dana: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(fay, dana)
    path = await closed(fay, dana)
    assert await planned(dana) == []
    await duty(fay, on=False)
    assert (await dana.post(path + "/claim")).status_code == 404
    await late(database_url, 5 * HOUR)
    await unattended.sweep(context(parts))
    assert [(await mails(database_url, who)).count(MAIL) for who in (dana, fay)] == [0, 1]


async def test_far_contacts_of_colleagues_are_not_on_the_desk_yet(
    alice: Person, dana: Person, circle: Circle, database_url: str
) -> None:
    fay = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, fay)
    path = await closed(dana, alice)
    await write(dana, path)
    assert await planned(dana) == [(2, False, True, True)]
    assert await planned(fay) == []
