# pyright: basic, reportMissingImports=false
"""The light model's heads for feeling: the twelve labels, Plutchik's eight and sentiment, fitted at once."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from torch.nn import functional

from wellspring.language.evaluation import accuracy, auc, macro_f1
from wellspring.language.schemas import EKMAN, EMOTIONS, PLUTCHIK
from wellspring.language.training.examples import Example
from wellspring.language.training.features import matrix
from wellspring.language.training.linear import SEED, fit

Tell = Callable[[str], None]
_HELD: Final = 5  # one part in so many is held out to calibrate
_AUTHORED: Final = 8.0  # how much an authored text counts beside one of the shared data
_EPOCHS, _RATE, _DECAY = 5, 0.02, 2e-5
_TWELVE, _EIGHT = len(EMOTIONS), len(PLUTCHIK)


class Head(msgspec.Struct):
    """Weights [buckets, columns], biases, a (slope, bias) for each column or one for all, and figures."""

    weights: Any
    bias: Any
    scale: list[tuple[float, float]]
    figures: dict[str, float]


def held_out(groups: Sequence[str]) -> Any:
    """Return a mask of the rows that calibrate; a group is in or out as a whole."""
    own = np.array(groups)
    splits = GroupKFold(_HELD, shuffle=True, random_state=SEED).split(own, groups=own)
    return np.isin(np.arange(len(own)), next(splits)[1])


def scaled(scores: Any, labels: Any) -> tuple[float, float]:
    """Return slope and bias that turn scores into calibrated logits (Platt)."""
    found = LogisticRegression(C=100.0).fit(np.asarray(scores).reshape(-1, 1), labels)
    return float(found.coef_[0, 0]), float(found.intercept_[0])


def temperature(logits: Any, shares: Any) -> float:
    """Return the slope of logits that makes the given shares likeliest."""

    def loss(slope: float) -> float:
        x = logits * slope
        x = x - x.max(1, keepdims=True)
        return float(-(shares * (x - np.log(np.exp(x).sum(1, keepdims=True)))).sum())

    return float(minimize_scalar(loss, bounds=(0.2, 5.0), method="bounded").x)


class _Known(msgspec.Struct):
    """Features and targets of all examples; what is not known of a row has weight 0."""

    features: Any
    emotions: Any
    plutchik: Any
    tone: Any
    weights: Any  # [rows, 3]: emotions, plutchik, tone
    authored: Any
    source: Any


def _known(found: Sequence[Example]) -> _Known:
    authored = np.array([e.source == "emotion" for e in found])
    own = np.where(authored, _AUTHORED, 1.0)
    there = [(e.emotions is not None, e.plutchik is not None, e.sentiment is not None) for e in found]
    return _Known(
        matrix([e.text for e in found]),
        np.array([e.emotions or [0.0] * _TWELVE for e in found], np.float32),
        np.array([e.plutchik or [0.0] * _EIGHT for e in found], np.float32),
        np.array([e.sentiment or 0.0 for e in found], np.float32),
        (np.array(there, float).reshape(-1, 3) * np.column_stack([own, np.ones(len(own)), own])).astype(np.float32),
        authored,
        np.array([e.source for e in found]),
    )


def _fitted(known: _Known, mask: Any) -> tuple[Any, Any]:
    sums = known.emotions.sum(0)
    rarity = torch.from_numpy(np.sqrt(sums.mean() / np.maximum(1, sums)).clip(0.5, 2.5))
    emotions, plutchik, tone, weights = (
        torch.from_numpy(column[mask]) for column in (known.emotions, known.plutchik, known.tone, known.weights)
    )

    def loss(logits: Any, rows: Any) -> Any:
        logs = functional.log_softmax(logits[:, :_TWELVE], -1)
        twelve = -(logs * emotions[rows] * rarity).sum(-1)
        each = functional.binary_cross_entropy_with_logits(logits[:, _TWELVE:-1], plutchik[rows], reduction="none")
        square = (logits[:, -1] - tone[rows]).square()
        return (torch.stack([twelve, 2 * each.mean(-1), square], -1) * weights[rows]).sum(-1).mean()

    return fit(known.features[mask], _TWELVE + _EIGHT + 1, loss, epochs=_EPOCHS, rate=_RATE, decay=_DECAY)


def feeling_heads(examples: Sequence[Example], tell: Tell) -> tuple[Head, Head, Head]:
    """Return emotions, Plutchik's eight and sentiment, calibrated on a part held out and then fitted to all."""
    known = _known(examples)
    held = held_out([f"{e.source}/{e.voice or n}" for n, e in enumerate(examples)])
    tell("emotions: first fit")
    weights, bias = _fitted(known, ~held)
    logits = known.features[held] @ weights + bias
    there = known.weights[held] > 0
    slope = temperature(logits[there[:, 0], :_TWELVE], known.emotions[held][there[:, 0]])
    eight, targets = logits[there[:, 1], _TWELVE:-1], known.plutchik[held][there[:, 1]]
    both = [len(np.unique(targets[:, i])) == 2 for i in range(_EIGHT)]
    scale = [scaled(eight[:, i], targets[:, i]) if both[i] else (1.0, 0.0) for i in range(_EIGHT)]
    figures = _figures(known, held, logits)
    figures["plutchik_mean_auc"] = float(np.mean([auc(eight[:, i], targets[:, i]) for i in range(_EIGHT)]))
    tell("emotions: last fit")
    weights, bias = _fitted(known, np.ones(len(held), bool))
    return (
        Head(weights[:, :_TWELVE], bias[:_TWELVE], [(slope, 0.0)], figures),
        Head(weights[:, _TWELVE:-1], bias[_TWELVE:-1], scale, {}),
        Head(weights[:, -1:], bias[-1:], [(1.0, 0.0)], {}),
    )


def _figures(known: _Known, held: Any, logits: Any) -> dict[str, float]:
    said = np.array(EMOTIONS)[logits[:, :_TWELVE].argmax(1)]
    truth = np.array(EMOTIONS)[known.emotions[held].argmax(1)]
    own, reddit = known.authored[held], (known.source[held] == "goemotions") & (known.weights[held, 0] > 0)
    clear = np.abs(known.tone[held]) >= 0.5
    said_six, truth_six = (
        np.array([EKMAN.get(str(label), str(label)) for label in labels[reddit]]) for labels in (said, truth)
    )
    return {
        "emotions_authored_accuracy": accuracy(said[own], truth[own]),
        "emotions_authored_macro_f1": macro_f1(said[own], truth[own]),
        "emotions_goemotions_ekman_macro_f1": macro_f1(said_six, truth_six),
        "sentiment_auc": auc(logits[clear, -1], known.tone[held][clear] > 0),
    }
