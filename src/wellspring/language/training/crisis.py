# pyright: basic, reportMissingImports=false
"""The light model's crisis head: texts and sentences together, combined and calibrated out of fold."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from wellspring.language.corpus import Text
from wellspring.language.evaluation import auc, recall_at
from wellspring.language.fold import fold
from wellspring.language.light import Combination
from wellspring.language.reader import read
from wellspring.language.segments import segments
from wellspring.language.training.examples import Example
from wellspring.language.training.features import matrix
from wellspring.language.training.heads import Tell, scaled
from wellspring.language.training.linear import SEED

FOLDS: Final = 5
_STRENGTH: Final = 3.0  # inverse of the L2 penalty
_WEIGHT: Final = {"short": 1.0, "pair": 1.0, "long": 1.0, "feedback": 0.3, "emotion": 0.3}
_SENTENCE: Final = {"d": 0.6, "m": 0.5, "-": 0.15}
_ORDINARY: Final = 0.15
_MOST_ORDINARY: Final = 12_000


class Rows(msgspec.Struct):
    """Folded texts with what they are fitted to; rows of one group stay on one side of every split."""

    texts: list[str] = []
    targets: list[float] = []
    weights: list[float] = []
    groups: list[str] = []

    def add(self, text: str, target: float, weight: float, group: str) -> None:
        """Append a row."""
        self.texts.append(text)
        self.targets.append(target)
        self.weights.append(weight)
        self.groups.append(group)


class CrisisHead(msgspec.Struct):
    """Weights [buckets] with a bias, how parts are combined and calibrated, and the figures out of fold."""

    weights: Any
    bias: float
    combination: Combination
    part: tuple[float, float]
    figures: dict[str, float]


class _Judged(msgspec.Struct):
    """Labelled texts as matrices: whole, and by segment and sentence with the index of the text they belong to."""

    labels: Any
    groups: list[str]
    whole: Any
    segments: Any
    segment_of: Any
    sentences: Any
    sentence_of: Any
    sentence_labels: Any


def rows_of(texts: Sequence[Text], ordinary: Sequence[Example]) -> Rows:
    """Return short texts, both sides of pairs, long entries, their sentences, and ordinary licensed texts."""
    rows = Rows()
    for text in texts:
        if text.label is not None:
            rows.add(fold(text.text).text, float(text.label == "d"), _WEIGHT[text.kind], text.group)
        elif not text.of_people and not read(text.text).hits:
            rows.add(fold(text.text).text, 0.0, _WEIGHT[text.kind], text.group)
        for one in text.sentences:
            part = fold(text.text[one.start : one.end]).text
            rows.add(part, float(one.label == "d"), _SENTENCE[one.label], text.group)
    known = [example for example in ordinary if example.crisis == 0.0]
    for index in np.random.default_rng(SEED).permutation(len(known))[:_MOST_ORDINARY]:
        rows.add(known[index].text, 0.0, _ORDINARY, f"{known[index].source}/{index}")
    return rows


def _judged(texts: Sequence[Text]) -> _Judged:
    folded = [fold(text.text).text for text in texts]
    parts = [(n, text[start:end]) for n, text in enumerate(folded) for start, end in segments(text)]
    marked = [(n, fold(t.text[s.start : s.end]).text, s.label == "d") for n, t in enumerate(texts) for s in t.sentences]
    return _Judged(
        np.array([text.label == "d" for text in texts]),
        [text.group for text in texts],
        matrix(folded),
        matrix([part for _, part in parts]),
        np.array([n for n, _ in parts]),
        matrix([part for _, part, _ in marked]),
        np.array([n for n, _, _ in marked], int),
        np.array([label for _, _, label in marked], bool),
    )


def _fit(features: Any, targets: Any, weights: Any) -> Any:
    """Fit one head; danger and the rest weigh the same in all."""
    share = weights[targets == 1].sum() / weights.sum()
    balanced = np.where(targets == 1, weights / (2 * share), weights / (2 * (1 - share)))
    return LogisticRegression(C=_STRENGTH, solver="liblinear", random_state=SEED).fit(features, targets, balanced)


def crisis_head(texts: Sequence[Text], ordinary: Sequence[Example], tell: Tell) -> CrisisHead:
    """Fit on everything; combine and calibrate on predictions for voices that each fold left out."""
    rows = rows_of(texts, ordinary)
    features, targets = matrix(rows.texts), np.array(rows.targets)
    weights, groups = np.array(rows.weights), np.array(rows.groups)
    judged = _judged([text for text in texts if text.label is not None])
    whole, parts = np.zeros(len(judged.labels)), np.zeros(judged.segments.shape[0])
    sentences = np.zeros(judged.sentences.shape[0])
    own = np.array(judged.groups)
    splits = GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(own, groups=own)
    for number, (_, held) in enumerate(splits, 1):
        inside = ~np.isin(groups, own[held])
        model = _fit(features[inside], targets[inside], weights[inside])
        whole[held] = model.decision_function(judged.whole[held])
        for scores, of, what in (
            (parts, judged.segment_of, judged.segments),
            (sentences, judged.sentence_of, judged.sentences),
        ):
            mine = np.isin(of, held)
            if mine.any():
                scores[mine] = model.decision_function(what[mine])
        tell(f"crisis: fold {number} of {FOLDS}")
    combination, figures = _combined(judged, whole, parts)
    enough = judged.sentence_labels.any() and not judged.sentence_labels.all()
    part = scaled(sentences, judged.sentence_labels) if enough else (1.0, 0.0)
    if enough:
        figures["crisis_sentences_auc"] = auc(sentences, judged.sentence_labels)
    model = _fit(features, targets, weights)
    return CrisisHead(model.coef_[0], float(model.intercept_[0]), combination, part, figures)


def _combined(judged: _Judged, whole: Any, parts: Any) -> tuple[Combination, dict[str, float]]:
    highest = np.full(len(whole), -np.inf)
    np.maximum.at(highest, judged.segment_of, parts)
    highest = np.where(np.isinf(highest), whole, highest)
    count = np.log(np.maximum(1, np.bincount(judged.segment_of, minlength=len(whole))))
    columns = np.column_stack([whole, highest, count])
    found = LogisticRegression(C=10.0).fit(columns, judged.labels)
    a, b, c = (float(value) for value in found.coef_[0])
    scores = found.decision_function(columns)
    figures = {
        "crisis_auc": auc(scores, judged.labels),
        "crisis_recall_at_5": recall_at(scores, judged.labels, 0.05),
        "crisis_recall_at_1": recall_at(scores, judged.labels, 0.01),
    }
    return Combination(a, b, c, float(found.intercept_[0])), figures
