"""What is learned is the exact posterior of the model that is stated: compared with one large dense solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from wellspring.interventions.learning import effects, fit, regression
from wellspring.interventions.learning.features import WIDTH, Floats, Numbers
from wellspring.interventions.learning.fit import Log
from wellspring.interventions.learning.regression import NOISE, Spread, pairs

seeds = st.integers(0, 2**32 - 1)


def made_up(rng: Generator, rows: int, people: int, groups: Numbers) -> Log:
    """Outcomes with no meaning: what is compared is arithmetic."""
    x = rng.normal(size=(rows, WIDTH)) * (rng.random((rows, WIDTH)) < 0.4)
    x[:, 0] = 1
    return Log(
        person=rng.integers(0, people, rows),
        arm=rng.integers(0, len(groups), rows),
        x=x,
        y=rng.normal(size=rows) * 0.3,
        pooled=np.ones(rows, dtype=np.bool_),
    )


def prior_of(groups: Numbers) -> Floats:
    """The covariance of all weights, shape (n · WIDTH, n · WIDTH), with the categories' means integrated out."""
    spread = Spread()
    arm = np.full(WIDTH, spread.arm**2)
    category = np.full(WIDTH, spread.category**2)
    arm[0], category[0] = spread.arm_constant**2, spread.category_constant**2
    same = (groups[:, None] == groups[None, :]).astype(float)
    return np.kron(np.eye(len(groups)), np.diag(arm)) + np.kron(same, np.diag(category))


def spread_of_categories(n: int) -> Floats:
    spread = Spread()
    category = np.full(WIDTH, spread.category**2)
    category[0] = spread.category_constant**2
    return np.kron(np.eye(n), np.diag(category))


def effects_prior(groups: Numbers, people: int) -> Floats:
    """The covariance of the effects of all pairs of person and intervention, shape (people · n, people · n)."""
    n = len(groups)
    same = (groups[:, None] == groups[None, :]).astype(float)
    one = effects.PERSON**2 + effects.PERSON_CATEGORY**2 * same + effects.PERSON_ARM**2 * np.eye(n)
    return np.kron(np.eye(people), one)


def dense(prior: Floats, design: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of a Gaussian given noisy linear observations of it, by the textbook."""
    gain = prior @ design.T @ np.linalg.inv(design @ prior @ design.T + NOISE**2 * np.eye(len(y)))
    return gain @ y, prior - gain @ design @ prior


def design_of(log: Log, n: int) -> Floats:
    found = np.zeros((len(log.y), n * WIDTH))
    for row, arm in enumerate(log.arm):
        found[row, arm * WIDTH : (arm + 1) * WIDTH] = log.x[row]
    return found


@settings(max_examples=20, deadline=None)
@given(seed=seeds, rows=st.integers(0, 60))
def test_weights_are_those_of_exact_bayesian_regression(seed: int, rows: int) -> None:
    rng, groups = default_rng(seed), np.array([0, 0, 0, 1, 2, 2])
    log = made_up(rng, rows, 5, groups)
    n = len(groups)
    gram, moment = np.zeros((n, WIDTH, WIDTH)), np.zeros((n, WIDTH))
    for x, arm, y in zip(log.x, log.arm, log.y, strict=True):
        gram[arm] += np.outer(x, x)
        moment[arm] += x * y
    mean, covariance = dense(prior_of(groups), design_of(log, n), log.y)
    found = regression.posterior(gram, moment, groups)
    assert found.mean.ravel() == pytest.approx(mean, abs=1e-9)
    at = rng.normal(size=WIDTH)
    whole, own = found.whole @ pairs(at), found.own @ pairs(at)
    precision = np.diag(prior_of(np.arange(n)) - spread_of_categories(n)) ** -1
    for arm in range(n):
        block = slice(arm * WIDTH, (arm + 1) * WIDTH)
        assert whole[arm] == pytest.approx(at @ covariance[block, block] @ at, rel=1e-4)
        given = np.linalg.inv(np.diag(precision[block]) + gram[arm] / NOISE**2)
        assert own[arm] == pytest.approx(at @ given @ at, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, rows=st.integers(1, 40))
def test_effects_are_those_of_exact_gaussian_conditioning(seed: int, rows: int) -> None:
    rng, groups = default_rng(seed), np.array([0, 0, 1, 1, 1, 2])
    arm, y = rng.integers(0, len(groups), rows), rng.normal(size=rows) * 0.3
    design = np.eye(len(groups))[arm]
    mean, covariance = dense(effects_prior(groups, 1), design, y)
    counts = np.bincount(arm, minlength=len(groups)).astype(float)
    tried = np.flatnonzero(counts)
    sums = np.bincount(arm, y, len(groups))
    found = effects.of_person(counts[tried], sums[tried], tried, groups, 3)
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.whole == pytest.approx(np.diag(covariance), abs=1e-9)
    many = effects.tree(counts[tried], sums[tried], groups[tried], np.zeros(3, dtype=np.intp), 1)
    assert found.mean[tried] == pytest.approx(many, abs=1e-9)


def test_what_is_an_interventions_own_is_what_stays_unsure_once_its_category_is_known() -> None:
    """Conditioned on the category's effect, ratings of others of the category say nothing about this one."""
    counts, groups = np.array([3.0, 1.0]), np.array([0, 0, 0, 1])
    found = effects.of_person(counts, np.array([0.4, -0.1]), np.array([0, 1]), groups, 2)
    arm = effects.PERSON_ARM**2
    alone = [1 / (1 / arm + n / NOISE**2) for n in (3, 1, 0, 0)]
    assert found.own == pytest.approx(alone, abs=1e-12)
    assert (found.own < found.whole).all()


def test_done_and_not_rated_teaches_nothing() -> None:
    groups, nothing = np.array([0, 0, 1]), np.zeros(2)
    found = effects.of_person(nothing, nothing, np.array([0, 2]), groups, 2)
    assert not found.mean.any()
    assert found.own == pytest.approx(np.full(3, effects.OF_NOBODY[0]))
    assert found.whole == pytest.approx(np.full(3, effects.OF_NOBODY[1]))


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_learning_again_finds_the_joint_posterior(seed: int) -> None:
    """Weights and personal effects together: the limit of the steps is the mean of one Gaussian over both."""
    rng, groups, people = default_rng(seed), np.array([0, 0, 1, 2]), 3
    log = made_up(rng, 50, people, groups)
    n = len(groups)
    whose = np.zeros((len(log.y), people * n))
    whose[np.arange(len(log.y)), log.person * n + log.arm] = 1
    prior = np.zeros((n * WIDTH + people * n,) * 2)
    prior[: n * WIDTH, : n * WIDTH] = prior_of(groups)
    prior[n * WIDTH :, n * WIDTH :] = effects_prior(groups, people)
    mean, _ = dense(prior, np.hstack([design_of(log, n), whose]), log.y)
    found = fit.shared(log, groups)
    assert found.weights.ravel() == pytest.approx(mean[: n * WIDTH], abs=2e-3)
    assert found.ratings.sum() == 50
    assert found.people.max() <= people


def test_learning_from_nothing_is_the_prior() -> None:
    groups = np.array([0, 0, 1])
    nothing = Log(*(np.zeros(0, dtype=np.intp),) * 2, np.zeros((0, WIDTH)), np.zeros(0), np.zeros(0, dtype=np.bool_))
    found = fit.shared(nothing, groups)
    assert not found.weights.any()
    assert not found.gram.any()
    assert found.ratings.tolist() == found.people.tolist() == [0, 0, 0]


def test_what_is_not_pooled_teaches_nothing_that_is_shared() -> None:
    rng, groups = default_rng(5), np.array([0, 0, 1, 2])
    log = made_up(rng, 80, 4, groups)
    keep = log.person != 2
    without = Log(log.person[keep], log.arm[keep], log.x[keep], log.y[keep], log.pooled[keep])
    with_flag = Log(log.person, log.arm, log.x, log.y, keep)
    one, other = fit.shared(with_flag, groups), fit.shared(without, groups)
    for name in ("gram", "moment", "ratings", "people", "weights"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_variance_never_grows_with_what_is_learned() -> None:
    rng, groups = default_rng(3), np.array([0, 0, 1])
    at, gram, before = rng.normal(size=WIDTH), np.zeros((3, WIDTH, WIDTH)), np.full(3, np.inf)
    for _ in range(30):
        variance = regression.posterior(gram, np.zeros((3, WIDTH)), groups).whole @ pairs(at)
        assert (variance <= before + 1e-6).all()
        assert (variance > 0).all()
        before = variance
        x = rng.normal(size=WIDTH)
        gram[rng.integers(3)] += np.outer(x, x)


def test_packed_matrices_come_back() -> None:
    rng = default_rng(1)
    half = rng.normal(size=(4, WIDTH, WIDTH))
    matrices = half + half.transpose(0, 2, 1)
    assert np.array_equal(regression.unpack(regression.pack(matrices)), matrices)
    assert len(pairs(np.ones(WIDTH))) == regression.PAIRS == WIDTH * (WIDTH + 1) // 2
