# pyright: basic, reportMissingImports=false
"""The light model's heads for feedback: what it is about, and how soon somebody should look."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from wellspring.language.corpus import Text
from wellspring.language.evaluation import auc, macro_f1
from wellspring.language.fold import fold
from wellspring.language.light import URGENCIES
from wellspring.language.training.features import matrix
from wellspring.language.training.heads import Head, scaled, temperature
from wellspring.language.training.linear import SEED

_STRENGTH: Final = 10.0  # inverse of the L2 penalty
_FOLDS: Final = 5
_NEVER: Final = -20.0  # a logit that rules out


def feedback_heads(texts: Sequence[Text]) -> tuple[tuple[str, ...], Head, Head]:
    """Return the topics' names, their head and that of urgency, both calibrated out of fold."""
    texts = [text for text in texts if text.kind == "feedback" and text.urgency]
    names = tuple(sorted({topic for text in texts for topic in text.topics}))
    features = matrix([fold(text.text).text for text in texts])
    groups = [text.group for text in texts]
    if len(set(groups)) < _FOLDS:
        return (), _none(features, 0), _none(features, len(URGENCIES))
    targets = np.array([[topic in text.topics for topic in names] for text in texts], float)
    classes = np.array([URGENCIES.index(text.urgency) for text in texts if text.urgency])
    return names, _topics(features, targets, groups), _urgency(features, classes, groups)


def _none(features: Any, columns: int) -> Head:
    return Head(np.zeros((features.shape[1], columns)), np.zeros(columns), [(1.0, 0.0)] * columns, {})


def _model(columns: int) -> LogisticRegression:
    solver = "lbfgs" if columns > 1 else "liblinear"  # the one for several classes, the other far quicker for two
    return LogisticRegression(C=_STRENGTH, class_weight="balanced", solver=solver, max_iter=100, random_state=SEED)


def _out_of_fold(features: Any, target: Any, groups: Sequence[str], columns: int) -> Any:
    """Return scores for each row by a model that did not see its voice; a class not seen is ruled out."""
    scores = np.full((len(target), columns), _NEVER)
    for inside, held in GroupKFold(_FOLDS, shuffle=True, random_state=SEED).split(target, groups=groups):
        if len(np.unique(target[inside])) > 1:
            model = _model(columns).fit(features[inside], target[inside])
            found = model.decision_function(features[held])
            where = model.classes_.astype(int) if columns > 1 else [0]
            scores[np.ix_(held, where)] = found.reshape(len(held), -1)
    return scores


def _topics(features: Any, targets: Any, groups: Sequence[str]) -> Head:
    columns, bias = np.zeros((features.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    scale, areas, said = [], [], np.zeros(targets.shape, bool)
    for index in range(targets.shape[1]):
        target = targets[:, index]
        scores = _out_of_fold(features, target, groups, 1)[:, 0]
        slope, shift = scaled(scores, target)
        scale.append((max(slope, 0.0), shift))
        areas.append(auc(scores, target))
        said[:, index] = scores * slope + shift > 0
        model = _model(1).fit(features, target)
        columns[:, index], bias[index] = model.coef_[0], model.intercept_[0]
    hits = (said & (targets > 0)).sum()
    figures = {
        "topics_mean_auc": float(np.mean(areas)),
        "topics_micro_f1": float(2 * hits / max(1, said.sum() + targets.sum())),
    }
    return Head(columns, bias, scale, figures)


def _urgency(features: Any, classes: Any, groups: Sequence[str]) -> Head:
    count = len(URGENCIES)
    logits = _out_of_fold(features, classes, groups, count)
    slope = temperature(logits, np.eye(count)[classes])
    model = _model(count).fit(features, classes)
    columns, bias = np.zeros((features.shape[1], count)), np.full(count, _NEVER)
    columns[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    figures = {"urgency_macro_f1": macro_f1(logits.argmax(1), classes)}
    return Head(columns, bias, [(slope, 0.0)], figures)
