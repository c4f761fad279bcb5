"""Promises to people as queries that must return no rows. Each returns ids, never words."""

from typing import Final

import psycopg
from msgspec import Struct

from wellspring.kernel.tables import TABLES, Kind

_SHOWN: Final = 20


class Invariant(Struct, frozen=True):
    """One promise, and the query whose rows break it."""

    code: str
    promise: str
    sql: str


class Broken(Struct, frozen=True):
    """A promise that is not kept, and the first 20 rows that show it."""

    code: str
    promise: str
    rows: list[str]


INVARIANTS: Final = (
    Invariant(
        "WI001",
        "Every high or critical crisis event has a page within a minute.",
        """SELECT e.person_id, e.id FROM safety.crisis_event e
           WHERE e.risk_level IN ('high', 'critical')
             AND greatest(e.created_at, (SELECT max(s.at) FROM safety.event_step s WHERE s.person_id = e.person_id
                 AND s.event_id = e.id AND s.to_state = 'paged')) < now() - interval '1 minute'
             AND NOT EXISTS (SELECT 1 FROM safety.page p WHERE p.person_id = e.person_id AND p.event_id = e.id)""",
    ),
    Invariant(
        "WI002",
        "Somebody answers every paged event within its response time (and ten minutes of grace).",
        """SELECT e.person_id, e.id FROM safety.crisis_event e
           WHERE e.risk_level IN ('high', 'critical') AND e.state IN ('open', 'paged')
             AND e.response_due_at < now() - interval '10 minutes'""",
    ),
    Invariant(
        "WI003",
        "A check-in that shows high danger has a crisis event.",
        """SELECT c.person_id, c.id FROM checkins.checkin c
           LEFT JOIN safety.crisis_event e ON e.person_id = c.person_id AND e.id = c.crisis_event_id
           WHERE c.risk_level IN ('high', 'critical') AND e.id IS NULL
             AND c.created_at > now() - interval '7 years'""",
    ),
    Invariant(
        "WI004",
        "Everybody has a data key.",
        """SELECT p.person_id FROM identity.person p LEFT JOIN kernel.person_key k USING (person_id)
           WHERE k.person_id IS NULL AND p.status <> 'deleted'""",
    ),
    Invariant(
        "WI005",
        "Every audit row is sealed within a minute.",
        """SELECT a.person_id, a.id FROM kernel.audit a LEFT JOIN kernel.audit_link l ON l.audit_id = a.id
           WHERE l.audit_id IS NULL AND a.at < now() - interval '1 minute'""",
    ),
    Invariant(
        "WI006",
        "Jobs start within ten minutes of their time.",
        """SELECT id, entrypoint FROM jobs.pgqueuer
           WHERE status = 'queued' AND execute_after < now() - interval '10 minutes'""",
    ),
    Invariant(
        "WI007",
        "No job was set aside.",
        "SELECT id, entrypoint FROM jobs.pgqueuer WHERE status IN ('failed', 'exception')",
    ),
    Invariant(
        "WI008",
        "Nobody who is suspended or gone is signed in.",
        """SELECT s.person_id, s.id FROM identity.session s JOIN identity.person p USING (person_id)
           WHERE s.ended_at IS NULL AND s.expires_at > now() AND p.status IN ('suspended', 'deleted')""",
    ),
    Invariant(
        "WI009",
        "A crisis page by mail leaves within two minutes, or is marked as not sent.",
        """SELECT person_id, id FROM notify.delivery
           WHERE template IN ('crisis_page', 'crisis_page_now', 'crisis_overdue', 'after_care_overdue', 'desk_empty')
           AND state IN ('queued', 'sending') AND due_at < now() - interval '2 minutes'""",
    ),
    Invariant(
        "WI010",
        "The program's roles own nothing and cannot pass by row-level security.",
        """SELECT rolname FROM pg_roles WHERE rolname LIKE 'wellspring\\_%'
             AND (rolbypassrls OR rolsuper OR rolcreaterole OR rolcreatedb)
           UNION ALL
           SELECT format('%s owns %s', r.rolname, c.oid::regclass) FROM pg_class c
             JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname LIKE 'wellspring\\_%'""",
    ),
    Invariant(
        "WI012",
        "What could not be read, or not fully, while somebody waited is read within ten minutes.",
        """SELECT person_id, id FROM checkins.checkin WHERE updated_at < now() - interval '10 minutes'
           AND (reading_state = 'unread' OR versions ? 'pending')""",
    ),
    Invariant(
        "WI013",
        "Whoever asks to be erased is erased within ten minutes, or waits for a reason; no erasure stops half-way.",
        """SELECT person_id FROM privacy.leaving WHERE greatest(asked_at, closed_at, done_at)
           < now() - interval '10 minutes' AND (waits_for IS NULL OR closed_at IS NOT NULL)""",
    ),
    Invariant(
        "WI014",
        "Somebody looks at every event that waits for its review (given up in the last seven days).",
        """SELECT person_id, id FROM safety.crisis_event
           WHERE state = 'lapsed' AND resolved_at > now() - interval '7 days'""",
    ),
    Invariant(
        "WI015",
        "Whoever was in danger is contacted again at most a day late (late now, or given up in the last seven days).",
        """SELECT person_id, id FROM safety.desk WHERE care_due_at < now() - interval '1 day'
           UNION SELECT person_id, event_id FROM safety.event_step
           WHERE care_result = 'not_done' AND at > now() - interval '7 days'""",
    ),
    Invariant(
        "WI016",
        "A contact that is late was reminded of within two minutes.",
        """SELECT person_id, id FROM safety.desk
           WHERE care_due_at < now() - interval '2 minutes' AND care_reminded = 0""",
    ),
)


def _unprotected(conn: psycopg.Connection) -> Broken | None:
    promise = "Row-level security is on for every table about a person."
    names = [table.name for table in TABLES.values() if table.kind is Kind.PERSON]
    rows = conn.execute(
        "SELECT n FROM unnest(%s::text[]) AS n LEFT JOIN pg_class c ON c.oid = to_regclass(n)"
        " WHERE c.relrowsecurity IS NOT TRUE",
        (names,),
    ).fetchmany(_SHOWN)
    return Broken("WI011", promise, [str(row[0]) for row in rows]) if rows else None


def broken(conn: psycopg.Connection) -> list[Broken]:
    """Return every promise that is not kept. `conn` is the owner's, who sees every row."""
    found: list[Broken] = []
    for invariant in INVARIANTS:
        rows = conn.execute(invariant.sql.encode()).fetchmany(_SHOWN)
        if rows:
            lines = [" ".join(str(cell) for cell in row) for row in rows]
            found.append(Broken(invariant.code, invariant.promise, lines))
    last = _unprotected(conn)
    return [*found, last] if last else found
