"""What happens at each level, when, and who may move an event on. A table and pure functions.

First-response times and re-page steps are those of the specification. "Hourly" and "continuous" monitoring,
which the source designs promise, are not promised. No step here tells an emergency contact or an authority:
that is a human's decision, or the member's own tap.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from wellspring.safety.levels import Level

State = Literal["open", "reviewed", "lapsed", "paged", "acknowledged", "contacted", "resolved"]
Actor = Literal["system", "member", "clinician", "responder", "supervisor"]
Audience = Literal["next_responder", "supervisor"]
Told = Literal["nobody", "review_queue", "responders_on_duty"]
Shown = Literal["resources_link", "resources", "safety_plan", "emergency_number", "ask_a_person", "who_sees"]
Outcome = Literal[
    "safe_with_plan",
    "handed_to_care_team",
    "handed_to_other_service",
    "emergency_services_called",
    "already_in_care",
    "declined_contact",
    "could_not_reach",
    "no_danger_found",
    "duplicate",
    "opened_in_error",
    "nobody_looked",
]
CareResult = Literal["reached", "not_reached", "declined", "in_other_hands", "could_not_reach"]
"""What came of a contact of after-care."""
CareEnd = Literal["newer_event", "not_done"]
"""How the program ends after-care: a newer event has its own, or nobody did it for two weeks."""
Refusal = Literal["no_such_step", "not_yours", "outcome_missing", "outcome_not_allowed"]

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)

DAY: Final = 24 * HOUR
"""For so long an event that nobody takes pages at its own rhythm; after that once a day."""

AFTER_CARE: Final = (24 * HOUR, 72 * HOUR, 168 * HOUR)
"""First contact, second contact, appointment or look back at a week: risk is highest in the first days."""

APART: Final = 4 * HOUR
"""A contact that would be due sooner than this after the one before falls together with it."""

CARE_AGAIN: Final = DAY
"""Whoever was not reached is tried again after so long."""

CARE_LATE: Final = (0 * HOUR, 4 * HOUR, 12 * HOUR, *(n * DAY for n in range(1, 8)))
"""How late a contact of after-care is when it is reminded of: its holder, then those on duty, then supervisors too."""
CARE_ALONE: Final = CARE_LATE[1]
"""For so long a late contact is its holder's alone, while they are on duty."""
CARE_SUPERVISORS: Final = 3
"""From this reminder on, supervisors are told too."""

LAST_CALL: Final = 7 * DAY
"""For so long what nobody does is reminded of daily; then once more, a review with everybody told."""
GIVEN_UP: Final = 7 * DAY
"""So long after its last reminder the program closes it, and says that nobody did it."""


class RePage(msgspec.Struct, frozen=True):
    """If nobody has acknowledged `after` the first page, page these people too."""

    after: timedelta
    to: Audience


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """What a level sets in motion. `first_state` is None when no event is opened.

    `again`: the rhythm after the last of `repages`, counted from the first page; None where nothing pages.
    `reach_within`: for so long an event is its taker's alone. After that it pages again, and others may take it over.
    """

    level: Level
    first_state: State | None
    first_response: timedelta
    repages: tuple[RePage, ...]
    again: timedelta | None = None
    reach_within: timedelta | None = None
    shown: tuple[Shown, ...]
    told: Told
    after_care: tuple[timedelta, ...]


class Page(msgspec.Struct, frozen=True):
    """One page to send if the event is unacknowledged at `due`. Step 0 goes at once to those on duty."""

    step: int
    due: datetime
    to: Audience


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A step that an event may take. `before` is None for its beginning; no `outcomes`: none is asked."""

    name: str
    before: State | None
    after: State
    by: frozenset[Actor]
    outcomes: frozenset[Outcome] = frozenset()


def _escalating(*steps: tuple[int, Audience]) -> tuple[RePage, ...]:
    return tuple(RePage(minutes * MINUTE, to) for minutes, to in steps)


PROTOCOLS: Final[dict[Level, Protocol]] = {
    "low": Protocol(
        level="low",
        first_state=None,
        first_response=24 * HOUR,
        repages=(),
        shown=("resources_link",),
        told="nobody",
        after_care=(),
    ),
    "moderate": Protocol(
        level="moderate",
        first_state="open",
        first_response=6 * HOUR,
        repages=(),
        shown=("resources", "safety_plan", "ask_a_person", "who_sees"),
        told="review_queue",
        after_care=(),
    ),
    "high": Protocol(
        level="high",
        first_state="paged",
        first_response=2 * HOUR,
        repages=_escalating((10, "next_responder"), (20, "next_responder"), (30, "supervisor")),
        again=HOUR,
        reach_within=2 * HOUR,
        shown=("resources", "emergency_number", "safety_plan", "ask_a_person", "who_sees"),
        told="responders_on_duty",
        after_care=AFTER_CARE,
    ),
    "critical": Protocol(
        level="critical",
        first_state="paged",
        first_response=timedelta(0),
        repages=_escalating((2, "next_responder"), (5, "next_responder"), (10, "supervisor")),
        again=15 * MINUTE,
        reach_within=30 * MINUTE,
        shown=("emergency_number", "resources", "safety_plan", "ask_a_person", "who_sees"),
        told="responders_on_duty",
        after_care=AFTER_CARE,
    ),
}

CLOSED: Final[tuple[State, ...]] = ("resolved", "reviewed", "lapsed")
"""States of an event that waits for nobody."""

DESK: Final[frozenset[Actor]] = frozenset({"responder", "supervisor"})
REVIEWERS: Final[frozenset[Actor]] = frozenset({"clinician", "responder", "supervisor"})

CLERICAL: Final[frozenset[Outcome]] = frozenset({"duplicate", "opened_in_error"})
"""The only ways to close without having tried to reach the person."""
REACHED: Final[frozenset[Outcome]] = frozenset(
    {
        "safe_with_plan",
        "handed_to_care_team",
        "handed_to_other_service",
        "emergency_services_called",
        "already_in_care",
        "declined_contact",
        "no_danger_found",
    }
)
UNREACHED: Final[frozenset[Outcome]] = frozenset({"could_not_reach", "emergency_services_called"})
NO_AFTER_CARE: Final[frozenset[Outcome]] = frozenset({*CLERICAL, "declined_contact", "no_danger_found"})
"""After these nobody is contacted again."""
REVIEWED: Final[frozenset[Outcome]] = frozenset(
    {"no_danger_found", "handed_to_care_team", "already_in_care", "duplicate", "opened_in_error"}
)

TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition(name="page", before=None, after="paged", by=frozenset({"system", "member", *REVIEWERS})),
    Transition(name="queue", before=None, after="open", by=frozenset({"system"})),
    Transition(name="acknowledge", before="paged", after="acknowledged", by=DESK),
    # Whoever goes off duty gives the event back, or the sweep does, and it pages again from the beginning.
    Transition(name="hand_back", before="acknowledged", after="paged", by=frozenset({"system", *DESK})),
    Transition(name="contact", before="acknowledged", after="contacted", by=DESK),
    Transition(name="resolve", before="contacted", after="resolved", by=DESK, outcomes=REACHED),
    Transition(name="close", before="acknowledged", after="resolved", by=DESK, outcomes=CLERICAL),
    # Giving up on reaching somebody is never one responder's decision alone.
    Transition(
        name="give_up",
        before="acknowledged",
        after="resolved",
        by=frozenset({"supervisor"}),
        outcomes=UNREACHED,
    ),
    Transition(name="review", before="open", after="reviewed", by=REVIEWERS, outcomes=REVIEWED),
    # Two weeks and a last call to everybody: it is said that nobody looked, and a new sign opens a new event.
    Transition(
        name="lapse",
        before="open",
        after="lapsed",
        by=frozenset({"system"}),
        outcomes=frozenset({"nobody_looked"}),
    ),
    # More was seen or said: a queued event becomes a page. It never goes the other way.
    Transition(name="raise", before="open", after="paged", by=frozenset({"system", "member", *REVIEWERS})),
)


def protocol_for(level: Level) -> Protocol:
    """The table's row for a level."""
    return PROTOCOLS[level]


def first_response_due(level: Level, opened: datetime) -> datetime:
    """When a human must have responded."""
    return opened + PROTOCOLS[level].first_response


def waits(level: Level) -> tuple[timedelta, ...]:
    """How long after the first page each later one of the first day is due, in order; none for low and moderate."""
    row = PROTOCOLS[level]
    if row.again is None:
        return ()
    steps = tuple(r.after for r in row.repages)
    first = steps[-1] // row.again + 1
    return (*steps, *(n * row.again for n in range(first, -(-DAY // row.again))))


def step_due(level: Level, waited: timedelta) -> int:
    """The last page that is due when nobody took an event for so long after its first page, which is step 0."""
    return bisect_right(waits(level), waited) + waited // DAY


def next_page(level: Level, waited: timedelta) -> timedelta:
    """How long after the first page the next one is due."""
    return next((wait for wait in waits(level) if wait > waited), (waited // DAY + 1) * DAY)


def pages(level: Level, paged: datetime) -> tuple[Page, ...]:
    """The first pages of an event that nobody acknowledges, in order; none for low and moderate."""
    row = PROTOCOLS[level]
    if row.first_state != "paged":
        return ()
    first = Page(0, paged, "next_responder")
    return (first, *(Page(n, paged + r.after, r.to) for n, r in enumerate(row.repages, start=1)))


def after_care_due(level: Level, opened: datetime) -> tuple[datetime, ...]:
    """When the follow-ups are due, counted from the opening so that slow answers do not push them back."""
    return tuple(opened + wait for wait in PROTOCOLS[level].after_care)


def next_care(level: Level, opened: datetime, now: datetime, done: int = 0) -> tuple[int, datetime] | None:
    """Return the number and time of the next contact of after-care, or None when none is left.

    `done` is the one that was just made, 0 when the event is being closed. What lies in the past was made up for by
    that contact or the closing; after a closing one contact follows at least.
    """
    steps = list(enumerate(after_care_due(level, opened), start=1))
    gap = APART if done else timedelta(0)
    found = next(((n, due) for n, due in steps if n > done and due > now + gap), None)
    if found is None and steps and not done:
        return len(steps), now + DAY
    return found


def is_final(state: State) -> bool:
    """Whether nothing leads on from here. New danger opens a new event."""
    return all(t.before != state for t in TRANSITIONS)


def steps_from(state: State | None, actor: Actor) -> tuple[Transition, ...]:
    """What this actor may do next: the buttons of a page."""
    return tuple(t for t in TRANSITIONS if t.before == state and actor in t.by)


def check(name: str, before: State | None, actor: Actor, outcome: Outcome | None = None) -> Transition | Refusal:
    """The transition if it may be made, else why not. `before` is the state read under lock by the caller."""
    step = next((t for t in TRANSITIONS if t.name == name and t.before == before), None)
    if step is None:
        return "no_such_step"
    if actor not in step.by:
        return "not_yours"
    if step.outcomes and outcome is None:
        return "outcome_missing"
    if outcome is not None and outcome not in step.outcomes:
        return "outcome_not_allowed"
    return step
