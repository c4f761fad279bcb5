"""Learning from a session that ended, in its transaction. Touches rows of this one person and of nobody else."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from wellspring.identity.fragments import about
from wellspring.identity.schemas import ConsentKind
from wellspring.interventions import model as models
from wellspring.interventions import queries as q
from wellspring.interventions.choose import POLICY
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.features import RECENT, UNSAID, WIDTH
from wellspring.interventions.model import Model
from wellspring.interventions.moment import Context, History, logged_moment
from wellspring.interventions.outcomes import Outcome, happened, kept_of, shared_rating, signal
from wellspring.interventions.schemas import Complete, Skip, Tag
from wellspring.interventions.score import Moment, moment_of
from wellspring.interventions.vocabulary import Emotion
from wellspring.kernel.db import Tx
from wellspring.privacy import consents

POOLED_BY: Final[ConsentKind] = "shared_ratings"
"""The consent on which ratings help to choose for others."""

UNOFFERED: Final = "none"
"""The policy of a session that nobody offered: found in the library."""


def _moment(row: q.LearningRow) -> tuple[Context, float | None]:
    """Return the moment in which this was offered, and how things had gone lately.

    For what was not offered, or by another version in words that this one does not know, it is the little that was
    said when it started.
    """
    logged = row.context or {}
    offered = logged_moment(logged)
    if offered is not None:
        return offered, logged.get("recent")
    unsaid = _unsaid(row.person)
    emotions: dict[Emotion, int] = {row.emotion: 3} if row.emotion else {}
    return msgspec.structs.replace(unsaid, emotions=emotions, energy=row.energy, time_of_day=row.time_of_day), None


def _unsaid(person: list[str]) -> Context:
    """Return a moment of which nobody said anything."""
    known = about(person)
    return Context(mood=None, adhd=known.has_adhd, autism=known.has_autism_spectrum)


def _worked_out(model: Model, context: Context, recent: float | None) -> Moment:
    moment = moment_of(model.scoring, context, History())
    moment.x[RECENT] = UNSAID if recent is None else recent
    return moment


def outcome_of(model: Model, row: q.LearningRow, wanted: Complete | Skip, person_id: UUID, at: datetime) -> Outcome:
    """Return what a session's end says; who may learn of it is not decided here."""
    context, recent = _moment(row)
    moment = _worked_out(model, context, recent)
    stars = wanted.effectiveness_rating if isinstance(wanted, Complete) else None
    target, weight = signal(stars, wanted.feedback_tags, skipped=isinstance(wanted, Skip))
    return Outcome(
        person_id=person_id,
        intervention_id=row.intervention_id,
        at=at,
        x=moment.x.tolist(),
        prior=float(moment.prior[model.shelf.position[row.intervention_id]]),
        rating=target if stars is not None else None,
        target=target,
        weight=weight,
        pooled=stars is not None and not context.danger,
    )


async def learn(tx: Tx, person_id: UUID, session_id: UUID, wanted: Complete | Skip) -> None:
    """Store the outcome of a session that has just ended, and let it act on this person's next offers.

    What was rated in danger teaches nothing that is shared: such moments are like no others. Nothing is learned from
    somebody who took back their consent to keep data about their health.
    """
    model = models.current()
    row = await tx.one(q.LEARNING, person_id, session_id)
    own = await tx.one(q.EFFECTS_LOCKED, person_id)
    if own.paused or row.intervention_id not in model.shelf.position:
        return
    outcome = outcome_of(model, row, wanted, person_id, row.now)
    danger = row.danger or bool(row.context and row.context.get("danger"))
    pooled = outcome.pooled and not danger and await consents.has_consent(tx, person_id, POOLED_BY) is not None
    expected = shared_rating(model, outcome)
    await tx.do(
        q.ADD_OUTCOME,
        person_id,
        session_id,
        outcome.intervention_id,
        row.recommendation_id,
        outcome.x,
        outcome.prior,
        expected if row.predicted is None else row.predicted,
        outcome.rating,
        outcome.target,
        outcome.weight,
        pooled,
        danger,
        row.policy_version or f"{UNOFFERED}:{POLICY}",
    )
    state = kept.added(own.state, happened(outcome, expected))
    await tx.do(q.KEEP_EFFECTS, person_id, state, model.version)


async def amend(
    tx: Tx, person_id: UUID, session_id: UUID, stars: int | None, tags: list[Tag], *, skipped: bool
) -> None:
    """Let what is said of a session now take the place of what was said before, in all that was learned of it.

    For the person at once; what the shared state had added is out of it after the night. Where nothing was learned of
    the session (they had it forgotten, or had taken back their consent) nothing is learned now.
    """
    own = await tx.one(q.EFFECTS_LOCKED, person_id)
    target, weight = signal(stars, tags, skipped=skipped)
    pooled = not own.paused and await consents.has_consent(tx, person_id, POOLED_BY) is not None
    rating = target if stars is not None else None
    if await tx.do(q.AMEND_OUTCOME, person_id, session_id, rating, target, weight, pooled):
        await _anew(tx, person_id, own)


async def drop(tx: Tx, person_id: UUID, session_id: UUID) -> None:
    """Remove a session with all that was learned of it: for the person at once, for others in the night."""
    own = await tx.one(q.EFFECTS_LOCKED, person_id)
    await tx.do(q.REMOVE, person_id, session_id)
    await _anew(tx, person_id, own)


async def _anew(tx: Tx, person_id: UUID, own: q.Effects) -> None:
    """Add up what is kept of a person from their outcomes; nothing is kept while learning is paused."""
    if own.paused:
        await tx.do(q.CHANGED, person_id)
        return
    model = models.current()
    rows = await tx.all(q.OWN_OUTCOMES, person_id, WIDTH)
    await tx.do(q.KEEP_EFFECTS, person_id, kept_of(model, (_own(person_id, row) for row in rows)), model.version)


def _own(person_id: UUID, row: q.OwnOutcome) -> Outcome:
    return Outcome(
        person_id=person_id,
        intervention_id=row.intervention_id,
        at=row.at,
        x=row.features,
        prior=row.prior,
        rating=row.rating,
        target=row.target,
        weight=row.weight,
        pooled=row.pooled,
    )


async def forget_moment(tx: Tx, person_id: UUID, moment_id: UUID, *, checkin_stays: bool = False) -> None:
    """Take what was said of a moment out of the sessions that began at it, and out of what was learned of them.

    With `checkin_stays` a session still names the check-in that it began at. The ratings go on teaching, as those of a
    moment of which nobody said anything. Locks a session before the person's own row, as its end does, so whichever
    comes second sees what the first has done. What is kept of the person and what is shared was added up before: the
    night learns both anew.
    """
    sessions = await tx.all(q.FORGET_MOMENT, person_id, moment_id, checkin_stays)
    if not sessions:
        return
    await tx.do(q.CHANGED, person_id)
    model = models.current()
    moment = _worked_out(model, _unsaid((await tx.one(q.FOR_PERSON, person_id)).person), None)
    await tx.do(
        q.FORGET_FEATURES,
        person_id,
        sessions,
        moment.x.tolist(),
        [item.id for item in model.shelf.items],
        moment.prior.tolist(),
    )
