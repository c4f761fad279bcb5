"""Figures that say how good a judgement is: plain numpy, intervals by resampling.

`scores` are numbers that are higher for danger, `labels` are True where danger is, `flags` True where an alarm is
raised. A figure that its data cannot give (one class only, nothing there) is NaN.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

NAN: Final = float("nan")
_RESAMPLES: Final = 1000
_SEED: Final = 7
Figure = Callable[..., float]


class Interval(msgspec.Struct, frozen=True):
    """A figure with the range that holds it in 95 of 100 resamplings; `count` rows went into it."""

    value: float
    low: float
    high: float
    count: int


class Resampled(msgspec.Struct, frozen=True):
    """A figure of `count` rows with what it was in each resampling; NaN where those rows did not give it."""

    value: float
    drawn: list[float]
    count: int

    def interval(self) -> Interval:
        """Return the figure with its 95 % interval."""
        good = [number for number in self.drawn if not np.isnan(number)]
        low, high = np.quantile(good, [0.025, 0.975]) if good else (NAN, NAN)
        return Interval(self.value, float(low), float(high), self.count)

    def less(self, other: "Resampled") -> "Resampled":
        """Return by how much this is more than the same figure of the same rows, judged by another."""
        pairs = zip(self.drawn, other.drawn, strict=True)
        return Resampled(self.value - other.value, [one - two for one, two in pairs], self.count)


def auc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the chance that danger scores higher than no danger; ties count half."""
    s, y = np.asarray(scores, float), np.asarray(labels, bool)
    positive, negative = int(y.sum()), int((~y).sum())
    if not positive or not negative:
        return NAN
    _, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[inverse][y].sum() - positive * (positive + 1) / 2) / (positive * negative))


def threshold_at(scores: ArrayLike, labels: ArrayLike, rate: float) -> float:
    """Return the lowest threshold above which at most `rate` of the texts without danger score."""
    ordinary = np.sort(np.asarray(scores, float)[~np.asarray(labels, bool)])[::-1]
    allowed = int(rate * len(ordinary))
    return float(ordinary[allowed]) if allowed < len(ordinary) else -np.inf


def recall_at(scores: ArrayLike, labels: ArrayLike, rate: float) -> float:
    """Return the share of danger found when at most `rate` of the others are raised."""
    s, y = np.asarray(scores, float), np.asarray(labels, bool)
    if not y.any() or y.all():
        return NAN
    return float((s[y] > threshold_at(s, y, rate)).mean())


def calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 10) -> float:
    """Return the mean gap between probability and frequency over equal bins, weighed by what each holds."""
    p, y = np.asarray(probabilities, float), np.asarray(labels, float)
    if not len(p):
        return NAN
    where = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[where == b].sum() - y[where == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(p))


def rate(flags: ArrayLike) -> float:
    """Return the share of flags that are raised."""
    f = np.asarray(flags, float)
    return float(f.mean()) if len(f) else NAN


def false_alarms_per_1000(flags: ArrayLike, labels: ArrayLike) -> float:
    """Return how many of 1,000 texts without danger are raised."""
    return 1000 * rate(np.asarray(flags, bool)[~np.asarray(labels, bool)])


def accuracy(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Return the share of equal pairs."""
    return rate(np.asarray(predicted) == np.asarray(truth))


def macro_f1(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Return the mean F1 over the classes that the truth holds."""
    p, t = np.asarray(predicted), np.asarray(truth)
    names = np.unique(t)
    values = [2 * ((p == name) & (t == name)).sum() / ((p == name).sum() + (t == name).sum()) for name in names]
    return float(np.mean(values)) if values else NAN


def bootstrap(figure: Figure, *columns: Sequence[Any] | NDArray[Any], resamples: int = _RESAMPLES) -> Interval:
    """Return a figure of columns of equal length with its 95 % interval; the same data give the same interval."""
    return resampled(figure, *columns, resamples=resamples).interval()


def resampled(figure: Figure, *columns: Sequence[Any] | NDArray[Any], resamples: int = _RESAMPLES) -> Resampled:
    """Return a figure of columns of equal length as it is and in each resampling; as many rows are drawn alike."""
    arrays = [np.asarray(column) for column in columns]
    count = len(arrays[0])
    if not count:
        return Resampled(NAN, [], 0)
    chance = np.random.default_rng(_SEED)
    drawn = [figure(*(array[rows] for array in arrays)) for rows in chance.integers(0, count, (resamples, count))]
    return Resampled(figure(*arrays), drawn, count)
