"""Thompson sampling of k offers from different categories, and the chance that each offer had.

Every intervention of a pool gets one draw from the normal distribution of its score. The best of each category
compete, and the best k of those are offered. The draws are independent, so the chance that an intervention is among the
offers is one integral over its own draw z: all others of its category must lie below z, and the best of at most k - 1
other categories above. The trapezoid rule does it, on 19 points from -4.5 to 4.5 standard deviations: nothing is
simulated. Against long simulation the chances are right to about .001, and to 2 % where they are small.

The arithmetic of the integral is in single precision: its error is far below that of the distribution function.
"""

from hashlib import shake_128
from typing import Final

import numpy as np

from wellspring.interventions.learning.features import Floats, Numbers, Singles

LEAST: Final = 1e-6
"""A chance that is logged is never smaller: it is divided by."""

MOST: Final = 3
"""Offers that can be drawn at once."""

NEVER: Final = -1e3
"""The mean of a score that cannot win."""

_LEVELS: Final = 1 << 16


def _quantiles() -> Floats:
    """Return the normal quantiles of _LEVELS equally likely levels, from the distribution function on a fine grid."""
    z = np.linspace(-6.0, 6.0, 24_001)
    density = np.exp(-z * z / 2)
    below = density.cumsum() - density / 2
    return np.interp((np.arange(_LEVELS) + 0.5) / _LEVELS, below / density.sum(), z)


_QUANTILES: Final = _quantiles()

_Z: Final = np.linspace(-4.5, 4.5, 19)
_WEIGHTS: Final = np.exp(-(_Z**2) / 2) / np.exp(-(_Z**2) / 2).sum()
_HALF, _LINEAR, _CUBIC = np.float32(0.5), np.float32(0.7988), np.float32(0.03528)


def normals(seed: int, count: int) -> Floats:
    """Return standard normal draws, shape (count,): the same for a seed everywhere and for ever.

    Each is the quantile of two bytes of SHAKE-128. Making a generator for so few draws cost five times as much.
    """
    digest = shake_128(seed.to_bytes(16, "big")).digest(2 * count)
    return _QUANTILES.take(np.frombuffer(digest, "<u2"))


def first_k(scores: Floats, groups: Numbers, k: int) -> list[int]:
    """Return the positions of the best k scores of different groups, best first."""
    taken: list[int] = []
    used: set[int] = set()
    kinds: list[int] = groups.tolist()
    order: list[int] = (-scores).argsort(kind="stable").tolist()
    for position in order:
        if kinds[position] not in used:
            used.add(kinds[position])
            taken.append(position)
            if len(taken) == k:
                break
    return taken


def _at_most(below: Floats, k: int) -> Floats:
    """Return the chance that fewer than k (1 to 3) of independent events happen.

    `below`, shape (events, …), are the chances that each does not. None, one and two of them are the elementary
    symmetric polynomials of their odds.
    """
    none = np.maximum(below, 1e-9)
    chance: Floats = np.multiply.reduce(none)
    if k == 1:
        return chance
    odds = 1 / none - 1
    one = np.add.reduce(odds)
    if k == 2:
        chance *= 1 + one
        return chance
    odds *= odds
    chance *= 1 + one + (one * one - np.add.reduce(odds)) * 0.5
    return chance


def _normal(t: Singles) -> Singles:
    """Return the normal distribution function to within 1.4e-4, as a logistic of a cubic; tanh cannot overflow."""
    found = t * t
    found *= _CUBIC
    found += _LINEAR
    found *= t
    np.tanh(found, out=found)
    found *= _HALF
    found += _HALF
    return found


def inclusion(means: Floats, spreads: Floats, starts: Numbers, chosen: list[int], k: int) -> list[float]:
    """Return the chance of each of the positions `chosen` to be among the k offers.

    `means` and `spreads` (standard deviations, above 0) describe the scores, sorted by category; `starts` are the
    positions at which each category starts. What cannot be offered has the mean NEVER. At least k categories must
    have something to offer, and k is at most MOST.
    """
    steep = (1 / spreads).astype(np.float32)
    at = (means[chosen][:, None] + spreads[chosen][:, None] * _Z).ravel()
    # Near zero single precision is fine enough: what is taken away is close to what it is taken from.
    middle = means[chosen[0]]
    t = np.multiply.outer(steep, (at - middle).astype(np.float32))
    t -= ((means - middle) * steep).astype(np.float32)[:, None]
    below = _normal(t)
    spans = [slice(n * len(_Z), (n + 1) * len(_Z)) for n in range(len(chosen))]
    for pick, span in zip(chosen, spans, strict=True):
        below[pick, span] = 1.0  # its own draw is z
    best = np.multiply.reduceat(below, starts, axis=0).astype(np.float64)
    alone = np.empty_like(at)
    for category, span in zip(starts.searchsorted(chosen, side="right").tolist(), spans, strict=True):
        alone[span] = best[category - 1, span]
        best[category - 1, span] = 1.0  # its own category has nothing better than z
    alone *= _at_most(best, k)
    chances: list[float] = (alone.reshape(len(chosen), -1) @ _WEIGHTS).tolist()
    return [min(max(chance, LEAST), 1.0) for chance in chances]
