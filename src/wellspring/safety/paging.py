"""Paging responders: a job that commits with the event, and a sweep that does not depend on the queue."""

import asyncio
from typing import Final
from uuid import UUID

from wellspring.kernel import ids, jobs, logs, stream
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify.templates import Template
from wellspring.safety import queries as q
from wellspring.safety import unattended
from wellspring.safety.levels import Level
from wellspring.safety.protocol import LAST_CALL, next_page, step_due, waits
from wellspring.safety.telling import each, responders, tell

log = logs.get("paging")
SWEEP_EVERY: Final = 10.0
SWEEP_AFTER: Final = 10.0
NEXT_RESPONDERS: Final = 2
"""From this page on, others than those on duty are told too."""
SUPERVISORS: Final = 3
"""From this page on, supervisors are told too."""


def _waits(level: Level) -> list[float]:
    return [wait.total_seconds() for wait in waits(level)]


@jobs.register("safety.page")
async def page(context: JobContext, payload: JobPayload) -> None:
    """Page for an event when a page of it is due and was not sent; nothing once somebody has acknowledged it."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id) as tx:
        await _page(tx, payload.person_id, payload.ref)


async def _page(tx: Tx, person_id: UUID, event_id: UUID) -> None:
    event = await tx.maybe(q.EVENT_LOCKED, person_id, event_id)
    if event is None or event.state != "paged":
        return
    level: Level = "critical" if event.risk_level == "critical" else "high"
    waited = event.now - (event.paged_at or event.now)
    step = step_due(level, waited)
    if step <= event.paged_step:
        return
    await tx.do(q.PAGE_JOB, jobs.encode(person_id, event_id), (next_page(level, waited) - waited).total_seconds())
    last = await tx.one(q.LAST_PAGE, person_id, event_id)
    # An event that was handed back pages from the beginning, and its pages count on from the next ten.
    before = last - event.paged_step if event.paged_step >= 0 else -(-(last + 1) // 10) * 10
    await _send(tx, event, step, before + step, level)


async def _send(tx: Tx, event: q.EventRow, step: int, number: int, level: Level) -> None:
    """Page for an event, and remember the step."""
    await tx.do(q.MARK_PAGED, event.person_id, event.id, step)
    chosen = chosen_for(step, await responders(tx, event))
    template: Template = "crisis_page_now" if level == "critical" else "crisis_page"
    await tell(tx, event, number, chosen, template, f"page:{event.id}:{number}")


def chosen_for(step: int, everybody: list[q.ToPage]) -> list[q.ToPage]:
    """Return whom a page tells: those on duty, later others too, then supervisors too; all when nobody is on duty.

    Each step tells those of the step before again, so that nobody who goes on duty meanwhile is left out. Who has no
    second factor cannot open the desk before setting one up, and is told last; at once when nobody else is there.
    """
    able = [r for r in everybody if r.can_open] or everybody
    if step >= SUPERVISORS:
        return everybody
    if not any(r.on_duty for r in able):
        return able
    return [r for r in able if r.on_duty or (step >= NEXT_RESPONDERS and not r.is_supervisor)]


async def sweep(context: JobContext) -> int:
    """Page every event whose first or next page is ten seconds late; return how many there were.

    Web and worker processes sweep alike, each event under its row lock: a page is sent once.
    """
    return await each(context, _page_late, q.UNPAGED, SWEEP_AFTER, _waits("critical"), _waits("high"))


async def _page_late(context: JobContext, event: q.Unpaged) -> None:
    log.warning("swept", event_id=str(event.id))
    await page(context, JobPayload(event.person_id, event.id))


async def hand_back(context: JobContext) -> int:
    """Page anew, from the beginning, every event whose responder went off duty before they reached the person."""
    return await each(context, _hand_back, q.LEFT)


async def remind(context: JobContext) -> int:
    """Remind of every event that somebody took, or should review, and that has stood still for too long."""
    return await each(context, _remind, q.OVERDUE)


async def _remind(context: JobContext, overdue: q.Unpaged) -> None:
    async with context.db.begin(DbRole.WORKER, subject=overdue.person_id) as tx:
        event = await tx.maybe(q.EVENT_LOCKED, overdue.person_id, overdue.id)
        # Asked again under the lock: another process may just have reminded of it.
        if event is None or await tx.maybe(q.STILL_OVERDUE, event.person_id, event.id) is None:
            return
        number = 1 + await tx.one(q.LAST_PAGE, event.person_id, event.id)
        # Many may have stood still for long, after an upgrade or an outage: of what is not urgent, one mail an hour.
        urgent = event.state == "acknowledged"
        occasion = f"page:{event.id}:{number}" if urgent else f"overdue:{event.now:%Y-%m-%dT%H}"
        everybody = await responders(tx, event)
        last = event.state == "open" and event.now - event.created_at >= LAST_CALL
        chosen = everybody if last else reminded(event.claimed_by, everybody)
        await tell(tx, event, number, chosen, "crisis_overdue", occasion)
        log.info("reminded", event_id=str(event.id))


def reminded(holder: UUID | None, everybody: list[q.ToPage]) -> list[q.ToPage]:
    """Return whom a reminder tells: those on duty and supervisors; all when that is nobody but whoever holds it."""
    able = [r for r in everybody if r.can_open] or everybody
    chosen = [r for r in able if r.on_duty or r.is_supervisor or r.person_id == holder]
    return chosen if any(r.person_id != holder for r in chosen) else able


async def _hand_back(context: JobContext, event: q.Left) -> None:
    async with context.db.begin(DbRole.WORKER, subject=event.person_id) as tx:
        if await tx.do(q.GIVE_BACK, event.person_id, event.id, event.claimed_by) == 0:
            return
        await tx.do(q.MOVE_EVENT, event.person_id, event.id, "paged", None, None)
        await tx.do(q.ADD_STEP, event.person_id, ids.new(), event.id, ids.NIL, "acknowledged", "paged", None)
        await stream.publish(tx, event.person_id, "crisis.changed", event.id)
        await _page(tx, event.person_id, event.id)
        log.info("handed_back", event_id=str(event.id))


async def sweep_for_ever(context: JobContext) -> None:
    """Sweep every ten seconds."""
    while True:
        try:
            await hand_back(context)
            await sweep(context)
            await remind(context)
            await unattended.sweep(context)
        except Exception as error:  # noqa: BLE001 - a sweep that ended would page nobody until the next start
            log.error("sweep_failed", error=error)
        await asyncio.sleep(SWEEP_EVERY)
