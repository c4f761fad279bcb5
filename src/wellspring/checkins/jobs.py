"""Jobs of check-ins: days rolled up for charts, and entries read that could not be read at once."""

from wellspring.checkins import queries as q
from wellspring.checkins import words
from wellspring.checkins.service import READ_LATER, ROLL_DAY
from wellspring.identity.people import public_face
from wellspring.kernel import jobs
from wellspring.kernel.db import DbRole
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.language import read
from wellspring.safety import show
from wellspring.safety.behaviour import Signals
from wellspring.safety.events import NewEvent, needs_event, open_event
from wellspring.safety.risk import judge


@jobs.register(ROLL_DAY)
async def roll_day(context: JobContext, payload: JobPayload) -> None:
    """Compute the local day of one check-in again from its rows."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id, flush=False) as tx:
        await tx.do(q.ROLL_DAY, payload.person_id, payload.ref)


@jobs.register("checkins.roll_all")
async def roll_all(context: JobContext, payload: JobPayload) -> None:
    """Compute all days of a person again, after a change or a removal."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id, flush=False) as tx:
        await tx.do(q.ROLL_ALL, payload.person_id)


@jobs.register(READ_LATER)
async def read_later(context: JobContext, payload: JobPayload) -> None:
    """Read an entry that could not be read when it was stored, and open an event if it asks for one."""
    person_id = payload.person_id
    async with context.db.begin(DbRole.WORKER, subject=person_id) as tx:
        row = await tx.maybe(q.FOR_JOB, person_id, payload.ref)
        if row is None:
            return
        await tx.do(q.ROLL_DAY, person_id, payload.ref)
        if row.reading_state != "unread":
            return
        sealer = context.keys.sealer(row.wrapped, person_id)
        text = words.unseal(row.sealed, sealer, row.id).journal_text
        face = await public_face(tx, context.keys, person_id)
        reading = read(text, hint=face.language) if text else None
        judged = judge(reading, Signals())
        event_id = row.crisis_event_id
        if event_id is None and needs_event(judged):
            found = show.evidence(reading, text)
            event_id = await open_event(
                tx, sealer, NewEvent(person_id=person_id, judgement=judged, evidence=found, source_id=row.id)
            )
        state = "read" if reading is None or reading.fully_read else "partly"
        await tx.do(
            q.READ_LATER,
            person_id,
            row.id,
            state,
            reading.level if reading else "low",
            judged.level,
            judged.risk_score,
            event_id is not None,
            event_id,
            {"risk": judged.version, **(reading.versions if reading else {})},
        )
