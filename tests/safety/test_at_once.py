"""What happens at the desk in one instant, for real: two closings, a closing and a contact, a reading and a step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.safety.test_after_care import closed, duty, late, planned, write
from tests.safety.test_desk import DANGER, context, rows
from tests.safety.test_overdue import days, moderate, since
from tests.safety.test_paging import taken
from tests.safety.test_report import Broken
from tests.support import models
from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobPayload
from wellspring.kernel.policy import Role
from wellspring.language.pool import READERS
from wellspring.migrations.runner import Runner
from wellspring.safety import unattended
from wellspring.safety.notes import read_note

pytestmark = pytest.mark.anyio
DAY = 24 * 60
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
Queue = Callable[[Awaitable[httpx.Response]], Awaitable["asyncio.Task[httpx.Response]"]]


@asynccontextmanager
async def held(url: str, sql: str, *args: object) -> AsyncIterator[tuple[Queue, asyncpg.Connection]]:
    """Hold rows that others need; what is queued meanwhile waits in this order, and all go on together at the end."""
    conn, queued = await asyncpg.connect(url), 0

    async def queue(work: Awaitable[httpx.Response]) -> "asyncio.Task[httpx.Response]":
        nonlocal queued
        task = asyncio.ensure_future(work)
        queued += 1
        for _ in range(200):
            if (await rows(url, _WAITING))[0]["count"] >= queued:
                return task
            await asyncio.sleep(0.01)
        raise AssertionError("it did not wait")

    try:
        async with conn.transaction():
            await conn.execute(sql, *args)
            yield queue, conn
    finally:
        await conn.close()


def stream_of(whose: Person) -> tuple[str, UUID]:
    """Every step of a person's event is told to their devices: who holds this holds all of them up."""
    return "SELECT 1 FROM kernel.stream_head WHERE person_id = $1 FOR UPDATE", whose.id


async def reached(by: Person, whose: Person) -> str:
    path = await taken(by, whose)
    assert (await by.post(path + "/steps", json={"step": "contact"})).status_code == 200
    return path


def resolve(by: Person, path: str, outcome: str = "safe_with_plan") -> Awaitable[httpx.Response]:
    return by.post(path + "/steps", json={"step": "resolve", "outcome": outcome})


@pytest.fixture
async def fay(circle: Circle, dana: Person) -> Person:
    made = await circle.staff("fay", Role.RESPONDER)
    await duty(dana, made)
    return made


@pytest.mark.parametrize("newer_first", [False, True])
async def test_two_who_close_two_events_of_one_person_at_once_plan_one_after_care(
    alice: Person, dana: Person, fay: Person, database_url: str, newer_first: bool
) -> None:
    older, newer = await reached(dana, alice), await reached(fay, alice)
    order = [(fay, newer), (dana, older)] if newer_first else [(dana, older), (fay, newer)]
    async with held(database_url, *stream_of(alice)) as (queue, _):
        tasks = [await queue(resolve(*one)) for one in order]
    assert [(await task).json() for task in tasks] == [{"state": "resolved"}] * 2
    found = await rows(database_url, "SELECT id FROM safety.desk WHERE care_due_at IS NOT NULL")
    assert [str(row["id"]) for row in found] == [newer.rpartition("/")[2]], "whoever came first, the newest event's"
    steps = await rows(database_url, "SELECT event_id FROM safety.event_step WHERE care_result = 'newer_event'")
    assert [str(row["event_id"]) for row in steps] == [older.rpartition("/")[2]]
    assert await planned(fay) == [(1, False, True, True)]


async def test_many_closings_together_plan_one_after_care(
    alice: Person, dana: Person, fay: Person, database_url: str
) -> None:
    paths = [(who, await reached(who, alice)) for who in (dana, fay) * 3]
    answers = await asyncio.gather(*(resolve(who, path) for who, path in paths))
    assert [answer.status_code for answer in answers] == [200] * 6, [answer.text for answer in answers]
    found = await rows(database_url, "SELECT id FROM safety.desk WHERE care_due_at IS NOT NULL")
    assert [str(row["id"]) for row in found] == [paths[-1][1].rpartition("/")[2]]


async def test_the_database_itself_refuses_a_second_after_care(
    alice: Person, dana: Person, fay: Person, database_url: str
) -> None:
    await closed(dana, alice)
    await taken(fay, alice)
    with pytest.raises(asyncpg.UniqueViolationError):
        await rows(database_url, "UPDATE safety.desk SET care_step = 1, care_due_at = now()")
    with pytest.raises(asyncpg.CheckViolationError):
        await rows(database_url, "UPDATE safety.desk SET care_due_at = NULL")


async def test_an_older_event_that_is_closed_later_leaves_the_newer_ones_after_care(
    alice: Person, dana: Person, fay: Person, database_url: str
) -> None:
    older = await reached(dana, alice)
    await closed(fay, alice)
    assert (await resolve(dana, older)).json() == {"state": "resolved"}
    assert await planned(fay) == [(1, False, True, True)]
    assert (await dana.get(older)).json()["history"][-1]["result"] == "newer_event"


@pytest.mark.parametrize("how", ["at the closing", "at a contact"])
async def test_who_wants_no_contact_gets_none_from_an_older_event_that_is_tidied_up(
    alice: Person, dana: Person, fay: Person, how: str
) -> None:
    older = await reached(dana, alice)
    if how == "at the closing":
        await closed(fay, alice, "declined_contact")
    else:
        newer = await closed(fay, alice)
        assert (await write(fay, newer, result="declined")).status_code == 200
    assert (await resolve(dana, older)).json() == {"state": "resolved"}
    assert await planned(dana) == []
    await closed(dana, alice)
    assert len(await planned(dana)) == 1, "somebody has spoken with them since"


async def test_a_contact_is_noted_while_a_newer_event_is_closed(
    alice: Person, dana: Person, fay: Person, database_url: str
) -> None:
    first = await closed(dana, alice)
    second = await reached(fay, alice)
    async with held(database_url, *stream_of(alice)) as (queue, _):
        closing = await queue(resolve(fay, second))
        noting = await queue(write(dana, first, note="She slept."))
    assert (await closing).json() == {"state": "resolved"}
    assert (await noting).json()["code"] == "step_refused", "neither waits for the other: one is told no"
    assert await planned(fay) == [(1, False, True, True)]


async def test_a_late_contact_is_given_up_while_a_newer_event_is_closed(
    alice: Person, dana: Person, fay: Person, parts: Edge, database_url: str
) -> None:
    await closed(dana, alice)
    second = await reached(fay, alice)
    await late(database_url, 7 * DAY + 1)
    await unattended.sweep(context(parts))
    await late(database_url, 14 * DAY + 2)
    await duty(dana, fay)
    async with held(database_url, *stream_of(alice)) as (queue, _):
        closing = await queue(resolve(fay, second))
        giving_up = asyncio.ensure_future(unattended.sweep(context(parts)))
        await asyncio.sleep(0.3)
    assert (await closing).json() == {"state": "resolved"}
    await giving_up
    results = await rows(database_url, "SELECT care_result AS r FROM safety.event_step WHERE care_result IS NOT NULL")
    assert [row["r"] for row in results] == ["newer_event"]


async def test_who_takes_a_late_contact_as_it_is_being_given_up_keeps_it(
    alice: Person, dana: Person, fay: Person, parts: Edge, database_url: str
) -> None:
    path = await closed(dana, alice)
    await late(database_url, 7 * DAY + 1)
    await unattended.sweep(context(parts))
    await late(database_url, 14 * DAY + 2)
    async with held(database_url, "SELECT 1 FROM safety.desk FOR UPDATE") as (_, conn):
        giving_up = asyncio.ensure_future(unattended.sweep(context(parts)))
        for _ in range(200):
            if (await rows(database_url, _WAITING))[0]["count"]:
                break
            await asyncio.sleep(0.01)
        await conn.execute("UPDATE safety.desk SET claimed_by = $1, claimed_at = now()", fay.id)
    await giving_up
    await duty(fay)
    assert (await write(fay, path)).status_code == 200, "she had it before the program let it go"


async def test_a_note_is_read_on_while_its_event_moves(
    alice: Person, dana: Person, parts: Edge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await duty(dana)
    with monkeypatch.context() as broken:
        broken.setitem(parts.ports, READERS, Broken())
        event_id = (await alice.post("/v1/crisis/report", json={"note": DANGER})).json()["event_id"]
    path = f"/v1/people/{alice.id}/crisis-events/{event_id}"
    assert (await dana.post(path + "/claim")).status_code == 200
    job = models.in_time(models.StandIn(), parts)

    async def read() -> httpx.Response:
        await read_note(job, JobPayload(alice.id, UUID(event_id)))
        return httpx.Response(200)

    async with held(database_url, *stream_of(alice)) as (queue, _):
        reading = await queue(read())
        step = await queue(dana.post(path + "/steps", json={"step": "contact", "note": "We spoke."}))
    await reading
    job.ports[READERS].close()
    assert (await step).json() == {"state": "contacted"}
    [event] = await rows(database_url, "SELECT risk_level, state FROM safety.crisis_event")
    assert event == {"risk_level": "critical", "state": "contacted"}


@pytest.mark.parametrize(("ago", "counted"), [(59, 1), (61, 0)])
async def test_what_is_given_up_is_counted_from_then_however_old_the_event_is(
    alice: Person, dana: Person, parts: Edge, database_url: str, ago: int, counted: int
) -> None:
    """Somebody was tried for ten weeks, and then forgotten."""
    await duty(dana)
    await closed(dana, alice)
    for table in ("crisis_event", "desk"):
        await rows(database_url, f"UPDATE safety.{table} SET created_at = created_at - interval '70 days'")
    await late(database_url, 7 * DAY + 1)
    await unattended.sweep(context(parts))
    await late(database_url, 14 * DAY + 2)
    assert await unattended.sweep(context(parts)) == 1
    await duty(dana)
    assert (await dana.get("/v1/crisis/desk")).json()["missed"] == {"reviews": 0, "contacts": 1}
    await since(database_url, ago * DAY)
    await duty(dana)
    assert (await dana.get("/v1/crisis/desk")).json()["missed"] == {"reviews": 0, "contacts": counted}


@pytest.mark.parametrize(("ago", "counted"), [(59, 1), (61, 0)])
async def test_a_review_that_was_given_up_is_counted_from_then(
    alice: Person, dana: Person, parts: Edge, database_url: str, ago: int, counted: int
) -> None:
    """After an outage of seventy days there is one last call, and a week later it is given up."""
    await moderate(alice)
    await since(database_url, 70 * DAY)
    await rows(database_url, "UPDATE safety.desk SET created_at = created_at - interval '70 days'")
    assert await days(database_url, parts, 8) == 2
    await duty(dana)
    assert (await dana.get("/v1/crisis/desk")).json()["missed"] == {"reviews": 1, "contacts": 0}
    await since(database_url, ago * DAY)
    await duty(dana)
    assert (await dana.get("/v1/crisis/desk")).json()["missed"] == {"reviews": counted, "contacts": 0}


async def test_an_upgrade_leaves_one_after_care_and_knows_when_each_was_given_up(
    alice: Person, charlie: Person, dana: Person, fay: Person, database_url: str
) -> None:
    lost, older, newer = await closed(dana, charlie), await closed(dana, alice), await closed(fay, alice)
    lapsed = await moderate(charlie)
    ids = {name: UUID(path.rpartition("/")[2]) for name, path in
           {"lost": lost, "older": older, "newer": newer, "lapsed": lapsed}.items()}  # fmt: skip
    runner = Runner(database_url)
    steps = sum(state.version >= "20261125100000" for state in runner.status())
    await asyncio.to_thread(runner.down, steps)
    desk = "UPDATE safety.desk SET care_step = 1, care_due_at = {} WHERE id = $1"
    await rows(database_url, desk.format("now()"), ids["older"])
    await rows(database_url, desk.format("NULL"), ids["lost"])
    await rows(
        database_url,
        "INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state, at, care_step,"
        " care_result) SELECT person_id, gen_random_uuid(), id, person_id, 'resolved', 'resolved',"
        " now() - interval '9 days', 1, 'not_done' FROM safety.desk WHERE id = $1",
        ids["lost"],
    )
    await rows(database_url, "UPDATE safety.desk SET state = 'lapsed' WHERE id = $1", ids["lapsed"])
    ended = "UPDATE safety.crisis_event SET state = 'lapsed', resolved_at = now() - interval '5 days' WHERE id = $1"
    await rows(database_url, ended, ids["lapsed"])
    await asyncio.to_thread(runner.up)
    found = await rows(
        database_url,
        "SELECT id, care_step, extract(day FROM now() - missed_at)::int AS missed FROM safety.desk ORDER BY id",
    )
    assert {row["id"]: (row["care_step"], row["missed"]) for row in found} == {
        ids["lost"]: (None, 9),
        ids["older"]: (None, None),
        ids["newer"]: (1, None),
        ids["lapsed"]: (None, 5),
    }
    said = "SELECT care_result FROM safety.event_step WHERE event_id = $1 AND care_result IS NOT NULL ORDER BY at"
    assert [row["care_result"] for row in await rows(database_url, said, ids["older"])][-1] == "newer_event"
