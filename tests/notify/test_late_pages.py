"""Pages leave while no worker runs, once, and only the newest about one event."""

import asyncio
from uuid import UUID

import pytest

from tests.notify.support import Desk, Owner
from tests.support.people import Person
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.notify import service
from wellspring.notify.jobs import send_late
from wellspring.notify.ports import NotTakenError, RecordingMail
from wellspring.notify.templates import Template

pytestmark = pytest.mark.anyio


def later(owner: Owner, seconds: float) -> None:
    owner.rows("UPDATE notify.delivery SET due_at = due_at - make_interval(secs => %s) RETURNING 1", seconds)


async def about(desk: Desk, to: Person, ref: UUID, number: int, template: Template = "crisis_page_now") -> UUID:
    async with desk.parts.db.begin(DbRole.WORKER, subject=to.id) as tx:
        made = await service.queue(tx, to.id, template, f"page:{ref}:{number}", ref)
    assert made is not None
    return made


async def test_without_a_worker_pages_leave_all_the_same_and_once(dana: Person, desk: Desk, owner: Owner) -> None:
    port = RecordingMail()
    page, other = await desk.queued(dana), await desk.queued(dana, "x", template="roles_changed")
    assert await send_late(desk.context(port)) == 0, "a worker has its time first"
    later(owner, 31)
    await asyncio.gather(*(send_late(desk.context(port)) for _ in range(3)))
    await desk.deliver(dana, page, port)
    assert [mail.key for mail in port.sent] == [str(page)]
    assert desk.state(other)[0] == "queued"


async def test_a_page_that_was_not_taken_is_tried_again_without_a_worker(
    dana: Person, desk: Desk, owner: Owner
) -> None:
    port = RecordingMail(NotTakenError("connection"))
    page = await desk.queued(dana)
    later(owner, 31)
    assert await send_late(desk.context(port)) == 1
    assert desk.state(page) == ("queued", 1, "connection")
    assert await send_late(desk.context(port)) == 0
    later(owner, 60)
    assert await send_late(desk.context(port)) == 1
    assert desk.state(page)[0] == "sent"


async def test_after_an_outage_each_event_sends_one_page(dana: Person, desk: Desk, owner: Owner) -> None:
    first, second = ids.new(), ids.new()
    made = [await about(desk, dana, first, number) for number in range(4)]
    kept = await about(desk, dana, second, 0)
    told = await about(desk, dana, first, 9, "roles_changed")
    assert [desk.state(one) for one in made] == [("not_sent", 0, "replaced")] * 3 + [("queued", 0, None)]
    assert [desk.state(one)[0] for one in (kept, told)] == ["queued", "queued"]


async def test_what_has_left_or_is_leaving_is_not_replaced(dana: Person, desk: Desk, owner: Owner) -> None:
    event, port = ids.new(), RecordingMail()
    sent, sending = await about(desk, dana, event, 0), await about(desk, dana, event, 1)
    await desk.deliver(dana, sending, port)
    owner.rows("UPDATE notify.delivery SET state = 'sending' WHERE id = %s RETURNING 1", sent)
    await about(desk, dana, event, 2)
    assert [desk.state(one)[0] for one in (sent, sending)] == ["sending", "sent"]
