"""What people wait for goes before what nobody waits for."""

import asyncio

import pytest

from tests.support.people import Circle, Person
from tests.worker.support import working
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload, enqueue, register
from wellspring.kernel.policy import Role
from wellspring.notify import service as notify
from wellspring.notify.jobs import AT_ONCE
from wellspring.notify.ports import Mail, NotTakenError, RecordingMail

pytestmark = pytest.mark.anyio

RAN: list[JobPayload] = []
SENDING = Query("SELECT count(*) FROM notify.delivery WHERE state = 'sending'", int, DbRole.WORKER, register=False)
PAGED = Query("SELECT EXISTS (SELECT 1 FROM safety.page)", bool, DbRole.WORKER, register=False)
JOBS = 500


@register("test.patient")
async def patient(_: JobContext, payload: JobPayload) -> None:
    await asyncio.sleep(0.1)
    RAN.append(payload)


class Hanging:
    """A mail server that never answers."""

    async def send(self, mail: Mail) -> str:
        await asyncio.sleep(60)
        raise NotTakenError("timed_out")


async def until_sent(port: RecordingMail, count: int) -> None:
    for _ in range(1000):
        if len(port.sent) >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(port.sent)


async def test_a_page_and_its_mail_go_before_a_crowd_of_other_jobs(alice: Person, circle: Circle, parts: Edge) -> None:
    dana = await circle.staff("dana", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    port = parts.ports["mail"] = RecordingMail()
    async with parts.db.begin(DbRole.WORKER) as tx:
        for _ in range(JOBS):
            await enqueue(tx, "test.patient", ids.NIL, ids.new())
    event = (await alice.post("/v1/crisis/report", json={})).json()["event_id"]
    RAN.clear()
    async with working(parts):
        await until_sent(port, 1)
        assert len(RAN) < JOBS / 2
        path = f"/v1/people/{alice.id}/crisis-events/{event}"
        await dana.post(path + "/claim")
        assert (await dana.post(path + "/steps", json={"step": "hand_back"})).status_code == 200
        await until_sent(port, 2)
        assert len(RAN) < JOBS


async def test_mails_that_hang_leave_places_to_other_jobs(alice: Person, circle: Circle, parts: Edge) -> None:
    dana = await circle.staff("dana", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    parts.ports["mail"] = Hanging()
    async with parts.db.begin(DbRole.WORKER, subject=dana.id) as tx:
        for n in range(80):
            assert await notify.queue(tx, dana.id, "crisis_page", f"page:{n}:0", ids.new())
    RAN.clear()
    async with working(parts):
        async with asyncio.timeout(10):
            while await sending(parts, dana) < AT_ONCE:
                await asyncio.sleep(0.1)
        await alice.post("/v1/crisis/report", json={})
        async with parts.db.begin(DbRole.WORKER) as tx:
            await enqueue(tx, "test.patient", ids.NIL, ids.new())
        async with asyncio.timeout(5):
            while not RAN or not await paged(parts, alice):
                await asyncio.sleep(0.1)
        assert await sending(parts, dana) == AT_ONCE


async def sending(parts: Edge, who: Person) -> int:
    async with parts.db.begin(DbRole.WORKER, subject=who.id) as tx:
        return await tx.one(SENDING)


async def paged(parts: Edge, who: Person) -> bool:
    async with parts.db.begin(DbRole.WORKER, subject=who.id) as tx:
        return await tx.one(PAGED)
