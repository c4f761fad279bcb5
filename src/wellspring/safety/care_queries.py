"""The SQL of what nobody may forget: contacts after a closed event, and reviews that nobody makes."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from wellspring.kernel.db import DbRole, Query
from wellspring.safety.protocol import CARE_LATE, DAY, GIVEN_UP, LAST_CALL
from wellspring.safety.queries import Unpaged

M, S, W, X = DbRole.MEMBER, DbRole.STAFF, DbRole.WORKER, DbRole.MAINTENANCE


class Care(Struct, frozen=True):
    """The next contact after a closed event; `reminded`: how many reminders of it there were, `due`: should be."""

    step: int
    due_at: datetime
    claimed_by: UUID | None
    reminded: int
    reminders_due: int


_LATE: Final = ", ".join(f"interval '{late.total_seconds():.0f} seconds'" for late in CARE_LATE)
_REMINDERS_DUE: Final = f"(SELECT count(*) FROM unnest(ARRAY[{_LATE}]) AS late WHERE d.care_due_at + late <= now())"
CARE: Final = Query(
    f"SELECT care_step, care_due_at, claimed_by, care_reminded, {_REMINDERS_DUE}"
    " FROM safety.desk AS d WHERE person_id = $1 AND id = $2 AND care_due_at IS NOT NULL FOR UPDATE OF d",
    Care,
    S,
    W,
)
SET_CARE: Final = Query(
    "UPDATE safety.desk SET care_step = $3, care_due_at = $4, care_reminded = 0 WHERE person_id = $1 AND id = $2",
    int,
    S,
    W,
)
MISS_CARE: Final = Query(
    "UPDATE safety.desk SET care_step = NULL, care_due_at = NULL, care_reminded = 0, missed_at = now()"
    " WHERE person_id = $1 AND id = $2",
    int,
    W,
)
CARE_REMINDED: Final = Query("UPDATE safety.desk SET care_reminded = $3 WHERE person_id = $1 AND id = $2", int, W)
ADD_CARE_STEP: Final = Query(
    "INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state, note, care_step,"
    " care_result) VALUES ($1, $2, $3, $4, 'resolved', 'resolved', $5, $6, $7)",
    int,
    S,
    W,
)


class OtherCare(Struct, frozen=True):
    """After-care of another event of the same person; `newer`: of one that was opened later."""

    id: UUID
    step: int
    newer: bool


# Its caller holds all that stands at the desk of this person: see OPEN_OF.
OTHER_CARE: Final = Query(
    "SELECT d.id, d.care_step, (d.created_at, d.id) > (o.created_at, o.id) FROM safety.desk d"
    " JOIN safety.desk o ON o.person_id = d.person_id AND o.id = $2"
    " WHERE d.person_id = $1 AND d.id <> $2 AND d.care_due_at IS NOT NULL",
    OtherCare,
    S,
)

# About another event, after the person was last reached about this one (or since it was opened).
DECLINED_SINCE: Final = Query(
    "SELECT EXISTS (SELECT 1 FROM safety.crisis_event e JOIN safety.crisis_event o ON o.person_id = e.person_id"
    " AND o.id <> e.id WHERE e.person_id = $1 AND e.id = $2 AND ("
    "o.outcome = 'declined_contact' AND o.resolved_at > coalesce(e.contacted_at, e.created_at)"
    " OR EXISTS (SELECT 1 FROM safety.event_step s WHERE s.person_id = o.person_id AND s.event_id = o.id"
    " AND s.care_result = 'declined' AND s.at > coalesce(e.contacted_at, e.created_at))))",
    bool,
    S,
)

# A desk row goes with its person: of those who left nobody is reminded.
_CARE: Final = "SELECT d.person_id, d.id, d.created_at FROM safety.desk d WHERE d.care_due_at < now()"
_ON: Final = " AND (d.created_at, d.id) > ($1, $2) ORDER BY d.created_at, d.id LIMIT $3"
CARE_OVERDUE: Final = Query(f"{_CARE} AND d.care_reminded < {_REMINDERS_DUE}{_ON}", Unpaged, X, crosses_people=True)


def _since(span_s: float) -> str:
    return f"now() - interval '{span_s:.0f} seconds'"


_QUIET: Final = (
    "NOT EXISTS (SELECT 1 FROM safety.page p WHERE p.person_id = {0}.person_id AND p.event_id = {0}.id"
    f" AND p.at > {_since(GIVEN_UP.total_seconds())})"
)
# Whoever has only just taken it is not interrupted. A review's taking stands on the desk alone.
_LEFT_ALONE: Final = f"coalesce(d.claimed_at < {_since(DAY.total_seconds())}, true)"
_MISSED: Final = f"{_CARE} AND d.care_reminded >= {len(CARE_LATE)} AND {_QUIET.format('d')} AND {_LEFT_ALONE}"
CARE_MISSED: Final = Query(f"{_MISSED}{_ON}", Unpaged, X, crosses_people=True)
STILL_MISSED: Final = Query(f"{_MISSED} AND d.person_id = $1 AND d.id = $2", Unpaged, W)

# The last call is counted, not the days alone: after an outage there is one too, and a week to follow it.
_LAPSING: Final = (
    "SELECT e.person_id, e.id, e.created_at FROM safety.crisis_event e"
    " JOIN safety.desk d ON (d.person_id, d.id) = (e.person_id, e.id) WHERE e.state = 'open'"
    f" AND e.created_at < {_since((LAST_CALL + GIVEN_UP).total_seconds())}"
    f" AND {_LEFT_ALONE}"
    " AND EXISTS (SELECT 1 FROM safety.page p WHERE p.person_id = e.person_id AND p.event_id = e.id"
    f" AND p.at > e.created_at + interval '{LAST_CALL.total_seconds():.0f} seconds')"
    f" AND {_QUIET.format('e')}"
    " AND EXISTS (SELECT 1 FROM identity.person i WHERE i.person_id = e.person_id)"
)
LAPSING: Final = Query(
    f"{_LAPSING} AND (e.created_at, e.id) > ($1, $2) ORDER BY e.created_at, e.id LIMIT $3",
    Unpaged,
    X,
    crosses_people=True,
)
STILL_LAPSING: Final = Query(f"{_LAPSING} AND e.person_id = $1 AND e.id = $2", Unpaged, W)


class Missed(Struct, frozen=True):
    """How many reviews and contacts were given up in the last 60 days because nobody did them.

    Counted from the giving up: that is when nobody had done it, and when those at the desk can learn of it. An event is
    two weeks old by then, and much older when its person was tried again and again. Counted from its opening it would
    leave the desk early, or never stand there.
    """

    reviews: int
    contacts: int


MISSED: Final = Query(
    "SELECT count(*) FILTER (WHERE state = 'lapsed'), count(*) FILTER (WHERE state <> 'lapsed') FROM safety.desk"
    " WHERE missed_at > now() - interval '60 days' AND person_id <> $1",
    Missed,
    S,
    crosses_people=True,
)


class Step(Struct, frozen=True):
    """What was done about an event: a change of its state, or a contact after it was closed."""

    id: UUID
    at: datetime
    actor_id: UUID
    from_state: str
    to_state: str
    note: bytes | None
    care_result: str | None


STEPS: Final = Query(
    "SELECT id, at, actor_id, from_state, to_state, note, care_result FROM safety.event_step"
    " WHERE person_id = $1 AND event_id = $2 ORDER BY at, id",
    Step,
    S,
)


class Standing(Struct, frozen=True):
    """What a member is told: when they asked for a person, when they are contacted again, what was promised and missed.

    `unlooked`: nobody looked. `unreached`: how after-care ended that reached nobody, None once somebody did.
    """

    asked_at: datetime | None
    again_by: datetime | None
    unlooked: bool
    unreached: Literal["not_done", "could_not_reach"] | None


STANDING: Final = Query(
    "SELECT (SELECT max(created_at) FROM safety.crisis_event WHERE person_id = $1 AND wants_contact"
    " AND state IN ('paged', 'acknowledged')),"
    " (SELECT min(care_due_at) FROM safety.desk WHERE person_id = $1),"
    " EXISTS (SELECT 1 FROM safety.crisis_event WHERE person_id = $1 AND state = 'lapsed'"
    " AND resolved_at > now() - interval '14 days'),"
    # The last word on after-care, or on reaching them at all: what came after makes good what was missed.
    " (SELECT CASE WHEN s.care_result IN ('not_done', 'could_not_reach') AND s.at > now() - interval '14 days'"
    " THEN s.care_result END FROM safety.event_step s WHERE s.person_id = $1"
    " AND (s.care_result IN ('reached', 'declined', 'in_other_hands', 'not_done', 'could_not_reach')"
    " OR s.to_state = 'contacted') ORDER BY s.at DESC, s.id DESC LIMIT 1)",
    Standing,
    M,
)
