"""After-care: what follows a closed event. Its next contact stands at the desk, those made are steps of the event."""

from datetime import datetime
from uuid import UUID

from wellspring.kernel import ids
from wellspring.kernel.db import Tx
from wellspring.safety import care_queries as c
from wellspring.safety import queries as q
from wellspring.safety.levels import Level
from wellspring.safety.protocol import CARE_AGAIN, NO_AFTER_CARE, CareEnd, CareResult, Outcome, next_care


async def begin(tx: Tx, actor: UUID, event: q.EventRow, outcome: Outcome) -> None:
    """Plan the first contact after an event that is being closed, in the place of what was left of an earlier one.

    One person has one after-care, that of the newest event: an older one that is closed later gets none. Whoever wants
    no contact is contacted about none of them any more, until somebody has spoken with them again. The caller holds all
    that stands at the desk of this person.
    """
    declined = outcome == "declined_contact"
    if outcome in NO_AFTER_CARE and not declined:
        return
    if not declined and await tx.one(c.DECLINED_SINCE, event.person_id, event.id):
        return
    others = await tx.all(c.OTHER_CARE, event.person_id, event.id)
    if not declined and any(other.newer for other in others):
        await tx.do(c.ADD_CARE_STEP, event.person_id, ids.new(), event.id, actor, None, 1, "newer_event")
        return
    for other in others:
        await end(tx, actor, event.person_id, other.id, other.step, "declined" if declined else "newer_event")
    level: Level = event.risk_level  # type: ignore[assignment]
    following = None if declined else next_care(level, event.created_at, event.now)
    if following is not None:
        await tx.do(c.SET_CARE, event.person_id, event.id, *following)


async def end(tx: Tx, actor: UUID, person_id: UUID, event_id: UUID, step: int, result: CareResult | CareEnd) -> None:
    """End after-care with a reason; what nobody did is remembered with its time."""
    if result == "not_done":
        await tx.do(c.MISS_CARE, person_id, event_id)
    else:
        await tx.do(c.SET_CARE, person_id, event_id, None, None)
    await tx.do(c.ADD_CARE_STEP, person_id, ids.new(), event_id, actor, None, step, result)


def following(event: q.EventRow, step: int, result: CareResult) -> tuple[int, datetime] | None:
    """Return the contact that follows one with this result, or None when after-care ends with it."""
    if result == "reached":
        level: Level = event.risk_level  # type: ignore[assignment]
        return next_care(level, event.created_at, event.now, step)
    return (step, event.now + CARE_AGAIN) if result == "not_reached" else None
