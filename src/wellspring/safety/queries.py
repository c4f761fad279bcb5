"""The SQL of safety."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import jobs, stream
from wellspring.kernel.db import DbRole, Query
from wellspring.safety import fragments
from wellspring.safety.protocol import CARE_ALONE, CLOSED, DAY, LAST_CALL, PROTOCOLS

M, S, W, X = DbRole.MEMBER, DbRole.STAFF, DbRole.WORKER, DbRole.MAINTENANCE

_OPEN: Final = f"""WITH e AS (INSERT INTO safety.crisis_event (person_id, id, trigger_source, source_id, risk_level,
        risk_score, state, categories, evidence, wants_contact, risk_factors, protective_factors, resources_shown,
        safety_plan_shown, response_due_at, versions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, now() + make_interval(secs => $15::float8),
        $16) RETURNING created_at, response_due_at),
    d AS (INSERT INTO safety.desk (person_id, id, risk_level, state, wants_contact, created_at, response_due_at)
        SELECT $1, $2, $5, $7, $10, e.created_at, e.response_due_at FROM e),
    j AS (INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status, execute_after)
        SELECT {jobs.URGENT}, 'safety.page', $17::bytea, 'queued', now() WHERE $7::text = 'paged'),
    {stream.append("$1::uuid", "$18::uuid", "'crisis.opened'", "$2::uuid")}
    SELECT created_at FROM e"""
OPEN: Final = Query(_OPEN, datetime, M)
OPEN_IN_JOB: Final = Query(_OPEN, datetime, W)


class EventRow(Struct, frozen=True):
    """A crisis event as stored."""

    wrapped: bytes
    person_id: UUID
    id: UUID
    trigger_source: str
    risk_level: str
    risk_score: float
    state: str
    evidence: bytes
    wants_contact: bool
    created_at: datetime
    response_due_at: datetime
    paged_at: datetime | None
    paged_step: int
    claimed_by: UUID | None
    outcome: str | None
    now: datetime


_EVENT: Final = (
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = $1), person_id, id, trigger_source,"
    " risk_level, risk_score, state, evidence, wants_contact, created_at, response_due_at, paged_at,"
    " paged_step, claimed_by, outcome, now() FROM safety.crisis_event WHERE person_id = $1 AND id = $2"
)
EVENT: Final = Query(_EVENT, EventRow, M, S, W)
EVENT_LOCKED: Final = Query(_EVENT + " FOR UPDATE", EventRow, S, W)
SET_EVIDENCE: Final = Query(
    "UPDATE safety.crisis_event SET evidence = $3, versions = versions || $4::jsonb, updated_at = now()"
    " WHERE person_id = $1 AND id = $2",
    int,
    W,
)
RECENT_REPORT: Final = Query(
    "SELECT id FROM safety.crisis_event WHERE person_id = $1 AND (trigger_source = 'user_reported' OR wants_contact)"
    " AND state IN ('paged', 'acknowledged') AND created_at > now() - interval '15 minutes'"
    " AND (wants_contact OR NOT $2::boolean) ORDER BY created_at DESC LIMIT 1",
    UUID,
    M,
)
ON_DUTY: Final = Query("SELECT safety.somebody_on_duty()", bool, M, S, W, DbRole.SIGNIN)


SOMEBODY_LOOKS: Final = Query(
    f"SELECT EXISTS (SELECT 1 FROM safety.crisis_event WHERE person_id = $1 AND state NOT IN {CLOSED})",
    bool,
    M,
)


class ToPage(Struct, frozen=True):
    """Somebody who can be paged."""

    person_id: UUID
    language: str
    on_duty: bool
    is_supervisor: bool
    can_open: bool = True


RESPONDERS: Final = Query(
    "SELECT person_id, language, on_duty, is_supervisor, can_open FROM safety.responders()",
    ToPage,
    W,
    crosses_people=True,
)
ADMINISTRATORS: Final = Query("SELECT * FROM safety.administrators()", UUID, W, crosses_people=True)
ADD_PAGE: Final = Query(
    "INSERT INTO safety.page (person_id, id, event_id, step, responder_id) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT DO NOTHING",
    int,
    W,
)


LAST_PAGE: Final = Query(
    "SELECT coalesce((SELECT max(step) FROM safety.page WHERE person_id = $1 AND event_id = $2), -1)", int, W
)
MARK_PAGED: Final = Query(
    "UPDATE safety.crisis_event SET paged_at = coalesce(paged_at, now()), paged_step = $3, updated_at = now()"
    " WHERE person_id = $1 AND id = $2",
    int,
    W,
)


PAGE_AGAIN: Final = Query(
    "UPDATE safety.crisis_event SET paged_at = NULL, paged_step = -1 WHERE person_id = $1 AND id = $2", int, W
)


class Unpaged(Struct, frozen=True):
    """An event whose first or next page is overdue."""

    person_id: UUID
    id: UUID
    created_at: datetime


# Both go on after the last of the events before: what fails again and again hides nobody.
UNPAGED: Final = Query(
    "SELECT e.person_id, e.id, e.created_at FROM safety.crisis_event e WHERE e.state = 'paged'"
    " AND e.created_at < now() - make_interval(secs => $1::float8) AND (e.paged_at IS NULL OR e.paged_step <"
    " (SELECT count(*) FROM unnest(CASE e.risk_level WHEN 'critical' THEN $2::float8[] ELSE $3::float8[] END) AS s"
    " WHERE e.paged_at < now() - make_interval(secs => $1::float8 + s))"
    " + floor(extract(epoch FROM now() - e.paged_at - make_interval(secs => $1::float8)) / 86400))"
    " AND (e.created_at, e.id) > ($4, $5) ORDER BY e.created_at, e.id LIMIT $6",
    Unpaged,
    X,
    crosses_people=True,
)


class Left(Unpaged, frozen=True):
    """An event whose responder went off duty before they reached the person."""

    claimed_by: UUID | None


LEFT: Final = Query(
    "SELECT person_id, id, created_at, claimed_by FROM safety.crisis_event WHERE state = 'acknowledged'"
    " AND NOT safety.is_on_duty(claimed_by) AND (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3",
    Left,
    X,
    crosses_people=True,
)
GIVE_BACK: Final = Query(
    "UPDATE safety.desk SET state = 'paged', claimed_by = NULL WHERE person_id = $1 AND id = $2"
    " AND state = 'acknowledged' AND claimed_by IS NOT DISTINCT FROM $3 AND NOT safety.is_on_duty($3)",
    int,
    W,
)


def _seconds(span: timedelta | None) -> str:
    """Return a span as SQL."""
    assert span is not None
    return f"interval '{span.total_seconds():.0f} seconds'"


_PATIENCE: Final = (
    f"CASE risk_level WHEN 'critical' THEN {_seconds(PROTOCOLS['critical'].reach_within)}"
    f" ELSE {_seconds(PROTOCOLS['high'].reach_within)} END"
)
# What waits for its review, was taken and not reached, or reached and not closed, for longer than the protocol gives
# it, and of which nobody was reminded for as long; a review for a week, the last time with everybody told. What stays
# of somebody who was erased waits for nobody.
_OVERDUE: Final = (
    "SELECT person_id, id, created_at FROM safety.crisis_event AS e"
    " WHERE state IN ('open', 'acknowledged', 'contacted') AND CASE state WHEN 'open' THEN response_due_at"
    f" WHEN 'acknowledged' THEN coalesce(claimed_at, created_at) + {_PATIENCE}"
    f" ELSE coalesce(contacted_at, created_at) + {_seconds(DAY)} END < now()"
    " AND NOT EXISTS (SELECT 1 FROM safety.page p WHERE p.person_id = e.person_id AND p.event_id = e.id"
    f" AND p.at > CASE state WHEN 'acknowledged' THEN now() - {_PATIENCE} WHEN 'contacted' THEN now() - {_seconds(DAY)}"
    f" ELSE least(now() - {_seconds(DAY)}, e.created_at + {_seconds(LAST_CALL)}) END)"
    " AND EXISTS (SELECT 1 FROM identity.person i WHERE i.person_id = e.person_id)"
)
OVERDUE: Final = Query(
    f"{_OVERDUE} AND (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3", Unpaged, X, crosses_people=True
)
STILL_OVERDUE: Final = Query(f"{_OVERDUE} AND person_id = $1 AND id = $2", Unpaged, W)


class DeskRow(Struct, frozen=True):
    """An open event as everybody on duty sees it."""

    person_id: UUID
    id: UUID
    risk_level: str
    state: str
    wants_contact: bool
    created_at: datetime
    response_due_at: datetime
    overdue: bool
    holder: UUID | None
    slow: bool
    care_step: int | None
    care_due_at: datetime | None


# Who took an event and is off duty now does not hold it: a colleague may take it over. Nor does one who has not reached
# the person in time, first or after the event was closed, keep it from others.
_SLOW: Final = (
    f"coalesce(state = 'acknowledged' AND claimed_at < now() - {_PATIENCE}"
    f" OR care_due_at IS NOT NULL AND greatest(care_due_at, claimed_at) < now() - {_seconds(CARE_ALONE)}, false)"
)
_ON_DESK: Final = (
    "SELECT person_id, id, risk_level, state, wants_contact, created_at, response_due_at,"
    f" state IN ('paged', 'open') AND response_due_at < now() OR coalesce(care_due_at < now(), false) OR {_SLOW},"
    f" CASE WHEN safety.is_on_duty(claimed_by) THEN claimed_by END AS holder, {_SLOW} AS slow, care_step, care_due_at"
    " FROM safety.desk"
)
DESK: Final = Query(
    f"SELECT * FROM ({_ON_DESK} WHERE state NOT IN {CLOSED} AND person_id <> $1) AS d"
    " ORDER BY coalesce(holder <> $1 AND NOT slow, false), state = 'open', risk_level <> 'critical', response_due_at"
    " LIMIT 200",
    DeskRow,
    S,
    crosses_people=True,
)
# Contacts of the next day, and all of one's own.
DESK_CARE: Final = Query(
    f"{_ON_DESK} WHERE care_due_at IS NOT NULL AND person_id <> $1"
    " AND (care_due_at < now() + interval '1 day' OR claimed_by = $1) ORDER BY care_due_at LIMIT 200",
    DeskRow,
    S,
    crosses_people=True,
)
CLAIM: Final = Query(
    "UPDATE safety.desk SET state = 'acknowledged', claimed_by = $3, claimed_at = now()"
    " WHERE person_id = $1 AND id = $2 AND state = 'paged' AND claimed_by IS NULL",
    int,
    S,
)
CLAIM_REVIEW: Final = Query(
    "UPDATE safety.desk SET claimed_by = $3, claimed_at = now() WHERE person_id = $1 AND id = $2 AND state = 'open'"
    " AND claimed_by IS NULL",
    int,
    S,
)
TAKE_OVER: Final = Query(
    "UPDATE safety.desk SET claimed_by = $3, claimed_at = now() WHERE person_id = $1 AND id = $2"
    " AND claimed_by IS DISTINCT FROM $3 AND (state IN ('open', 'acknowledged', 'contacted')"
    " OR care_due_at IS NOT NULL)"
    f" AND (NOT safety.is_on_duty(claimed_by) OR {_SLOW}) RETURNING state",
    str,
    S,
)
DESK_ONE: Final = Query(f"{_ON_DESK} WHERE person_id = $1 AND id = $2", DeskRow, S)
DESK_LOCKED: Final = Query(DESK_ONE.sql + " FOR UPDATE", DeskRow, W)
# Whoever makes a step holds all that stands at the desk of this person, always in this order and before anything else
# of theirs: closing one event ends the after-care of another, and two at once must neither miss each other nor wait for
# each other for ever.
OPEN_OF: Final = Query(
    f"SELECT id FROM safety.desk WHERE person_id = $1 AND (state NOT IN {CLOSED} OR care_due_at IS NOT NULL)"
    " ORDER BY id FOR UPDATE",
    UUID,
    S,
)
MOVE_DESK: Final = Query(
    "UPDATE safety.desk SET state = $3, claimed_by = $4, missed_at = CASE WHEN $3 = 'lapsed' THEN now() ELSE missed_at"
    " END WHERE person_id = $1 AND id = $2",
    int,
    S,
    W,
)
MOVE_EVENT: Final = Query(
    "UPDATE safety.crisis_event SET state = $3, claimed_by = $4, outcome = coalesce($5, outcome),"
    " claimed_at = CASE WHEN $3 = 'acknowledged' THEN now() ELSE claimed_at END,"
    " contacted_at = CASE WHEN $3 = 'contacted' AND state <> $3 THEN now() ELSE contacted_at END,"
    f" resolved_at = CASE WHEN $3 IN {CLOSED} AND state <> $3 THEN now() ELSE resolved_at END,"
    " paged_at = CASE WHEN $3 = 'paged' THEN NULL ELSE paged_at END,"
    " paged_step = CASE WHEN $3 = 'paged' THEN -1 ELSE paged_step END,"
    " version = version + 1, updated_at = now() WHERE person_id = $1 AND id = $2",
    int,
    S,
    W,
)
ADD_STEP: Final = Query(
    "INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state, note)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
    int,
    S,
    W,
)
RAISE: Final = Query(
    "WITH d AS (UPDATE safety.desk SET risk_level = $3, response_due_at = now() + make_interval(secs => $4::float8)"
    " WHERE person_id = $1 AND id = $2)"
    " UPDATE safety.crisis_event SET risk_level = $3, response_due_at = now() + make_interval(secs => $4::float8)"
    " WHERE person_id = $1 AND id = $2",
    int,
    S,
    W,
)
PAGE_JOB: Final = Query(
    jobs.insert("'safety.page'", "$1::bytea", "now() + make_interval(secs => $2::float8)", priority=jobs.URGENT),
    int,
    S,
    W,
)


class DutyRow(Struct, frozen=True):
    """A responder's duty."""

    on_duty: bool
    until: datetime
    is_supervisor: bool


MY_DUTY: Final = Query(
    "SELECT on_duty AND until > now(), until, is_supervisor FROM safety.duty WHERE person_id = $1", DutyRow, S
)
SET_DUTY: Final = Query(
    "INSERT INTO safety.duty AS d (person_id, on_duty, until) VALUES ($1, $2, now() + make_interval(hours => $3))"
    " ON CONFLICT (person_id) DO UPDATE SET on_duty = excluded.on_duty, until = excluded.until,"
    " since = CASE WHEN d.on_duty = excluded.on_duty THEN d.since ELSE now() END"
    " RETURNING on_duty, until, is_supervisor",
    DutyRow,
    S,
)


TELL: Final = Query("SELECT safety.tell_desk($1, $2, $3)", UUID, S, crosses_people=True)


class PlanRow(Struct, frozen=True):
    """The newest safety plan; `wrapped` is the data key."""

    wrapped: bytes
    id: UUID
    version: int
    steps: bytes
    created_at: datetime


PLAN: Final = Query(
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = $1), id, version, steps, created_at"
    " FROM safety.safety_plan WHERE person_id = $1 ORDER BY version DESC LIMIT 1",
    PlanRow,
    M,
    S,
)
ADD_PLAN: Final = Query(
    "INSERT INTO safety.safety_plan (person_id, id, version, steps) VALUES ($1, $2, $3, $4)", int, M
)
HARD_TIME: Final = Query(f"SELECT {fragments.HARD_TIME.format(person='$1')}", bool, M)
