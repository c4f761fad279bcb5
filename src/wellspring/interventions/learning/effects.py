"""What is one person's own: how much better or worse things do for them than for others, as random effects.

For each intervention tried only two numbers are kept: how many ratings, and the sum of what they were above the shared
expectation. The effects are nested (person, category, intervention), so their posterior is exact in one pass up
the tree and one down, and costs a few array operations.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning.features import Floats, Numbers
from wellspring.interventions.learning.regression import NOISE

PERSON: Final = 0.10
PERSON_CATEGORY: Final = 0.06
PERSON_ARM: Final = 0.08
"""How much people differ: altogether, in a category, in one intervention (standard deviations on 0..1)."""


def tree(counts: Floats, sums: Floats, group: Numbers, owner: Numbers, people: int) -> Floats:
    """Return the mean effect (person + category + intervention) of each pair of person and intervention, shape (m,).

    `counts` and `sums`, shape (m,), are of pairs that were tried (counts above 0); `group` is each pair's category of
    its person, `owner`, shape (groups,), whose category that is, one of `people`.
    """
    arm, category = PERSON_ARM**2, PERSON_CATEGORY**2
    shrunk = 1 / (arm * counts + NOISE**2)
    known = np.bincount(group, counts * shrunk, len(owner))
    seen = np.bincount(group, sums * shrunk, len(owner))
    rest = 1 / (category * known + 1)
    certain = PERSON**-2 + np.bincount(owner, known * rest, people)
    person = np.bincount(owner, seen * rest, people) / certain
    kind = category * seen * rest + rest * person[owner]
    found: Floats = NOISE**2 * shrunk * kind[group] + arm * shrunk * sums
    return found


class Effects(Struct, frozen=True):
    """One person's effects on n interventions: means; variances given what is true of the category, and in all."""

    mean: Floats
    own: Floats
    whole: Floats


OF_NOBODY: Final = (PERSON_ARM**2, PERSON**2 + PERSON_CATEGORY**2 + PERSON_ARM**2)
"""`own` and `whole` for a person of whom nothing is known."""


def of_person(counts: Floats, sums: Floats, tried: Numbers, groups: Numbers, categories: int) -> Effects:
    """Return the effects on all n interventions of somebody who did those at the positions `tried`.

    `counts` may be 0: done and not rated. `groups`, shape (n,), is each intervention's category, one of `categories`.
    The same as `tree` for one person, with the few numbers of the upper levels as scalars: array operations on six
    numbers cost more than the six.
    """
    arm, category = PERSON_ARM**2, PERSON_CATEGORY**2
    kinds, shrunk = groups[tried], 1 / (arm * counts + NOISE**2)
    known: list[float] = np.bincount(kinds, counts * shrunk, categories).tolist()
    seen: list[float] = np.bincount(kinds, sums * shrunk, categories).tolist()
    rest = [1 / (category * w + 1) for w in known]
    spread = 1 / (PERSON**-2 + sum(w * r for w, r in zip(known, rest, strict=True)))
    person = spread * sum(s * r for s, r in zip(seen, rest, strict=True))
    kind = [(r * (category * s + person), r * (category + r * spread)) for s, r in zip(seen, rest, strict=True)]
    mean, whole = np.array(kind).T.take(groups, axis=1)
    own = np.full(len(groups), arm)
    unknown = NOISE**2 * shrunk  # of what an intervention adds to its category, the share that is not known yet
    own[tried] *= unknown
    mean[tried] = unknown * mean[tried] + arm * shrunk * sums
    whole[tried] *= unknown * unknown
    return Effects(mean, own, whole + own)
