"""What nobody looks after: contacts of after-care that are late, and reviews that nobody makes. See decision 23."""

from uuid import UUID

from wellspring.kernel import ids, logs, stream
from wellspring.kernel.db import DbRole
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JobContext
from wellspring.safety import care
from wellspring.safety import care_queries as c
from wellspring.safety import queries as q
from wellspring.safety.protocol import CARE_SUPERVISORS
from wellspring.safety.telling import each, responders, tell

log = logs.get("paging")


async def sweep(context: JobContext) -> int:
    """Remind of late contacts, and end what nobody did for two weeks; return how many there were.

    Web and worker processes sweep alike, each event under the lock of its row: each reminder is sent once.
    """
    return (
        await each(context, _remind, c.CARE_OVERDUE)
        + await each(context, _miss, c.CARE_MISSED)
        + await each(context, _lapse, c.LAPSING)
    )


def told(reminder: int, holder: UUID | None, everybody: list[q.ToPage]) -> list[q.ToPage]:
    """Return whom a reminder of after-care tells: its holder, from the second on those on duty, later supervisors too.

    When its holder is not on duty, those who are learn of it at once; all, when from the second on that is nobody
    but its holder, or when nobody is left to hold it.
    """
    able = [r for r in everybody if r.can_open] or everybody
    here = any(r.person_id == holder and r.on_duty for r in able)
    chosen = [
        r
        for r in able
        if r.person_id == holder
        or (r.on_duty and (reminder > 1 or not here))
        or (r.is_supervisor and reminder >= CARE_SUPERVISORS)
    ]
    if not chosen or (reminder > 1 and all(r.person_id == holder for r in chosen)):
        return able
    return chosen


async def _remind(context: JobContext, late: q.Unpaged) -> None:
    async with context.db.begin(DbRole.WORKER, subject=late.person_id) as tx:
        found = await tx.maybe(c.CARE, late.person_id, late.id)
        event = await tx.maybe(q.EVENT, late.person_id, late.id)
        # Asked again under the lock: another process may just have reminded of it. What was missed is one reminder.
        if found is None or event is None or found.reminded >= found.reminders_due:
            return
        await tx.do(c.CARE_REMINDED, event.person_id, event.id, found.reminders_due)
        number = 1 + await tx.one(q.LAST_PAGE, event.person_id, event.id)
        chosen = told(found.reminders_due, found.claimed_by, await responders(tx, event))
        # Many may be late after an outage: one mail an hour for each of those who are told.
        await tell(tx, event, number, chosen, "after_care_overdue", f"after_care:{event.now:%Y-%m-%dT%H}")
        log.info("after_care_reminded", event_id=str(event.id))


async def _miss(context: JobContext, late: q.Unpaged) -> None:
    async with context.db.begin(DbRole.WORKER, subject=late.person_id) as tx:
        found = await tx.maybe(c.CARE, late.person_id, late.id)
        # Asked again under the lock: somebody may just have taken it, or made it.
        if found is None or await tx.maybe(c.STILL_MISSED, late.person_id, late.id) is None:
            return
        await care.end(tx, NIL, late.person_id, late.id, found.step, "not_done")
        await stream.publish(tx, late.person_id, "crisis.changed", late.id)
    log.warning("after_care_not_done", event_id=str(late.id))


async def _lapse(context: JobContext, open_: q.Unpaged) -> None:
    async with context.db.begin(DbRole.WORKER, subject=open_.person_id) as tx:
        await tx.maybe(q.DESK_LOCKED, open_.person_id, open_.id)  # the desk's row first, as whoever makes a step
        event = await tx.maybe(q.EVENT_LOCKED, open_.person_id, open_.id)
        if event is None or await tx.maybe(c.STILL_LAPSING, open_.person_id, open_.id) is None:
            return
        await tx.do(q.MOVE_DESK, event.person_id, event.id, "lapsed", None)
        await tx.do(q.MOVE_EVENT, event.person_id, event.id, "lapsed", None, "nobody_looked")
        await tx.do(q.ADD_STEP, event.person_id, ids.new(), event.id, NIL, "open", "lapsed", None)
        await stream.publish(tx, event.person_id, "crisis.changed", event.id)
    log.warning("review_lapsed", event_id=str(open_.id))
