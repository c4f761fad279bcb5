"""The score of one intervention for one moment: seven stated parts, added up. Every number of the policy is here.

The parts, with the most that each can add: emotion .40 (the share of what the person feels that the entry is for),
rating .25 (the expected rating, see `_expected`), energy .15, time .10, evidence .10; and what they can take away:
neurotype −.30, repetition −.30. In danger, what leads to people gets 1 more, so that it comes first.
"""

from collections.abc import Mapping
from math import inf
from typing import Final, NamedTuple

import msgspec

from wellspring.interventions.moment import Context, History
from wellspring.interventions.shelf import UNKNOWN, Shelf, mask, unit
from wellspring.interventions.vocabulary import ENERGIES, Emotion, energy_of

EMOTION: Final = 0.40
RATING: Final = 0.25
ENERGY: Final = 0.15
TIME: Final = 0.10
EVIDENCE: Final = 0.10
NEUROTYPE: Final = 0.30
REPETITION: Final = 0.30
DANGER: Final = 1.0

HIGH: Final = 7
"""An anxiety or stress score from which it counts as a feeling although nobody named it."""

LOW_MOOD: Final = 4
GOOD_MOOD: Final = 7
HALF_LIFE_DAYS: Final = 2.0
"""An offer repeated after this time costs half as much."""

LIKED: Final = 4
"""An own mean rating from which repeating costs half."""

PERSON_WEIGHT: Final = 4
OWN_WEIGHT: Final = 3
FAR_ABOVE: Final = 2
"""Steps of energy above what there is that are too many to be comfortable."""

EVERYTHING: Final = -1
"""The mask of a limit that nobody set."""

GENTLE: Final = (1.0, 0.9, 0.6, 0.4)
"""Fit by energy needed when nobody said how much there is: gentle things first."""

SHORT_MINUTES: Final = 3
MIDDLING_MINUTES: Final = 5


class Parts(NamedTuple):
    """What each part adds to a score; `neurotype` and `repetition` are zero or below."""

    emotion: float
    rating: float
    energy: float
    time: float
    evidence: float
    neurotype: float
    repetition: float
    danger: float


Own = dict[int, tuple[int, float]]
"""A person's own ratings by position: how many, and their sum on 0..1."""


class Moment(msgspec.Struct, frozen=True):
    """A context and a history worked out once, so that a row costs only look-ups.

    `feelings` are shares that add up to 1. `emotion` holds the emotion part by position, `needs` the energy part by
    energy needed, `times` the time part by minutes, `repetition` that part by position, `expected` the expected rating
    (0..1, see `_expected`) by position. The rest are comfort limits: what is at or below `minutes` and `energy_limit`
    and shares a bit with `places` and `hours` is comfortable.
    """

    context: Context
    feelings: dict[Emotion, float]
    emotion: list[float]
    energy: int | None
    needs: tuple[float, ...]
    times: dict[float, float]
    expected: list[float]
    own: Own
    repetition: dict[int, float]
    minutes: float
    energy_limit: int
    places: int
    hours: int


def _signals(context: Context) -> dict[Emotion, float]:
    """Feelings that only the scores tell of. Mood speaks when nothing else does."""
    told: dict[Emotion, float] = {}
    if (context.anxiety or 0) >= HIGH:
        told["anxiety"] = (context.anxiety or 0) / 2
    if (context.stress or 0) >= HIGH:
        told["overwhelm"] = (context.stress or 0) / 2
    if told or context.emotions:
        return told
    if context.mood <= LOW_MOOD:
        return {"sadness": 1.0}
    return {"neutral": 1.0} if context.mood < GOOD_MOOD else {"joy": 0.5, "calm": 0.5}


def _feelings(context: Context) -> dict[Emotion, float]:
    felt = _signals(context)
    for emotion, intensity in context.emotions.items():
        felt[emotion] = max(felt.get(emotion, 0.0), float(intensity))
    total = sum(felt.values())
    return {emotion: weight / total for emotion, weight in felt.items()}


def _expected(shelf: Shelf, own: Own) -> list[float]:
    """The rating expected of this person, 0..1, by position.

    It is the mean of their ratings of the intervention (1–5 read as 0..1) together with three made-up ones at its
    base. The base is the mean of what they rated (each intervention once, so that one favourite does not raise all
    others) together with four made-up ones at .5, moved by as much as everyone's ratings put this one above or below
    .5. So it knows ratings and nothing else, and .5 means that nothing is known.
    """
    means = sum(total / count for count, total in own.values())
    shift = (means + PERSON_WEIGHT * UNKNOWN) / (len(own) + PERSON_WEIGHT) - UNKNOWN
    expected = [0.0 if (base := row.shared + shift) < 0 else 1.0 if base > 1 else base for row in shelf.rows]
    for number, (count, total) in own.items():
        expected[number] = (total + OWN_WEIGHT * expected[number]) / (count + OWN_WEIGHT)
    return expected


def _past(shelf: Shelf, history: History) -> tuple[Own, dict[int, float]]:
    """Own ratings, and what repeating takes away: the latest offer counts, halved by time and by being liked."""
    own: Own = {}
    latest: dict[int, float] = {}
    for seen in history.seen:
        number = shelf.position.get(seen.intervention_id)
        if number is None:
            continue
        latest[number] = min(seen.days_ago, latest.get(number, inf))
        if seen.rating is not None:
            count, total = own.get(number, (0, 0.0))
            own[number] = (count + 1, total + unit(seen.rating))
    cost = {number: -REPETITION * 0.5 ** (days / HALF_LIFE_DAYS) for number, days in latest.items()}
    for number, (count, total) in own.items():
        if total >= count * unit(LIKED):
            cost[number] /= 2
    return own, cost


def energy_fit(need: int, have: int | None) -> float:
    """1 where need and energy are the same word; a fifth less for each step below, .4 and then 0 above."""
    if have is None:
        return GENTLE[need]
    gap = need - have
    if gap > 0:
        return 0.4 if gap == 1 else 0.0
    return 1 + gap / 5


def time_fit(minutes: float, available: int | None) -> float:
    """1 for what leaves half of the time free, .6 for what fits, 0 for more; if unknown, shorter is better."""
    if available is not None:
        return 1.0 if minutes * 2 <= available else 0.6 if minutes <= available else 0.0
    return 1.0 if minutes <= SHORT_MINUTES else 0.7 if minutes <= MIDDLING_MINUTES else 0.4


def _emotion(shelf: Shelf, feelings: Mapping[Emotion, float]) -> list[float]:
    column = [0.0] * len(shelf.rows)
    for emotion, share in feelings.items():
        weight = EMOTION * share
        column = [sofar + weight * match for sofar, match in zip(column, shelf.match[emotion], strict=True)]
    return column


def moment_of(shelf: Shelf, context: Context, history: History) -> Moment:
    """Works out a moment for scoring."""
    feelings, available = _feelings(context), context.time_available_minutes
    own, repetition = _past(shelf, history)
    energy = None if context.energy is None else ENERGIES.index(energy_of(context.energy))
    return Moment(
        context=context,
        feelings=feelings,
        emotion=_emotion(shelf, feelings),
        energy=energy,
        needs=tuple(ENERGY * energy_fit(need, energy) for need in range(len(ENERGIES))),
        times={minutes: TIME * time_fit(minutes, available) for minutes in shelf.minutes},
        expected=_expected(shelf, own),
        own=own,
        repetition=repetition,
        minutes=inf if available is None else available,
        energy_limit=len(ENERGIES) if energy is None else energy + FAR_ABOVE - 1,
        places=EVERYTHING if context.place is None else mask((context.place,)),
        hours=EVERYTHING if context.time_of_day is None else mask((context.time_of_day,)),
    )


def parts_of(shelf: Shelf, number: int, moment: Moment) -> Parts:
    """The parts of one intervention's score."""
    row, context = shelf.rows[number], moment.context
    misfit = (context.adhd and not row.suits_adhd) or (context.autism and not row.suits_autism)
    return Parts(
        moment.emotion[number],
        RATING * moment.expected[number],
        moment.needs[row.energy],
        moment.times[row.minutes],
        EVIDENCE * row.evidence,
        -NEUROTYPE if misfit else 0.0,
        moment.repetition.get(number, 0.0),
        DANGER if context.danger and row.reaches_out else 0.0,
    )
