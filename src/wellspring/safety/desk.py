"""The crisis desk: the open list, claiming, an event's evidence for whoever claimed it, and its steps."""

from datetime import datetime
from typing import Final, cast
from uuid import UUID

from wellspring.identity import me
from wellspring.identity.people import public_face
from wellspring.kernel import ids, jobs, stream, vault
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Duty, Query, Tx
from wellspring.kernel.errors import NotFound
from wellspring.kernel.principal import Principal
from wellspring.safety import care, plans
from wellspring.safety import care_queries as c
from wellspring.safety import queries as q
from wellspring.safety.copy import explain
from wellspring.safety.errors import AlreadyClaimed, NotOnDuty, NotYours, OutcomeNeeded, StepRefused
from wellspring.safety.events import PartNote, unseal
from wellspring.safety.protocol import AFTER_CARE, Actor, State, Transition, check, protocol_for, steps_from
from wellspring.safety.risk import Part as RiskPart
from wellspring.safety.schemas import (
    AfterCare,
    Contacted,
    Desk,
    DeskItem,
    EventContact,
    EventView,
    Happened,
    Missed,
    Move,
    Part,
)

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


def _care(step: int, due_at: datetime) -> AfterCare:
    return AfterCare(step=step, of=len(AFTER_CARE), due_at=due_at)


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
        after_care=None if row.care_step is None or row.care_due_at is None else _care(row.care_step, row.care_due_at),
        claimed_by_me=row.holder == who.person_id,
        claimed=row.holder is not None and not row.slow,
    )


async def listing(tx: Tx, who: Principal) -> Desk:
    """Return open events; who is not on duty sees an empty desk and that they are not on duty."""
    duty = await my_duty(tx, who)
    if duty is None or not duty.on_duty:
        return Desk(items=[], after_care=[], missed=Missed(reviews=0, contacts=0), on_duty=False)
    await tx.set_duty(Duty.CRISIS)
    missed = await tx.one(c.MISSED, who.person_id)
    return Desk(
        items=[_item(row, who) for row in await tx.all(q.DESK, who.person_id)],
        after_care=[_item(row, who) for row in await tx.all(q.DESK_CARE, who.person_id)],
        missed=Missed(reviews=missed.reviews, contacts=missed.contacts),
        on_duty=True,
    )


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
    sealed_note: tuple[UUID, bytes | None] | None,
    claimed_by: UUID | None,
) -> None:
    step_id, note = sealed_note or (ids.new(), None)
    await tx.do(q.MOVE_EVENT, person_id, event_id, after, claimed_by, outcome)
    await tx.do(q.ADD_STEP, person_id, step_id, event_id, who.person_id, before, after, note)
    await stream.publish(tx, person_id, "crisis.changed", event_id)
    await _tell(tx, event_id)


async def open_claimed(
    tx: Tx, who: Principal, person_id: UUID, event_id: UUID, *, to_change: bool = False
) -> q.DutyRow:
    """Open the person of an event that the caller claimed; nobody else's. `to_change`: it stays as it is until then."""
    duty = await _on_duty(tx, who)
    if to_change:
        await tx.all(q.OPEN_OF, person_id)
    row = await tx.maybe(q.DESK_ONE, person_id, event_id)
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
    following = await tx.maybe(c.CARE, person_id, event_id)
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
        after_care=None if following is None else _care(following.step, following.due_at),
        supervises=duty.is_supervisor,
        history=await _history(tx, keys.sealer(row.wrapped, person_id), who, person_id, event_id),
    )


async def _history(tx: Tx, sealer: Sealer, who: Principal, person_id: UUID, event_id: UUID) -> list[Happened]:
    """Return what was done so far, with the notes: whoever goes on must know what was agreed."""
    return [
        Happened(
            at=step.at,
            state=None if step.from_state == step.to_state else step.to_state,
            result=step.care_result,
            by_me=step.actor_id == who.person_id,
            note=None if step.note is None else sealer.open(step.note, NOTE, step.id).decode(),
        )
        for step in await tx.all(c.STEPS, person_id, event_id)
    ]


async def move(tx: Tx, keys: Keyring, who: Principal, person_id: UUID, event_id: UUID, wanted: Move) -> State:
    """Make a step and return the new state; raises StepRefused or OutcomeNeeded when the state machine says no."""
    duty = await open_claimed(tx, who, person_id, event_id, to_change=True)
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
    note = await _sealed(tx, keys, person_id, wanted.note)
    await _record(tx, who, person_id, event_id, before, found.after, wanted.outcome, note, claimed_by)
    if found.after == "resolved" and wanted.outcome is not None:
        await care.begin(tx, who.person_id, row, wanted.outcome)
    if found.name == "raise":
        await tx.do(q.RAISE, person_id, event_id, "high", protocol_for("high").first_response.total_seconds())
    if found.after == "paged":
        await tx.do(q.PAGE_JOB, jobs.encode(person_id, event_id), 0.0)
        tx.wake_jobs = True
    return found.after


async def _sealed(tx: Tx, keys: Keyring, person_id: UUID, note: str | None) -> tuple[UUID, bytes | None]:
    """Return the id of a new step, and its note, sealed for it."""
    step_id = ids.new()
    if not note:
        return step_id, None
    return step_id, (await vault.sealer(tx, keys, person_id)).seal(note.encode(), NOTE, step_id)


async def contacted(
    tx: Tx, keys: Keyring, who: Principal, person_id: UUID, event_id: UUID, wanted: Contacted
) -> AfterCare | None:
    """Write down what came of a contact after a closed event; return the next one, or None when that was the last.

    Raises StepRefused when that contact is not due any more, or giving up needs a supervisor.
    """
    duty = await open_claimed(tx, who, person_id, event_id, to_change=True)
    event, due = await tx.maybe(q.EVENT, person_id, event_id), await tx.maybe(c.CARE, person_id, event_id)
    if event is None or due is None or (due.step, wanted.due_at or due.due_at) != (wanted.step, due.due_at):
        raise StepRefused("no_such_step")
    if wanted.result == "could_not_reach" and not duty.is_supervisor:
        raise StepRefused("not_yours")
    step_id, note = await _sealed(tx, keys, person_id, wanted.note)
    following = care.following(event, due.step, wanted.result)
    await tx.do(c.SET_CARE, person_id, event_id, *(following or (None, None)))
    await tx.do(c.ADD_CARE_STEP, person_id, step_id, event_id, who.person_id, note, due.step, wanted.result)
    await stream.publish(tx, person_id, "crisis.changed", event_id)
    await _tell(tx, event_id)
    return None if following is None else _care(*following)


__all__ = ["claim", "contacted", "glimpse", "listing", "move", "my_duty", "open_claimed", "set_duty", "view"]
