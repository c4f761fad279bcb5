"""Telling responders of an event, and going through many events, one after the other."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID

from wellspring.kernel import ids, logs, stream
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.jobs import JobContext
from wellspring.notify import service as notify
from wellspring.notify.templates import Template
from wellspring.safety import queries as q

log = logs.get("paging")
AT_ONCE: Final = 50
"""So many events are looked up together."""
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_Event = TypeVar("_Event", bound=q.Unpaged)


def _by_id(one: q.ToPage) -> UUID:
    """Always in this order: two pages at once must not wait for each other's streams."""
    return one.person_id


async def responders(tx: Tx, event: q.EventRow) -> list[q.ToPage]:
    """Return everybody whom this event may be shown to: the person themselves never answers their own."""
    return [r for r in sorted(await tx.all(q.RESPONDERS), key=_by_id) if r.person_id != event.person_id]


async def tell(
    tx: Tx, event: q.EventRow, number: int, chosen: list[q.ToPage], template: Template, occasion: str
) -> None:
    """Write down whom a page tells, under its number in the event, and queue their mails: one for each occasion.

    When none of them can open the desk, those who can give somebody that right are told so.
    """
    told: list[UUID | None] = [r.person_id for r in chosen]
    for responder_id in told or [None]:
        await tx.do(q.ADD_PAGE, event.person_id, ids.new(), event.id, number, responder_id)
    for responder in chosen:
        await tx.set_subject(responder.person_id)
        await stream.publish(tx, responder.person_id, "desk.changed", event.id)
        await notify.queue(tx, responder.person_id, template, occasion, event.id)
    if not any(r.can_open for r in chosen):
        log.error("nobody_to_page", event_id=str(event.id))
        for admin_id in await tx.all(q.ADMINISTRATORS):
            if (
                admin_id in told
            ):  # one mail of an event takes the place of the other, and theirs says that somebody waits
                continue
            await tx.set_subject(admin_id)
            await notify.queue(tx, admin_id, "desk_empty", f"desk:{occasion}", event.id)


async def each(
    context: JobContext, work: Callable[[JobContext, _Event], Awaitable[None]], query: Query[_Event], *args: object
) -> int:
    """Do some work for every event of a query, oldest first; return how many there were."""
    total, last = 0, (_OLDEST, ids.NIL)
    while True:
        async with context.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
            events = await tx.all(query, *args, *last, AT_ONCE)
        for event in events:
            await _alone(event.id, work(context, event))
        total += len(events)
        if len(events) < AT_ONCE:
            return total
        last = (events[-1].created_at, events[-1].id)


async def _alone(event_id: UUID, work: Awaitable[None]) -> None:
    """Await what is done for one event; if it fails, that keeps nobody else waiting."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - one event that cannot be paged is tried again, the others go on
        log.error("sweep_failed", event_id=str(event_id), error=error)
