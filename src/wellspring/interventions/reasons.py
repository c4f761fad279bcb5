"""Why this one: what lifted it furthest above the other interventions, as a key with what its sentence refers to.

Each lift is a difference from the mean of the whole shelf, on the scale of ratings, so that parts that were stated and
parts that were learned compare. A sentence about other people needs ratings from at least TELLING of them; one about
those who felt like this, or about this hour, so many ratings of such moments. Any sentence that says something helped
needs an expected rating of at least HELPED, and one that says it helped this person, ratings of theirs that say so.
"""

from typing import Final, Literal

import msgspec
import numpy as np

from wellspring.interventions.learning.effects import Effects
from wellspring.interventions.learning.features import FEELINGS, ONE, TIMES, Floats
from wellspring.interventions.model import Belief, Model
from wellspring.interventions.score import GOOD_MOOD, HIGH, LOW_MOOD, Moment, Scoring, says_feeling
from wellspring.interventions.vocabulary import EMOTIONS, Emotion, Energy, energy_of

ReasonKey = Literal[
    "reach_out",
    "steady",
    "emotion",
    "signal",
    "rated",
    "kind",
    "felt",
    "hour",
    "others",
    "energy",
    "time",
    "evidence",
    "small",
]
SAYING: Final[tuple[ReasonKey, ...]] = ("emotion", "signal", "felt", "energy", "time")
"""Reasons whose sentence repeats what was said of the moment."""
Signal = Literal["anxiety_high", "stress_high", "mood_low", "mood_middle", "mood_good"]

TELLING: Final = 10
HELPED: Final = 0.6
_LEAST: Final = 0.01
"""A lift below this is no reason."""


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key and what its sentence needs: an emotion, a signal, the energy or minutes said."""

    key: ReasonKey
    emotion: Emotion | None = None
    signal: Signal | None = None
    energy: Energy | None = None
    minutes: int | None = None


def _signal(moment: Moment, emotion: Emotion) -> Signal:
    """The score that stands behind a feeling nobody named."""
    context = moment.context
    if emotion == "anxiety" and (context.anxiety or 0) >= HIGH:
        return "anxiety_high"
    if emotion == "overwhelm" and (context.stress or 0) >= HIGH:
        return "stress_high"
    if context.mood is None or LOW_MOOD < context.mood < GOOD_MOOD:
        return "mood_middle"
    return "mood_low" if context.mood <= LOW_MOOD else "mood_good"


def _feeling(model: Model, number: int, moment: Moment) -> Reason:
    """The feeling that this intervention answers most."""
    match = model.shelf.match[:, number]
    strongest = max(moment.feelings, key=lambda emotion: moment.feelings[emotion] * match[EMOTIONS.index(emotion)])
    if strongest in moment.context.emotions:
        return Reason(key="emotion", emotion=strongest)
    return Reason(key="signal", signal=_signal(moment, strongest))


def _stated(scoring: Scoring, moment: Moment, picks: list[int]) -> list[dict[ReasonKey, float]]:
    """Lifts of what the library says of itself and the person said of the moment, for each position."""
    context = moment.context
    columns: dict[ReasonKey, Floats] = {"evidence": scoring.evidence}
    if says_feeling(context):
        columns["emotion"] = moment.emotion
    if context.energy is not None:
        columns["energy"] = moment.energy
    if context.time_available_minutes is not None:
        columns["time"] = moment.time
    usual = {key: float(np.add.reduce(column)) / len(column) for key, column in columns.items()}
    return [{key: float(column[number]) - usual[key] for key, column in columns.items()} for number in picks]


def _own(model: Model, number: int, moment: Moment, own: Effects, usual: float) -> dict[ReasonKey, float]:
    """The lift of what this person's own ratings say, where they say something good."""
    lift, groups = float(own.mean[number]) - usual, model.shelf.groups
    good = moment.tried[moment.sums > 0]
    if number in good:
        return {"rated": lift}
    if number in moment.tried[moment.counts > 0] or groups[number] not in groups[good]:
        return {}
    return {"kind": lift}


def _others(model: Model, number: int, moment: Moment) -> dict[ReasonKey, float]:
    """Lifts of what everybody's ratings say."""
    ahead: list[float] = ((model.weights.mean[number] - model.usual) * moment.x).tolist()
    alike = model.alike[number] * (moment.x > 0)
    return {
        "felt": sum(ahead[FEELINGS]) if alike[FEELINGS].sum() >= TELLING and says_feeling(moment.context) else 0.0,
        "hour": sum(ahead[TIMES]) if moment.context.time_of_day and alike[TIMES].sum() >= TELLING else 0.0,
        "others": ahead[ONE],
    }


def _in_words(model: Model, number: int, moment: Moment, lifts: dict[ReasonKey, float]) -> Reason:
    context, key = moment.context, max(lifts, key=lifts.__getitem__)
    if lifts[key] < _LEAST:
        return Reason(key="small")
    if key == "emotion":
        return _feeling(model, number, moment)
    if key == "energy" and context.energy is not None:
        return Reason(key="energy", energy=energy_of(context.energy))
    if key == "time":
        return Reason(key="time", minutes=context.time_available_minutes)
    return Reason(key=key)


def reasons_for(model: Model, picks: list[int], moment: Moment, belief: Belief) -> list[Reason]:
    """What lifted each of these positions furthest above the others."""
    if moment.context.danger:
        return [Reason(key="reach_out" if model.shelf.reaches_out[number] else "steady") for number in picks]
    own, found = belief.effects, list[Reason]()
    usual = 0.0 if own is None else float(np.add.reduce(own.mean)) / len(own.mean)
    for number, lifts in zip(picks, _stated(model.scoring, moment, picks), strict=True):
        expected, personal = float(belief.mean[number]), 0.0 if own is None else float(own.mean[number])
        if own is not None and expected >= HELPED:
            lifts |= _own(model, number, moment, own, usual)
        if model.people[number] >= TELLING and expected - personal >= HELPED:
            lifts |= _others(model, number, moment)
        found.append(_in_words(model, number, moment, lifts))
    return found
