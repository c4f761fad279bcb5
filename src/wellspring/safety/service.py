"""A person asks for help themselves: no classifier stands between them and a human."""

from uuid import UUID

from wellspring.identity.people import public_face
from wellspring.kernel import audit, idempotency, jobs, logs, vault
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.language import Reading, hinted
from wellspring.language.ahead import NOTHING, TextRead
from wellspring.safety import plans, show
from wellspring.safety import queries as q
from wellspring.safety.behaviour import Signals
from wellspring.safety.events import NewEvent, open_event, unseal
from wellspring.safety.levels import Level
from wellspring.safety.notes import READ_NOTE
from wellspring.safety.risk import Judgement, judge
from wellspring.safety.schemas import Crisis, Evidence, Report

log = logs.get("safety")


async def on_duty(tx: Tx) -> bool:
    """Tell whether anybody is on duty now."""
    return await tx.one(q.ON_DUTY)


async def respond(
    tx: Tx,
    keys: Keyring,
    person_id: UUID,
    level: Level,
    found: list[Evidence],
    *,
    country: str,
    language: str,
    event_id: UUID | None = None,
    opens: bool = False,
    asked: bool = False,
) -> Crisis:
    """Return what a member is shown at a level.

    `opens`: an event is about to be opened. Where a moderate moment opens none, and none of theirs waits for anybody,
    they are not told that somebody will look.
    """
    looks = level != "moderate" or opens or await tx.one(q.SOMEBODY_LOOKS, person_id)
    return show.crisis(
        level,
        country=country,
        language=language,
        on_duty=await on_duty(tx),
        event_id=event_id,
        found=found,
        plan=await plans.shown(tx, keys, person_id),
        asked=asked,
        looks=looks,
    )


def _understand(read: TextRead, note: str | None, language: str) -> tuple[Reading | None, Judgement, list[Evidence]]:
    """Judge a note. Who asks is believed: whatever breaks here, they have asked."""
    try:
        reading = None if read.reading is None or note is None else hinted(read.reading, note, language)
        judged = judge(reading, Signals(), asked_for_help=True, reading_failed=read.failed)
        return reading, judged, show.evidence(reading, note)
    except Exception as error:  # noqa: BLE001  the event must be stored and help shown whatever breaks here
        log.error("judging_failed", error=error)
        return None, judge(None, Signals(), asked_for_help=True, reading_failed=True), []


async def report(
    tx: Tx, keys: Keyring, person_id: UUID, wanted: Report, read: TextRead = NOTHING
) -> tuple[UUID, Crisis]:
    """Open an event of at least high because the person asks; asking again soon finds the same event.

    `read` is what was read in the note before the transaction. A note that could not be read, or not fully, stops
    nothing: the event is there, and a job reads on.
    """
    if wanted.note is None and wanted.phone is None:
        before = await tx.maybe(q.RECENT_REPORT, person_id, wanted.wants_contact)
        if before is not None:
            return before, await again(tx, keys, person_id, before)
    face = await public_face(tx, keys, person_id)
    reading, judged, found = _understand(read, wanted.note, face.language)
    new = NewEvent(
        person_id=person_id,
        judgement=judged,
        evidence=found,
        wants_contact=wanted.wants_contact,
        note=wanted.note,
        phone=wanted.phone,
        versions={} if reading is None else reading.versions,
    )
    event_id = await open_event(tx, await vault.sealer(tx, keys, person_id), new)
    if wanted.note and (reading is None or not read.finished):
        await jobs.enqueue(tx, READ_NOTE, person_id, event_id, priority=jobs.URGENT)
    crisis = await respond(
        tx,
        keys,
        person_id,
        judged.level,
        found,
        country=face.country,
        language=face.language,
        event_id=event_id,
        asked=wanted.wants_contact,
    )
    return event_id, crisis


async def report_once(
    tx: Tx,
    keys: Keyring,
    person_id: UUID,
    wanted: Report,
    key: idempotency.Key | None,
    row: audit.Access,
    read: TextRead = NOTHING,
) -> tuple[UUID, Crisis]:
    """Open an event as `report` does, once for each key, with its audit row."""
    stored = await idempotency.begin(tx, person_id, key)
    if stored is not None:
        return stored.ref, await again(tx, keys, person_id, stored.ref)
    event_id, crisis = await report(tx, keys, person_id, wanted, read)
    await idempotency.keep(tx, person_id, key, 201, event_id)
    await audit.record(tx, row)
    return event_id, crisis


async def again(tx: Tx, keys: Keyring, person_id: UUID, event_id: UUID) -> Crisis:
    """Return the reply to a report that was made before: of the same level, with the same evidence."""
    face = await public_face(tx, keys, person_id)
    event = await tx.one(q.EVENT, person_id, event_id)
    level: Level = "critical" if event.risk_level == "critical" else "high"
    return await respond(
        tx,
        keys,
        person_id,
        level,
        unseal(keys.sealer(event.wrapped, person_id), event.evidence, event_id).evidence,
        country=face.country,
        language=face.language,
        event_id=event_id,
        asked=event.wants_contact,
    )
