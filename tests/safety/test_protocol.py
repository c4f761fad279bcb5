"""The protocol's times and the state machine: every edge, and every edge that is not there."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from wellspring.safety.levels import LEVELS, Level
from wellspring.safety.protocol import (
    CLERICAL,
    CLOSED,
    PROTOCOLS,
    TRANSITIONS,
    Actor,
    Outcome,
    State,
    Transition,
    after_care_due,
    check,
    first_response_due,
    is_final,
    next_care,
    next_page,
    pages,
    protocol_for,
    step_due,
    steps_from,
)

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
STATES: tuple[State, ...] = get_args(State)
ACTORS: tuple[Actor, ...] = get_args(Actor)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

EDGES: dict[tuple[str, State | None, State], set[Actor]] = {
    ("page", None, "paged"): {"system", "member", "clinician", "responder", "supervisor"},
    ("queue", None, "open"): {"system"},
    ("acknowledge", "paged", "acknowledged"): {"responder", "supervisor"},
    ("hand_back", "acknowledged", "paged"): {"system", "responder", "supervisor"},
    ("contact", "acknowledged", "contacted"): {"responder", "supervisor"},
    ("resolve", "contacted", "resolved"): {"responder", "supervisor"},
    ("close", "acknowledged", "resolved"): {"responder", "supervisor"},
    ("give_up", "acknowledged", "resolved"): {"supervisor"},
    ("review", "open", "reviewed"): {"clinician", "responder", "supervisor"},
    ("lapse", "open", "lapsed"): {"system"},
    ("raise", "open", "paged"): {"system", "member", "clinician", "responder", "supervisor"},
}


def test_the_edges_are_these_and_no_others() -> None:
    assert {(t.name, t.before, t.after): set(t.by) for t in TRANSITIONS} == EDGES


@pytest.mark.parametrize(
    ("step", "before", "actor"),
    list(itertools.product(TRANSITIONS, (None, *STATES), ACTORS)),
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_every_edge_with_every_actor_from_every_state(step: Transition, before: State | None, actor: Actor) -> None:
    outcome = min(step.outcomes, default=None)
    found = check(step.name, before, actor, outcome)
    if before != step.before:
        assert found == "no_such_step"
    elif actor not in step.by:
        assert found == "not_yours"
    else:
        assert found == step


@pytest.mark.parametrize("step", TRANSITIONS, ids=lambda t: t.name)
def test_closing_needs_an_outcome_that_fits(step: Transition) -> None:
    actor = min(step.by)
    assert check(step.name, step.before, actor) == ("outcome_missing" if step.outcomes else step)
    for outcome in OUTCOMES:
        want = step if outcome in step.outcomes else "outcome_not_allowed"
        assert check(step.name, step.before, actor, outcome) == want
    assert bool(step.outcomes) == is_final(step.after)


def test_every_outcome_can_be_reached() -> None:
    assert {o for t in TRANSITIONS for o in t.outcomes} == set(OUTCOMES)


def test_an_unknown_step_is_refused() -> None:
    assert check("forget", "paged", "supervisor") == "no_such_step"


def test_nobody_closes_a_page_that_nobody_took_on() -> None:
    assert {t.after for t in TRANSITIONS if t.before == "paged"} == {"acknowledged"}
    without_contact = [t for t in TRANSITIONS if t.before == "acknowledged" and t.after == "resolved"]
    for step in without_contact:
        assert step.outcomes == CLERICAL or step.by == {"supervisor"}


def test_only_the_end_is_final_and_all_states_are_reached() -> None:
    assert {s for s in STATES if is_final(s)} == set(CLOSED) == {"resolved", "reviewed", "lapsed"}
    assert {t.after for t in TRANSITIONS} == set(STATES)


def test_a_page_never_falls_back_to_the_queue() -> None:
    assert all(t.before is None for t in TRANSITIONS if t.after == "open")


def test_buttons_are_the_allowed_steps() -> None:
    assert [t.name for t in steps_from("paged", "responder")] == ["acknowledge"]
    assert steps_from("paged", "member") == ()
    assert {t.name for t in steps_from("acknowledged", "supervisor")} == {
        "hand_back",
        "contact",
        "close",
        "give_up",
    }
    assert [t.name for t in steps_from("open", "clinician")] == ["review", "raise"]
    assert steps_from("resolved", "supervisor") == ()


@pytest.mark.parametrize(("level", "hours"), [("critical", 0), ("high", 2), ("moderate", 6), ("low", 24)])
def test_first_response(level: Level, hours: int) -> None:
    assert first_response_due(level, START) == START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("level", "minutes"),
    [("critical", [0, 2, 5, 10]), ("high", [0, 10, 20, 30]), ("moderate", []), ("low", [])],
)
def test_pages_go_on_to_the_next_and_then_the_supervisor(level: Level, minutes: list[int]) -> None:
    sent = pages(level, START)
    assert [(p.due - START) / timedelta(minutes=1) for p in sent] == minutes
    assert [p.step for p in sent] == list(range(len(minutes)))
    if sent:
        assert [p.to for p in sent] == ["next_responder"] * 3 + ["supervisor"]


@pytest.mark.parametrize(
    ("level", "passed", "step", "following"),
    [
        ("critical", 0, 0, 2),
        ("critical", 10, 3, 15),
        ("critical", 15, 4, 30),
        ("critical", 1439, 98, 1440),
        ("critical", 1440, 99, 2880),
        ("high", 30, 3, 60),
        ("high", 119, 4, 120),
        ("high", 1440, 27, 2880),
        ("high", 14400, 36, 15840),
    ],
)
def test_an_event_that_nobody_takes_goes_on_paging(level: Level, passed: int, step: int, following: int) -> None:
    waited = timedelta(minutes=passed)
    assert (step_due(level, waited), next_page(level, waited)) == (step, timedelta(minutes=following))


@pytest.mark.parametrize(
    ("level", "hours"), [("critical", [24, 72, 168]), ("high", [24, 72, 168]), ("moderate", []), ("low", [])]
)
def test_after_care(level: Level, hours: list[int]) -> None:
    assert [(due - START) / timedelta(hours=1) for due in after_care_due(level, START)] == hours


@pytest.mark.parametrize(
    ("now", "done", "step", "due"),
    [
        (1, 0, 1, 24),  # closed within the day
        (30, 0, 2, 72),  # closed on the second day: that was the first contact
        (100, 0, 3, 168),
        (200, 0, 3, 224),  # closed after more than a week: one contact, a day later
        (20, 1, 2, 72),
        (71, 1, 3, 168),  # an hour before the second: both are made
        (80, 1, 3, 168),
        (70, 2, 3, 168),
    ],
)
def test_the_contact_that_follows(now: int, done: int, step: int, due: int) -> None:
    hour = timedelta(hours=1)
    assert next_care("high", START, START + now * hour, done) == (step, START + due * hour)


@pytest.mark.parametrize(("level", "now", "done"), [("high", 168, 3), ("critical", 165, 2), ("moderate", 1, 0)])
def test_after_care_ends(level: Level, now: int, done: int) -> None:
    assert next_care(level, START, START + timedelta(hours=now), done) is None


def test_more_danger_is_never_answered_later_or_with_less() -> None:
    rows = [protocol_for(level) for level in LEVELS]
    assert [row.level for row in rows] == list(LEVELS) == list(PROTOCOLS)
    for less, more in itertools.pairwise(rows):
        assert more.first_response < less.first_response
        assert set(more.shown) >= set(less.shown) - {"resources_link"}
    assert [row.first_state for row in rows] == [None, "open", "paged", "paged"]
    assert [row.told for row in rows] == [
        "nobody",
        "review_queue",
        "responders_on_duty",
        "responders_on_duty",
    ]
    assert rows[-1].shown[0] == "emergency_number"
