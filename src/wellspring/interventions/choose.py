"""Which micro-actions to offer for a moment. Safety first, then comfort, then what is believed to help; repeatable.

1. Safety, never relaxed: contraindicated, wrong age, not paid for; in danger only what is safe in a crisis.
2. Comfort, relaxed only where fewer would be left than asked for, least uncomfortable first: longer than the time at
   hand, energy two words above what there is, another place, another time of day. In danger what leads to people is
   never too long and never too much.
3. Thompson sampling: each comfortable intervention gets a draw from what is believed of it (`model.believe`), less what
   repetition takes away, and the best of three different approaches are offered. Only what is unsure of an intervention
   itself is drawn, and of that a share (CURIOSITY): three approaches are shown in any case, so what is unsure of an
   approach as a whole needs no trying out.

Nothing is explored in danger, nor where fewer approaches are comfortable than offers are asked for: then the means
decide, and every propensity is 1.
"""

from typing import Final

import msgspec
import numpy as np

from wellspring.interventions.filters import comfortable, discomfort, safe
from wellspring.interventions.learning import sampling
from wellspring.interventions.learning.features import Flags, Floats, Numbers
from wellspring.interventions.library import Intervention
from wellspring.interventions.model import Belief, Model, believe, deviations
from wellspring.interventions.moment import Context, History
from wellspring.interventions.reasons import Reason, reasons_for
from wellspring.interventions.score import FIRST, Moment, moment_of
from wellspring.interventions.shelf import Shelf

POLICY: Final = "hlts-1"
"""Logged with every offer, followed by the shared state's version; changes with any change of rule or number."""

CURIOSITY: Final = 0.15
"""How much of what is uncertain goes into a draw: 1 is the textbook, which explores far too much here."""


class Recommendation(msgspec.Struct, frozen=True):
    """One offer.

    `predicted_effectiveness`, 0..1, is the rating we expect this person to give in this moment (1–5 read as 0..1);
    `predicted_effectiveness_sd` is how unsure that is (a standard deviation). It is no chance of getting better.
    `propensity` is the chance that this policy offered this intervention at all, in whatever place.
    """

    intervention: Intervention
    predicted_effectiveness: float
    predicted_effectiveness_sd: float
    reason: Reason
    propensity: float


def ranking(moment: Moment, belief: Belief, shelf: Shelf) -> Floats:
    """What decides when nothing is explored: the expected rating, less repetition; in danger people first."""
    scores = belief.mean + moment.repetition
    return scores + FIRST * shelf.reaches_out if moment.context.danger else scores


def _in_order(scores: Floats, allowed: Flags, fails: Numbers, groups: list[int], k: int) -> list[int]:
    """Up to k of the best without exploring: the most comfortable first, different approaches first among those."""
    chosen: list[int] = []
    for tier in range(int(fails.max(initial=0)) + 1):
        members = (allowed & (fails == tier)).nonzero()[0]
        left: list[int] = members[(-scores[members]).argsort(kind="stable")].tolist()
        while left and len(chosen) < k:
            used = {groups[number] for number in chosen}
            pick = next((number for number in left if groups[number] not in used), left[0])
            chosen.append(pick)
            left.remove(pick)
    return chosen


def _sampled(shelf: Shelf, means: Floats, spreads: Floats, k: int, seed: int) -> tuple[list[int], list[float]] | None:
    """Offers by a draw from each score, best draw first, and each one's chance to be among them.

    None where fewer than k approaches have something that is not NEVER.
    """
    draws = means + spreads * sampling.normals(seed, len(means))
    picks = sampling.first_k(draws, shelf.groups, k)
    if len(picks) < k or means[picks[-1]] == sampling.NEVER:
        return None
    return picks, sampling.inclusion(means, spreads, shelf.starts, picks, k)


def _picks(
    model: Model, moment: Moment, belief: Belief, k: int, seed: int, curiosity: float
) -> tuple[list[int], list[float]]:
    """Positions of the offers and their propensities."""
    shelf, filters, context = model.shelf, model.filters, moment.context
    scores, allowed = ranking(moment, belief, shelf), safe(filters, context)
    if 0 < k <= sampling.MOST and not context.danger:
        means = np.where(comfortable(filters, context, allowed), scores, sampling.NEVER)
        if found := _sampled(shelf, means, curiosity * belief.spread, k, seed):
            return found
    picks = _in_order(scores, allowed, discomfort(filters, context), shelf.groups.tolist(), k)
    return picks, [1.0] * len(picks)


def choose(
    context: Context,
    model: Model,
    history: History | None = None,
    k: int = 3,
    seed: int = 0,
    *,
    curiosity: float = CURIOSITY,
) -> list[Recommendation]:
    """Up to k offers for a moment, best first; fewer only when fewer are safe. Equal arguments, equal offers."""
    moment = moment_of(model.scoring, context, history or History())
    belief = believe(model, moment)
    picks, chances = _picks(model, moment, belief, k, seed, curiosity)
    if not picks:
        return []
    reasons = reasons_for(model, picks, moment, belief)
    return [
        Recommendation(
            intervention=model.shelf.items[number],
            predicted_effectiveness=round(min(max(float(belief.mean[number]), 0.0), 1.0), 3),
            predicted_effectiveness_sd=round(deviation, 3),
            reason=reason,
            propensity=chance,
        )
        for number, deviation, reason, chance in zip(
            picks, deviations(model, belief, picks), reasons, chances, strict=True
        )
    ]
