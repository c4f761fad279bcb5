"""Paging responders: a job that commits with the event, and a sweep that does not depend on the queue."""

import asyncio
from collections.abc import Awaitable
from typing import Final
from uuid import UUID

from wellspring.kernel import ids, jobs, logs, stream
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify import service as notify
from wellspring.notify.templates import Template
from wellspring.safety import queries as q
from wellspring.safety.levels import Level
from wellspring.safety.protocol import PROTOCOLS, pages

log = logs.get("paging")
SWEEP_EVERY: Final = 10.0
SWEEP_AFTER: Final = 10.0
_WAITS: Final = {level: [r.after.total_seconds() for r in row.repages] for level, row in PROTOCOLS.items()}


@jobs.register("safety.page")
async def page(context: JobContext, payload: JobPayload) -> None:
    """Send every page of an event that is due and was not sent; nothing once somebody has acknowledged it."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id) as tx:
        await _page(tx, payload.person_id, payload.ref)


async def _page(tx: Tx, person_id: UUID, event_id: UUID) -> None:
    event = await tx.maybe(q.EVENT_LOCKED, person_id, event_id)
    if event is None or event.state != "paged":
        return
    level: Level = "critical" if event.risk_level == "critical" else "high"
    rounds = await tx.one(q.STEPS_PAGED, person_id, event_id)
    first = 10 * rounds.round
    plan = pages(level, event.paged_at or event.now)
    due = [p for p in plan if p.due <= event.now and first + p.step > rounds.last]
    if not due:
        return
    # The steps that follow count from the first page, which may have been late: those of the opening come too early.
    following = next((p for p in plan if p.due > event.now), None)
    if following is not None:
        wait = (following.due - event.now).total_seconds()
        await tx.do(q.PAGE_JOB, jobs.encode(person_id, event_id), wait)
    supervisors = any(p.to == "supervisor" for p in due)
    await _send(tx, person_id, event_id, first + due[-1].step, level, supervisors=supervisors)


async def _send(tx: Tx, person_id: UUID, event_id: UUID, step: int, level: Level, *, supervisors: bool) -> None:
    """Page those on duty; supervisors at the last step; everybody when nobody is on duty; never who is in danger."""
    everybody = [r for r in await tx.all(q.RESPONDERS) if r.person_id != person_id]
    chosen = [r for r in everybody if r.on_duty or (supervisors and r.is_supervisor)] or everybody
    if not chosen:
        log.error("nobody_to_page", event_id=str(event_id))
    for responder in chosen:
        await tx.do(q.ADD_PAGE, person_id, ids.new(), event_id, step, responder.person_id)
    if not chosen:
        await tx.do(q.ADD_PAGE, person_id, ids.new(), event_id, step, None)
    await tx.do(q.MARK_PAGED, person_id, event_id)
    for responder in chosen:
        await tx.set_subject(responder.person_id)
        await stream.publish(tx, responder.person_id, "desk.changed", event_id)
        template: Template = "crisis_page_now" if level == "critical" else "crisis_page"
        await notify.queue(tx, responder.person_id, template, f"page:{event_id}:{step}", event_id)


async def sweep(context: JobContext) -> int:
    """Page every event whose first or next page is ten seconds late; return how many there were.

    Web and worker processes sweep alike, each event under its row lock: a page is sent once.
    """
    async with context.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        missed = await tx.all(q.UNPAGED, SWEEP_AFTER, _WAITS["critical"], _WAITS["high"])
    for event in missed:
        log.warning("swept", event_id=str(event.id))
        await _alone(event.id, page(context, JobPayload(event.person_id, event.id)))
    return len(missed)


async def hand_back(context: JobContext) -> int:
    """Page anew, from the beginning, every event whose responder went off duty before they reached the person."""
    async with context.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        left = await tx.all(q.LEFT)
    for event in left:
        await _alone(event.id, _hand_back(context, event))
    return len(left)


async def _hand_back(context: JobContext, event: q.Left) -> None:
    async with context.db.begin(DbRole.WORKER, subject=event.person_id) as tx:
        if await tx.do(q.GIVE_BACK, event.person_id, event.id, event.claimed_by) == 0:
            return
        await tx.do(q.MOVE_EVENT, event.person_id, event.id, "paged", None, None)
        await tx.do(q.ADD_STEP, event.person_id, ids.new(), event.id, ids.NIL, "acknowledged", "paged", None)
        await stream.publish(tx, event.person_id, "crisis.changed", event.id)
        await _page(tx, event.person_id, event.id)
        log.info("handed_back", event_id=str(event.id))


async def _alone(event_id: UUID, work: Awaitable[None]) -> None:
    """Await what is done for one event; if it fails, that keeps nobody else waiting."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - one event that cannot be paged is tried again, the others go on
        log.error("sweep_failed", event_id=str(event_id), error=error)


async def sweep_for_ever(context: JobContext) -> None:
    """Sweep every ten seconds."""
    while True:
        try:
            await hand_back(context)
            await sweep(context)
        except Exception as error:  # noqa: BLE001 - a sweep that ended would page nobody until the next start
            log.error("sweep_failed", error=error)
        await asyncio.sleep(SWEEP_EVERY)
