"""The figures agree with what can be worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.language import evaluation as ev


def test_auc_by_hand() -> None:
    assert ev.auc([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == 1.0
    assert ev.auc([0.9, 0.8, 0.2, 0.1], [False, False, True, True]) == 0.0
    assert ev.auc([0.5, 0.5, 0.5], [True, False, True]) == 0.5
    assert ev.auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75
    assert math.isnan(ev.auc([0.1, 0.2], [True, True]))


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    danger = [score for score, label in rows if label]
    others = [score for score, label in rows if not label]
    found = ev.auc([score for score, _ in rows], [label for _, label in rows])
    if danger and others:
        pairs = [1.0 if d > o else 0.5 if d == o else 0.0 for d in danger for o in others]
        assert found == pytest.approx(sum(pairs) / len(pairs))
    else:
        assert math.isnan(found)


def test_recall_at_a_rate_of_false_alarms() -> None:
    scores = [*range(100), 50.5, 98.5, 200]
    labels = [False] * 100 + [True] * 3
    assert ev.recall_at(scores, labels, 0.0) == pytest.approx(1 / 3)
    assert ev.recall_at(scores, labels, 0.01) == pytest.approx(2 / 3)
    assert ev.recall_at(scores, labels, 0.5) == 1.0
    assert math.isnan(ev.recall_at([1, 2], [False, False], 0.1))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50), st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0]))
def test_a_threshold_keeps_to_its_rate(scores: list[int], rate: float) -> None:
    at = ev.threshold_at(scores, [False] * len(scores), rate)
    assert sum(score > at for score in scores) <= rate * len(scores)


def test_calibration_error_by_hand() -> None:
    assert ev.calibration_error([0.25] * 4, [True, False, False, False]) == 0.0
    assert ev.calibration_error([0.95] * 4, [True, True, False, False]) == pytest.approx(0.45)
    assert ev.calibration_error([1.0, 0.0], [True, False]) == 0.0
    assert math.isnan(ev.calibration_error([], []))


def test_false_alarms_are_counted_among_texts_without_danger() -> None:
    assert ev.false_alarms_per_1000([True, True, False, False, True], [True, False, False, False, True]) == (
        pytest.approx(1000 / 3)
    )
    assert math.isnan(ev.false_alarms_per_1000([True], [True]))


def test_macro_f1_counts_rare_classes_as_much() -> None:
    truth = ["a"] * 8 + ["b"] * 2
    assert ev.macro_f1(truth, truth) == 1.0
    assert ev.macro_f1(["a"] * 10, truth) == pytest.approx(16 / 18 / 2)
    assert ev.accuracy(["a"] * 10, truth) == 0.8


def test_an_interval_holds_its_figure_and_is_always_the_same() -> None:
    chance = np.random.default_rng(1)
    labels = chance.random(300) < 0.4
    scores = labels + chance.normal(0, 1, 300)
    found = ev.bootstrap(ev.auc, scores, labels, resamples=200)
    assert found.low < found.value < found.high
    assert 0.03 < found.high - found.low < 0.2
    assert found == ev.bootstrap(ev.auc, scores, labels, resamples=200)
    assert ev.bootstrap(ev.rate, []).count == 0
