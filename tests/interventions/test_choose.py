"""Three offers for any moment: safe always, comfortable where possible, varied, explained and repeatable."""

import sys
from collections import Counter
from time import thread_time
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.interventions import (
    Context,
    History,
    Intervention,
    Recommendation,
    Seen,
    Tally,
    choose,
    intervention_id,
    load,
    prepare,
    shipped,
    why,
)
from wellspring.interventions.score import DANGER, EMOTION, ENERGY, EVIDENCE, RATING, TIME, moment_of, parts_of
from wellspring.interventions.vocabulary import (
    CONTRAINDICATIONS,
    EMOTIONS,
    ENERGIES,
    TIMES_OF_DAY,
    Contraindication,
    energy_of,
)

LIBRARY = load()
SHELF = shipped()
scores = st.none() | st.integers(1, 10)
contexts = st.builds(
    Context,
    mood=st.integers(1, 10),
    emotions=st.dictionaries(st.sampled_from(EMOTIONS), st.integers(1, 5), max_size=4),
    energy=scores,
    anxiety=scores,
    stress=scores,
    time_available_minutes=st.none() | st.integers(0, 60),
    place=st.sampled_from((None, "home", "work", "school", "outdoors", "social", "other")),
    time_of_day=st.sampled_from((None, *TIMES_OF_DAY)),
    adhd=st.booleans(),
    autism=st.booleans(),
    contraindications=st.frozensets(st.sampled_from(CONTRAINDICATIONS), max_size=15),
    age=st.sampled_from((None, "under-13", "13-17", "18+")),
    premium=st.booleans(),
    danger=st.booleans(),
)
seen = st.builds(
    Seen,
    intervention_id=st.sampled_from([item.id for item in LIBRARY]) | st.uuids(),
    days_ago=st.floats(0, 400),
    rating=st.none() | st.integers(1, 5),
)
histories = st.builds(History, seen=st.lists(seen, max_size=30).map(tuple))


def is_safe(item: Intervention, context: Context) -> bool:
    """The safety filters, written a second time and plainly."""
    facts = item.facts
    return (
        facts.is_active
        and not set(facts.contraindications) & context.contraindications
        and (context.age or "13-17") in facts.age_appropriate
        and (context.premium or not facts.is_premium)
        and (facts.crisis_safe or not context.danger)
    )


def is_comfortable(item: Intervention, context: Context) -> bool:
    """The comfort filters, written a second time and plainly."""
    facts, minutes = item.facts, context.time_available_minutes
    if minutes is not None and facts.duration_seconds > minutes * 60:
        return False
    if context.energy is not None:
        gap = ENERGIES.index(facts.energy_required) - ENERGIES.index(energy_of(context.energy))
        if gap >= 2:
            return False
    if context.place is not None and not item.anywhere and context.place not in item.places:
        return False
    return context.time_of_day is None or context.time_of_day in facts.times_of_day


def offered(context: Context, history: History | None = None, *, k: int = 3, seed: int = 0) -> list[Recommendation]:
    return choose(context, SHELF, history, k, seed)


@settings(max_examples=300, deadline=None)
@given(context=contexts, history=histories, seed=st.integers(0, 2**32))
def test_whatever_the_moment(context: Context, history: History, seed: int) -> None:
    offers = offered(context, history, seed=seed)
    items = [offer.intervention for offer in offers]
    safe = [item for item in LIBRARY if is_safe(item, context)]
    comfortable = [item for item in safe if is_comfortable(item, context)]
    assert all(is_safe(item, context) for item in items)
    assert len({item.id for item in items}) == len(items) == min(3, len(safe))
    assert sum(is_comfortable(item, context) for item in items) == min(3, len(comfortable))
    approaches = {item.therapeutic_approach for item in comfortable}
    if len(comfortable) >= 3:
        assert len({item.therapeutic_approach for item in items}) == min(3, len(approaches))
    for offer in offers:
        assert 0 <= offer.predicted_effectiveness <= 1
        assert 0 < offer.propensity <= 1
        assert why(offer, "en") != why(offer, "fr")
    assert offers == offered(context, history, seed=seed)


@pytest.mark.parametrize("contraindication", CONTRAINDICATIONS)
def test_every_contraindication_is_kept_out_even_when_it_fits_best(contraindication: Contraindication) -> None:
    """Alice loved each of these and asks for as many offers as there are: none with her condition comes back."""
    forbidden = [item for item in LIBRARY if contraindication in item.facts.contraindications]
    loved = History(tuple(Seen(item.id, 30, 5) for item in forbidden))
    context = Context(mood=5, energy=10, age="18+", premium=True)
    everything = {offer.intervention.id for offer in offered(context, loved, k=len(LIBRARY))}
    with_it = msgspec.structs.replace(context, contraindications=frozenset({contraindication}))
    left = {offer.intervention.id for offer in offered(with_it, loved, k=len(LIBRARY))}
    assert {item.id for item in forbidden} <= everything
    assert everything - left == {item.id for item in forbidden}


@settings(max_examples=150, deadline=None)
@given(context=contexts.map(lambda c: msgspec.structs.replace(c, danger=True)), history=histories)
def test_in_danger_only_what_is_safe_and_nothing_is_tried_out(context: Context, history: History) -> None:
    offers = offered(context, history, k=10)
    assert all(offer.intervention.facts.crisis_safe for offer in offers)
    assert {offer.reason.key for offer in offers} <= {"reach_out", "steady"}
    for offer in offers:
        equals = 1 / offer.propensity
        assert equals == pytest.approx(round(equals)), "only equals may be drawn from"


def test_in_danger_no_seed_brings_anything_but_the_best() -> None:
    context = Context(mood=2, emotions={"fear": 5, "sadness": 4, "anxiety": 1}, energy=3, danger=True)
    moment = moment_of(SHELF, context, History())
    totals = set()
    for seed in range(60):
        numbers = [SHELF.position[offer.intervention.id] for offer in offered(context, seed=seed)]
        totals.add(tuple(round(sum(parts_of(SHELF, number, moment)), 9) for number in numbers))
    assert len(totals) == 1


def test_in_danger_people_come_first() -> None:
    for emotion in EMOTIONS:
        first, *others = offered(Context(mood=1, emotions={emotion: 5}, danger=True))
        assert first.intervention.facts.sub_category == "safety planning"
        assert first.reason.key == "reach_out"
        assert len({offer.intervention.therapeutic_approach for offer in (first, *others)}) == 3


def test_in_danger_with_every_condition_there_is_still_help() -> None:
    context = Context(mood=1, danger=True, contraindications=frozenset(CONTRAINDICATIONS), age="under-13", energy=1)
    assert len(offered(context)) == 3


def test_comfort_gives_way_before_safety_does() -> None:
    no_time = Context(mood=3, time_available_minutes=0, place="social", time_of_day="night", energy=1)
    assert len(offered(no_time)) == 3
    few = prepare([item for item in LIBRARY if item.slug in ("brisk-walk", "up-the-stairs")])
    tired = Context(mood=5, energy=1, place="work", contraindications=frozenset({"pregnancy"}))
    assert [offer.intervention.slug for offer in choose(tired, few)] == ["brisk-walk"]


@pytest.mark.parametrize(
    ("loved", "context"),
    [
        ("brisk-walk", Context(mood=4, emotions={"sadness": 5}, time_of_day="night")),
        ("brisk-walk", Context(mood=4, emotions={"sadness": 5}, place="work")),
        ("brisk-walk", Context(mood=4, emotions={"sadness": 5}, energy=3)),
        ("brisk-walk", Context(mood=4, emotions={"sadness": 5}, time_available_minutes=9)),
    ],
)
def test_even_a_favourite_waits_for_a_moment_that_suits(loved: str, context: Context) -> None:
    favourite = intervention_id(loved)
    history = History(tuple(Seen(favourite, 30 + day, 5) for day in range(9)))
    suits = Context(mood=4, emotions={"sadness": 5}, energy=9, place="outdoors", time_of_day="morning")
    assert favourite in {offer.intervention.id for offer in offered(suits, history)}
    unhurried = msgspec.structs.replace(context, energy=context.energy or 9)
    for seed in range(20):
        assert favourite not in {offer.intervention.id for offer in offered(unhurried, history, seed=seed)}


def test_an_unknown_age_is_treated_with_care() -> None:
    slugs = {offer.intervention.slug for offer in offered(Context(mood=5), k=len(LIBRARY))}
    assert "cool-water-face" not in slugs
    adult = {offer.intervention.slug for offer in offered(Context(mood=5, age="18+"), k=len(LIBRARY))}
    assert adult - slugs == {"cool-water-face"}


def test_what_is_not_paid_for_is_never_offered() -> None:
    context = Context(mood=5, age="18+")
    free = {offer.intervention.id for offer in offered(context, k=len(LIBRARY))}
    paid = {offer.intervention.id for offer in offered(msgspec.structs.replace(context, premium=True), k=len(LIBRARY))}
    assert paid - free == {item.id for item in LIBRARY if item.facts.is_premium}
    assert len(paid - free) >= 1


def test_inactive_entries_are_never_offered() -> None:
    one = LIBRARY[0]
    retired = msgspec.structs.replace(one, facts=msgspec.structs.replace(one.facts, is_active=False))
    assert choose(Context(mood=5), prepare([retired])) == []


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_what_is_felt_decides(emotion: str) -> None:
    context = msgspec.convert({"mood": 5, "emotions": {emotion: 4}, "energy": 5}, Context)
    offers = offered(context)
    assert all(emotion in offer.intervention.facts.target_emotions for offer in offers)
    assert {offer.reason.emotion for offer in offers} == {emotion}


def test_what_an_entry_is_for_first_counts_most() -> None:
    """`put-distance` names fear, anger, overwhelm, in this order."""
    number = SHELF.position[intervention_id("put-distance")]
    parts = [
        parts_of(SHELF, number, moment_of(SHELF, msgspec.convert({"mood": 5, "emotions": {e: 3}}, Context), History()))
        for e in ("fear", "anger", "overwhelm", "joy")
    ]
    assert [part.emotion for part in parts] == pytest.approx([EMOTION, EMOTION * 0.9, EMOTION * 0.8, 0])


@pytest.mark.parametrize(
    ("context", "signal"),
    [
        (Context(mood=5, anxiety=8), "anxiety_high"),
        (Context(mood=5, stress=9), "stress_high"),
        (Context(mood=2), "mood_low"),
        (Context(mood=5), "mood_middle"),
        (Context(mood=9), "mood_good"),
    ],
)
def test_scores_speak_when_no_feeling_is_named(context: Context, signal: str) -> None:
    assert {offer.reason.signal for offer in offered(context)} == {signal}


def test_nobody_tired_is_sent_up_the_stairs() -> None:
    for seed in range(30):
        offers = offered(Context(mood=4, energy=1, emotions={"neutral": 3}), seed=seed)
        assert {offer.intervention.facts.energy_required for offer in offers} <= {"minimal", "low"}


def test_what_was_shown_lately_steps_back_and_returns() -> None:
    context = Context(mood=4, emotions={"anger": 5}, energy=5)
    first = offered(context)[0].intervention

    def firsts(days_ago: float) -> set[UUID]:
        history = History((Seen(first.id, days_ago),))
        return {offered(context, history, seed=seed)[0].intervention.id for seed in range(30)}

    assert first.id not in firsts(0.1)
    assert first.id in firsts(60)


def test_what_is_liked_may_come_back_sooner() -> None:
    one = LIBRARY[0].id
    costs = [
        moment_of(SHELF, Context(mood=5), History((Seen(one, 1), Seen(one, 1, rating)))).repetition[0]
        for rating in (5, 3)
    ]
    assert costs[0] == pytest.approx(costs[1] / 2)


def test_what_helped_alice_before_comes_back_and_says_so() -> None:
    context = Context(mood=4, emotions={"sadness": 3}, energy=5)
    tea = intervention_id("warm-hands")
    history = History(tuple(Seen(tea, 20 + day, 5) for day in range(8)))
    by_id = {offer.intervention.id: offer for offer in offered(context, history)}
    assert tea in by_id
    assert by_id[tea].predicted_effectiveness == pytest.approx((8 + 3 * 0.6) / 11, abs=0.001)
    assert tea not in {offer.intervention.id for offer in offered(context)}
    low = History(tuple(Seen(tea, 20 + day, 1) for day in range(8)))
    assert tea not in {offer.intervention.id for offer in offered(context, low)}


def test_the_prediction_is_the_documented_number() -> None:
    """Two ratings of 5 and 4 on one, one of 2 on another: by hand from the docstring of `_expected`."""
    one, other = LIBRARY[0].id, LIBRARY[1].id
    history = History((Seen(one, 9, 5), Seen(one, 3, 4), Seen(other, 5, 2)))
    mean = (4 * 0.5 + 0.875 + 0.25) / (4 + 2)
    everyone = {one: Tally(count=60, total=60 * 4)}
    shared = (60 * 0.75 + 20 * 0.5) / (60 + 20)
    expected = {
        one: (1 + 0.75 + 3 * (mean + shared - 0.5)) / 5,
        other: (0.25 + 3 * mean) / 4,
        LIBRARY[2].id: mean,
    }
    shelf = prepare(LIBRARY, everyone)
    found: dict[UUID, float] = {
        offer.intervention.id: offer.predicted_effectiveness
        for offer in choose(Context(mood=5, energy=10, age="18+"), shelf, history, k=len(LIBRARY))
    }
    for intervention, value in expected.items():
        assert found[intervention] == pytest.approx(value, abs=0.001)


def test_nothing_known_is_one_half() -> None:
    assert {offer.predicted_effectiveness for offer in offered(Context(mood=5))} == {0.5}


def test_parts_stay_within_what_they_promise() -> None:
    context = Context(mood=3, emotions={"anxiety": 5, "fear": 2}, energy=6, time_available_minutes=9, danger=True)
    moment = moment_of(SHELF, context, History((Seen(LIBRARY[3].id, 0, 5),)))
    for number in range(len(SHELF.rows)):
        parts = parts_of(SHELF, number, moment)
        most = (EMOTION, RATING, ENERGY, TIME, EVIDENCE, 0.0, 0.0, DANGER)
        assert all(part <= limit + 1e-9 for part, limit in zip(parts, most, strict=True))


@pytest.mark.parametrize("flag", ["adhd", "autism"])
def test_neurotype_counts(flag: str) -> None:
    base = Context(mood=5, emotions={"overwhelm": 3, "calm": 3, "anxiety": 3}, energy=5, age="18+")
    number = SHELF.position[intervention_id("leaves-on-a-stream" if flag == "adhd" else "cool-water-face")]
    with_it = msgspec.structs.replace(base, **{flag: True})
    before, after = (sum(parts_of(SHELF, number, moment_of(SHELF, c, History()))) for c in (base, with_it))
    assert after < before


def test_propensity_is_the_real_frequency() -> None:
    context = Context(mood=5, emotions={"joy": 3, "calm": 2}, energy=6)
    runs, counts, told = 3000, Counter[tuple[UUID, ...]](), dict[tuple[UUID, ...], float]()
    for seed in range(runs):
        offers = offered(context, seed=seed)
        key = tuple(offer.intervention.id for offer in offers)
        counts[key] += 1
        told[key] = offers[0].propensity * offers[1].propensity * offers[2].propensity
    assert len(counts) > 3
    assert sum(told.values()) == pytest.approx(1)
    for key, chance in told.items():
        spread = (chance * (1 - chance) / runs) ** 0.5
        assert abs(counts[key] / runs - chance) < 5 * spread + 1e-9


def test_ties_are_broken_by_the_seed_alone() -> None:
    context = Context(mood=5, emotions={"surprise": 3})
    assert offered(context, seed=7) == offered(context, seed=7)
    assert len({tuple(o.intervention.slug for o in offered(context, seed=seed)) for seed in range(40)}) > 1


def test_asking_for_none_or_for_all() -> None:
    context = Context(mood=5, premium=True, age="18+")
    assert offered(context, k=0) == []
    assert len(offered(context, k=1000)) == len(LIBRARY)


@pytest.mark.skipif(sys.gettrace() is not None, reason="measuring coverage makes every line slower")
def test_it_is_quick() -> None:
    """150 µs is the aim on a quiet machine; three times that fails here."""
    context = Context(mood=4, emotions={"anxiety": 4, "sadness": 2}, energy=4, stress=8, place="home", adhd=True)
    history = History(tuple(Seen(LIBRARY[day].id, day, 1 + day % 5) for day in range(40)))
    best = 1.0
    for _ in range(7):
        start = thread_time()
        for seed in range(100):
            offered(context, history, seed=seed)
        best = min(best, (thread_time() - start) / 100)
    assert best < 450e-6
