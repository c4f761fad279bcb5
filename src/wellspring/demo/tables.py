"""Rows by table, and putting them into the database with COPY, in an order that foreign keys allow."""

from typing import Final

import msgspec
import psycopg
from psycopg import sql

from wellspring.checkins import queries

Rows = dict[str, list[tuple[object, ...]]]
"""Rows by the name of their table, their values in the order of `COLUMNS`."""

CHECKIN: Final = tuple(queries.COLUMNS.split(", "))
"""The columns whose values `checkins.wire.columns` makes, in its order."""

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "identity.person": (
        *("person_id", "roles", "language", "country", "timezone", "email", "details", "age_range"),
        *("communication_style", "has_adhd", "has_autism_spectrum", "has_anxiety", "has_depression"),
        *("contraindications", "onboarding_completed", "subscription_tier", "email_verified", "login_count"),
        *("last_login_at", "created_at", "updated_at"),
    ),
    "kernel.person_key": ("person_id", "wrapped", "created_at"),
    "identity.login": ("email_digest", "person_id", "password_hash", "totp_secret", "changed_at"),
    "identity.preferences": ("person_id", "chosen", "updated_at"),
    "identity.emergency_contact": (
        *("person_id", "id", "details", "relationship", "is_primary", "may_be_contacted", "created_at", "updated_at"),
    ),
    "privacy.consent": ("person_id", "id", "kind", "text_version", "given", "at"),
    "privacy.care_team": ("person_id", "id", "clinician_id", "role", "since"),
    "privacy.access_grant": (
        *("person_id", "id", "clinician_id", "sections", "granted_at", "expires_at", "last_accessed_at"),
    ),
    "safety.duty": ("person_id", "on_duty", "is_supervisor", "since", "until"),
    "safety.safety_plan": ("person_id", "id", "version", "steps", "created_at"),
    "checkins.checkin": ("person_id", "id", *CHECKIN, "created_at", "updated_at"),
    "interventions.recommendation": (
        *("person_id", "id", "intervention_ids", "predicted_effectiveness", "predicted_effectiveness_sds"),
        *("propensities", "reasons", "context", "policy_version", "created_at"),
    ),
    "interventions.session": (
        *("person_id", "id", "intervention_id", "checkin_id", "state", "started_at", "ended_at"),
        *("duration_actual_seconds", "effectiveness_rating", "feedback_tags", "feedback_text", "context_emotion"),
        *("context_energy_level", "context_time_of_day", "predicted_effectiveness", "recommendation_id", "created_at"),
    ),
    "interventions.outcome": (
        *("person_id", "id", "intervention_id", "recommendation_id", "features", "prior_effectiveness"),
        *("predicted_effectiveness", "actual_effectiveness", "learning_target", "learning_weight", "pooled"),
        *("in_danger", "policy_version", "at"),
    ),
    "interventions.person_effects": ("person_id", "state", "interactions", "updated_at"),
    "safety.crisis_event": (
        *("person_id", "id", "trigger_source", "source_id", "risk_level", "risk_score", "state", "categories"),
        *("evidence", "wants_contact", "risk_factors", "protective_factors", "resources_shown", "safety_plan_shown"),
        *(
            "response_due_at",
            "paged_at",
            "paged_step",
            "claimed_by",
            "claimed_at",
            "contacted_at",
            "resolved_at",
            "outcome",
        ),
        *("versions", "version", "created_at", "updated_at"),
    ),
    "safety.desk": (
        *("person_id", "id", "risk_level", "state", "wants_contact", "claimed_by", "created_at", "response_due_at"),
        *("care_step", "care_due_at"),
    ),
    "safety.page": ("person_id", "id", "event_id", "step", "responder_id", "at", "acknowledged_at"),
    "safety.event_step": (
        *("person_id", "id", "event_id", "actor_id", "from_state", "to_state", "at", "note", "care_step"),
        "care_result",
    ),
    "kernel.audit": (
        *("person_id", "id", "actor_id", "action", "section", "outcome", "count", "ip", "request_id", "at"),
    ),
    "jobs.pgqueuer": ("priority", "entrypoint", "payload", "status", "execute_after"),
}


def json(value: object) -> str:
    """Return a value for a jsonb column."""
    return msgspec.json.encode(value).decode()


def add(rows: Rows, table: str, *values: object) -> None:
    """Add one row; as many values as the table's columns here."""
    rows.setdefault(table, []).append(values)


def copy(conn: psycopg.Connection, rows: Rows) -> None:
    """Write all rows in the caller's transaction, which the owner opened."""
    for table, columns in COLUMNS.items():
        if not rows.get(table):
            continue
        target = sql.SQL(".").join(map(sql.Identifier, table.split(".")))
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        with conn.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(target, names)) as out:
            for row in rows[table]:
                out.write_row(row)
