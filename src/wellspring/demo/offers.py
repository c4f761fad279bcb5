"""What was offered after each check-in, by the real policy, and what somebody did with it."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, cast, get_args
from uuid import UUID

from msgspec import Struct

from wellspring.checkins.schemas import CheckinCreate
from wellspring.demo import uuids
from wellspring.demo.cast import Persona
from wellspring.demo.library import phrases
from wellspring.demo.memory import Memory
from wellspring.demo.tables import Rows, add, json
from wellspring.identity.fragments import About
from wellspring.interventions import recommend
from wellspring.interventions.learn import outcome_of
from wellspring.interventions.model import current
from wellspring.interventions.moment import History
from wellspring.interventions.outcomes import happened, shared_rating
from wellspring.interventions.queries import LearningRow
from wellspring.interventions.schemas import Complete, Skip, Tag
from wellspring.interventions.service import FEEDBACK
from wellspring.interventions.shelf import shipped
from wellspring.interventions.vocabulary import Approach
from wellspring.kernel.crypto import Sealer

_LIKED: Final[tuple[Tag, ...]] = ("helped", "calming", "energising", "want_again", "grounding")
_DISLIKED: Final[tuple[Tag, ...]] = ("too_long", "too_hard", "not_now", "not_for_me", "distracting")
_SKIPPED: Final = 0.2
_RATED: Final = 0.8


def about(persona: Persona) -> About:
    """Return what the policy knows of somebody."""
    return About(
        persona.home.language,
        persona.home.country,
        persona.timezone,
        persona.has_adhd,
        persona.has_autism_spectrum,
        persona.age_range,
        persona.tier != "free",
    )


Logged = tuple[list[UUID], list[float], list[float], list[float], list[dict[str, object]], dict[str, object], str]
"""Values of `fragments.log`: ids, predictions, their deviations, propensities, reasons, context, policy."""


class Offered(Struct, frozen=True):
    """An offer that is taken up."""

    at: datetime
    data: CheckinCreate
    row_id: UUID
    intervention: UUID
    predicted: float
    context: dict[str, object]
    policy: str


def _columns(logged: Logged) -> tuple[object, ...]:
    *plain, reasons, context, policy = logged
    return (*plain, json(reasons), json(context), policy)


class Offers:
    """Offers to one person. They like some approaches more than others, and their ratings say so."""

    def __init__(self, persona: Persona, sealer: Sealer, memory: Memory, now: datetime, r: Random) -> None:
        self._persona = persona
        self._sealer = sealer
        self._memory = memory
        self._now = now
        self._r = r
        self._about = about(persona)
        self._done = 0
        self._likes: dict[Approach, float] = {a: r.gauss(0, 0.8) for a in get_args(Approach)}

    def make(self, rows: Rows, at: datetime, data: CheckinCreate, row_id: UUID, past: History, *, danger: bool) -> None:
        """Choose for a check-in and add the rows of what was offered and done."""
        moment = recommend.Moment(
            mood=data.mood_score,
            emotions={e.emotion: e.intensity for e in data.emotions},
            energy=data.energy_level,
            anxiety=data.anxiety_level,
            stress=data.stress_level,
            place=data.context_location,
            danger=danger,
        )
        found = recommend.offers(self._about, self._persona.contraindications, moment, past, now=at, seed=row_id)
        logged = cast("Logged", found.logged)
        add(rows, "interventions.recommendation", self._persona.person_id, row_id, *_columns(logged), at)
        chosen, predicted, *_, context, policy = logged
        self._memory.keep_offers(chosen, at)
        if chosen and self._r.random() < self._persona.habit.does:
            place = self._r.randrange(len(chosen))
            offer = Offered(at, data, row_id, chosen[place], predicted[place], context, policy)
            self._do(rows, offer)

    def finish(self, rows: Rows) -> None:
        """Add what is kept of the person at the end of the year."""
        if self._done:
            add(
                rows,
                "interventions.person_effects",
                self._persona.person_id,
                self._memory.kept,
                self._done,
                self._now,
            )

    def _rating(self, intervention: UUID) -> int:
        shelf = shipped()
        approach = shelf.items[shelf.position[intervention]].therapeutic_approach
        return min(max(round(3.5 + self._likes[approach] + self._r.gauss(0, 0.7)), 1), 5)

    def _tags(self, rating: int | None) -> list[Tag]:
        if rating is None or rating == 3 or self._r.random() > 0.4:
            return []
        return [self._r.choice(_LIKED if rating > 3 else _DISLIKED)]

    def _do(self, rows: Rows, offer: Offered) -> None:
        r, shelf = self._r, shipped()
        usual = shelf.items[shelf.position[offer.intervention]].facts.duration_seconds
        began = offer.at + timedelta(seconds=r.randrange(20, 900))
        seconds = int(usual * r.uniform(0.6, 1.4))
        ended = began + timedelta(seconds=seconds)
        if ended >= self._now:
            return
        skipped, session_id = r.random() < _SKIPPED, uuids.at(began, r)
        rating = self._rating(offer.intervention) if not skipped and r.random() < _RATED else None
        text = None
        if rating is not None and r.random() < 0.1:
            words = r.choice(phrases(self._persona.home.language)["feedback"])
            text = self._sealer.seal(words.encode(), FEEDBACK, session_id)
        tags = self._tags(rating)
        add(
            rows,
            "interventions.session",
            self._persona.person_id,
            session_id,
            offer.intervention,
            offer.row_id,
            "skipped" if skipped else "completed",
            began,
            ended,
            None if skipped else seconds,
            rating,
            tags,
            text,
            offer.data.emotions[0].emotion if offer.data.emotions else None,
            offer.data.energy_level,
            recommend.time_of_day(offer.at, self._persona.timezone),
            offer.predicted,
            offer.row_id,
            began,
        )
        wanted = Skip() if skipped else Complete(effectiveness_rating=rating, feedback_tags=tags)
        self._learn(rows, offer, wanted, session_id, ended)

    def _learn(self, rows: Rows, offer: Offered, wanted: Complete | Skip, session_id: UUID, ended: datetime) -> None:
        """Add what the session taught. Whom it may teach is settled at the end, from the consents."""
        row = LearningRow(
            now=ended,
            person=[],
            intervention_id=offer.intervention,
            emotion=None,
            energy=None,
            time_of_day=None,
            predicted=offer.predicted,
            recommendation_id=offer.row_id,
            context=offer.context,
            policy_version=offer.policy,
            danger=bool(offer.context.get("danger")),
        )
        outcome = outcome_of(current(), row, wanted, self._persona.person_id, ended)
        add(
            rows,
            "interventions.outcome",
            self._persona.person_id,
            session_id,
            offer.intervention,
            offer.row_id,
            list(outcome.x),
            outcome.prior,
            offer.predicted,
            outcome.rating,
            outcome.target,
            outcome.weight,
            outcome.pooled,
            bool(offer.context.get("danger")),
            offer.policy,
            ended,
        )
        self._memory.keep_outcome(happened(outcome, shared_rating(current(), outcome)))
        self._done += 1
