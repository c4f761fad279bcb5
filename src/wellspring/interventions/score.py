"""What is expected of each intervention in one moment before anybody has rated anything: five stated parts, added up.

The parts, with the most that each can add: emotion .40 (the share of what the person feels that the entry is for),
energy .15, time .10, evidence .10; and what neurotype can take away: .30. The sum, around what is usual for it and
made smaller, is the prior mean of the rating: `prior`. What people rate is learned on top of it.

Two more parts change the order and no expectation: repetition takes away up to .30, and in danger what leads to people
comes first.
"""

from typing import Final

import msgspec
import numpy as np

from wellspring.interventions.learning import features, kept
from wellspring.interventions.learning.features import Floats, Numbers
from wellspring.interventions.moment import Context, History
from wellspring.interventions.shelf import Shelf, find
from wellspring.interventions.vocabulary import ENERGIES, Emotion, energy_of

EMOTION: Final = 0.40
ENERGY: Final = 0.15
TIME: Final = 0.10
EVIDENCE: Final = 0.10
NEUROTYPE: Final = 0.30
REPETITION: Final = 0.30
FIRST: Final = 10.0
"""What leads to people gets so much more in danger that nothing else can come before it."""

BASE: Final = 0.5
USUAL: Final = 0.45
SCALE: Final = 0.6
"""prior = BASE + SCALE · (sum of the parts - USUAL): between .3 and .7, since the parts are judgements, not ratings."""

HIGH: Final = 7
"""An anxiety or stress score from which it counts as a feeling although nobody named it."""

LOW_MOOD: Final = 4
GOOD_MOOD: Final = 7
HALF_LIFE_DAYS: Final = 2.0
"""An offer repeated after this time costs half as much."""

_FITS: Final = np.array(
    [
        [1.0, 0.4, 0.0, 0.0],
        [0.8, 1.0, 0.4, 0.0],
        [0.6, 0.8, 1.0, 0.4],
        [0.4, 0.6, 0.8, 1.0],
        [1.0, 0.9, 0.6, 0.4],
    ]
)
"""Fit by energy at hand (minimal to high) and energy needed: 1 where both are the same word, a fifth less for each step
below, .4 and then 0 above. The last row is for when nobody said: gentle things first."""
_UNSAID: Final = len(ENERGIES)
SHORT_MINUTES: Final = 3
MIDDLING_MINUTES: Final = 5


class Scoring(msgspec.Struct, frozen=True):
    """What of the parts is the same in every moment, for one shelf and on the scale of ratings.

    `fixed` is evidence and neurotype with the base (for neither, autism, ADHD, both); `emotion`, shape (emotions,
    items), each emotion's part; `energy` the part by energy at hand (the last row: nobody said); `time` the part when
    nobody said how much there is; `evidence` its part alone.
    """

    shelf: Shelf
    fixed: tuple[Floats, Floats, Floats, Floats]
    emotion: Floats
    energy: Floats
    time: Floats
    evidence: Floats


class Moment(msgspec.Struct, frozen=True):
    """A context and a history worked out for every intervention of a shelf.

    `feelings` are shares that add up to 1, `x` the features for what is learned. `emotion`, `energy` and `time` are
    parts, `prior` the expected rating (0..1) that all parts make; `repetition` is what lately seen ones lose. `tried`
    are the positions of what this person tried, with `counts` (0: done and not rated) and `sums`, see `kept`.
    """

    context: Context
    feelings: dict[Emotion, float]
    x: Floats
    emotion: Floats
    energy: Floats
    time: Floats
    prior: Floats
    repetition: Floats
    tried: Numbers
    counts: Floats
    sums: Floats


def _signals(context: Context) -> dict[Emotion, float]:
    """Feelings that only the scores tell of. Mood speaks when nothing else does."""
    told: dict[Emotion, float] = {}
    if (context.anxiety or 0) >= HIGH:
        told["anxiety"] = (context.anxiety or 0) / 2
    if (context.stress or 0) >= HIGH:
        told["overwhelm"] = (context.stress or 0) / 2
    if told or context.emotions:
        return told
    if context.mood is not None and context.mood <= LOW_MOOD:
        return {"sadness": 1.0}
    return {"neutral": 1.0} if context.mood is None or context.mood < GOOD_MOOD else {"joy": 0.5, "calm": 0.5}


def says_feeling(context: Context) -> bool:
    """Tell whether anything was said of how somebody feels; what is taken for granted otherwise is no reason."""
    return context.mood is not None or bool(context.emotions or _signals(context).keys() - {"neutral"})


def feelings_of(context: Context) -> dict[Emotion, float]:
    """What is felt, as shares that add up to 1."""
    felt = _signals(context)
    for emotion, intensity in context.emotions.items():
        felt[emotion] = max(felt.get(emotion, 0.0), float(intensity))
    total = sum(felt.values())
    return {emotion: weight / total for emotion, weight in felt.items()}


def energy_fit(need: int, have: int | None) -> float:
    """How well an energy needed suits the energy at hand, 0..1; both 0 (minimal) to 3 (high)."""
    return float(_FITS[_UNSAID if have is None else have, need])


def time_fit(minutes: Floats, available: int | None) -> Floats:
    """1 for what leaves half of the time free, .6 for what fits, 0 for more; if unknown, shorter is better."""
    if available is not None:
        return np.where(minutes * 2 <= available, 1.0, np.where(minutes <= available, 0.6, 0.0))
    return np.where(minutes <= SHORT_MINUTES, 1.0, np.where(minutes <= MIDDLING_MINUTES, 0.7, 0.4))


def scoring_of(shelf: Shelf) -> Scoring:
    """Works out what is the same in every moment."""
    adhd, autism = -NEUROTYPE * ~shelf.suits_adhd, -NEUROTYPE * ~shelf.suits_autism
    evidence = SCALE * EVIDENCE * shelf.evidence
    ground = BASE - SCALE * USUAL + evidence
    return Scoring(
        shelf=shelf,
        fixed=(
            ground,
            ground + SCALE * autism,
            ground + SCALE * adhd,
            ground + SCALE * np.minimum(adhd, autism),
        ),
        emotion=SCALE * EMOTION * shelf.match,
        energy=SCALE * ENERGY * _FITS[:, shelf.energy],
        time=SCALE * TIME * time_fit(shelf.minutes, None),
        evidence=evidence,
    )


def _repetition(shelf: Shelf, history: History, tried: Numbers, days_ago: Numbers) -> Floats:
    """What repeating takes away: the latest time counts, and half as much with each half-life."""
    cost = np.zeros(len(shelf.items))
    if len(tried):
        cost[tried] = np.exp2(days_ago / -HALF_LIFE_DAYS)
    for seen in history.seen:
        number = shelf.position.get(seen.intervention_id)
        if number is not None:
            cost[number] = max(cost[number], 0.5 ** (seen.days_ago / HALF_LIFE_DAYS))
    cost *= -SCALE * REPETITION
    return cost


def moment_of(scoring: Scoring, context: Context, history: History) -> Moment:
    """Works out a moment."""
    shelf, feelings = scoring.shelf, feelings_of(context)
    recent, available = kept.recent(history.kept), context.time_available_minutes
    x = features.vector(feelings, context.energy, context.time_of_day, recent, adhd=context.adhd, autism=context.autism)
    columns = kept.columns(history.kept, history.today)
    tried, counts, sums, days_ago = find(shelf, columns)
    emotion = x[features.FEELINGS] @ scoring.emotion
    energy = scoring.energy[_UNSAID if context.energy is None else ENERGIES.index(energy_of(context.energy))]
    time = scoring.time if available is None else SCALE * TIME * time_fit(shelf.minutes, available)
    return Moment(
        context=context,
        feelings=feelings,
        x=x,
        emotion=emotion,
        energy=energy,
        time=time,
        prior=scoring.fixed[2 * context.adhd + context.autism] + emotion + energy + time,
        repetition=_repetition(shelf, history, tried, days_ago),
        tried=tried,
        counts=counts,
        sums=sums,
    )
