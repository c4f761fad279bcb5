"""A moment as 21 numbers: a one, what is felt, the energy, the time of day, how things went lately, neurotype."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wellspring.interventions.vocabulary import EMOTIONS, TIMES_OF_DAY, Emotion, TimeOfDay

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.intp]
Flags = NDArray[np.bool_]

ONE: Final = 0
FEELINGS: Final = slice(1, 1 + len(EMOTIONS))
ENERGY: Final = FEELINGS.stop
TIMES: Final = slice(ENERGY + 1, ENERGY + 1 + len(TIMES_OF_DAY))
RECENT: Final = TIMES.stop
ADHD: Final = RECENT + 1
AUTISM: Final = RECENT + 2
WIDTH: Final = RECENT + 3

UNSAID: Final = 0.5
"""The energy, and how things went lately, when nobody said."""

_FEELING: Final = {emotion: FEELINGS.start + number for number, emotion in enumerate(EMOTIONS)}
_TIME: Final = {time: TIMES.start + number for number, time in enumerate(TIMES_OF_DAY)}


def vector(
    feelings: Mapping[Emotion, float],
    energy: int | None,
    time_of_day: TimeOfDay | None,
    recent: float | None,
    *,
    adhd: bool,
    autism: bool,
) -> Floats:
    """Return the features of a moment, shape (WIDTH,).

    `feelings` are shares that add up to 1, `energy` is 1–10, `recent` the running mean of the person's last ratings
    on 0..1. An unsaid time of day is spread over all of them.
    """
    x = [0.0] * WIDTH
    x[ONE] = 1.0
    for emotion, share in feelings.items():
        x[_FEELING[emotion]] = share
    x[ENERGY] = UNSAID if energy is None else energy / 10
    if time_of_day is None:
        x[TIMES] = [1 / len(_TIME)] * len(_TIME)
    else:
        x[_TIME[time_of_day]] = 1.0
    x[RECENT] = UNSAID if recent is None else recent
    x[ADHD], x[AUTISM] = float(adhd), float(autism)
    return np.array(x)
