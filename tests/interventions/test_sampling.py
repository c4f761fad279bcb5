"""The chance of an offer, computed without simulating, is what a long simulation finds."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from wellspring.interventions.learning import sampling
from wellspring.interventions.learning.features import Floats, Numbers


def pool(seed: int, size: int = 60, categories: int = 6) -> tuple[Floats, Floats, Numbers]:
    rng = default_rng(seed)
    groups = np.sort(np.concatenate([np.arange(categories), rng.integers(0, categories, size - categories)]))
    return 0.5 + rng.normal(size=size) * 0.08, 0.15 * rng.uniform(0.05, 0.25, size), groups


def starts_of(groups: Numbers) -> Numbers:
    return np.unique(groups, return_index=True)[1]


def simulated(means: Floats, spreads: Floats, groups: Numbers, k: int, runs: int = 40_000) -> Floats:
    rng, counts = default_rng(9), np.zeros(len(means))
    for _ in range(runs // 500):
        draws = means + spreads * rng.standard_normal((500, len(means)))
        best = np.maximum.reduceat(draws, starts_of(groups), axis=1)
        least = -np.sort(-best, axis=1)[:, k - 1]
        counts += ((draws == best[:, groups]) & (draws >= least[:, None])).sum(axis=0)
    return counts / runs


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_chances_are_those_of_a_long_simulation(seed: int, k: int) -> None:
    means, spreads, groups = pool(seed)
    found = np.array(sampling.inclusion(means, spreads, starts_of(groups), list(range(len(means))), k))
    expected = simulated(means, spreads, groups, k)
    spread = np.sqrt(expected * (1 - expected) / 40_000)
    assert (np.abs(found - expected) < 4.5 * spread + 0.002).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 3), scale=st.floats(0.1, 8))
def test_chances_add_up_to_the_number_of_offers(seed: int, k: int, scale: float) -> None:
    means, spreads, groups = pool(seed)
    found = sampling.inclusion(means, scale * spreads, starts_of(groups), list(range(len(means))), k)
    assert sum(found) == pytest.approx(k, rel=0.01)
    assert all(sampling.LEAST <= chance <= 1 for chance in found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_chance_does_not_depend_on_what_is_asked_beside_it(seed: int) -> None:
    means, spreads, groups = pool(seed)
    starts, every = starts_of(groups), list(range(len(means)))
    together = sampling.inclusion(means, spreads, starts, every, 3)
    some = default_rng(seed).choice(len(means), 3, replace=False).tolist()
    assert sampling.inclusion(means, spreads, starts, some, 3) == pytest.approx([together[n] for n in some], abs=1e-4)


def test_equals_have_equal_chances() -> None:
    groups = np.repeat(np.arange(6), 5)
    found = sampling.inclusion(np.zeros(30), np.ones(30), starts_of(groups), list(range(30)), 3)
    assert found == pytest.approx([0.1] * 30, abs=0.002)


def test_what_cannot_be_offered_takes_nobodys_place() -> None:
    means, spreads, groups = pool(3)
    out = default_rng(3).random(len(means)) < 0.5
    masked = np.where(out, sampling.NEVER, means)
    inside = np.flatnonzero(~out)
    found = sampling.inclusion(masked, spreads, starts_of(groups), inside.tolist(), 3)
    alone = sampling.inclusion(means[inside], spreads[inside], starts_of(groups[inside]), list(range(len(inside))), 3)
    assert found == pytest.approx(alone, abs=1e-3)


def test_the_best_of_different_categories_come_first() -> None:
    groups = np.array([0, 0, 1, 1, 2])
    assert sampling.first_k(np.array([5.0, 4.0, 1.0, 3.0, 2.0]), groups, 3) == [0, 3, 4]
    assert sampling.first_k(np.array([5.0, 4.0]), np.array([0, 0]), 3) == [0]
    assert sampling.first_k(np.zeros(0), np.zeros(0, dtype=np.intp), 3) == []


def test_draws_are_standard_normal_and_repeat() -> None:
    draws = np.concatenate([sampling.normals(seed, 76) for seed in range(3000)])
    assert np.array_equal(sampling.normals(7, 76), draws[7 * 76 : 8 * 76])
    assert abs(draws.mean()) < 0.01
    assert draws.std() == pytest.approx(1, abs=0.01)
    quantiles = [NormalDist().inv_cdf(share) for share in (0.001, 0.1, 0.5, 0.9, 0.999)]
    assert np.quantile(draws, (0.001, 0.1, 0.5, 0.9, 0.999)) == pytest.approx(quantiles, abs=0.06)
    assert np.abs(draws).max() > 4


def test_draws_of_different_seeds_have_nothing_to_do_with_each_other() -> None:
    rows = np.array([sampling.normals((1 << 127) + seed, 40) for seed in range(2000)])
    correlations = np.corrcoef(rows.T) - np.eye(40)
    assert np.abs(correlations).max() < 0.12
    assert abs(np.corrcoef(rows[:-1].ravel(), rows[1:].ravel())[0, 1]) < 0.02
