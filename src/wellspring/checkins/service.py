"""The main job: store a check-in, judge risk, choose micro-actions, and, in danger, open an event.

All in one transaction; its text was read just before. If reading or judging fails, the entry is stored as unread, help
is shown and a job reads it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.checkins import feelings, reading, signals, words
from wellspring.checkins import queries as q
from wellspring.checkins.reading import Understood
from wellspring.checkins.schemas import Checkin, CheckinCreate
from wellspring.checkins.wire import Entry, Judged, checkin, columns, fresh
from wellspring.identity.fragments import About, about
from wellspring.identity.schemas import TIMEZONES
from wellspring.interventions import recommend
from wellspring.interventions.schemas import InterventionRecommendation
from wellspring.kernel import audit, idempotency, ids, jobs, metrics, stream
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Conflict, Invalid, NotFound
from wellspring.language import higher, read
from wellspring.language.ahead import NOTHING, TextRead
from wellspring.privacy import consents
from wellspring.privacy.errors import HealthDataRefused
from wellspring.safety import service as safety
from wellspring.safety import show
from wellspring.safety.events import NewEvent, needs_event, open_event
from wellspring.safety.schemas import Crisis, Evidence, Helping

_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
ROLL_DAY: Final = "checkins.roll_day"
READ_LATER: Final = "checkins.read_later"


class CheckinExists(Conflict):
    """A check-in with this id exists already."""

    code = "checkin_exists"


class CheckinCreated(Struct, kw_only=True):
    """The reply to a check-in. With `crisis_alert` help comes first; `crisis` is also there when it is offered.

    `helping` is there when the journal seems to speak of somebody else in danger.
    """

    checkin: Checkin
    recommendations: list[InterventionRecommendation]
    crisis_alert: bool
    crisis: Crisis | None = None
    helping: Helping | None = None


def check_time(at: datetime, now: datetime) -> datetime:
    """Return a moment that a check-in may have, or raise Invalid."""
    if at > now + timedelta(days=1):
        raise Invalid.of("occurred_at", "time_in_future", "This is more than a day ahead.")
    if at < _OLDEST:
        raise Invalid.of("occurred_at", "time_too_old", "This is before the year 2000.")
    return at


def _timezone(wanted: str | None, own: str) -> str:
    if wanted is None:
        return own
    if wanted not in TIMEZONES:
        raise Invalid.of("timezone", "timezone_unknown", "This is not a time zone of the IANA list.")
    return wanted


def check_lists(data: CheckinCreate) -> None:
    """Refuse a factor or an emotion that is named twice."""
    for field, names in (("factors", [f.type for f in data.factors]), ("emotions", [e.emotion for e in data.emotions])):
        if len(set(names)) != len(names):
            raise Invalid.of(field, "named_twice", "Name each of these once.")


class Request(Struct, frozen=True):
    """Who sends, and what the audit trail and a repetition need."""

    person_id: UUID
    access: audit.Access
    key: idempotency.Key | None
    keys: Keyring


async def create(
    tx: Tx, request: Request, data: CheckinCreate, found: TextRead = NOTHING, *, is_quick: bool = False
) -> CheckinCreated | UUID:
    """Store and judge a check-in; return the reply, or the id of the one an earlier, equal request made.

    `found` is what was read in its journal before the transaction. Raises HealthDataRefused, KeyReused, Invalid.
    """
    check_lists(data)
    row_id = ids.check(data.id) if data.id is not None else ids.new()
    key = request.key
    context = await tx.one(q.CONTEXT, request.person_id, key.digest if key else None, key.lock if key else None)
    if key is not None:
        stored = idempotency.judge(idempotency.Found(context.free, context.stored), key)
        if stored is not None:
            return stored.ref
    if context.refused:
        raise HealthDataRefused
    person = about(context.person)
    timezone = _timezone(data.timezone, person.timezone)
    at = check_time(data.occurred_at or context.now, context.now)
    understood = reading.understand(
        found, data.journal_text, person.language, lambda: signals.of(context, data, at, timezone)
    )
    sealer = request.keys.sealer(context.wrapped, request.person_id)
    crisis, event_id = await respond(tx, request, sealer, person, understood, data.journal_text, row_id, context)
    entry = Entry(data=data, row_id=row_id, at=at, timezone=timezone, emotions=words.all_emotions(data))
    judged = judged_of(data, understood, event_id, is_quick=is_quick, emotions=person.emotion_reading)
    offers = _offers(entry, context, person, danger=understood.in_danger)
    created_at = await _store(tx, request, entry, judged, offers, sealer, understood)
    return CheckinCreated(
        checkin=fresh(entry, judged, created_at),
        recommendations=offers.wire,
        crisis_alert=understood.in_danger,
        crisis=crisis,
        helping=show.helping(person.country, person.language) if judged.another else None,
    )


async def respond(
    tx: Tx,
    request: Request,
    sealer: Sealer,
    person: About,
    understood: Understood,
    text: str | None,
    row_id: UUID,
    context: q.Context,
    *,
    known_id: UUID | None = None,
) -> tuple[Crisis | None, UUID | None]:
    """Open an event where the judgement asks for one, and return what the member is shown.

    `known_id` is an event that stands for this judgement already: no other is opened.
    """
    judged = understood.judgement
    if judged.level == "low" and not understood.failed:
        return None, None
    found = show.evidence(understood.reading, text)
    opens = known_id is None and needs_event(judged, recent=bool(context.event_levels), waits=context.event_waits)
    crisis = await safety.respond(
        tx,
        request.keys,
        request.person_id,
        judged.level,
        found,
        country=person.country,
        language=person.language,
        event_id=known_id,
        opens=opens,
    )
    if not opens:
        return crisis, known_id
    new = NewEvent(
        person_id=request.person_id,
        judgement=judged,
        evidence=found,
        source_id=row_id,
        resources_shown=[r.id for r in crisis.resources],
        plan_shown=crisis.safety_plan is not None,
        versions={} if understood.reading is None else understood.reading.versions,
    )
    event_id = await open_event(tx, sealer, new)
    crisis.event_id = event_id
    return crisis, event_id


def judged_of(
    data: CheckinCreate, understood: Understood, event_id: UUID | None, *, is_quick: bool, emotions: bool
) -> Judged:
    """Return what judging leaves on the row; no feelings when the person has switched their reading off."""
    text = understood.reading
    return Judged(
        level=understood.judgement.level,
        score=understood.judgement.risk_score,
        text_level=text.level if text else "low",
        reading_state=reading.state_of(data.journal_text, understood),
        versions=understood.versions,
        event_id=event_id,
        is_quick=is_quick,
        seen=feelings.seen(text, emotions=emotions),
        evidence=text.evidence if text else (),
        another=text is not None and text.another,
    )


def _offers(entry: Entry, context: q.Context, person: About, *, danger: bool) -> recommend.Offers:
    """Choose three micro-actions for the moment; in danger, or soon after it, only what is safe in a crisis."""
    moment = moment_of(entry.data, danger=danger or context.hard_time)
    past = recommend.history(context.recent_ids, context.recent_hours, context.kept, context.now)
    return recommend.careful(person, context.contraindications, moment, past, now=context.now, seed=entry.row_id)


def moment_of(data: CheckinCreate, *, danger: bool) -> recommend.Moment:
    """Return what a check-in says of its moment."""
    return recommend.Moment(
        mood=data.mood_score,
        emotions={e.emotion: e.intensity for e in words.all_emotions(data)},
        energy=data.energy_level,
        anxiety=data.anxiety_level,
        stress=data.stress_level,
        minutes=data.time_available_minutes,
        place=data.context_location,
        danger=danger,
    )


async def _store(
    tx: Tx,
    request: Request,
    entry: Entry,
    judged: Judged,
    offers: recommend.Offers,
    sealer: Sealer,
    understood: Understood,
) -> datetime:
    """Write row, audit, stream, job, key and offers in one statement; return when."""
    kept = words.of(entry.data, entry.emotions, judged.evidence, another=judged.another)
    sealed = words.seal(kept, sealer, entry.row_id)
    key = request.key
    job = READ_LATER if understood.failed or not understood.finished else ROLL_DAY
    created_at = await tx.one(
        q.CREATE,
        request.person_id,
        entry.row_id,
        *columns(
            entry.data, at=entry.at, timezone=entry.timezone, sealed=sealed, emotions=entry.emotions, judged=judged
        ),
        *request.access.args(),
        key.digest if key else None,
        key.body if key else None,
        ids.new(),
        job,
        jobs.encode(request.person_id, entry.row_id),
        *offers.logged,
    )
    tx.woken.add(request.person_id)
    # Rolling up a day, or reading on, can wait for the worker's next poll: waking it for each cost more than the job.
    tx.wake_jobs = tx.wake_jobs or understood.failed
    metrics.CHECKINS.inc()
    return created_at


async def _evidence_again(tx: Tx, request: Request, row: q.Row, language: str) -> list[Evidence]:
    """Return what was found in a stored text: phrases by the rules once more, a model's sentences as they were kept.

    Nothing is read again for who took back that data about their health is kept.
    """
    if await consents.refused(tx, request.person_id, "health_data"):
        return []
    kept = words.unseal(row.sealed, request.keys.sealer(row.wrapped, request.person_id), row.id)
    if kept.journal_text is None:
        return []
    stored = await tx.one(q.READ, request.person_id, row.id)
    found = read(kept.journal_text, hint=language)
    level = higher(found.level, stored.text_level)  # type: ignore[arg-type]
    whole = msgspec.structs.replace(found, level=level, evidence=kept.evidence)
    return show.evidence(whole, kept.journal_text)


async def again(tx: Tx, request: Request, row_id: UUID) -> CheckinCreated:
    """Rebuild the reply of a check-in that was stored by an earlier, equal request."""
    row = await tx.maybe(q.ONE, request.person_id, row_id)
    if row is None:
        raise NotFound
    person = about(await tx.one(q.PERSON, request.person_id))
    found = checkin(row, request.keys, request.person_id)
    reading_failed = row.reading_state == "unread"
    danger = row.risk_level in ("high", "critical") or reading_failed
    crisis = None
    if row.risk_level != "low" or reading_failed:
        crisis = await safety.respond(
            tx,
            request.keys,
            request.person_id,
            row.risk_level,  # type: ignore[arg-type]
            await _evidence_again(tx, request, row, person.language),
            country=person.country,
            language=person.language,
            event_id=row.crisis_event_id,
        )
    kept = words.unseal(row.sealed, request.keys.sealer(row.wrapped, request.person_id), row_id)
    return CheckinCreated(
        checkin=found,
        recommendations=await recommend.logged(tx, request.person_id, row_id, person.language, danger=danger),
        crisis_alert=danger,
        crisis=crisis,
        helping=show.helping(person.country, person.language) if kept.another else None,
    )


async def remove(tx: Tx, person_id: UUID, row_id: UUID) -> None:
    """Remove a check-in for good, with what was offered at it; crisis events it opened stay. Raises NotFound.

    What was offered goes first: sessions still name the check-in then, and none can begin at it any more.
    """
    if await tx.maybe(q.ONE_LOCKED, person_id, row_id) is None:
        raise NotFound
    await recommend.forget(tx, person_id, row_id)
    await tx.do(q.DROP, person_id, row_id)
    await stream.publish(tx, person_id, "checkin.removed", row_id)
    await jobs.enqueue(tx, "checkins.roll_all", person_id, row_id)
