"""Judging a policy by another's log finds what is true in a world where the truth is known."""

from datetime import timedelta
from uuid import UUID

import msgspec
import numpy as np
import pytest

from tests.interventions.people import LIBRARY, MODEL, NOW, SHELF
from wellspring.interventions import Context, History, choose
from wellspring.interventions import evaluate as judging
from wellspring.interventions.choose import POLICY
from wellspring.interventions.evaluate import (
    FEWEST_PEOPLE,
    FEWEST_RATINGS,
    Interval,
    PolicyName,
    Rated,
    Report,
    TooLittleError,
    evaluate,
)
from wellspring.interventions.learning import sampling
from wellspring.interventions.outcomes import Outcome
from wellspring.interventions.score import moment_of
from wellspring.kernel import ids

CONTEXT = Context(mood=5, emotions={"anxiety": 3}, energy=5, age="18+")
GOOD = {item.id: 0.3 + 0.5 * (n % 7) / 6 for n, item in enumerate(LIBRARY)}
"""How good each is for anybody; what the library says of itself has nothing to do with it."""


def log(
    people: int, moments: int, seed: int = 1, curiosity: float = 1.5, *, two_kinds: bool = False
) -> tuple[list[Outcome], list[Rated]]:
    """What a very curious policy offered and what was rated of it, four times in ten.

    Of `two_kinds` of people one likes everything more than the other and rates nearly everything.
    """
    rng = np.random.default_rng(seed)
    outcomes: list[Outcome] = []
    rated: list[Rated] = []
    moment = moment_of(MODEL.scoring, CONTEXT, History())
    for person in range(people):
        for number in range(moments):
            made_at = NOW + timedelta(days=10 * number)
            offers = choose(CONTEXT, MODEL, seed=int(rng.integers(1 << 60)), curiosity=curiosity)
            moment_id = ids.new()
            for offer in offers:
                happy = two_kinds and person % 2
                if rng.random() > (0.9 if happy else 0.2 if two_kinds else 0.4):
                    continue
                good = GOOD[offer.intervention.id] + (0.15 if happy else -0.15 if two_kinds else 0)
                stars = np.clip(round(1 + 4 * (good + rng.normal() * 0.1)), 1, 5)
                rating = (float(stars) - 1) / 4
                outcome = Outcome(
                    person_id=UUID(int=person + 1),
                    intervention_id=offer.intervention.id,
                    at=made_at + timedelta(hours=1),
                    x=moment.x.tolist(),
                    prior=float(moment.prior[SHELF.position[offer.intervention.id]]),
                    rating=rating,
                    target=rating,
                    weight=1.0,
                    pooled=True,
                )
                outcomes.append(outcome)
                rated.append(
                    Rated(
                        outcome=outcome,
                        moment_id=moment_id,
                        made_at=made_at,
                        offered=[o.intervention.id for o in offers],
                        propensities=[o.propensity for o in offers],
                        context=msgspec.to_builtins(CONTEXT),
                        policy_version=f"{POLICY}.0",
                        seen=(),
                    )
                )
    return outcomes, rated


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(*log(60, 25), SHELF)


def true_random() -> float:
    """The stars of three offers drawn at random, by a long simulation."""
    rng, pool = np.random.default_rng(2), [n for n in range(len(SHELF.items)) if _comfortable(n)]
    total = 0.0
    for _ in range(4000):
        draws = np.full(len(SHELF.items), -np.inf)
        draws[pool] = rng.normal(size=len(pool))
        total += sum(GOOD[SHELF.items[n].id] for n in sampling.first_k(draws, SHELF.groups, 3)) / 3
    return 1 + 4 * total / 4000


def _comfortable(number: int) -> bool:
    facts = SHELF.items[number].facts
    return "18+" in facts.age_appropriate and not facts.is_premium and facts.energy_required != "high"


def covers(found: Interval, truth: float, slack: float = 0.05) -> bool:
    return found.low - slack <= truth <= found.high + slack


def test_the_random_policy_is_worth_what_it_is_worth(report: Report) -> None:
    random = next(one for one in report.policies if one.policy == "random")
    truth = true_random()
    assert random.enough
    assert random.covered == pytest.approx(1, abs=0.1)
    for found in (random.ips, random.self_normalised_ips, random.doubly_robust):
        assert found.low < found.value < found.high
        assert covers(found, truth), (found, truth)


def test_the_learned_policy_is_better_and_is_found_to_be(report: Report) -> None:
    by_name = {one.policy: one for one in report.policies}
    assert by_name["learned"].doubly_robust.low > by_name["random"].doubly_robust.high
    assert by_name["learned"].doubly_robust.low > by_name["simple"].doubly_robust.high


def test_a_gain_is_surer_than_two_intervals_compared(report: Report) -> None:
    for one in report.policies:
        assert one.gain.low < one.gain.value < one.gain.high
        assert one.gain.value == pytest.approx(one.doubly_robust.value - report.logged.value, abs=2e-3)
    gains = {one.policy: one.gain for one in report.policies}
    assert gains["learned"].low > 0, "the log is of one that chose almost at random"
    assert gains["random"].low < 0.1


def test_a_policy_gains_nothing_on_itself_whoever_rates_most() -> None:
    """Those whom everything helps rate everything, the others little: a policy judged by its own log still gains 0."""
    found = evaluate(*log(60, 10, curiosity=1e3, two_kinds=True), SHELF, [PolicyName.RANDOM]).policies[0]
    assert found.gain.low < 0 < found.gain.high
    assert abs(found.gain.value) < 0.04


def test_of_several_ratings_of_an_offer_the_first_counts() -> None:
    """People repeat what they liked; that says nothing more of what else would have been liked."""
    outcomes, rated = log(25, 12)
    later = [
        msgspec.structs.replace(one, outcome=msgspec.structs.replace(one.outcome, at=one.made_at + timedelta(hours=9)))
        for one in rated
        if (one.outcome.rating or 0) >= 0.75
    ]
    assert len(later) > 50
    once, again = (evaluate(outcomes, found, SHELF, [PolicyName.RANDOM]) for found in (rated, [*later, *rated]))
    assert again == once


def test_the_counts_are_those_of_the_log(report: Report) -> None:
    outcomes, rated = log(60, 25)
    assert report.ratings == len(rated) == len(outcomes)
    assert report.people == 60
    assert report.moments == len({one.moment_id for one in rated})
    assert report.logged.value == pytest.approx(1 + 4 * np.mean([o.rating for o in outcomes]), abs=1e-3)


def test_where_little_was_tried_out_nothing_is_claimed() -> None:
    """The log of a policy that hardly explored says nothing of one that offers anything."""
    narrow = evaluate(*log(30, 12, curiosity=0.15), SHELF, [PolicyName.RANDOM]).policies[0]
    assert not narrow.enough
    assert narrow.covered < 0.5
    assert narrow.ips.high < 2, "and this is why: what was never offered counts as nothing"


def test_a_lucky_rating_counts_at_most_so_often() -> None:
    outcomes, rated = log(25, 12)
    lucky = [msgspec.structs.replace(one, propensities=[1e-6] * 3) for one in rated]
    assert evaluate(outcomes, lucky, SHELF, [PolicyName.RANDOM]).policies[0].largest_weight == 50


def test_one_policy_may_be_asked_for() -> None:
    assert [one.policy for one in evaluate(*log(25, 12), SHELF, [PolicyName.RANDOM]).policies] == ["random"]


def test_too_little_is_said_to_be_too_little() -> None:
    with pytest.raises(TooLittleError) as few_people:
        evaluate(*log(FEWEST_PEOPLE - 1, 30), SHELF)
    assert few_people.value.people == FEWEST_PEOPLE - 1
    with pytest.raises(TooLittleError) as few_ratings:
        evaluate(*log(FEWEST_PEOPLE, 3), SHELF)
    assert few_ratings.value.ratings < FEWEST_RATINGS
    with pytest.raises(TooLittleError):
        evaluate([], [], SHELF)


@pytest.mark.parametrize(
    "change",
    [
        {"policy_version": "fallback-1"},
        {"propensities": [1.0, 1.0, 1.0]},
        {"context": {**msgspec.to_builtins(CONTEXT), "danger": True}},
        {"context": {"fallback": True}},
        {"context": {**msgspec.to_builtins(CONTEXT), "emotions": {"boredom": 3}}},
        {"context": {**msgspec.to_builtins(CONTEXT), "time_available_minutes": 0}},
        {"offered": []},
    ],
)
def test_what_could_not_have_been_otherwise_is_left_out(change: dict[str, object]) -> None:
    outcomes, rated = log(25, 12)
    with pytest.raises(TooLittleError) as nothing:
        evaluate(outcomes, [msgspec.structs.replace(one, **change) for one in rated], SHELF)
    assert nothing.value.ratings == 0


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    evaluate(*log(25, 12), SHELF, [PolicyName.RANDOM], lambda done, total: told.append((done, total)))
    assert told == [(n, 25) for n in range(1, 26)]


def test_what_must_not_be_offered_today_counts_nothing() -> None:
    """Everybody was injured after the log was made: no policy would offer them what can make it worse."""
    outcomes, rated = log(40, 12)
    forbidden = {item.id for item in LIBRARY if "injury" in item.facts.contraindications}
    hurt = [msgspec.structs.replace(one, contraindications=["injury"]) for one in rated]
    spoiled = [
        msgspec.structs.replace(one, outcome=msgspec.structs.replace(one.outcome, rating=0.0))
        if one.outcome.intervention_id in forbidden
        else one
        for one in hurt
    ]
    assert spoiled != hurt
    one, other = (evaluate(outcomes, found, SHELF, [PolicyName.RANDOM]).policies[0] for found in (hurt, spoiled))
    assert (one.ips, one.self_normalised_ips, one.doubly_robust) == (
        other.ips,
        other.self_normalised_ips,
        other.doubly_robust,
    )
    assert one.covered == pytest.approx(1, abs=0.15)


def test_a_rating_that_was_changed_is_known_from_then_on_and_not_before() -> None:
    """What somebody says of a session weeks later was no part of what was known at the moments in between."""
    outcomes, rated = log(1, 12)
    moments = sorted({one.made_at for one in rated})
    one = min(outcomes, key=lambda outcome: outcome.at)
    later = moments[6] - timedelta(hours=1)
    changed = msgspec.structs.replace(one, rating=1.0, target=1.0, amended_at=later)
    unsaid = msgspec.structs.replace(one, rating=None, target=None, weight=0.0)
    at_once = msgspec.structs.replace(one, rating=1.0, target=1.0)

    def seen(stands: Outcome) -> list[bytes]:
        found: list[bytes] = []
        replayed = [stands if other is one else other for other in outcomes]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(judging, "_judge", lambda _sums, _model, _offers, state: found.append(state))
            judging._replay(MODEL, replayed, rated, [PolicyName.LEARNED])
        return found

    assert len({one.moment_id for one in rated}) == len(moments)
    assert seen(changed)[:6] == seen(unsaid)[:6]
    assert seen(changed)[6:] == seen(at_once)[6:]
    assert seen(unsaid)[6:] != seen(at_once)[6:]
