"""Algorithms that the program does not use, to compare with: the source design's own, and the usual ones."""

from typing import Protocol

import numpy as np
from numpy.random import Generator

from bench.simulator.world import INTERVENTIONS, OFFERS, PEOPLE
from wellspring.interventions.learning.features import WIDTH, Floats, Numbers
from wellspring.interventions.learning.sampling import first_k
from wellspring.interventions.moment import Context


class Algorithm(Protocol):
    """Chooses three interventions of different categories, and learns from stars."""

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        """Return the positions of three offers."""
        ...

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        """Learn from one rating."""
        ...

    def night(self) -> None:
        """Do what is done once in a while."""
        ...


class Random:
    """Any three of different categories."""

    def __init__(self, groups: Numbers, rng: Generator) -> None:
        self._groups, self._rng = groups, rng

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        return first_k(self._rng.random(INTERVENTIONS), self._groups, OFFERS)

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        pass

    def night(self) -> None:
        pass


class Firefly:
    """`ContextualThompsonSampling` of the source design, section 5.2, as it is written there.

    A Beta distribution for each intervention and linear weights by gradient descent, added up. Its diversity is left
    open there; here it is three different categories, as for all. One state for each person, as its tables have it,
    or one for everybody.
    """

    def __init__(self, groups: Numbers, rng: Generator, *, shared: bool) -> None:
        states = 1 if shared else PEOPLE
        self._groups, self._rng, self._shared = groups, rng, shared
        self._alpha, self._beta = np.ones((states, INTERVENTIONS)), np.ones((states, INTERVENTIONS))
        self._weights = rng.standard_normal((states, INTERVENTIONS, WIDTH - 1)) * 0.1

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        state = 0 if self._shared else person
        sampled = self._rng.beta(self._alpha[state], self._beta[state])
        return first_k(sampled + 0.5 * (self._weights[state] @ x[1:]), self._groups, OFFERS)

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        state, reward = 0 if self._shared else person, (stars - 1) / 4
        if reward > 0.5:
            self._alpha[state, arm] += reward
        else:
            self._beta[state, arm] += 1 - reward
        weights = self._weights[state, arm]
        weights += 0.01 * (reward - weights @ x[1:]) * x[1:]

    def night(self) -> None:
        pass


class BetaSampling:
    """Thompson sampling of a Beta distribution for each intervention, without context."""

    def __init__(self, groups: Numbers, rng: Generator, *, shared: bool) -> None:
        states = 1 if shared else PEOPLE
        self._groups, self._rng, self._shared = groups, rng, shared
        self._good, self._bad = np.ones((states, INTERVENTIONS)), np.ones((states, INTERVENTIONS))

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        state = 0 if self._shared else person
        return first_k(self._rng.beta(self._good[state], self._bad[state]), self._groups, OFFERS)

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        state, reward = 0 if self._shared else person, (stars - 1) / 4
        self._good[state, arm] += reward
        self._bad[state, arm] += 1 - reward

    def night(self) -> None:
        pass


class Linear:
    """A ridge regression for each intervention over everybody; LinUCB with `bound`, Thompson sampling without."""

    def __init__(self, groups: Numbers, rng: Generator, *, bound: float = 0.0, curiosity: float = 0.0) -> None:
        self._groups, self._rng, self._bound, self._curiosity = groups, rng, bound, curiosity
        self._inverse = np.stack([np.eye(WIDTH)] * INTERVENTIONS)
        self._moment, self._mean = np.zeros((INTERVENTIONS, WIDTH)), np.zeros((INTERVENTIONS, WIDTH))

    def pick(self, person: int, context: Context, x: Floats) -> list[int]:
        deviation = np.sqrt((self._inverse @ x) @ x)
        unsure = self._bound + self._curiosity * self._rng.standard_normal(INTERVENTIONS)
        return first_k(self._mean @ x + unsure * deviation, self._groups, OFFERS)

    def learn(self, person: int, arm: int, x: Floats, stars: int) -> None:
        seen = self._inverse[arm] @ x
        self._inverse[arm] -= np.outer(seen, seen) / (1 + x @ seen)
        self._moment[arm] += x * ((stars - 1) / 4 - 0.5)
        self._mean[arm] = self._inverse[arm] @ self._moment[arm]

    def night(self) -> None:
        pass
