"""The five factors: what they need, where they begin and end; one more bad day never makes them smaller."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.safety.behaviour import (
    MODERATE_AT,
    STRONG_AT,
    Baseline,
    Day,
    Factor,
    Signals,
    behaviour,
)

USUAL = Baseline(
    mood_days=20,
    mood_mean=7.0,
    mood_sd=1.0,
    alone_days=20,
    alone_share=0.2,
    observed_days=28,
    checkins_per_week=7,
)


def week(**series: list[float]) -> tuple[Day, ...]:
    """Days that end today, one per value; all series have the same length."""
    length = len(next(iter(series.values())))
    return tuple(
        Day(ago=length - 1 - n, checkins=1, **{name: values[n] for name, values in series.items()})
        for n in range(length)
    )


def factor(signals: Signals, name: str) -> Factor:
    return next(f for f in behaviour(signals).factors if f.name == name)


def value(signals: Signals, name: str) -> float:
    found = factor(signals, name).value
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("mood_decline", week(mood=[9, 1])),
        ("stress_escalation", week(stress=[1, 10])),
        ("sleep_disruption", week(sleep=[1, 1])),
        ("social_withdrawal", week(alone=[1, 1])),
    ],
)
def test_too_little_data_is_not_assessed_and_not_zero(name: str, days: tuple[Day, ...]) -> None:
    few = factor(Signals(days=days, baseline=USUAL), name)
    assert few.value is None
    assert not few.assessed
    assert (few.have, few.need) == (2, 3)
    assert behaviour(Signals(days=days, baseline=USUAL)).score == 0.0


def test_nothing_at_all_is_five_factors_not_assessed() -> None:
    seen = behaviour(Signals())
    assert [f.value for f in seen.factors] == [None] * 5
    assert (seen.score, seen.moderate, seen.strong) == (0.0, False, False)


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        ([7, 7, 7], 0.0),
        ([8, 8, 5.5], 0.5),
        ([8, 8, 3], 1.0),
        ([1, 1, 1], 1.0),
        ([3, 7, 9], 0.0),
        ([3.5, 3.5, 3.5], 0.0),
        ([9, 5, 9, 9], 4 / 15),
    ],
)
def test_mood_decline_without_a_baseline(mood: list[float], expected: float) -> None:
    assert value(Signals(days=week(mood=mood)), "mood_decline") == pytest.approx(expected)


def test_mood_is_held_against_the_persons_own_normal() -> None:
    steady = week(mood=[5.5, 5.5, 5.5])
    assert value(Signals(days=steady), "mood_decline") == 0.0
    assert value(Signals(days=steady, baseline=USUAL), "mood_decline") == pytest.approx(0.5)
    swinging = Baseline(mood_days=20, mood_mean=7.0, mood_sd=3.0)
    assert value(Signals(days=steady, baseline=swinging), "mood_decline") == pytest.approx(1.5 / 9)
    young = Baseline(mood_days=6, mood_mean=7.0, mood_sd=1.0)
    assert value(Signals(days=steady, baseline=young), "mood_decline") == 0.0


def test_mood_shows_its_numbers() -> None:
    seen = factor(Signals(days=week(mood=[8, 6, 4], energy=[2, 3, 4]), baseline=USUAL), "mood_decline")
    assert seen.numbers == pytest.approx(
        {"recent": 6.0, "step": 3.0, "slope": -2.0, "baseline": 7.0, "drop": 1.0, "energy": 3.0}
    )


def test_two_entries_of_one_day_have_no_slope() -> None:
    same = tuple(Day(ago=0, mood=m) for m in (8, 7, 6))
    assert factor(Signals(days=same), "mood_decline").numbers["slope"] == 0.0


@pytest.mark.parametrize(
    ("stress", "anxiety", "expected"),
    [
        ([5, 5, 5], [5, 5, 5], 0.0),
        ([9, 9, 9], [1, 1, 1], 1.0),
        ([1, 1, 1], [9, 9, 9], 1.0),
        ([1, 1, 6], [1, 1, 1], 1.0),
    ],
)
def test_stress_or_anxiety(stress: list[float], anxiety: list[float], expected: float) -> None:
    seen = value(Signals(days=week(stress=stress, anxiety=anxiety)), "stress_escalation")
    assert seen == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sleep", "expected"), [([3, 3, 3], 0.0), ([2, 2, 2], 0.5), ([1, 1, 1], 1.0), ([1, 5, 5, 5], 0.0)]
)
def test_sleep(sleep: list[float], expected: float) -> None:
    assert value(Signals(days=week(sleep=sleep)), "sleep_disruption") == pytest.approx(expected)


def test_living_alone_is_not_withdrawing() -> None:
    alone = week(alone=[1.0, 1.0, 1.0])
    hermit = Baseline(alone_days=20, alone_share=1.0)
    assert value(Signals(days=alone, baseline=hermit), "social_withdrawal") == 0.0
    assert value(Signals(days=alone, baseline=USUAL), "social_withdrawal") == 1.0
    assert factor(Signals(days=alone), "social_withdrawal").value is None


@pytest.mark.parametrize(("gap", "expected"), [(1.0, 0.0), (3.0, 0.0), (5.0, 0.5), (7.0, 1.0), (90.0, 1.0)])
def test_silence_is_measured_by_ones_own_rhythm(gap: float, expected: float) -> None:
    assert value(Signals(gap_days=gap, baseline=USUAL), "missed_checkins") == pytest.approx(expected)
    rare = Baseline(observed_days=28, checkins_per_week=1.0)
    assert factor(Signals(gap_days=gap, baseline=rare), "missed_checkins").value is None


@pytest.mark.parametrize(
    ("series", "moderate", "strong"),
    [
        ({"mood": [8, 8, 3.0]}, True, False),
        ({"mood": [8, 8, 5.0]}, False, False),
        ({"stress": [10, 10, 10.0]}, False, False),
        ({"sleep": [1, 1, 1.0]}, False, False),
        ({"stress": [10, 10, 10.0], "sleep": [1, 1, 1.0]}, True, False),
        ({"mood": [8, 8, 2.0], "stress": [10, 10, 10.0]}, True, True),
    ],
)
def test_only_mood_is_enough_alone(series: dict[str, list[float]], moderate: bool, strong: bool) -> None:
    seen = behaviour(Signals(days=week(**series)))
    assert (seen.moderate, seen.strong) == (moderate, strong)


def test_thresholds_are_in_order() -> None:
    assert 0 < MODERATE_AT < STRONG_AT < 1


def test_what_protects_is_told() -> None:
    good = week(mood=[3, 3, 6, 6], sleep=[4, 4, 5, 5], alone=[0.1, 0.2, 0.1, 0.0])
    seen = behaviour(Signals(days=good, protective=("safety_plan", "safety_plan")))
    assert seen.protective == ("safety_plan", "with_people", "sleeping_well", "mood_rising")
    bad = week(mood=[6, 6, 3, 3], sleep=[1, 1, 2, 2], alone=[1, 1, 1, 1.0])
    assert behaviour(Signals(days=bad)).protective == ()


@pytest.mark.parametrize("absurd", [math.nan, math.inf, -math.inf, 0.0, 11.0])
def test_absurd_numbers_are_missing(absurd: float) -> None:
    days = (*week(mood=[5, 5]), Day(ago=0, mood=absurd))
    assert factor(Signals(days=days), "mood_decline").value is None
    assert behaviour(Signals(days=(Day(ago=-1, mood=1), Day(ago=7, mood=1)) * 4)).score == 0.0


scale = st.one_of(st.none(), st.floats(1, 10))
days = st.lists(
    st.builds(
        Day,
        ago=st.just(0),
        checkins=st.integers(0, 5),
        mood=scale,
        stress=scale,
        anxiety=scale,
        energy=scale,
        sleep=st.one_of(st.none(), st.floats(1, 5)),
        alone=st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=6,
)
WORST = Day(ago=0, checkins=1, mood=1, stress=10, anxiety=10, energy=1, sleep=1, alone=1)


@given(days)
def test_one_more_worst_day_never_makes_a_factor_smaller(some: list[Day]) -> None:
    before = behaviour(Signals(days=tuple(some), baseline=USUAL))
    after = behaviour(Signals(days=(*some, WORST), baseline=USUAL))
    for old, new in zip(before.factors, after.factors, strict=True):
        assert (old.value or 0.0) <= (new.value or 0.0) + 1e-9, old.name
    assert before.score <= after.score + 1e-9


anything = st.one_of(st.none(), st.floats())


@given(
    st.lists(
        st.builds(
            Day,
            ago=st.integers(-3, 9),
            mood=anything,
            stress=anything,
            anxiety=anything,
            sleep=anything,
            alone=anything,
        ),
        max_size=12,
    ),
    st.one_of(
        st.none(),
        st.builds(
            Baseline,
            mood_days=st.integers(0, 30),
            mood_mean=anything,
            mood_sd=anything,
            alone_days=st.integers(0, 30),
            alone_share=anything,
            observed_days=st.integers(0, 30),
            checkins_per_week=anything,
        ),
    ),
    anything,
)
def test_no_data_and_no_nonsense_ever_raises(some: list[Day], base: Baseline | None, gap: float | None) -> None:
    seen = behaviour(Signals(days=tuple(some), baseline=base, gap_days=gap))
    assert 0.0 <= seen.score <= 1.0
    assert all(f.value is None or 0.0 <= f.value <= 1.0 for f in seen.factors)
