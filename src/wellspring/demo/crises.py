"""Crisis events where the rules found danger, and what responders did about them, by the protocol's own steps."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.demo import uuids
from wellspring.demo.cast import Persona
from wellspring.demo.library import phrases, rng
from wellspring.demo.tables import Rows, add, json
from wellspring.kernel import ids, jobs
from wellspring.kernel.crypto import Sealer
from wellspring.language import Reading
from wellspring.safety import show
from wellspring.safety.desk import NOTE
from wellspring.safety.events import EVIDENCE, PartNote, Sealed
from wellspring.safety.levels import Level
from wellspring.safety.protocol import (
    NO_AFTER_CARE,
    Outcome,
    Protocol,
    State,
    next_care,
    next_page,
    pages,
    protocol_for,
    step_due,
)
from wellspring.safety.resources import for_country
from wellspring.safety.risk import Judgement

_MINUTE: Final = timedelta(minutes=1)
_SETTLED: Final = timedelta(hours=30)
"""Younger events than this may still be in hand; older ones are always finished."""
_REVIEWED_AFTER: Final = timedelta(hours=6)
_OUTCOMES: Final[dict[Outcome, int]] = {
    "safe_with_plan": 40,
    "handed_to_care_team": 22,
    "already_in_care": 14,
    "declined_contact": 12,
    "no_danger_found": 8,
    "handed_to_other_service": 4,
}
_REVIEWS: Final[dict[Outcome, int]] = {"no_danger_found": 60, "handed_to_care_team": 25, "already_in_care": 15}


class Desk(Struct, frozen=True):
    """Who answers: the responder on duty and the supervisor."""

    responder: UUID
    supervisor: UUID


class Found(Struct, frozen=True, kw_only=True):
    """What an event is opened with."""

    judgement: Judgement
    reading: Reading | None
    text: str | None
    at: datetime
    source_id: UUID | None
    has_plan: bool
    asked: bool = False
    unclaimed: bool = False


class Course(Struct, kw_only=True):
    """How an event went so far."""

    state: State
    steps: list[tuple[UUID, State, State, datetime]]
    paged_at: datetime | None = None
    claimed_by: UUID | None = None
    claimed_at: datetime | None = None
    contacted_at: datetime | None = None
    resolved_at: datetime | None = None
    outcome: Outcome | None = None

    def step(self, actor: UUID, after: State, at: datetime) -> None:
        """Go on to `after`."""
        self.steps.append((actor, self.state, after, at))
        self.state = after


def _shown(persona: Persona, at: datetime) -> list[str]:
    home = persona.home
    return [r.id for r in for_country(home.country, home.language, now=at)[: show.IN_A_REPLY]]


def _pick(weights: dict[Outcome, int], r: Random) -> Outcome:
    return r.choices(list(weights), list(weights.values()))[0]


def _review(found: Found, desk: Desk, now: datetime, r: Random) -> Course:
    """A queued event is read by somebody the same day or the next."""
    course = Course(state="open", steps=[])
    at = found.at + timedelta(hours=r.uniform(0.4, _REVIEWED_AFTER / timedelta(hours=1)))
    if at < now and not found.unclaimed:
        actor = desk.supervisor if r.random() < 0.3 else desk.responder
        course.claimed_by = actor
        course.resolved_at, course.outcome = at, _pick(_REVIEWS, r)
        course.step(actor, "reviewed", at)
    return course


def _answer(found: Found, desk: Desk, now: datetime, r: Random) -> Course:
    """A paged event is taken within its time, the person reached, and the event closed."""
    course = Course(state="paged", steps=[], paged_at=found.at + timedelta(seconds=r.uniform(1, 6)))
    critical = found.judgement.level == "critical"
    if found.unclaimed and not critical:
        return course
    taken = found.at + _MINUTE * (r.uniform(0.6, 1.8) if critical else r.lognormvariate(2.0, 0.8))
    reached = taken + _MINUTE * r.lognormvariate(2.6, 0.7)
    done = reached + _MINUTE * r.lognormvariate(4.2, 0.8)
    if now - found.at > _SETTLED:
        done = min(done, now)
    actor = desk.responder if r.random() < 0.8 else desk.supervisor
    if taken >= now:
        return course
    course.claimed_by, course.claimed_at = actor, taken
    course.step(actor, "acknowledged", taken)
    if found.unclaimed or reached >= now:
        return course
    if r.random() < 0.06:
        course.claimed_by = desk.supervisor
        course.resolved_at, course.outcome = done, "could_not_reach"
        course.step(desk.supervisor, "resolved", done)
        return course
    course.contacted_at = reached
    course.step(actor, "contacted", reached)
    if done <= now:
        course.resolved_at, course.outcome = done, _pick(_OUTCOMES, r)
        course.step(actor, "resolved", done)
    return course


def _paged_step(course: Course, level: Level, now: datetime) -> int:
    """Return the last page that was sent, or -1 for none."""
    if course.paged_at is None:
        return -1
    return step_due(level, max(min(course.claimed_at or now, now) - course.paged_at, timedelta()))


def _pages(
    rows: Rows, persona: Persona, event_id: UUID, found: Found, course: Course, desk: Desk, now: datetime, r: Random
) -> None:
    """Pages sent until somebody took the event; the next one is a job, as the program would have it."""
    assert course.paged_at is not None
    until = min(course.claimed_at or now, now)
    level = found.judgement.level
    if course.state == "paged":
        due = course.paged_at + next_page(level, until - course.paged_at)
        add(rows, "jobs.pgqueuer", 100, "safety.page", jobs.encode(persona.person_id, event_id), "queued", due)
    for page in pages(level, course.paged_at):
        if page.due > until:
            break
        people = [desk.responder, desk.supervisor] if page.to == "supervisor" else [desk.responder]
        for who in people:
            taken = course.claimed_at if who == course.claimed_by else None
            row_id = uuids.at(page.due, r)
            add(rows, "safety.page", persona.person_id, row_id, event_id, page.step, who, page.due, taken)


def _steps(rows: Rows, persona: Persona, event_id: UUID, course: Course, sealer: Sealer, r: Random) -> None:
    notes = phrases(persona.home.language)["note"]
    for actor, before, after, at in course.steps:
        row_id, note = uuids.at(at, r), None
        if after == "resolved" and course.contacted_at is not None and r.random() < 0.6:
            text = r.choice(notes).format(e="e" if persona.woman else "")
            note = sealer.seal(text.encode(), NOTE, row_id)
        add(rows, "safety.event_step", persona.person_id, row_id, event_id, actor, before, after, at, note, None, None)


def _after_care(
    rows: Rows, persona: Persona, event_id: UUID, found: Found, course: Course, now: datetime
) -> tuple[int, datetime] | tuple[None, None]:
    """Add the contacts that were made after a danger was over; return the one that is due, as the program plans it."""
    if course.state != "resolved" or course.resolved_at is None or course.outcome in NO_AFTER_CARE:
        return None, None
    at, done = course.resolved_at, 0
    r = rng("after-care", event_id)
    while (planned := next_care(found.judgement.level, found.at, at, done)) is not None:
        done, due = planned
        at = due - timedelta(hours=r.uniform(0.5, 9))
        if at >= now:
            return done, due
        result = "in_other_hands" if r.random() < 0.1 else "reached"
        step = ("resolved", "resolved", at, None, done, result)
        add(rows, "safety.event_step", persona.person_id, uuids.at(at, r), event_id, course.claimed_by, *step)
        if result != "reached":
            break
    return None, None


def _goes_on(rows: Rows, persona: Persona, closed_at: datetime) -> None:
    """End what is due after an earlier event of the same person: a newer one, closed at this time, has its own."""
    desk = rows.get("safety.desk", [])
    for n, row in enumerate(desk):
        if row[0] == persona.person_id and row[-1] is not None:
            before = [step[6] for step in rows["safety.event_step"] if step[2] == row[1]]
            at = max([closed_at, *(moment for moment in before if isinstance(moment, datetime))])
            step = ("resolved", "resolved", at, None, row[-2], "newer_event")
            row_id = uuids.at(at, rng("goes on", row[1]))
            add(rows, "safety.event_step", persona.person_id, row_id, row[1], ids.NIL, *step)
            desk[n] = (*row[:-2], None, None)


def _sealed(found: Found, note: str | None) -> tuple[bytes, Sequence[str]]:
    evidence = show.evidence(found.reading, found.text)
    explanation = [PartNote(p.layer, p.level, p.code, p.numbers) for p in found.judgement.explanation]
    words = msgspec.json.encode(Sealed(evidence=evidence, explanation=explanation, note=note))
    return words, sorted({e.category for e in evidence if e.counted})


def open_event(
    rows: Rows, persona: Persona, sealer: Sealer, found: Found, desk: Desk, now: datetime, r: Random
) -> UUID:
    """Add an event with its desk row, pages and steps; return its id."""
    judged, event_id = found.judgement, uuids.at(found.at, r)
    protocol: Protocol = protocol_for(judged.level)
    course = (_answer if protocol.first_state == "paged" else _review)(found, desk, now, r)
    words, categories = _sealed(found, found.text if found.asked else None)
    due = found.at + protocol.first_response
    add(
        rows,
        "safety.crisis_event",
        persona.person_id,
        event_id,
        judged.trigger_source,
        found.source_id,
        judged.level,
        judged.risk_score,
        course.state,
        list(categories),
        sealer.seal(words, EVIDENCE, event_id),
        found.asked,
        [f.name for f in judged.factors if f.value],
        list(judged.protective),
        _shown(persona, found.at),
        found.has_plan,
        due,
        course.paged_at,
        _paged_step(course, judged.level, now),
        course.claimed_by,
        course.claimed_at,
        course.contacted_at,
        course.resolved_at,
        course.outcome,
        json({"risk": judged.version, **(found.reading.versions if found.reading else {})}),
        1 + len(course.steps),
        found.at,
        max([found.at, *(at for *_, at in course.steps)]),
    )
    care = _after_care(rows, persona, event_id, found, course, now)
    if care[0] is not None and course.resolved_at is not None:
        _goes_on(rows, persona, course.resolved_at)
    desk_row = (judged.level, course.state, found.asked, course.claimed_by, found.at, due, *care)
    add(rows, "safety.desk", persona.person_id, event_id, *desk_row)
    if course.paged_at is not None:
        _pages(rows, persona, event_id, found, course, desk, now, r)
    _steps(rows, persona, event_id, course, sealer, r)
    return event_id
