"""Fit how rules, light model and encoder are combined, on voices that none of them has learned from.

Pure numpy: a logistic regression by projected gradient (a rule's tier never lowers, a denied word never raises),
thresholds for stated shares of false alarms, the temperature of emotions.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from wellspring.language.model import EMOTION_SHARE, SHORT, Combined, Seen, Settings, Thresholds, Weights, probability

Floats = NDArray[np.float64]

NAMES: Final = ("tier1", "tier2", "tier3", "uncounted", "light", "whole", "most")
SHARES: Final = (1.0, 0.9, 0.75, 0.6, 0.45, 0.3, 0.15)
_ENOUGH: Final = 100  # long texts of ours without danger, for a threshold of their own
_LOW: Final = np.array([0, 0, 0, -6, 0, 0, 0, -20], dtype=float)
_HIGH: Final = np.array([6, 6, 6, 0, 6, 6, 6, 20], dtype=float)


class Case(msgspec.Struct, frozen=True):
    """One text of the calibration set: what was seen, whether its writer is in danger, and what it counts.

    What was put together from texts (`made`) says how to weigh, not where a threshold is.
    """

    seen: Seen
    danger: bool
    ordinary: bool
    weight: float = 1.0
    made: bool = False


def features(seen: Seen, *, full: bool) -> list[float]:
    """Return the row that `probability` weighs, with 1 for the bias at its end."""
    tiers = [float(seen.tier >= n) for n in (1, 2, 3)]
    encoder = [seen.whole, seen.most] if full else [0.0, 0.0]
    return [*tiers, float(seen.uncounted), seen.light, *encoder, 1.0]


def fit(cases: Sequence[Case], *, full: bool, ridge: float = 0.02, steps: int = 4000) -> Weights:
    """Return the weights with the least loss within their bounds."""
    rows = np.array([features(case.seen, full=full) for case in cases])
    truth = np.array([case.danger for case in cases], dtype=float)
    weight = np.array([case.weight for case in cases])
    weight = weight / weight.sum()
    scale = np.maximum(np.abs(rows).max(0), 1e-9)
    scaled = rows / scale
    low, high = _LOW * scale, _HIGH * scale
    found = np.zeros(rows.shape[1])
    rate = 4.0 / max(float((weight[:, None] * scaled**2).sum(0).max()), 1e-9)
    momentum = np.zeros_like(found)
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ found, -50, 50)))
        gradient = scaled.T @ (weight * (chance - truth)) + ridge * np.append(found[:-1], 0.0) / len(found)
        momentum = 0.9 * momentum - 0.1 * rate * gradient
        found = np.clip(found + momentum, low, high)
    plain = (found / scale).tolist()
    return Weights(
        bias=plain[7],
        tiers=(plain[0], plain[1], plain[2]),
        uncounted=plain[3],
        light=plain[4],
        whole=plain[5],
        most=plain[6],
    )


def threshold(scores: Sequence[float], share: float, weights: Sequence[float] | None = None) -> float:
    """Return the smallest threshold that at most `share` of these scores reach, each counting its weight (1)."""
    counted = [1.0] * len(scores) if weights is None else weights
    left = share * sum(counted) * (1 + 1e-9)
    for score, weight in sorted(zip(scores, counted, strict=True), reverse=True):
        left -= weight
        if left < 0:
            return math.nextafter(score, 2.0)
    return 0.0


def least(scores: Mapping[float, Sequence[float]]) -> float | None:
    """Return the threshold that of each list at most its share reaches; None where a list is empty."""
    if not all(scores.values()):
        return None
    return _up(max(threshold(found, share) for share, found in scores.items()))


def _up(value: float) -> float:
    """Return a threshold with four digits that no score reaches which did not reach it before."""
    return math.ceil(value * 10_000) / 10_000


def _at(calm: Sequence[tuple[float, Case]], hard: float, ordinary: float) -> float:
    """Return the threshold that at most these shares of what our hands wrote and of ordinary texts of others reach."""
    ours, others = (
        [(chance, c.weight) for chance, c in calm if c.ordinary is of_others] for of_others in (False, True)
    )
    return max(
        threshold([chance for chance, _ in found], share, [weight for _, weight in found])
        for found, share in ((ours, hard), (others, ordinary))
    )


def combined(cases: Sequence[Case], *, full: bool, moderate: float, high: float, ordinary: float) -> Combined:
    """Fit and choose thresholds: at most `moderate` and `high` false alarms among the corpus's own negatives, which
    are hard on purpose, and at most `ordinary` (and a third of it) among ordinary texts of others.

    Long texts get a threshold of moderate of their own, at the same shares of theirs and never above that of all.
    """
    weights = fit(cases, full=full)
    calm = [(probability(weights, c.seen), c) for c in cases if not c.danger and not c.made]
    days = [(chance, c) for chance, c in calm if c.seen.parts > SHORT]
    at = _at(calm, moderate, ordinary)
    above = max(_at(calm, high, ordinary / 3), at)
    enough = sum(not c.ordinary for _, c in days) >= _ENOUGH
    long = _up(min(_at(days, moderate, ordinary), at)) if enough else None
    return Combined(weights, Thresholds(_up(at), _up(above), moderate, high, long))


def temperature(
    logits: Sequence[Sequence[float]], truth: Sequence[int], weights: Sequence[float] | None = None
) -> float:
    """Return the temperature with the least cross-entropy, between .5 and 3."""
    rows, right = np.array(logits), np.array(truth)
    counted = np.ones(len(right)) if weights is None else np.array(weights)
    best, least = 1.0, math.inf
    for value in np.linspace(0.5, 3.0, 51):
        scaled = rows / value
        scaled = scaled - scaled.max(1, keepdims=True)
        each = np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(right)), right]
        loss = float(np.average(each, weights=counted))
        if loss < least:
            best, least = float(value), loss
    return best


def share(
    logits: Sequence[Sequence[float]],
    light: Sequence[Sequence[float]],
    truth: Sequence[int],
    scale: float,
    weights: Sequence[float] | None = None,
) -> float:
    """Return how much the encoder's emotions count beside the light model's: where most first choices are right.

    `logits` are the encoder's, divided by the temperature `scale`; `light` are probabilities. Of those that the best
    does not beat by a standard error, it is the one nearest to what is taken where nobody has found out: two models
    err less together than one, and a few texts must not decide.
    """
    rows = np.array(logits) / scale
    ours = np.exp(rows - rows.max(1, keepdims=True))
    ours /= ours.sum(1, keepdims=True)
    other, right = np.array(light), np.array(truth)
    counted = np.ones(len(right)) if weights is None else np.array(weights)
    hits = {part: (part * ours + (1 - part) * other).argmax(1) == right for part in SHARES}
    rates = {part: float(np.average(hit, weights=counted)) for part, hit in hits.items()}
    best = max(rates.values())
    error = math.sqrt(best * (1 - best) * float((counted**2).sum()) / float(counted.sum()) ** 2)
    return min((part for part in SHARES if rates[part] >= best - error), key=lambda part: abs(part - EMOTION_SHARE))


def write(settings: Settings, folder: Path) -> None:
    """Write `combine.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "combine.json").write_bytes(msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
