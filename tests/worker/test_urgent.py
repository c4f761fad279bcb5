"""What people wait for goes before what nobody waits for."""

import asyncio

import pytest

from tests.support.people import Circle, Person
from tests.worker.support import working
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload, enqueue, register
from wellspring.kernel.policy import Role
from wellspring.notify.ports import RecordingMail

pytestmark = pytest.mark.anyio

RAN: list[JobPayload] = []
JOBS = 500


@register("test.patient")
async def patient(_: JobContext, payload: JobPayload) -> None:
    await asyncio.sleep(0.1)
    RAN.append(payload)


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
