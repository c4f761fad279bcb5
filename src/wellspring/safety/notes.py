"""Reading on in the note of somebody who asked for help: what the request could not read, or not fully, in its time.

It adds what was found to the event, and raises its level where rules find more; it lowers nothing.
"""

from typing import Final
from uuid import UUID

from wellspring.identity.people import public_face
from wellspring.kernel import jobs, stream
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.language.pool import READERS, Readers
from wellspring.notify import service as notify
from wellspring.privacy import consents
from wellspring.privacy.reading import KEPT_BY
from wellspring.safety import queries as q
from wellspring.safety import show
from wellspring.safety.behaviour import Signals
from wellspring.safety.events import add_evidence, unseal
from wellspring.safety.protocol import protocol_for
from wellspring.safety.risk import Judgement, judge

READ_NOTE: Final = "safety.read_note"


class Unfinished(RuntimeError):
    """A model broke or was closed before it had read; what was read stands, and the job is tried again."""


@jobs.register(READ_NOTE)
async def read_note(context: JobContext, payload: JobPayload) -> None:
    """Read the note of an event fully; a second run finds nothing new. Raises Unfinished."""
    person_id, event_id = payload.person_id, payload.ref
    async with context.db.begin(DbRole.WORKER, subject=person_id, read_only=True) as tx:
        event = await tx.maybe(q.EVENT, person_id, event_id)
        if event is None or await consents.refused(tx, person_id, KEPT_BY):
            return
        note = unseal(context.keys.sealer(event.wrapped, person_id), event.evidence, event_id).note
        language = (await public_face(tx, context.keys, person_id)).language
    if not note:
        return
    readers: Readers = context.ports[READERS]
    read = await readers.read(note, hint=language, limit_s=None)
    judged = judge(read.reading, Signals(), asked_for_help=True)
    async with context.db.begin(DbRole.WORKER, subject=person_id) as tx:
        if await consents.refused(tx, person_id, KEPT_BY):
            return
        await tx.maybe(q.DESK_LOCKED, person_id, event_id)  # the desk's row first, as whoever makes a step
        sealer = context.keys.sealer(event.wrapped, person_id)
        found = show.evidence(read.reading, note)
        await add_evidence(tx, sealer, person_id, event_id, found, judged, read.reading.versions)
        await stream.publish(tx, person_id, "crisis.changed", event_id)
        await _raise(tx, person_id, event_id, judged)
    if not read.finished:
        raise Unfinished


async def _raise(tx: Tx, person_id: UUID, event_id: UUID, judged: Judgement) -> None:
    """Make an event critical that was opened as high, and page anew at once; what is closed stays closed."""
    event = await tx.maybe(q.EVENT_LOCKED, person_id, event_id)
    if event is None or judged.level != "critical" or event.risk_level == "critical":
        return
    if event.state in ("paged", "acknowledged", "contacted"):
        due = protocol_for("critical").first_response.total_seconds()
        await tx.do(q.RAISE, person_id, event_id, "critical", due)
    if event.state == "paged":
        await tx.do(q.PAGE_AGAIN, person_id, event_id)
        await tx.do(q.PAGE_JOB, jobs.encode(person_id, event_id), 0.0)
        tx.wake_jobs = True
    elif event.state in ("acknowledged", "contacted") and event.claimed_by is not None:
        await _tell_holder(tx, event.claimed_by, event_id)


async def _tell_holder(tx: Tx, holder: UUID, event_id: UUID) -> None:
    """Tell whoever took the event that it is critical now: the page in front of them is of before."""
    await tx.set_subject(holder)
    await stream.publish(tx, holder, "desk.changed", event_id)
    await notify.queue(tx, holder, "crisis_page_now", f"raised:{event_id}", event_id)
