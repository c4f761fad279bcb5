"""How rules and models become one probability and one level: a rule's word is never lowered."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.language.model import (
    EMOTION_SHARE,
    SHORT,
    Seen,
    Thresholds,
    Weights,
    level_of,
    mixed,
    probability,
    sigmoid,
    softmax,
)
from wellspring.language.training import calibrate

WEIGHTS = Weights(bias=-1.0, tiers=(1.0, 0.5, 2.0), uncounted=-1.0, light=0.5, whole=0.4, most=0.6)
logit = st.floats(-30, 30)


@given(logit, logit, logit, st.integers(0, 2))
def test_a_higher_tier_never_lowers(light: float, whole: float, most: float, tier: int) -> None:
    one = probability(WEIGHTS, Seen(tier, False, light, whole, most))
    assert probability(WEIGHTS, Seen(tier + 1, False, light, whole, most)) >= one


def test_a_denied_word_does_not_raise() -> None:
    assert probability(WEIGHTS, Seen(0, True, 0, 0, 0)) < probability(WEIGHTS, Seen(0, False, 0, 0, 0))


def test_a_model_alone_is_never_critical() -> None:
    thresholds = Thresholds(0.5, 0.9, 0.03, 0.01)
    assert [level_of(thresholds, p) for p in (0.0, 0.49, 0.5, 0.89, 0.9, 1.0)] == [
        "low",
        "low",
        "moderate",
        "moderate",
        "high",
        "high",
    ]


def test_a_long_text_may_have_a_threshold_of_its_own() -> None:
    thresholds = Thresholds(0.5, 0.9, 0.03, 0.01, 0.4)
    assert [level_of(thresholds, 0.45, parts) for parts in (1, SHORT, SHORT + 1)] == ["low", "low", "moderate"]
    assert level_of(thresholds, 0.39, 90) == "low"
    assert level_of(Thresholds(0.5, 0.9, 0.03, 0.01), 0.45, 90) == "low", "folders of before have none"


def test_no_size_of_logit_breaks_it() -> None:
    assert sigmoid(-1e6) == 0.0
    assert sigmoid(1e6) == 1.0
    assert sum(softmax([1e3, -1e3, 0.0], 1.0)) == pytest.approx(1)
    assert mixed([1.0, 0.0], [0.0, 1.0], 0.75) == [0.75, 0.25]


def cases(count: int, seed: int = 1) -> list[calibrate.Case]:
    """Texts whose danger follows a known rule: tier and logits each add to it."""
    chance, made = random.Random(seed), []
    for _ in range(count):
        tier, light = chance.choice([0, 0, 0, 1, 2, 3]), chance.gauss(0, 1.5)
        whole = chance.gauss(0, 2)
        truth = sigmoid(-1.5 + 1.0 * tier + 0.5 * light + 1.0 * whole)
        made.append(calibrate.Case(Seen(tier, False, light, whole, whole), chance.random() < truth, ordinary=False))
    return made


def test_fitting_finds_the_rule_behind_the_cases() -> None:
    known = cases(6000)
    weights = calibrate.fit(known, full=True, ridge=0.0)
    assert weights.whole + weights.most == pytest.approx(1.0, abs=0.12)
    assert weights.light == pytest.approx(0.5, abs=0.12)
    assert sum(weights.tiers) == pytest.approx(3.0, abs=0.4)
    chances = [probability(weights, case.seen) for case in known]
    assert sum(chances) / len(chances) == pytest.approx(sum(c.danger for c in known) / len(known), abs=0.01)


def test_without_the_encoder_its_logits_weigh_nothing() -> None:
    weights = calibrate.fit(cases(500), full=False)
    assert (weights.whole, weights.most) == (0.0, 0.0)


def test_evidence_against_a_rule_cannot_make_its_weight_negative() -> None:
    against = [calibrate.Case(Seen(3, False, 0, 0, 0), danger=False, ordinary=False)] * 50
    weights = calibrate.fit([*against, *cases(50)], full=True)
    assert min(weights.tiers) >= 0


def test_a_threshold_keeps_its_share_of_false_alarms() -> None:
    scores = [n / 1000 for n in range(1000)]
    at = calibrate.threshold(scores, 0.03)
    assert sum(score >= at for score in scores) == 30
    assert calibrate.threshold([0.5] * 100, 0.03) > 0.5
    assert calibrate.threshold([], 0.03) == 0.0


def test_a_share_of_false_alarms_is_a_share_of_what_texts_count() -> None:
    scores, weights = [0.9] * 10 + [n / 200 for n in range(100)], [0.1] * 10 + [1.0] * 100
    at = calibrate.threshold(scores, 0.02, weights)
    assert sum(weight for score, weight in zip(scores, weights, strict=True) if score >= at) == pytest.approx(2.0)
    assert calibrate.threshold(scores, 0.02) > 0.9, "each counting one, ten that mislead would decide alone"


def test_high_is_not_below_moderate() -> None:
    found = calibrate.combined(cases(2000), full=True, moderate=0.03, high=0.01, ordinary=0.002)
    assert found.thresholds.high >= found.thresholds.moderate


def test_long_texts_are_raised_by_mistake_as_often_as_all_and_never_less_often_found() -> None:
    known = cases(3000)
    quieter = [
        calibrate.Case(Seen(0, False, case.seen.light - 2, -2, -2, parts=9), danger=False, ordinary=False)
        for case in cases(400, seed=2)
    ]
    shares = {"moderate": 0.05, "high": 0.01, "ordinary": 0.002}
    found = calibrate.combined([*known, *quieter], full=True, **shares)
    assert found.thresholds.long is not None
    assert found.thresholds.long < found.thresholds.moderate
    chances = [probability(found.weights, case.seen) for case in quieter]
    assert sum(chance >= found.thresholds.long for chance in chances) == pytest.approx(20, abs=1)
    assert calibrate.combined([*known, *quieter[:50]], full=True, **shares).thresholds.long is None, "too few to say"


def test_what_was_put_together_moves_no_threshold_by_itself() -> None:
    known = cases(2000)
    loud = calibrate.Case(Seen(3, False, 2, 3, 3), danger=False, ordinary=False, weight=1e-9, made=True)
    shares = {"moderate": 0.03, "high": 0.01, "ordinary": 0.002}
    without = calibrate.combined(known, full=True, **shares).thresholds
    beside = calibrate.combined([*known, *[loud] * 200], full=True, **shares).thresholds
    assert (beside.moderate, beside.high) == pytest.approx((without.moderate, without.high), abs=1e-3)


def test_the_temperature_follows_how_sure_the_logits_are() -> None:
    chance = random.Random(3)
    logits, truth = [], []
    for _ in range(3000):
        row = [chance.gauss(0, 1) for _ in range(4)]
        truth.append(chance.choices(range(4), softmax(row, 1.0))[0])
        logits.append([2 * value for value in row])
    assert calibrate.temperature(logits, truth) == pytest.approx(2.0, abs=0.3)


def test_the_share_of_emotions_goes_to_the_model_that_is_right() -> None:
    sure, lost = [4.0, 0.0, 0.0], [0.0, 4.0, 0.0]
    right, wrong = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]
    assert calibrate.share([[0.5, 0.0, 0.0]] * 5, [wrong] * 5, [0] * 5, 1.0) == 0.9
    assert calibrate.share([lost] * 5, [right] * 5, [0] * 5, 1.0) < 0.5
    assert calibrate.share([sure] * 5, [right] * 5, [0] * 5, 1.0) == EMOTION_SHARE  # of equals the usual one


def test_a_few_texts_do_not_decide_the_share_of_emotions() -> None:
    logits, light = [[9.0, 0.0, 0.0]] * 97 + [[0.0, 2.0, 0.0]] * 3, [[0.9, 0.05, 0.05]] * 100
    truth = [0] * 80 + [2] * 17 + [0] * 3  # of three texts only the light model is sure of the right one
    assert calibrate.share(logits, light, truth, 1.0) == EMOTION_SHARE
    assert calibrate.share(logits * 50, light * 50, truth * 50, 1.0) < 0.6


def test_weights_decide_whose_texts_count() -> None:
    flat, right = [[0.2, 0.0, 0.0]] * 20 + [[4.0, 0.0, 0.0]] * 20, [1] * 20 + [0] * 20
    ours = calibrate.temperature(flat, right, [1.0] * 20 + [0.0] * 20)
    theirs = calibrate.temperature(flat, right, [0.0] * 20 + [1.0] * 20)
    assert theirs < ours
