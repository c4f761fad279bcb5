"""Changing a check-in: what is named is replaced, the moment is judged again."""

import asyncio
from uuid import UUID

import msgspec
from msgspec import UNSET

from wellspring.checkins import correction_queries as corrections
from wellspring.checkins import queries as q
from wellspring.checkins import reading, signals, words
from wellspring.checkins.schemas import CheckinChange, CheckinCreate
from wellspring.checkins.service import (
    READ_LATER,
    CheckinCreated,
    Request,
    check_lists,
    check_time,
    judged_of,
    moment_of,
    respond,
)
from wellspring.checkins.wire import as_written, checkin, columns
from wellspring.identity.fragments import about
from wellspring.interventions import recommend
from wellspring.kernel import audit, jobs, stream
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import NotFound, PreconditionFailed
from wellspring.language.ahead import TextRead
from wellspring.privacy.errors import HealthDataRefused
from wellspring.safety import show
from wellspring.safety.levels import rank


async def change(
    tx: Tx, request: Request, row_id: UUID, wanted: CheckinChange, found: TextRead, seen: int | None
) -> tuple[CheckinCreated, int]:
    """Change a check-in and judge it again; return the reply and the new version.

    `found` is what was read in a journal text that was sent, before the transaction. A text that stays as it was keeps
    what was read in it. Raises NotFound, PreconditionFailed, HealthDataRefused, Invalid.
    """
    row = await tx.maybe(q.ONE_LOCKED, request.person_id, row_id)
    if row is None:
        raise NotFound
    if seen is not None and seen != row.version:
        raise PreconditionFailed
    context = await tx.one(q.CONTEXT, request.person_id, None, None)
    if context.refused:
        raise HealthDataRefused
    sealer = request.keys.sealer(row.wrapped, request.person_id)
    kept = words.unseal(row.sealed, sealer, row_id)
    before = as_written(row, kept)
    data = merged(before, wanted)
    check_lists(data)
    at = check_time(data.occurred_at or row.occurred_at, context.now)
    person = about(context.person)
    text = data.journal_text
    same = (before.journal_text or "") == (text or "")
    stored = await tx.one(q.READ, request.person_id, row_id)
    if same and text:
        found = await asyncio.to_thread(  # the rules read it again: up to a quarter of a second for a long text
            reading.kept, found, text, person.language, stored, kept
        )
    understood = reading.understand(found, text, person.language, lambda: signals.of(context, data, at, row.timezone))
    graver = rank(understood.judgement.level) > rank(row.risk_level)  # type: ignore[arg-type]
    known_id = row.crisis_event_id if same and not graver else None
    crisis, event_id = await respond(tx, request, sealer, person, understood, text, row_id, context, known_id=known_id)
    event_id = event_id or row.crisis_event_id
    judged = judged_of(data, understood, event_id, is_quick=row.is_quick, emotions=person.emotion_reading)
    if same and stored.reading_state != "unread":
        judged.seen = stored.seen
    emotions = words.all_emotions(data)
    written = words.of(data, emotions, judged.evidence, another=judged.another)
    sealed = words.seal(written, sealer, row_id)
    values = columns(data, at=at, timezone=row.timezone, sealed=sealed, emotions=emotions, judged=judged)
    await tx.do(q.CHANGE, request.person_id, row_id, *values)
    if not same:
        await tx.do(corrections.DROP, request.person_id, row_id)
    await recommend.corrected(tx, request.person_id, row_id, moment_of(data, danger=understood.in_danger))
    await audit.record(tx, request.access)
    await stream.publish(tx, request.person_id, "checkin.changed", row_id)
    await jobs.enqueue(tx, "checkins.roll_all", request.person_id, row_id)
    if understood.failed or not understood.finished:
        await jobs.enqueue(tx, READ_LATER, request.person_id, row_id)
    new = await tx.one(q.ONE, request.person_id, row_id)
    reply = CheckinCreated(
        checkin=checkin(new, request.keys, request.person_id),
        recommendations=[],
        crisis_alert=understood.in_danger,
        crisis=crisis,
        helping=show.helping(person.country, person.language) if judged.another and not same else None,
    )
    return reply, new.version


def merged(before: CheckinCreate, wanted: CheckinChange) -> CheckinCreate:
    """Return a check-in with the named fields changed."""
    changed = {f: getattr(wanted, f) for f in wanted.__struct_fields__ if getattr(wanted, f) is not UNSET}
    if "emotion_tags" in changed and "emotions" not in changed:
        changed["emotions"] = []
    return msgspec.structs.replace(before, **changed)
