"""Paging until somebody answers: late first pages, a queue that lost its jobs, one event in the way of another."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.safety.test_desk import context, danger, rows
from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobPayload
from wellspring.kernel.policy import Role
from wellspring.safety import paging

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
    await later(database_url, 3600)
    assert await paging.sweep(context(parts)) == 0
