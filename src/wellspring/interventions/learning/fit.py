"""Learning everything again from the log: what is shared and what is each person's own, both at once.

The shared weights are found for given personal effects, the effects for given weights, and so on until nothing moves:
each step is exact, and the limit is the mean of the joint posterior. The number of steps is bounded, so that a log that
converges slowly costs no more.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning import effects
from wellspring.interventions.learning.features import WIDTH, Flags, Floats, Numbers
from wellspring.interventions.learning.regression import Solver

_STEPS: Final = 100
_STILL: Final = 1e-5
"""Effects that change by less than this (on 0..1) have converged."""


class Log(Struct, frozen=True):
    """N outcomes: whose (people numbered from 0), of which intervention (position), the features, the outcome above its
    prior mean; and which may teach what is shared."""

    person: Numbers
    arm: Numbers
    x: Floats
    y: Floats
    pooled: Flags


class Shared(Struct, frozen=True):
    """The shared state of n interventions: sums of x xᵀ and of x times y without personal effects, how many ratings and
    people each has, and the weights that follow, shape (n, WIDTH)."""

    gram: Floats
    moment: Floats
    ratings: Numbers
    people: Numbers
    weights: Floats


def _expected(log: Log, weights: Floats) -> Floats:
    found: Floats = (log.x * weights[log.arm]).sum(axis=1)
    return found


def _grams(log: Log, arms: int) -> Floats:
    found = np.zeros((arms, WIDTH, WIDTH))
    order = log.arm.argsort(kind="stable")
    ends = np.bincount(log.arm, minlength=arms).cumsum()
    for arm, rows in enumerate(np.split(order, ends[:-1])):
        found[arm] = log.x[rows].T @ log.x[rows]
    return found


def _moments(log: Log, y: Floats, arms: int) -> Floats:
    columns = [np.bincount(log.arm, column * y, arms) for column in log.x.T]
    return np.array(columns, dtype=np.float64).T


def shared(everything: Log, groups: Numbers) -> Shared:
    """Learn what is shared from the pooled outcomes; `groups` is each intervention's category, from 0."""
    pooled = everything.pooled
    log = Log(everything.person[pooled], everything.arm[pooled], everything.x[pooled], everything.y[pooled], pooled)
    arms, categories = len(groups), int(groups.max(initial=-1)) + 1
    gram = _grams(log, arms)
    solver = Solver(gram, groups)
    pairs, pair, times = np.unique(log.person * arms + log.arm, return_inverse=True, return_counts=True)
    counts: Floats = times.astype(np.float64)
    people = int(log.person.max(initial=-1)) + 1
    group = pairs // max(arms, 1) * categories + groups[pairs % max(arms, 1)]
    owner = np.arange(people * categories) // max(categories, 1)
    own = np.zeros(len(log.y))
    for _ in range(_STEPS):
        moment = _moments(log, log.y - own, arms)
        weights = solver.means(moment)
        sums: Floats = np.bincount(pair, log.y - _expected(log, weights), len(pairs)).astype(np.float64)
        before, own = own, effects.tree(counts, sums, group, owner, people)[pair]
        if np.abs(own - before).max(initial=0.0) < _STILL:
            break
    moment = _moments(log, log.y - own, arms)
    return Shared(
        gram=gram,
        moment=moment,
        ratings=np.bincount(log.arm, minlength=arms),
        people=np.bincount(pairs % max(arms, 1), minlength=arms),
        weights=solver.means(moment),
    )
