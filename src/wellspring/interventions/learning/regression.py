"""What everybody shares: one Bayesian linear regression for each intervention, with a prior learned for its category.

An intervention's block is the sum of x xᵀ and of x y over all that was rated. Its weights are drawn towards the mean
of its category, and the category's mean is itself estimated from all of its interventions. With fixed variances both
posteriors are exact: the category's mean is found with the weights integrated out, and what is uncertain about it
is added to the weights' covariance.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning.features import ONE, WIDTH, Floats, Numbers, Singles

NOISE: Final = 0.25
"""The spread of one rating on 0..1 around what is expected of this person in this moment: one star."""
VARIANCE: Final = np.float64(NOISE * NOISE)


class Spread(Struct, frozen=True):
    """Standard deviations of the two levels: first for the constant, then for every other feature."""

    arm_constant: float = 0.08
    arm: float = 0.05
    category_constant: float = 0.15
    category: float = 0.08


class Posterior(Struct, frozen=True):
    """Weights of n interventions: means, shape (n, WIDTH), and covariances, shape (n, PAIRS), in single precision.

    `own` is the covariance once the category's mean is known, `whole` adds what is unsure of the category. Of each
    the upper triangle is kept, off-diagonal entries twice, so that a variance is one product with `pairs(x)`.
    """

    mean: Floats
    own: Singles
    whole: Singles


_ROWS, _COLUMNS = np.triu_indices(WIDTH)
_TWICE: Final = np.where(_ROWS == _COLUMNS, 1.0, 2.0)
PAIRS: Final = len(_ROWS)


def pairs(x: Floats) -> Singles:
    """Return the products of each two features, shape (PAIRS,)."""
    return (x.take(_ROWS) * x.take(_COLUMNS)).astype(np.float32)


def pack(matrices: Floats) -> Floats:
    """Return the upper triangles of symmetric matrices (n, WIDTH, WIDTH) as they are, shape (n, PAIRS)."""
    return matrices[:, _ROWS, _COLUMNS]


def unpack(packed: Floats) -> Floats:
    """Return symmetric matrices of their upper triangles; the inverse of `pack`."""
    matrices = np.zeros((len(packed), WIDTH, WIDTH))
    matrices[:, _ROWS, _COLUMNS] = packed
    matrices[:, _COLUMNS, _ROWS] = packed
    return matrices


def _precision(constant: float, others: float) -> Floats:
    found = np.full(WIDTH, others**-2)
    found[ONE] = constant**-2
    return found


class Solver:
    """The posterior of n interventions for sums of x xᵀ that stay the same while the sums of x y change."""

    def __init__(self, gram: Floats, groups: Numbers, spread: Spread | None = None) -> None:
        """Take sums of x xᵀ (n, WIDTH, WIDTH) and each one's category, from 0."""
        spread = spread or Spread()
        self._groups = groups
        self._own = _precision(spread.arm_constant, spread.arm)
        data = gram / VARIANCE
        self._inverse = _inverse(data + np.diag(self._own))
        # How much of what the data say passes the intervention's own deviation and reaches its category.
        self._through = data @ self._inverse
        prior = np.diag(_precision(spread.category_constant, spread.category))
        about = np.zeros((int(groups.max(initial=-1)) + 1, WIDTH, WIDTH))
        np.add.at(about, groups, data - self._through @ data)
        self._about = _inverse(about + prior)

    def means(self, moment: Floats) -> Floats:
        """Return the means (n, WIDTH) for sums of x y (n, WIDTH)."""
        said: Floats = np.divide(moment, VARIANCE)
        heard = np.zeros((len(self._about), WIDTH))
        np.add.at(heard, self._groups, said - _apply(self._through, said))
        category = _apply(self._about, heard)
        return _apply(self._inverse, self._own * category[self._groups] + said)

    def covariances(self) -> tuple[Floats, Floats]:
        """Return the covariances given the category's mean, and in all, each (n, WIDTH, WIDTH).

        They do not depend on what was rated, only on when.
        """
        lean = self._inverse * self._own
        return self._inverse, self._inverse + lean @ self._about[self._groups] @ lean.transpose(0, 2, 1)


def _inverse(matrices: Floats) -> Floats:
    return np.linalg.inv(matrices).astype(np.float64, copy=False)


def _apply(matrices: Floats, vectors: Floats) -> Floats:
    found: Floats = (matrices @ vectors[:, :, None])[:, :, 0]
    return found


def posterior(gram: Floats, moment: Floats, groups: Numbers, spread: Spread | None = None) -> Posterior:
    """Return the posterior for sums of x xᵀ and x y, laid out for predicting."""
    solver = Solver(gram, groups, spread)
    own, whole = ((pack(found) * _TWICE).astype(np.float32) for found in solver.covariances())
    return Posterior(solver.means(moment), own, whole)
