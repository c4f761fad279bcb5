"""Decisions about the library and sessions."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from wellspring.identity.fragments import about
from wellspring.interventions import filters, recommend
from wellspring.interventions import queries as q
from wellspring.interventions.learn import POOLED_BY, learn
from wellspring.interventions.library import Intervention
from wellspring.interventions.library import load as load_library
from wellspring.interventions.schemas import (
    Ask,
    Complete,
    InterventionRecommendation,
    InterventionView,
    Learned,
    LearnedOne,
    SessionView,
    Skip,
    Start,
)
from wellspring.interventions.shelf import shipped
from wellspring.interventions.vocabulary import Against, age_band_of
from wellspring.kernel import ids, metrics, stream, vault
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Conflict, NotFound, Unavailable
from wellspring.privacy import consents
from wellspring.privacy.errors import HealthDataRefused
from wellspring.privacy.reading import KEPT_BY

FEEDBACK = "interventions.session.feedback_text"


class SessionOver(Conflict):
    """This one is already finished."""

    code = "session_over"


class SessionElsewhere(Conflict):
    """A session with this id is one with another micro-action."""

    code = "session_elsewhere"


def find(intervention_id: UUID) -> Intervention:
    """Return a micro-action; raises NotFound."""
    shelf = shipped()
    position = shelf.position.get(intervention_id)
    if position is None or not shelf.items[position].facts.is_active:
        raise NotFound
    return shelf.items[position]


def done_with(session: SessionView) -> Intervention:
    """Return the micro-action of a session, retired ones too: who has begun one may see and finish it.

    Raises Unavailable for one that this process has never heard of: it was begun with a newer one, which answers soon.
    """
    found = next((item for item in load_library() if item.id == session.intervention_id), None)
    if found is None:
        raise Unavailable
    return found


def known(found: Iterable[UUID]) -> list[Intervention]:
    """Return micro-actions without those that this process has never heard of: a newer one may have stored them."""
    shelf = shipped()
    return [shelf.items[shelf.position[one]] for one in found if one in shelf.position]


def reachable(person: q.ForPerson, intervention_id: UUID) -> Intervention:
    """Return a micro-action that is free or paid for; raises NotFound, as for one that does not exist."""
    item = find(intervention_id)
    if item.facts.is_premium and not about(person.person).is_premium:
        raise NotFound
    return item


def against(item: Intervention, person: q.ForPerson) -> list[Against]:
    """Return why a micro-action is not offered to somebody now."""
    age = age_band_of(about(person.person).age_range)
    return filters.against(item, person.contraindications, age, danger=person.danger)


def view(item: Intervention, person: q.ForPerson) -> InterventionView:
    """Return the wire form of a micro-action, for somebody."""
    facts, text = item.facts, item.text(about(person.person).language)
    return InterventionView(
        id=item.id,
        slug=item.slug,
        version=facts.version,
        name=text.name,
        short_description=text.short_description,
        detailed_instructions=list(text.detailed_instructions),
        duration_seconds=facts.duration_seconds,
        effort_level=facts.effort_level,
        energy_required=facts.energy_required,
        therapeutic_approach=item.therapeutic_approach,
        sub_category=facts.sub_category,
        target_emotions=list(facts.target_emotions),
        is_premium=facts.is_premium,
        media_type=facts.media_type,
        media_url=facts.media_url,
        adhd_friendly=facts.adhd_friendly,
        asd_friendly=facts.asd_friendly,
        sensory_intensity=facts.sensory_intensity,
        requires_verbal=facts.requires_verbal,
        requires_movement=facts.requires_movement,
        contraindications=list(facts.contraindications),
        advised_against=against(item, person),
        age_appropriate=list(facts.age_appropriate),
        places=list(facts.places),
        crisis_safe=facts.crisis_safe,
        evidence_source=facts.evidence_source,
        evidence_strength=facts.evidence_strength,
        reviewed=facts.reviewed,
    )


async def suggest(tx: Tx, person_id: UUID, ask: Ask) -> tuple[list[InterventionRecommendation], UUID | None]:
    """Return three offers for a moment, and the id under which they are logged.

    Nothing is kept of the moment of who took back that it may be: then the id is None.
    """
    row = await tx.one(q.FOR_PERSON, person_id)
    moment_id = ids.new()
    found = recommend.careful(
        about(row.person),
        row.contraindications,
        recommend.Moment(
            mood=ask.mood_score,
            emotions={ask.current_emotion: 3} if ask.current_emotion else {},
            energy=ask.energy_level,
            anxiety=ask.anxiety_level,
            stress=ask.stress_level,
            minutes=ask.time_available_minutes,
            place=ask.context,
            time_of_day=ask.time_of_day,
            danger=row.danger,
        ),
        recommend.history(row.recent_ids, row.recent_hours, row.kept, row.now),
        now=row.now,
        seed=moment_id,
    )
    if row.refused:
        return found.wire, None
    await tx.do(q.LOG, person_id, moment_id, *found.logged)
    return found.wire, moment_id


def session_view(row: q.SessionRow, keys: Keyring, person_id: UUID) -> SessionView:
    """Return the wire form of a session."""
    text = None
    if row.feedback_text is not None:
        text = keys.sealer(row.wrapped, person_id).open(row.feedback_text, FEEDBACK, row.id).decode()
    return SessionView(
        id=row.id,
        intervention_id=row.intervention_id,
        checkin_id=row.checkin_id,
        state=row.state,  # type: ignore[arg-type]
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_actual_seconds=row.duration_actual_seconds,
        was_completed=row.state == "completed",
        was_skipped=row.state == "skipped",
        effectiveness_rating=row.effectiveness_rating,
        feedback_tags=row.feedback_tags,
        feedback_text=text,
    )


async def load(tx: Tx, keys: Keyring, person_id: UUID, session_id: UUID) -> tuple[SessionView, int]:
    """Return one of the person's own sessions, and its version; raises NotFound."""
    row = await tx.maybe(q.SESSION, person_id, session_id)
    if row is None:
        raise NotFound
    return session_view(row, keys, person_id), row.version


async def suggested(tx: Tx, person_id: UUID, moment_id: UUID) -> list[InterventionRecommendation]:
    """Return what an earlier, equal request was offered, as far as it is safe now."""
    language = about((await tx.one(q.FOR_PERSON, person_id)).person).language
    return await recommend.logged(tx, person_id, moment_id, language)


async def start(tx: Tx, person_id: UUID, intervention_id: UUID, wanted: Start) -> UUID:
    """Start a session; a client-made id that exists is the same session. Raises NotFound, SessionElsewhere.

    Nothing that was said of the moment is kept of who took back that it may be.
    """
    find(intervention_id)
    session_id = ids.check(wanted.id) if wanted.id else ids.new()
    if wanted.id and (there := await tx.maybe(q.SESSION, person_id, session_id)) is not None:
        if there.intervention_id != intervention_id:
            raise SessionElsewhere
        return session_id
    person = await tx.one(q.FOR_PERSON, person_id)
    reachable(person, intervention_id)
    said = (wanted.context_emotion, wanted.context_energy_level, wanted.context_time_of_day)
    try:
        await tx.do(
            q.START,
            person_id,
            session_id,
            intervention_id,
            wanted.checkin_id,
            *((None, None, None) if person.refused else said),
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound from error
    return session_id


def same_words(stored: str | None, sent: str | None) -> bool:
    """Tell whether words are those that are stored; a browser sends the end of a line in its own way."""
    return (stored or "").splitlines() == (sent or "").splitlines()


async def sealed_words(tx: Tx, keys: Keyring, person_id: UUID, session_id: UUID, words: str | None) -> bytes | None:
    """Seal what somebody writes of their session.

    Raises HealthDataRefused while they have taken back that data about their health is kept; none are never refused.
    """
    if not words:
        return None
    if await consents.refused(tx, person_id, KEPT_BY):
        raise HealthDataRefused
    sealer = await vault.sealer(tx, keys, person_id)
    return sealer.seal(words.encode(), FEEDBACK, session_id)


async def end(tx: Tx, keys: Keyring, person_id: UUID, session_id: UUID, wanted: Complete | Skip) -> None:
    """Complete or skip a started session with its feedback.

    Raises NotFound, SessionOver when it is finished already, and HealthDataRefused as `sealed_words` does.
    """
    row = await tx.maybe(q.SESSION_LOCKED, person_id, session_id)
    if row is None:
        raise NotFound
    if row.state != "started":
        raise SessionOver
    rating, seconds, state = None, None, "skipped"
    if isinstance(wanted, Complete):
        rating, seconds, state = wanted.effectiveness_rating, wanted.duration_actual_seconds, "completed"
    text = await sealed_words(tx, keys, person_id, session_id, wanted.feedback_text)
    tags = list(dict.fromkeys(wanted.feedback_tags))
    await tx.do(q.END, person_id, session_id, state, rating, tags, text, seconds)
    await learn(tx, person_id, session_id, wanted)
    await stream.publish(tx, person_id, f"intervention.{state}", session_id)
    if state == "completed":
        metrics.COMPLETED.inc()


async def learned(tx: Tx, person_id: UUID, language: str) -> Learned:
    """Return what was learned from a person, best first."""
    shelf = shipped()
    rows = await tx.all(q.LEARNED, person_id)
    state = await tx.maybe(q.LEARNING_STATE, person_id)
    return Learned(
        items=[
            LearnedOne(
                intervention_id=row.intervention_id,
                name=shelf.items[shelf.position[row.intervention_id]].text(language).name,
                ratings=row.ratings,
                mean_rating=None if row.mean is None else round(1 + 4 * row.mean, 2),
                skips=row.skips,
                last_at=row.last_at,
            )
            for row in rows
            if row.intervention_id in shelf.position
        ],
        paused=state is not None and state.paused,
        helps_others=await consents.has_consent(tx, person_id, POOLED_BY) is not None,
    )


async def unlearn(tx: Tx, person_id: UUID) -> None:
    """Forget what was learned from a person: for them at once, in what is shared when it is learned again at night.

    Their sessions and ratings stay theirs to read. What they said when they asked for something without a check-in
    goes: nothing rests on it any more, and it is nowhere else to be seen.
    """
    await tx.one(q.EFFECTS_LOCKED, person_id)  # a session that ends at this moment is forgotten too
    await tx.do(q.FORGET_OUTCOMES, person_id)
    await tx.do(q.FORGET_EFFECTS, person_id)
    await tx.do(q.FORGET_ASKED, person_id)
    await stream.publish(tx, person_id, "interventions.unlearned", person_id)
