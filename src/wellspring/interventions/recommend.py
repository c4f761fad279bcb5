"""From a moment to three offers on the wire and their rows in the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from wellspring.identity.fragments import About
from wellspring.identity.fragments import about as about_of
from wellspring.interventions import model as models
from wellspring.interventions import queries as q
from wellspring.interventions.choose import POLICY, Recommendation, choose
from wellspring.interventions.learn import forget_moment
from wellspring.interventions.learning import kept
from wellspring.interventions.moment import Context, History, Seen
from wellspring.interventions.reasons import SAYING, Reason
from wellspring.interventions.schemas import InterventionRecommendation
from wellspring.interventions.score import BASE
from wellspring.interventions.shelf import REACHES_OUT, shipped
from wellspring.interventions.vocabulary import Contraindication, Emotion, MomentPlace, TimeOfDay, age_band_of
from wellspring.interventions.words import why
from wellspring.kernel import logs
from wellspring.kernel.db import Tx

log = logs.get("recommend")
FALLBACK: Final = "fallback-1"
UNKNOWN_SD: Final = 0.25
"""How unsure an expectation is about which nothing is known."""
_EMOTIONS: Final = frozenset(get_args(Emotion))
_PLACES: Final = frozenset(get_args(MomentPlace))
_FORBIDDABLE: Final = frozenset(get_args(Contraindication))


class Moment(Struct, frozen=True, kw_only=True):
    """What a caller knows of the moment, in its own words; labels this slice does not know are left out."""

    mood: int | None
    emotions: dict[str, int] = {}
    energy: int | None = None
    anxiety: int | None = None
    stress: int | None = None
    minutes: int | None = None
    place: str | None = None
    time_of_day: TimeOfDay | None = None
    danger: bool = False


class Offers(Struct, frozen=True):
    """Offers on the wire, and the values for `fragments.log`."""

    wire: list[InterventionRecommendation]
    logged: tuple[object, ...]


def time_of_day(now: datetime, timezone: str) -> TimeOfDay:
    """Return the part of the person's own day: morning 5–11, afternoon 12–16, evening 17–21, night."""
    hour = now.astimezone(ZoneInfo(timezone)).hour
    if 5 <= hour < 12:
        return "morning"
    if 12 <= hour < 17:
        return "afternoon"
    return "evening" if 17 <= hour < 22 else "night"


def history(
    seen_ids: Sequence[UUID] | None, hours: Sequence[float] | None, state: bytes | None, now: datetime
) -> History:
    """Return what a person was offered and what is kept of them, from the columns of `fragments.RECENT`."""
    rows = zip(seen_ids or (), hours or (), strict=True)
    seen = tuple(Seen(seen_id, max(age, 0.0) / 24) for seen_id, age in rows)
    return History(seen, state or b"", kept.day_of(now))


def _context(about: About, contraindications: Sequence[str], moment: Moment, now: datetime) -> Context:
    return Context(
        mood=moment.mood,
        emotions={e: i for e, i in moment.emotions.items() if e in _EMOTIONS},  # type: ignore[misc]
        energy=moment.energy,
        anxiety=moment.anxiety,
        stress=moment.stress,
        time_available_minutes=moment.minutes,
        place=moment.place if moment.place in _PLACES else None,  # type: ignore[arg-type]
        time_of_day=moment.time_of_day or time_of_day(now, about.timezone),
        adhd=about.has_adhd,
        autism=about.has_autism_spectrum,
        contraindications=frozenset(c for c in contraindications if c in _FORBIDDABLE),  # type: ignore[misc]
        age=age_band_of(about.age_range),
        premium=about.is_premium,
        danger=moment.danger,
    )


def _wire(offer: Recommendation, language: str) -> InterventionRecommendation:
    item = offer.intervention
    text = item.text(language)
    return InterventionRecommendation(
        intervention_id=item.id,
        name=text.name,
        short_description=text.short_description,
        duration_seconds=item.facts.duration_seconds,
        effort_level=item.facts.effort_level,
        therapeutic_approach=item.therapeutic_approach,
        why_recommended=why(item, offer.reason, language),
        predicted_effectiveness=offer.predicted_effectiveness,
        predicted_effectiveness_sd=offer.predicted_effectiveness_sd,
    )


def offers(
    about: About,
    contraindications: Sequence[str],
    moment: Moment,
    past: History,
    *,
    now: datetime,
    seed: UUID,
) -> Offers:
    """Return three offers for a moment (fewer when fewer are safe) and their log row. `seed` repeats the choice."""
    model = models.current()
    context = _context(about, contraindications, moment, now)
    chosen = choose(context, model, past, seed=seed.int)
    plain: dict[str, Any] = msgspec.to_builtins(context)
    plain.pop("contraindications", None)  # they are kept in one place, the person's own
    recent = kept.recent(past.kept)
    if recent is not None:
        plain["recent"] = round(recent, 3)
    return _logged(chosen, about.language, plain, f"{POLICY}.{model.version}")


def _logged(chosen: list[Recommendation], language: str, context: dict[str, Any], policy: str) -> Offers:
    return Offers(
        [_wire(offer, language) for offer in chosen],
        (
            [o.intervention.id for o in chosen],
            [o.predicted_effectiveness for o in chosen],
            [o.predicted_effectiveness_sd for o in chosen],
            [o.propensity for o in chosen],
            [msgspec.to_builtins(o.reason) for o in chosen],
            context,
            policy,
        ),
    )


def careful(
    about: About, contraindications: Sequence[str], moment: Moment, past: History, *, now: datetime, seed: UUID
) -> Offers:
    """Return `offers`; if choosing fails, three that are safe in a crisis and not contraindicated."""
    try:
        return offers(about, contraindications, moment, past, now=now, seed=seed)
    except Exception as error:  # noqa: BLE001  a check-in must be stored whatever the recommender does
        log.error("recommend_failed", error=error)
        chosen = _steady(frozenset(contraindications), danger=moment.danger)
        return _logged(chosen, about.language, {"fallback": True, "danger": moment.danger}, FALLBACK)


def _steady(forbidden: frozenset[str], *, danger: bool) -> list[Recommendation]:
    """Three that are safe in a crisis, without choosing; in danger the first leads to people."""
    safe = [i for i in shipped().items if i.facts.crisis_safe and not forbidden & set(i.facts.contraindications)]
    people = [item for item in safe if item.facts.sub_category == REACHES_OUT][:danger]
    others = [item for item in safe if item.facts.sub_category != REACHES_OUT]
    return [
        *(Recommendation(item, BASE, UNKNOWN_SD, Reason(key="reach_out"), 1.0) for item in people),
        *(Recommendation(item, BASE, UNKNOWN_SD, Reason(key="steady"), 1.0) for item in others[: 3 - len(people)]),
    ]


async def logged(
    tx: Tx, person_id: UUID, moment_id: UUID, language: str, *, danger: bool = False
) -> list[InterventionRecommendation]:
    """Return the offers of an earlier moment as they were made, as far as they are safe and paid for now.

    If danger was found only afterwards, in what was read later or by another event, what was not chosen for it gives
    way to what is safe in a crisis.
    """
    row = await tx.maybe(q.LOGGED, person_id, moment_id)
    if row is None:
        return []
    offers, forbidden = _as_made(row), frozenset(row.contraindications)
    if (danger or row.danger) and not all(offer.intervention.facts.crisis_safe for offer in offers):
        offers = _steady(forbidden, danger=True)
    paid = about_of(row.person).is_premium
    return [
        _wire(o, language)
        for o in offers
        if not forbidden & set(o.intervention.facts.contraindications) and (paid or not o.intervention.facts.is_premium)
    ]


async def forget(tx: Tx, person_id: UUID, moment_id: UUID) -> None:
    """Remove what was offered at a moment and what was said of it; ratings stay, as of a moment nobody spoke of."""
    await forget_moment(tx, person_id, moment_id)
    await tx.do(q.FORGET_OFFERS, person_id, moment_id)  # its sessions name it no more then


def _still_said(logged: dict[str, Any], moment: Moment) -> bool:
    """Tell whether the log says nothing of a moment that its check-in does not say any more."""
    now = {
        "mood": moment.mood,
        "energy": moment.energy,
        "anxiety": moment.anxiety,
        "stress": moment.stress,
        "place": moment.place,
    }
    emotions: dict[str, int] = logged.get("emotions", {})
    return all(logged.get(name) in (None, value) for name, value in now.items()) and all(
        moment.emotions.get(emotion) == intensity for emotion, intensity in emotions.items()
    )


async def corrected(tx: Tx, person_id: UUID, moment_id: UUID, moment: Moment) -> None:
    """Let go of what was said of a moment when its check-in says something else now.

    The log says what was known when the choice was made, so it is never rewritten: a choice with a chance that belongs
    to another moment would falsify every judgement by it. Nor is what somebody takes back kept behind their back. So it
    goes from the log and from all that was learned at that moment, and such an offer is not judged by any more.
    """
    logged = await tx.maybe(q.CONTEXT, person_id, moment_id)
    if logged is None or _still_said(logged, moment):
        return
    await tx.do(q.UNSAY, person_id, moment_id, SAYING)
    await forget_moment(tx, person_id, moment_id, checkin_stays=True)


def _reason(logged: dict[str, Any]) -> Reason:
    """Return a logged reason; one that only another version has words for says as little as can be said."""
    try:
        return msgspec.convert(logged, Reason)
    except msgspec.ValidationError:
        return Reason(key="small")


def _as_made(row: q.LoggedOffers) -> list[Recommendation]:
    shelf = shipped()
    # Rows that are older than the column say nothing of how unsure they were.
    deviations = row.predicted_effectiveness_sds or [UNKNOWN_SD] * len(row.intervention_ids)
    offers = zip(row.intervention_ids, row.predicted_effectiveness, deviations, row.reasons, strict=True)
    return [
        Recommendation(
            intervention=shelf.items[shelf.position[intervention_id]],
            predicted_effectiveness=round(predicted, 3),
            predicted_effectiveness_sd=round(deviation, 3),
            reason=_reason(reason),
            propensity=1.0,
        )
        for intervention_id, predicted, deviation, reason in offers
        if intervention_id in shelf.position
    ]
