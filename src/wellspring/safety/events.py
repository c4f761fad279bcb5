"""Opening a crisis event: in the caller's transaction, so that it exists before any reply leaves."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.kernel import ids, jobs, metrics
from wellspring.kernel.crypto import Sealer
from wellspring.kernel.db import DbRole, Tx
from wellspring.safety import queries as q
from wellspring.safety.protocol import protocol_for
from wellspring.safety.risk import Judgement, Part
from wellspring.safety.schemas import Evidence

EVIDENCE: Final = "safety.crisis_event.evidence"


class PartNote(Struct, frozen=True):
    """One layer of a judgement as kept with the event."""

    layer: str
    level: str
    code: str
    numbers: dict[str, float]
    version: str = ""


class Sealed(Struct, frozen=True, kw_only=True):
    """What is sealed in an event: the phrases found, the layers' explanation, the person's own note and number."""

    evidence: list[Evidence] = []
    explanation: list[PartNote] = []
    note: str | None = None
    phone: str | None = None


class NewEvent(Struct, frozen=True, kw_only=True):
    """What an event is opened with."""

    person_id: UUID
    judgement: Judgement
    evidence: list[Evidence]
    source_id: UUID | None = None
    wants_contact: bool = False
    note: str | None = None
    phone: str | None = None
    resources_shown: list[str] = []
    plan_shown: bool = False
    versions: dict[str, str] = {}


def needs_event(judgement: Judgement, *, recent: bool = False, waits: bool = False) -> bool:
    """Tell whether a judgement opens an event: not for low, nor when only an earlier one speaks.

    `recent`: the person had an event in the last 72 hours; `waits`: one of them is not closed. A moderate judgement
    opens no other while one waits: the desk shows one spell once. After it was closed, new words, answers or a bad
    moment open another, since nobody has seen them; the days alone do not, since they are the same days. High and
    critical always do.
    """
    speaking = {p.layer for p in judgement.explanation if p.level != "low"} - {"history"}
    if judgement.level == "low" or not speaking:
        return False
    return judgement.level != "moderate" or not (waits or (recent and speaking == {"behaviour"}))


def unseal(sealer: Sealer, sealed: bytes, event_id: UUID) -> Sealed:
    """Open what is sealed in an event."""
    return msgspec.json.decode(sealer.open(sealed, EVIDENCE, event_id), type=Sealed)


def _note(part: Part) -> PartNote:
    return PartNote(part.layer, part.level, part.code, part.numbers, part.version)


async def open_event(tx: Tx, sealer: Sealer, new: NewEvent) -> UUID:
    """Write event, desk row, the first page's job and stream row in one statement; return the event's id."""
    judged, event_id = new.judgement, ids.new()
    protocol = protocol_for(judged.level)
    assert protocol.first_state is not None
    sealed = Sealed(
        evidence=new.evidence,
        explanation=[_note(p) for p in judged.explanation],
        note=new.note,
        phone=new.phone,
    )
    await tx.one(
        q.OPEN_IN_JOB if tx.role is DbRole.WORKER else q.OPEN,
        new.person_id,
        event_id,
        judged.trigger_source,
        new.source_id,
        judged.level,
        judged.risk_score,
        protocol.first_state,
        sorted({e.category for e in new.evidence if e.counted}),
        sealer.seal(msgspec.json.encode(sealed), EVIDENCE, event_id),
        new.wants_contact,
        [f.name for f in judged.factors if f.value],
        list(judged.protective),
        new.resources_shown,
        new.plan_shown,
        protocol.first_response.total_seconds(),
        {"risk": judged.version, **new.versions},
        jobs.encode(new.person_id, event_id),
        ids.new(),
    )
    tx.woken.add(new.person_id)
    tx.wake_jobs = tx.wake_jobs or protocol.first_state == "paged"
    metrics.CRISES.labels(judged.level).inc()
    return event_id


async def add_evidence(
    tx: Tx,
    sealer: Sealer,
    person_id: UUID,
    event_id: UUID,
    evidence: list[Evidence],
    judgement: Judgement,
    versions: dict[str, str],
) -> None:
    """Add to an event what a later, fuller reading of the same text found; nothing that stands there goes."""
    event = await tx.maybe(q.EVENT_LOCKED, person_id, event_id)
    if event is None:
        return
    kept = unseal(sealer, event.evidence, event_id)
    known = {(e.category, e.start, e.end) for e in kept.evidence}
    new = [e for e in evidence if (e.category, e.start, e.end) not in known]
    notes = [p for p in kept.explanation if p.layer != "model"]
    told = {p.layer for p in notes}
    notes += [_note(p) for p in judgement.explanation if p.layer in ("text", "model") and p.layer not in told]
    sealed = msgspec.structs.replace(kept, evidence=kept.evidence + new, explanation=notes)
    raw = sealer.seal(msgspec.json.encode(sealed), EVIDENCE, event_id)
    await tx.do(q.SET_EVIDENCE, person_id, event_id, raw, versions)
