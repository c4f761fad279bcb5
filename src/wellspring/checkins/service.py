"""The main job: store a check-in, read its language, judge risk, choose micro-actions, and, in danger, open an event.

All in one transaction. If reading or judging fails, the entry is stored as unread, help is shown and a job reads it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from wellspring.checkins import queries as q
from wellspring.checkins import signals, words
from wellspring.checkins.schemas import Checkin, CheckinChange, CheckinCreate
from wellspring.checkins.wire import Entry, Judged, as_written, checkin, columns, fresh
from wellspring.identity.fragments import About, about
from wellspring.identity.schemas import TIMEZONES
from wellspring.interventions import recommend
from wellspring.interventions.schemas import InterventionRecommendation
from wellspring.kernel import audit, idempotency, ids, jobs, logs, metrics, stream
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed
from wellspring.language import Reading, read
from wellspring.safety import service as safety
from wellspring.safety import show
from wellspring.safety.behaviour import Signals
from wellspring.safety.events import NewEvent, needs_event, open_event
from wellspring.safety.levels import rank
from wellspring.safety.risk import Judgement, judge
from wellspring.safety.schemas import Crisis

log = logs.get("checkins")
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
ROLL_DAY: Final = "checkins.roll_day"
READ_LATER: Final = "checkins.read_later"


class CheckinExists(Conflict):
    """A check-in with this id exists already."""

    code = "checkin_exists"


class CheckinCreated(Struct, kw_only=True):
    """The reply to a check-in. With `crisis_alert` help comes first; `crisis` is also there when it is offered."""

    checkin: Checkin
    recommendations: list[InterventionRecommendation]
    crisis_alert: bool
    crisis: Crisis | None = None


class Understood(Struct, frozen=True):
    """A text read and a moment judged; `failed` when reading or judging broke."""

    reading: Reading | None
    judgement: Judgement
    failed: bool


def understand(text: str | None, language: str, known: Signals) -> Understood:
    """Read and judge. Danger is never missed silently: what cannot be judged is unread and help is shown."""
    try:
        reading = read(text, hint=language) if text else None
        return Understood(reading, judge(reading, known), failed=False)
    except Exception as error:  # noqa: BLE001  the entry must be stored and help shown whatever breaks here
        log.error("judging_failed", error=error)
        return Understood(None, judge(None, Signals(), reading_failed=True), failed=True)


def reading_state(text: str | None, understood: Understood) -> str:
    """Return none, read, partly or unread."""
    if not text:
        return "none"
    if understood.failed or understood.reading is None:
        return "unread"
    return "read" if understood.reading.fully_read else "partly"


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


def _check_lists(data: CheckinCreate) -> None:
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


async def create(tx: Tx, request: Request, data: CheckinCreate, *, is_quick: bool = False) -> CheckinCreated | UUID:
    """Store and judge a check-in; return the reply, or the id of the one an earlier, equal request made."""
    _check_lists(data)
    row_id = ids.check(data.id) if data.id is not None else ids.new()
    key = request.key
    context = await tx.one(q.CONTEXT, request.person_id, key.digest if key else None, key.lock if key else None)
    if key is not None:
        stored = idempotency.judge(idempotency.Found(context.free, context.stored), key)
        if stored is not None:
            return stored.ref
    person = about(context.person)
    timezone = _timezone(data.timezone, person.timezone)
    at = check_time(data.occurred_at or context.now, context.now)
    understood = understand(data.journal_text, person.language, signals.of(context, data, at, timezone))
    sealer = request.keys.sealer(context.wrapped, request.person_id)
    crisis, event_id = await _respond(
        tx, request, sealer, person, understood, data.journal_text, row_id, recent=bool(context.event_levels)
    )
    entry = Entry(data=data, row_id=row_id, at=at, timezone=timezone, emotions=words.all_emotions(data))
    judged = _judged(data, understood, event_id, is_quick)
    offers = _offers(entry, context, person, danger=in_danger(understood))
    created_at = await _store(tx, request, entry, judged, offers, sealer, READ_LATER if understood.failed else ROLL_DAY)
    return CheckinCreated(
        checkin=fresh(entry, judged, created_at),
        recommendations=offers.wire,
        crisis_alert=in_danger(understood),
        crisis=crisis,
    )


def in_danger(understood: Understood) -> bool:
    """Tell whether help comes first: high, critical, or not judged at all."""
    return rank(understood.judgement.level) >= rank("high") or understood.failed


async def _respond(
    tx: Tx,
    request: Request,
    sealer: Sealer,
    person: About,
    understood: Understood,
    text: str | None,
    row_id: UUID,
    *,
    recent: bool,
) -> tuple[Crisis | None, UUID | None]:
    """Open an event where the judgement asks for one, and return what the member is shown."""
    judged = understood.judgement
    if judged.level == "low" and not understood.failed:
        return None, None
    found = show.evidence(understood.reading, text)
    crisis = await safety.respond(
        tx, request.keys, request.person_id, judged, found, country=person.country, language=person.language
    )
    if not needs_event(judged, recent=recent):
        return crisis, None
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


def _judged(data: CheckinCreate, understood: Understood, event_id: UUID | None, is_quick: bool) -> Judged:
    reading = understood.reading
    return Judged(
        level=understood.judgement.level,
        score=understood.judgement.risk_score,
        text_level=reading.level if reading else "low",
        reading_state=reading_state(data.journal_text, understood),
        versions={"risk": understood.judgement.version, **(reading.versions if reading else {})},
        event_id=event_id,
        is_quick=is_quick,
    )


def _offers(entry: Entry, context: q.Context, person: About, *, danger: bool) -> recommend.Offers:
    """Choose three micro-actions for the moment; in danger, or soon after it, only what is safe in a crisis."""
    data = entry.data
    moment = recommend.Moment(
        mood=data.mood_score,
        emotions={e.emotion: e.intensity for e in entry.emotions},
        energy=data.energy_level,
        anxiety=data.anxiety_level,
        stress=data.stress_level,
        minutes=data.time_available_minutes,
        place=data.context_location,
        danger=danger or any(level in ("high", "critical") for level in context.event_levels or ()),
    )
    past = recommend.history(context.recent_ids, context.recent_ratings, context.recent_hours)
    return recommend.careful(person, context.contraindications, moment, past, seed=entry.row_id)


async def _store(
    tx: Tx, request: Request, entry: Entry, judged: Judged, offers: recommend.Offers, sealer: Sealer, job: str
) -> datetime:
    """Write row, audit, stream, job, key and offers in one statement; return when."""
    sealed = words.seal(words.of(entry.data, entry.emotions), sealer, entry.row_id)
    key = request.key
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
    # Rolling up a day can wait for the worker's next poll: waking it for each check-in cost more than the job.
    tx.wake_jobs = tx.wake_jobs or job == READ_LATER
    metrics.CHECKINS.inc()
    return created_at


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
        understood = understand(found.journal_text, person.language, Signals())
        crisis = await safety.respond(
            tx,
            request.keys,
            request.person_id,
            msgspec.structs.replace(understood.judgement, level=row.risk_level),
            show.evidence(understood.reading, found.journal_text),
            country=person.country,
            language=person.language,
            event_id=row.crisis_event_id,
        )
    return CheckinCreated(
        checkin=found,
        recommendations=await recommend.logged(tx, request.person_id, row_id, person.language),
        crisis_alert=danger,
        crisis=crisis,
    )


async def change(
    tx: Tx, request: Request, row_id: UUID, wanted: CheckinChange, seen: int | None
) -> tuple[CheckinCreated, int]:
    """Change a check-in and judge it again; return the reply and the new version."""
    row = await tx.maybe(q.ONE_LOCKED, request.person_id, row_id)
    if row is None:
        raise NotFound
    if seen is not None and seen != row.version:
        raise PreconditionFailed
    context = await tx.one(q.CONTEXT, request.person_id, None, None)
    sealer = request.keys.sealer(row.wrapped, request.person_id)
    before = as_written(row, words.unseal(row.sealed, sealer, row_id))
    data = merged(before, wanted)
    _check_lists(data)
    at = check_time(data.occurred_at or row.occurred_at, context.now)
    person = about(context.person)
    understood = understand(data.journal_text, person.language, signals.of(context, data, at, row.timezone))
    same_text = before.journal_text == data.journal_text and row.crisis_event_id is not None
    crisis, event_id = (None, row.crisis_event_id)
    if not same_text:
        crisis, opened = await _respond(
            tx, request, sealer, person, understood, data.journal_text, row_id, recent=bool(context.event_levels)
        )
        event_id = opened or row.crisis_event_id
    emotions = words.all_emotions(data)
    judged = _judged(data, understood, event_id, row.is_quick)
    sealed = words.seal(words.of(data, emotions), sealer, row_id)
    values = columns(data, at=at, timezone=row.timezone, sealed=sealed, emotions=emotions, judged=judged)
    await tx.do(q.CHANGE, request.person_id, row_id, *values)
    await audit.record(tx, request.access)
    await stream.publish(tx, request.person_id, "checkin.changed", row_id)
    await jobs.enqueue(tx, "checkins.roll_all", request.person_id, row_id)
    stored = await tx.one(q.ONE, request.person_id, row_id)
    reply = CheckinCreated(
        checkin=checkin(stored, request.keys, request.person_id),
        recommendations=[],
        crisis_alert=in_danger(understood),
        crisis=crisis,
    )
    return reply, stored.version


async def remove(tx: Tx, person_id: UUID, row_id: UUID) -> None:
    """Remove a check-in for good; crisis events it opened stay. Raises NotFound."""
    if not await tx.do(q.DROP, person_id, row_id):
        raise NotFound
    await stream.publish(tx, person_id, "checkin.removed", row_id)
    await jobs.enqueue(tx, "checkins.roll_all", person_id, row_id)


def merged(before: CheckinCreate, wanted: CheckinChange) -> CheckinCreate:
    """Return a check-in with the named fields changed."""
    changed = {f: getattr(wanted, f) for f in wanted.__struct_fields__ if getattr(wanted, f) is not UNSET}
    if "emotion_tags" in changed and "emotions" not in changed:
        changed["emotions"] = []
    return msgspec.structs.replace(before, **changed)
