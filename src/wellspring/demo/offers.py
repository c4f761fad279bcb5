"""What was offered after each check-in, by the real policy, and what somebody did with it."""

from datetime import datetime, timedelta
from random import Random
from typing import Final, cast, get_args
from uuid import UUID

from wellspring.checkins.schemas import CheckinCreate
from wellspring.demo import uuids
from wellspring.demo.cast import Persona
from wellspring.demo.library import phrases
from wellspring.demo.memory import Memory
from wellspring.demo.tables import Rows, add, json
from wellspring.identity.fragments import About
from wellspring.interventions import recommend
from wellspring.interventions.moment import History
from wellspring.interventions.schemas import Tag
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


class Offers:
    """Offers to one person. They like some approaches more than others, and their ratings say so."""

    def __init__(self, persona: Persona, sealer: Sealer, memory: Memory, now: datetime, r: Random) -> None:
        self._persona = persona
        self._sealer = sealer
        self._memory = memory
        self._now = now
        self._r = r
        self._about = about(persona)
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
        offered = self._log(rows, at, row_id, found)
        self._memory.keep_offers([i for i, _ in offered], at)
        if offered and self._r.random() < self._persona.habit.does:
            self._do(rows, at, data, row_id, *self._r.choice(offered))

    def _log(self, rows: Rows, at: datetime, row_id: UUID, found: recommend.Offers) -> list[tuple[UUID, float]]:
        chosen, predicted, propensities, reasons, context, policy = cast(
            "tuple[list[UUID], list[float], list[float], list[dict[str, object]], dict[str, object], str]",
            found.logged,
        )
        add(
            rows,
            "interventions.recommendation",
            self._persona.person_id,
            row_id,
            chosen,
            predicted,
            propensities,
            json(reasons),
            json(context),
            policy,
            at,
        )
        return list(zip(chosen, predicted, strict=True))

    def _rating(self, intervention: UUID) -> int:
        shelf = shipped()
        approach = shelf.items[shelf.position[intervention]].therapeutic_approach
        return min(max(round(3.5 + self._likes[approach] + self._r.gauss(0, 0.7)), 1), 5)

    def _tags(self, rating: int | None) -> list[Tag]:
        if rating is None or rating == 3 or self._r.random() > 0.4:
            return []
        return [self._r.choice(_LIKED if rating > 3 else _DISLIKED)]

    def _do(
        self, rows: Rows, at: datetime, data: CheckinCreate, row_id: UUID, intervention: UUID, predicted: float
    ) -> None:
        r, shelf = self._r, shipped()
        usual = shelf.items[shelf.position[intervention]].facts.duration_seconds
        began = at + timedelta(seconds=r.randrange(20, 900))
        seconds = int(usual * r.uniform(0.6, 1.4))
        ended = began + timedelta(seconds=seconds)
        if ended >= self._now:
            return
        skipped, session_id = r.random() < _SKIPPED, uuids.at(began, r)
        rating = self._rating(intervention) if not skipped and r.random() < _RATED else None
        text = None
        if rating is not None and r.random() < 0.1:
            words = r.choice(phrases(self._persona.home.language)["feedback"])
            text = self._sealer.seal(words.encode(), FEEDBACK, session_id)
        add(
            rows,
            "interventions.session",
            self._persona.person_id,
            session_id,
            intervention,
            row_id,
            "skipped" if skipped else "completed",
            began,
            ended,
            None if skipped else seconds,
            rating,
            self._tags(rating),
            text,
            data.emotions[0].emotion if data.emotions else None,
            data.energy_level,
            recommend.time_of_day(at, self._persona.timezone),
            predicted,
            began,
        )
        if not skipped:
            self._memory.keep_session(intervention, rating, began)
