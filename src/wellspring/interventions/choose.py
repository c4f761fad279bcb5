"""Which micro-actions to offer for a moment. Safety first, then comfort, then a score; pure and repeatable.

1. Safety, never relaxed: inactive, contraindicated, wrong age, not paid for; in danger only what is safe in a crisis.
2. Comfort, relaxed only where fewer would be left than asked for, least uncomfortable first: longer than the time at
   hand, energy two words above what there is, another place, another time of day.
3. The score of `score.py`, ties broken by the seed; three different approaches where what is comfortable allows it.

The last offer explores: one time in five it is drawn from those nearly as good, so that later policies can be compared
with this one from its log. Never in danger. A learning policy replaces steps 3 and the draw, and keeps 1 and 2.
"""

from itertools import takewhile
from operator import attrgetter
from random import Random
from typing import Final

import msgspec

from wellspring.interventions.library import Intervention
from wellspring.interventions.moment import Context, History
from wellspring.interventions.reasons import Reason, reason_for
from wellspring.interventions.score import Moment, moment_of, parts_of
from wellspring.interventions.shelf import Row, Shelf, mask
from wellspring.interventions.vocabulary import Approach

POLICY: Final = "rules-1"
"""Logged with every offer; changes with any change of rule or weight."""

EXPLORE: Final = 0.2
NEARLY: Final = 0.1
"""How far below the best a score may lie to be drawn when exploring."""

_TIE: Final = 1e-9
_CAREFUL_AGE: Final = "13-17"


class Recommendation(msgspec.Struct, frozen=True):
    """One offer.

    `predicted_effectiveness`, 0..1, is the rating we expect this person to give (1–5 read as 0..1), from ratings
    alone: theirs, drawn towards their own mean, and everyone's. .5 means that we do not know yet. It does not depend
    on the moment, and it is no chance of getting better.
    `propensity` is the chance that this policy put this intervention in this place, given the places before it.
    """

    intervention: Intervention
    predicted_effectiveness: float
    reason: Reason
    propensity: float


class _Candidate(msgspec.Struct, frozen=True, eq=False, gc=False):
    number: int
    score: float
    approach: Approach


def safe(shelf: Shelf, context: Context) -> list[int]:
    """The positions that pass the safety filters."""
    forbidden = mask(context.contraindications)
    age = mask((context.age or _CAREFUL_AGE,))
    premium, danger = context.premium, context.danger
    return [
        number
        for number, row in enumerate(shelf.rows)
        if not row.contraindications & forbidden
        and row.ages & age
        and (premium or not row.premium)
        and (row.crisis_safe or not danger)
    ]


def discomfort(row: Row, moment: Moment) -> int:
    """How many comfort filters an intervention fails, 0 to 4."""
    return (
        (row.minutes > moment.minutes)
        + (row.energy > moment.energy_limit)
        + (not row.places & moment.places)
        + (not row.times & moment.hours)
    )


def _tiers(shelf: Shelf, moment: Moment) -> list[list[_Candidate]]:
    """The safe ones by discomfort, the most comfortable tier first, each with the best score first."""
    tiers: list[list[_Candidate]] = [[], [], [], [], []]
    for number in safe(shelf, moment.context):
        row = shelf.rows[number]
        score = sum(parts_of(shelf, number, moment))
        tiers[discomfort(row, moment)].append(_Candidate(number, score, row.approach))
    for tier in tiers:
        tier.sort(key=attrgetter("score"), reverse=True)
    return tiers


def _within(pool: list[_Candidate], margin: float) -> list[_Candidate]:
    """Those of a sorted pool that lie at most so far below its best."""
    floor = pool[0].score - margin
    return list(takewhile(lambda candidate: candidate.score >= floor, pool))


def _draw(pool: list[_Candidate], explore: float, rng: Random) -> tuple[_Candidate, float]:
    """One of the best of a sorted pool, or with chance `explore` one nearly as good; and the chance that it had."""
    ties = _within(pool, _TIE)
    near = _within(pool, NEARLY) if explore else ties
    chosen = rng.choice(near if rng.random() < explore else ties)
    return chosen, (1 - explore) * (chosen in ties) / len(ties) + explore / len(near)


def _fill(tiers: list[list[_Candidate]], k: int, explore: float, rng: Random) -> list[tuple[_Candidate, float]]:
    """Up to k candidates with their propensities, different approaches first within each tier."""
    chosen: list[tuple[_Candidate, float]] = []
    for tier in tiers:
        left = list(tier)
        while left and len(chosen) < k:
            used = {candidate.approach for candidate, _ in chosen}
            fresh = [candidate for candidate in left if candidate.approach not in used] or left
            last = len(chosen) == k - 1
            pick, propensity = _draw(fresh, explore if last else 0.0, rng)
            chosen.append((pick, propensity))
            left.remove(pick)
    return chosen


def choose(
    context: Context, shelf: Shelf, history: History | None = None, k: int = 3, seed: int = 0
) -> list[Recommendation]:
    """Up to k offers for a moment, best first; fewer only when fewer are safe. Equal arguments, equal offers."""
    moment = moment_of(shelf, context, history or History())
    rng = Random(seed)  # noqa: S311 - breaks ties and explores, guards nothing
    picks = _fill(_tiers(shelf, moment), k, 0.0 if context.danger else EXPLORE, rng)
    return [
        Recommendation(
            intervention=shelf.items[pick.number],
            predicted_effectiveness=round(moment.expected[pick.number], 3),
            reason=reason_for(shelf, pick.number, moment),
            propensity=propensity,
        )
        for pick, propensity in picks
    ]
