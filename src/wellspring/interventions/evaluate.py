"""Judging a policy by the log of another: what ratings would offers have got, had this policy chosen them?

Each rated offer counts by how much likelier this policy would have made it than the one that did (inverse propensity
scoring), or is used to correct what a regression expects of the policy's own offers (doubly robust). Offers of one
moment are judged one by one, by their chance to be among the three. All figures are means over rated offers, so that
they speak of the same moments; of several ratings of one offer the first counts, since people repeat what they liked.

Nobody's rating is used to predict itself: the regression and the learned policy are fitted on other people (FOLDS
parts), and a person's own effects only on what they had rated before the moment. Whether an offer gets a rating is
taken not to depend on how good it was, given the moment and the offer. Moments in danger, and those where nothing
was explored, are left out: nothing else could have been offered there. Intervals are from resampling people.

What somebody says today must not be offered to them holds for all of their moments: every policy is asked for what it
would offer to them as they are, so an offer that is left out now counts nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
import numpy as np
from msgspec import Struct

from wellspring.interventions.choose import CURIOSITY, POLICY, ranking
from wellspring.interventions.filters import comfortable, safe
from wellspring.interventions.learning import kept, sampling
from wellspring.interventions.learning.features import Floats
from wellspring.interventions.model import Model, believe, make
from wellspring.interventions.moment import Context, History, Seen, logged_moment
from wellspring.interventions.outcomes import Outcome, happened, relearn, shared_rating
from wellspring.interventions.score import Moment, moment_of
from wellspring.interventions.shelf import Shelf
from wellspring.interventions.vocabulary import Contraindication


class PolicyName(StrEnum):
    """What is compared: by everybody's ratings and one's own; by what the library says of itself; by chance."""

    LEARNED = "learned"
    SIMPLE = "simple"
    RANDOM = "random"


POLICIES: Final = tuple(PolicyName)

FOLDS: Final = 5
OFFERS: Final = 3
FEWEST_RATINGS: Final = 200
FEWEST_PEOPLE: Final = 20
FEWEST_EFFECTIVE: Final = 50.0
"""Below so many ratings' worth of overlap, a figure says nothing about a policy."""
LEAST_COVERED: Final = 0.7
"""The same for the share of what a policy would offer that might have been offered."""
MOST_WEIGHT: Final = 50.0
"""A single rating counts at most so often: it costs a little bias, and saves the figure from one lucky rating."""
RESAMPLES: Final = 2000
_TIE: Final = 1e-4


class Rated(Struct, frozen=True, kw_only=True):
    """One offer that was rated (0..1), as it was made: `offered` with their propensities, and what had been offered
    before (`seen`), for the repetition. `contraindications` are the person's of today: the log keeps no copy."""

    outcome: Outcome
    moment_id: UUID
    made_at: datetime
    offered: Sequence[UUID]
    propensities: Sequence[float]
    context: dict[str, Any]
    policy_version: str
    seen: Sequence[Seen]
    contraindications: Collection[Contraindication] = ()


class Interval(Struct, frozen=True):
    """A figure with the interval in which 95 of 100 resamples lie, on the scale of stars (1–5)."""

    value: float
    low: float
    high: float


class Judged(Struct, frozen=True, kw_only=True):
    """What a policy's offers would have been rated.

    `enough` is false where too little of what it would offer was offered: then the figures say nothing. `covered` is
    the mean weight, 1 where everything that it would offer might have been offered, less where part of it never was.
    `effective_ratings` is how many plain ratings the weighted ones are worth. `gain` is the doubly robust figure less
    what was rated as offered, in stars; both come from the same resamples, so it is surer than two intervals compared.
    """

    policy: PolicyName
    enough: bool
    covered: float
    effective_ratings: float
    largest_weight: float
    ips: Interval
    self_normalised_ips: Interval
    doubly_robust: Interval
    gain: Interval


class Report(Struct, frozen=True, kw_only=True):
    """Policies judged by the same log; `logged` is the plain mean of what was rated."""

    ratings: int
    people: int
    moments: int
    logged: Interval
    policies: list[Judged]


class TooLittleError(Exception):
    """There is too little to judge by."""

    def __init__(self, ratings: int, people: int) -> None:
        super().__init__(f"{ratings} usable ratings of {people} people")
        self.ratings, self.people = ratings, people


def _learned(model: Model, moment: Moment, _: Shelf) -> tuple[Floats, Floats]:
    belief = believe(model, moment)
    return ranking(moment, belief, model.shelf), CURIOSITY * belief.spread


def _simple(_: Model, moment: Moment, shelf: Shelf) -> tuple[Floats, Floats]:
    """The stated parts alone, the best first; equals by chance."""
    return moment.prior + moment.repetition, np.full(len(shelf.items), _TIE)


def _random(_: Model, __: Moment, shelf: Shelf) -> tuple[Floats, Floats]:
    return np.zeros(len(shelf.items)), np.ones(len(shelf.items))


_SCORES: Final[dict[PolicyName, Callable[[Model, Moment, Shelf], tuple[Floats, Floats]]]] = {
    PolicyName.LEARNED: _learned,
    PolicyName.SIMPLE: _simple,
    PolicyName.RANDOM: _random,
}


def usable(one: Rated, shelf: Shelf) -> bool:
    """Tell whether an offer can be judged by: explored, of this policy's kind, and still on the shelf."""
    return (
        one.policy_version.startswith(POLICY)
        and logged_moment(one.context) is not None
        and not one.context.get("danger")
        and min(one.propensities, default=1.0) < 1.0
        and one.outcome.rating is not None
        and one.outcome.intervention_id in one.offered
        and one.outcome.intervention_id in shelf.position
    )


def _first_ratings(rated: Iterable[Rated]) -> Iterable[Rated]:
    """Return the earliest rating of each offer."""
    found: dict[tuple[UUID, UUID, UUID], Rated] = {}
    for one in sorted(rated, key=lambda one: one.outcome.at):
        found.setdefault((one.outcome.person_id, one.moment_id, one.outcome.intervention_id), one)
    return found.values()


class _Sums(Struct):
    """Of one person and one policy: ratings and their sum, their weights, weighted ratings, the regression's weighted
    errors; what the regression expects of the policy's offers, for each rating; moments."""

    ratings: float = 0.0
    plain: float = 0.0
    weights: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    rewards: float = 0.0
    errors: float = 0.0
    moments: float = 0.0
    expected: float = 0.0


def _moment(model: Model, one: Rated, state: bytes) -> Moment:
    context = msgspec.convert(one.context, Context)
    context = msgspec.structs.replace(context, contraindications=frozenset(one.contraindications))
    return moment_of(model.scoring, context, History(tuple(one.seen), state, kept.day_of(one.made_at)))


def _judge(sums: dict[PolicyName, _Sums], model: Model, offers: list[Rated], state: bytes) -> None:
    """Add one moment with its rated offers to a person's sums."""
    moment, shelf = _moment(model, offers[0], state), model.shelf
    pool = comfortable(model.filters, moment.context, safe(model.filters, moment.context))
    members: list[int] = pool.nonzero()[0].tolist()
    if len(np.unique(shelf.groups[members])) < OFFERS:
        return
    expected = np.clip(believe(model, moment).mean, 0, 1)
    for policy, found in sums.items():
        scores, spreads = _SCORES[policy](model, moment, shelf)
        means = np.where(pool, scores, sampling.NEVER)
        chances = dict(zip(members, sampling.inclusion(means, spreads, shelf.starts, members, OFFERS), strict=True))
        found.moments += 1
        # Once for each rating: a moment with more of them weighs as much here as in all other sums.
        found.expected += len(offers) * sum(chance * expected[number] for number, chance in chances.items()) / OFFERS
        for one in offers:
            number = shelf.position[one.outcome.intervention_id]
            logged = one.propensities[list(one.offered).index(one.outcome.intervention_id)]
            weight = min(chances.get(number, 0.0) / logged, MOST_WEIGHT)
            rating = one.outcome.rating or 0.0
            found.ratings += 1
            found.plain += rating
            found.weights += weight
            found.squares += weight * weight
            found.largest = max(found.largest, weight)
            found.rewards += weight * rating
            found.errors += weight * (rating - expected[number])


def _known(outcome: Outcome, at: datetime) -> Outcome:
    """Return an outcome as it was known at a time: of one that was changed since, only that it was done."""
    if outcome.amended_at is None or outcome.amended_at <= at:
        return outcome
    return msgspec.structs.replace(outcome, rating=None, target=None, weight=0.0)


def _replay(
    model: Model, outcomes: list[Outcome], rated: list[Rated], policies: Sequence[PolicyName]
) -> dict[PolicyName, _Sums]:
    """Go through one person's time: each moment sees what is kept of the outcomes before it, as they were known then.

    What was said instead of a rating counts from then on, in the place of the session that it is about, as it does for
    the person. What had been said before is gone: until then only that the session was is known.
    """
    sums: dict[PolicyName, _Sums] = {policy: _Sums() for policy in policies}
    moments: dict[UUID, list[Rated]] = {}
    for one in rated:
        moments.setdefault(one.moment_id, []).append(one)
    waiting = sorted(outcomes, key=lambda outcome: outcome.at)
    amended = sorted(outcome.amended_at for outcome in outcomes if outcome.amended_at)
    state, done = b"", 0
    for offers in sorted(moments.values(), key=lambda found: found[0].made_at):
        now = offers[0].made_at
        if amended and amended[0] <= now:
            amended = [later for later in amended if later > now]
            state, done = b"", 0
        while done < len(waiting) and waiting[done].at <= now:
            outcome = _known(waiting[done], now)
            state = kept.added(state, happened(outcome, shared_rating(model, outcome)))
            done += 1
        _judge(sums, model, offers, state)
    return sums


def _stars(value: Any) -> float:
    return round(1 + 4 * float(value), 3)


def _interval(value: float, resampled: Floats) -> Interval:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(_stars(value), _stars(low), _stars(high))


def _gain(value: float, resampled: Floats) -> Interval:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(*(round(4 * float(one), 3) for one in (value, low, high)))


def _resampled(people: int) -> Floats:
    """How often each person is drawn in each resample, shape (RESAMPLES, people)."""
    rng = np.random.default_rng(20261121)
    return rng.multinomial(people, np.full(people, 1 / people), RESAMPLES).astype(np.float64)


def _estimates(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the three estimates, and the last one's gain, for rows of (ratings, plain, weights, rewards, errors,
    expected)."""
    ratings, plain, weights, rewards, errors, expected = sums.T
    robust = (expected + errors) / ratings
    return rewards / ratings, rewards / np.maximum(weights, 1e-12), robust, robust - plain / ratings


def _figures(policy: PolicyName, people: list[_Sums], draws: Floats) -> Judged:
    rows = np.array([[p.ratings, p.plain, p.weights, p.rewards, p.errors, p.expected] for p in people])
    total, squares = rows.sum(axis=0), sum(p.squares for p in people)
    effective = float(total[2] ** 2 / squares) if squares else 0.0
    covered = float(total[2] / total[0])
    *values, ahead = zip((float(one[0]) for one in _estimates(total[None])), _estimates(draws @ rows), strict=True)
    plain, normal, robust = (_interval(value, resampled) for value, resampled in values)
    return Judged(
        policy=policy,
        enough=effective >= FEWEST_EFFECTIVE and covered >= LEAST_COVERED,
        covered=round(covered, 2),
        effective_ratings=round(effective, 1),
        largest_weight=round(max(p.largest for p in people), 1),
        ips=plain,
        self_normalised_ips=normal,
        doubly_robust=robust,
        gain=_gain(*ahead),
    )


def evaluate(
    outcomes: Iterable[Outcome],
    rated: Iterable[Rated],
    shelf: Shelf,
    policies: Sequence[PolicyName] = POLICIES,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report:
    """Judge policies by what was offered and rated. `outcomes` are all of the same people, rated or not.

    `progress` is told how many people of how many are done. Raises TooLittleError.
    """
    by_person: dict[UUID, list[Rated]] = {}
    for one in _first_ratings(one for one in rated if usable(one, shelf)):
        by_person.setdefault(one.outcome.person_id, []).append(one)
    count = sum(map(len, by_person.values()))
    if count < FEWEST_RATINGS or len(by_person) < FEWEST_PEOPLE:
        raise TooLittleError(count, len(by_person))
    everything: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        everything.setdefault(outcome.person_id, []).append(outcome)
    people = sorted(by_person)
    found: list[dict[PolicyName, _Sums]] = []
    for fold in range(FOLDS):
        here = people[fold::FOLDS]
        left_out = frozenset(here)
        others = (o for person, own in everything.items() if person not in left_out for o in own)
        model = make(shelf, relearn(others, shelf).blocks, 0)
        for person in here:
            found.append(_replay(model, everything.get(person, []), by_person[person], policies))
            progress(len(found), len(people))
    draws = _resampled(len(found))
    first = [sums[policies[0]] for sums in found]
    plain = np.array([[one.plain, one.ratings] for one in first])
    drawn = draws @ plain
    found_ratings = int(plain[:, 1].sum())
    if found_ratings < FEWEST_RATINGS:  # the library has changed: of some moments nothing can be said today
        raise TooLittleError(found_ratings, int(np.count_nonzero(plain[:, 1])))
    return Report(
        ratings=found_ratings,
        people=len(found),
        moments=int(sum(one.moments for one in first)),
        logged=_interval(float(plain[:, 0].sum()) / found_ratings, drawn[:, 0] / drawn[:, 1]),
        policies=[_figures(policy, [sums[policy] for sums in found], draws) for policy in policies],
    )
