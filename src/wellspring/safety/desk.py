"""The crisis desk: the open list, claiming, an event's evidence for whoever claimed it, and its steps."""

from typing import Final, cast
from uuid import UUID

from wellspring.identity import me
from wellspring.identity.people import public_face
from wellspring.kernel import ids, jobs, stream, vault
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Duty, Query, Tx
from wellspring.kernel.errors import NotFound
from wellspring.kernel.principal import Principal
from wellspring.safety import plans
from wellspring.safety import queries as q
from wellspring.safety.copy import explain
from wellspring.safety.errors import AlreadyClaimed, NotOnDuty, NotYours, OutcomeNeeded, StepRefused
from wellspring.safety.events import PartNote, unseal
from wellspring.safety.protocol import Actor, State, Transition, check, protocol_for, steps_from
from wellspring.safety.risk import Part as RiskPart
from wellspring.safety.schemas import Desk, DeskItem, EventContact, EventView, Move, Part

NOTE: Final = "safety.event_step.note"


async def my_duty(tx: Tx, who: Principal) -> q.DutyRow | None:
    """Return the caller's duty."""
    return await tx.maybe(q.MY_DUTY, who.person_id)


async def set_duty(tx: Tx, who: Principal, *, on: bool, hours: int) -> q.DutyRow:
    """Go on duty for some hours, or off; every desk learns of it."""
    row = await tx.one(q.SET_DUTY, who.person_id, on, hours)
    await _tell(tx, who.person_id, everybody=True)
    return row


async def _tell(tx: Tx, changed: UUID, *, everybody: bool = False) -> None:
    """Tell those on duty (or every responder) that the desk has changed, in the caller's transaction."""
    tx.woken.update(await tx.all(q.TELL, ids.new(), changed, everybody))


async def _on_duty(tx: Tx, who: Principal) -> q.DutyRow:
    duty = await my_duty(tx, who)
    if duty is None or not duty.on_duty:
        raise NotOnDuty
    await tx.set_duty(Duty.CRISIS)
    return duty


def _item(row: q.DeskRow, who: Principal) -> DeskItem:
    return DeskItem(
        person_id=row.person_id,
        id=row.id,
        risk_level=row.risk_level,
        state=row.state,
        wants_contact=row.wants_contact,
        created_at=row.created_at,
        response_due_at=row.response_due_at,
        overdue=row.overdue,
        claimed_by_me=row.holder == who.person_id,
        claimed=row.holder is not None and not row.slow,
    )


async def listing(tx: Tx, who: Principal) -> Desk:
    """Return open events; who is not on duty sees an empty desk and that they are not on duty."""
    duty = await my_duty(tx, who)
    if duty is None or not duty.on_duty:
        return Desk(items=[], on_duty=False)
    await tx.set_duty(Duty.CRISIS)
    return Desk(items=[_item(row, who) for row in await tx.all(q.DESK, who.person_id)], on_duty=True)


async def glimpse(tx: Tx, who: Principal, person_id: UUID, event_id: UUID) -> DeskItem:
    """Return what everybody on duty sees of one event; raises NotOnDuty, NotFound."""
    await _on_duty(tx, who)
    row = await tx.maybe(q.DESK_ONE, person_id, event_id)
    if row is None or person_id == who.person_id:
        raise NotFound
    return _item(row, who)


async def claim(tx: Tx, who: Principal, person_id: UUID, event_id: UUID) -> None:
    """Take an event, or take it over from who is off duty or did not reach the person in time; exactly one wins.

    Nobody takes their own: a colleague does.

    Raises AlreadyClaimed, NotFound, NotOnDuty.
    """
    await _on_duty(tx, who)
    if person_id == who.person_id:
        raise NotFound
    steps: tuple[tuple[Query[int], State, State], ...] = (
        (q.CLAIM, "paged", "acknowledged"),
        (q.CLAIM_REVIEW, "open", "open"),
    )
    for query, before, after in steps:
        if await tx.do(query, person_id, event_id, who.person_id) == 1:
            await tx.set_subject(person_id)
            await _record(tx, who, person_id, event_id, before, after, None, None, who.person_id)
            return
    state = cast("State | None", await tx.maybe(q.TAKE_OVER, person_id, event_id, who.person_id))
    if state is not None:
        await tx.set_subject(person_id)
        await _record(tx, who, person_id, event_id, state, state, None, None, who.person_id)
        return
    row = await tx.maybe(q.DESK_ONE, person_id, event_id)
    if row is None:
        raise NotFound
    if row.holder != who.person_id:
        raise AlreadyClaimed if row.holder else StepRefused


async def _record(
    tx: Tx,
    who: Principal,
    person_id: UUID,
    event_id: UUID,
    before: State,
    after: State,
    outcome: str | None,
    sealed_note: tuple[UUID, bytes] | None,
    claimed_by: UUID | None,
) -> None:
    step_id, note = sealed_note or (ids.new(), None)
    await tx.do(q.MOVE_EVENT, person_id, event_id, after, claimed_by, outcome)
    await tx.do(q.ADD_STEP, person_id, step_id, event_id, who.person_id, before, after, note)
    await stream.publish(tx, person_id, "crisis.changed", event_id)
    await _tell(tx, event_id)


async def open_claimed(
    tx: Tx, who: Principal, person_id: UUID, event_id: UUID, query: Query[q.DeskRow] = q.DESK_ONE
) -> q.DutyRow:
    """Open the person of an event that the caller claimed; nobody else's."""
    duty = await _on_duty(tx, who)
    row = await tx.maybe(query, person_id, event_id)
    if row is None:
        raise NotFound
    if row.holder != who.person_id:
        raise NotYours
    await tx.set_subject(person_id)
    return duty


def _actor(duty: q.DutyRow) -> Actor:
    return "supervisor" if duty.is_supervisor else "responder"


def _sentence(part: PartNote, language: str) -> Part:
    known = RiskPart(part.layer, part.level, part.code, part.numbers, (), part.version)  # type: ignore[arg-type]
    return Part(layer=part.layer, level=part.level, sentence=explain(known, language))


async def view(tx: Tx, keys: Keyring, who: Principal, person_id: UUID, event_id: UUID, language: str) -> EventView:
    """Return an event with its evidence, contacts and plan to whoever claimed it."""
    duty = await open_claimed(tx, who, person_id, event_id)
    row = await tx.maybe(q.EVENT, person_id, event_id)
    if row is None:
        raise NotFound
    sealed = unseal(keys.sealer(row.wrapped, person_id), row.evidence, event_id)
    face = await public_face(tx, keys, person_id)
    state: State = row.state  # type: ignore[assignment]
    return EventView(
        person_id=person_id,
        id=event_id,
        risk_level=row.risk_level,
        risk_score=round(row.risk_score, 3),
        state=row.state,
        trigger_source=row.trigger_source,
        wants_contact=row.wants_contact,
        created_at=row.created_at,
        response_due_at=row.response_due_at,
        outcome=row.outcome,
        display_name=face.display_name,
        email=face.email,
        age_range=face.age_range,
        country=face.country,
        language=face.language,
        timezone=face.timezone,
        phone=sealed.phone or face.phone,
        note=sealed.note,
        evidence=sealed.evidence,
        explanation=[_sentence(p, language) for p in sealed.explanation],
        contacts=[
            EventContact(
                name=c.name,
                relationship=c.relationship,
                phone=c.phone,
                email=c.email,
                may_be_contacted=c.may_be_contacted,
            )
            for c in await me.contacts(tx, keys, person_id)
        ],
        safety_plan=await plans.shown(tx, keys, person_id),
        next_steps=[t.name for t in steps_from(state, _actor(duty))],
    )


async def move(tx: Tx, keys: Keyring, who: Principal, person_id: UUID, event_id: UUID, wanted: Move) -> State:
    """Make a step and return the new state; raises StepRefused or OutcomeNeeded when the state machine says no."""
    duty = await open_claimed(tx, who, person_id, event_id, q.DESK_LOCKED)
    row = await tx.maybe(q.EVENT_LOCKED, person_id, event_id)
    if row is None:
        raise NotFound
    before: State = row.state  # type: ignore[assignment]
    found = check(wanted.step, before, _actor(duty), wanted.outcome)
    if not isinstance(found, Transition):
        if found in ("outcome_missing", "outcome_not_allowed"):
            raise OutcomeNeeded.of("outcome", found, "Choose an outcome that fits this step.")
        raise StepRefused(found)
    claimed_by = None if found.after == "paged" else who.person_id
    await tx.do(q.MOVE_DESK, person_id, event_id, found.after, claimed_by)
    note = None
    if wanted.note:
        step_id = ids.new()
        sealer = await vault.sealer(tx, keys, person_id)
        note = (step_id, sealer.seal(wanted.note.encode(), NOTE, step_id))
    await _record(tx, who, person_id, event_id, before, found.after, wanted.outcome, note, claimed_by)
    if found.name == "raise":
        await tx.do(q.RAISE, person_id, event_id, "high", protocol_for("high").first_response.total_seconds())
    if found.after == "paged":
        await tx.do(q.PAGE_JOB, jobs.encode(person_id, event_id), 0.0)
        tx.wake_jobs = True
    return found.after


__all__ = ["claim", "glimpse", "listing", "move", "my_duty", "open_claimed", "set_duty", "view"]
