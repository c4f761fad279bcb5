"""Why this one: the part of the score that mattered most, as a key with what it refers to."""

from typing import Final, Literal

import msgspec

from wellspring.interventions.score import (
    ENERGY,
    EVIDENCE,
    GOOD_MOOD,
    HIGH,
    LOW_MOOD,
    RATING,
    TIME,
    Moment,
    parts_of,
)
from wellspring.interventions.shelf import UNKNOWN, Shelf
from wellspring.interventions.vocabulary import ENERGIES, Emotion, Energy

ReasonKey = Literal[
    "reach_out", "steady", "emotion", "signal", "rated", "others", "energy", "time", "evidence", "small"
]
Signal = Literal["anxiety_high", "stress_high", "mood_low", "mood_middle", "mood_good"]

_MIDDLE: Final = 0.5
_USUAL_EVIDENCE: Final = 0.6


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key and what its sentence needs: an emotion, a signal, the energy or minutes said, the mean own rating."""

    key: ReasonKey
    emotion: Emotion | None = None
    signal: Signal | None = None
    energy: Energy | None = None
    minutes: int | None = None
    rating: float | None = None


def _signal(moment: Moment, emotion: Emotion) -> Signal:
    """The score that stands behind a feeling nobody named."""
    context = moment.context
    if emotion == "anxiety" and (context.anxiety or 0) >= HIGH:
        return "anxiety_high"
    if emotion == "overwhelm" and (context.stress or 0) >= HIGH:
        return "stress_high"
    if context.mood <= LOW_MOOD:
        return "mood_low"
    return "mood_good" if context.mood >= GOOD_MOOD else "mood_middle"


def _feeling(shelf: Shelf, number: int, moment: Moment) -> Reason:
    """The feeling that this intervention answers most."""
    strongest = max(moment.feelings, key=lambda emotion: moment.feelings[emotion] * shelf.match[emotion][number])
    if strongest in moment.context.emotions:
        return Reason(key="emotion", emotion=strongest)
    return Reason(key="signal", signal=_signal(moment, strongest))


def _rating(number: int, moment: Moment) -> Reason:
    own = moment.own.get(number)
    return Reason(key="others") if own is None else Reason(key="rated", rating=round(1 + 4 * own[1] / own[0], 1))


def _danger(shelf: Shelf, number: int) -> Reason:
    return Reason(key="reach_out" if shelf.rows[number].reaches_out else "steady")


def reason_for(shelf: Shelf, number: int, moment: Moment) -> Reason:
    """The part that lifted this intervention furthest above what it would have had if nothing were known."""
    context = moment.context
    if context.danger:
        return _danger(shelf, number)
    parts, row = parts_of(shelf, number, moment), shelf.rows[number]
    own_or_shared = number in moment.own or row.shared > UNKNOWN
    lift: dict[ReasonKey, float] = {
        "emotion": parts.emotion,
        "rated": parts.rating - RATING * UNKNOWN if own_or_shared else 0.0,
        "energy": parts.energy - ENERGY * _MIDDLE if moment.energy is not None else 0.0,
        "time": parts.time - TIME * _MIDDLE if context.time_available_minutes is not None else 0.0,
        "evidence": parts.evidence - EVIDENCE * _USUAL_EVIDENCE,
    }
    key = max(lift, key=lambda part: lift[part])
    if lift[key] <= 0:
        return Reason(key="small")
    if key == "emotion":
        return _feeling(shelf, number, moment)
    if key == "rated":
        return _rating(number, moment)
    if key == "energy" and moment.energy is not None:
        return Reason(key="energy", energy=ENERGIES[moment.energy])
    if key == "time":
        return Reason(key="time", minutes=context.time_available_minutes)
    return Reason(key="evidence")
