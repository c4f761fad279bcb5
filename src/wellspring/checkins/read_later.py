"""Reading on, as a job: what a request could not read, or not fully, in its time.

It raises and never lowers: the level of the entry is the higher of what stands there and what is found now.
"""

from typing import cast
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.checkins import feelings, reading, signals, words
from wellspring.checkins import queries as q
from wellspring.checkins.reading import PENDING, Understood
from wellspring.checkins.wire import as_written
from wellspring.checkins.words import Words
from wellspring.identity.fragments import About, about
from wellspring.kernel import stream
from wellspring.kernel.crypto import Sealer
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.jobs import JobContext
from wellspring.language import Reading, higher
from wellspring.language.ahead import NOTHING, TextRead
from wellspring.language.pool import READERS, Readers
from wellspring.language.schemas import Level as TextLevel
from wellspring.privacy import consents
from wellspring.safety import show
from wellspring.safety.events import NewEvent, add_evidence, needs_event, open_event
from wellspring.safety.levels import Level, rank, worst


class Unjudged(RuntimeError):
    """Judging broke; the job is tried again later."""


class Unfinished(RuntimeError):
    """A model broke or was closed before it had read; what was read lightly stands, and the job is tried again."""


class _Entry(Struct, frozen=True):
    """A check-in with its words opened and what was read in them before."""

    person_id: UUID
    row: q.Row
    kept: Words
    stored: q.Stored
    sealer: Sealer

    @property
    def waits(self) -> bool:
        """Whether something is left to read."""
        return self.stored.reading_state == "unread" or PENDING in self.stored.versions


async def read_on(context: JobContext, person_id: UUID, row_id: UUID) -> None:
    """Read one entry fully and judge it again; a second run finds nothing left to do.

    No row is locked while the encoder reads. A text that changes meanwhile has a job of its own, and what the person
    wants of the reading is asked again then. Who took back that data about their health is kept is not read: the job
    comes again when they agree again. Raises Unjudged and Unfinished.
    """
    async with context.db.begin(DbRole.WORKER, subject=person_id, read_only=True) as tx:
        before = await _entry(tx, context, person_id, row_id, q.AS_STORED)
        if await consents.refused(tx, person_id, "health_data"):
            return
        if before is None or not before.waits:
            return
        language = about(await tx.one(q.PERSON, person_id)).language
    text = before.kept.journal_text
    if not text:
        await _without_words(context, person_id, row_id)
        return
    readers: Readers = context.ports[READERS]
    read = await readers.read(text, hint=language, limit_s=None)
    async with context.db.begin(DbRole.WORKER, subject=person_id) as tx:
        entry = await _entry(tx, context, person_id, row_id, q.FOR_JOB)
        if await consents.refused(tx, person_id, "health_data"):
            return
        if entry is None or not entry.waits or entry.kept.journal_text != text:
            return
        if read.finished or entry.stored.reading_state == "unread":
            person = about(await tx.one(q.PERSON, person_id))
            found = TextRead(_with_earlier(read.reading, entry), finished=read.finished)
            await _judge(tx, entry, found, text, person)
    if not read.finished:
        raise Unfinished


async def _without_words(context: JobContext, person_id: UUID, row_id: UUID) -> None:
    """Judge a moment of which nothing was written and that could not be judged at once."""
    async with context.db.begin(DbRole.WORKER, subject=person_id) as tx:
        entry = await _entry(tx, context, person_id, row_id, q.FOR_JOB)
        if await consents.refused(tx, person_id, "health_data"):
            return
        if entry is not None and entry.waits and not entry.kept.journal_text:
            await _judge(tx, entry, NOTHING, None, about(await tx.one(q.PERSON, person_id)))


async def _entry(tx: Tx, context: JobContext, person_id: UUID, row_id: UUID, query: Query[q.Row]) -> _Entry | None:
    row = await tx.maybe(query, person_id, row_id)
    if row is None:
        return None
    sealer = context.keys.sealer(row.wrapped, person_id)
    stored = await tx.one(q.READ, person_id, row_id)
    return _Entry(person_id, row, words.unseal(row.sealed, sealer, row_id), stored, sealer)


def _with_earlier(now: Reading, entry: _Entry) -> Reading:
    """Return what is read now, with what an earlier reading of the same text said: a level and its reasons stay."""
    stored = entry.stored
    level = cast("TextLevel", stored.text_level)
    spans = now.evidence
    old = [o for o in entry.kept.evidence if not any(o.start < n.end and n.start < o.end for n in spans)]
    evidence = tuple(sorted((*old, *spans), key=lambda span: span.start))
    another = now.another or entry.kept.another
    if higher(now.level, level) == now.level:
        return msgspec.structs.replace(now, evidence=evidence, another=another)
    crisis = max((one for one in (now.crisis, stored.crisis) if one is not None), default=None)
    return msgspec.structs.replace(now, level=level, crisis=crisis, evidence=evidence, another=another)


async def _judge(tx: Tx, entry: _Entry, found: TextRead, text: str | None, person: About) -> None:
    row = entry.row
    week = await tx.one(q.WEEK, entry.person_id, row.id)
    understood = reading.understand(
        found,
        text,
        person.language,
        lambda: signals.of(week, as_written(row, entry.kept), row.occurred_at, row.timezone),
    )
    if understood.failed:
        raise Unjudged
    event_id = await _respond(tx, entry, understood, text, week)
    await _store(tx, entry, understood, event_id, emotions=person.emotion_reading)
    await stream.publish(tx, entry.person_id, "checkin.changed", row.id)


async def _respond(tx: Tx, entry: _Entry, understood: Understood, text: str | None, week: q.Week) -> UUID | None:
    """Open an event if the entry asks for a graver one than it has; else what was found joins the one it has."""
    row, judged = entry.row, understood.judgement
    evidence = show.evidence(understood.reading, text)
    versions = {} if understood.reading is None else understood.reading.versions
    graver = rank(judged.level) > rank(_level(row))
    if row.crisis_event_id is not None and not graver:
        await add_evidence(tx, entry.sealer, entry.person_id, row.crisis_event_id, evidence, judged, versions)
        return row.crisis_event_id
    if not needs_event(judged, recent=bool(week.event_levels), waits=week.event_waits):
        return row.crisis_event_id
    new = NewEvent(person_id=entry.person_id, judgement=judged, evidence=evidence, source_id=row.id, versions=versions)
    return await open_event(tx, entry.sealer, new)


async def _store(tx: Tx, entry: _Entry, understood: Understood, event_id: UUID | None, *, emotions: bool) -> None:
    row, stored, judged, read = entry.row, entry.stored, understood.judgement, understood.reading
    seen = feelings.seen(read, emotions=emotions)
    await tx.do(
        q.READ_LATER,
        entry.person_id,
        row.id,
        reading.state_of(entry.kept.journal_text, understood),
        read.level if read else "low",
        worst((judged.level, _level(row))),
        max(judged.risk_score, stored.risk_score),
        event_id is not None,
        event_id,
        understood.versions,
        words.seal(_read_in(entry.kept, read), entry.sealer, row.id),
        *feelings.columns(seen),
    )


def _read_in(kept: Words, read: Reading | None) -> Words:
    if read is None:
        return msgspec.structs.replace(kept, evidence=(), another=False)
    return msgspec.structs.replace(kept, evidence=read.evidence, another=read.another)


def _level(row: q.Row) -> Level:
    return cast("Level", row.risk_level)
