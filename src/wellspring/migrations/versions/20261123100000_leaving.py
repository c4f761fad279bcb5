"""Leaving by oneself: copies that are made for their own person, wishes to be erased, and what a worker needs for both."""

from wellspring.migrations.helpers import SUBJECT, also, definer, person_table, run

revision = "20261123100000"
down_revision = "20261123090000"

READ = (
    "identity.login",
    "identity.refresh_token",
    "identity.session",
    "interventions.outcome",
    "interventions.person_effects",
    "kernel.audit",
    "kernel.idempotency",
    "privacy.access_grant",
    "privacy.care_team",
    "safety.duty",
    "safety.event_step",
    "safety.safety_plan",
)
"""What a worker did not read so far of the one person whom it opened."""
_READ_BEFORE = ("safety.duty", "safety.event_step")
TAKEN = (
    "checkins.checkin",
    "checkins.correction",
    "identity.emergency_contact",
    "identity.login",
    "identity.person",
    "identity.preferences",
    "identity.refresh_token",
    "identity.session",
    "interventions.outcome",
    "interventions.person_effects",
    "interventions.recommendation",
    "interventions.session",
    "kernel.idempotency",
    "kernel.person_key",
    "kernel.stream",
    "kernel.stream_head",
    "notify.delivery",
    "privacy.access_grant",
    "privacy.care_team",
    "privacy.consent",
    "safety.desk",
    "safety.duty",
    "safety.safety_plan",
)
"""What goes when that person is erased."""
CHANGED = {
    "identity.person": "status, version",
    "identity.session": "version, ended_at, ended_why",
    "kernel.person_key": "wrapped",
    "safety.event_step": "note",
}
"""Closing an account, and sealing anew what stays of it."""


def upgrade() -> None:
    _copies()
    _wishes()
    for table in READ:
        also(table, "leaving", "worker", "select", f"person_id = {SUBJECT}")
    for table in TAKEN:
        also(table, "leaving", "worker", "delete", f"person_id = {SUBJECT}")
    for table, columns in CHANGED.items():
        also(table, "leaving", "worker", "update", f"person_id = {SUBJECT}", columns=columns)
    # Whether a responder who leaves still helps somebody.
    also("safety.crisis_event", "helping", "worker", "select", f"claimed_by = {SUBJECT}", columns="claimed_by, state")
    # Whoever took an event is named here too; the name goes with them, whoever erases them.
    run("""
    UPDATE safety.desk d SET claimed_by = NULL WHERE claimed_by IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = d.claimed_by);
    ALTER TABLE safety.desk ADD CONSTRAINT desk_claimed_by_fkey FOREIGN KEY (claimed_by)
        REFERENCES identity.person ON DELETE SET NULL;
    CREATE INDEX desk_claimed ON safety.desk (claimed_by) WHERE claimed_by IS NOT NULL;
    """)
    # Waits for administrators who change each other at this moment: see `identity.change_roles`.
    definer(
        "identity.is_last_admin(who uuid)",
        """
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('identity.administrators', 0));
            RETURN EXISTS (SELECT 1 FROM identity.person p JOIN identity.login l USING (person_id)
                    WHERE p.person_id = who AND p.status = 'active' AND 'admin' = ANY(p.roles))
                AND NOT EXISTS (SELECT 1 FROM identity.person p JOIN identity.login l USING (person_id)
                    WHERE p.person_id <> who AND p.status = 'active' AND 'admin' = ANY(p.roles)
                    AND l.totp_secret IS NOT NULL);
        END""",
        "boolean",
        "worker",
        language="plpgsql",
    )


def _copies() -> None:
    run("""
    CREATE TABLE privacy.copy (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        session_id uuid NOT NULL, state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'ready')),
        size bigint NOT NULL DEFAULT 0, asked_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL DEFAULT now() + interval '1 day',
        PRIMARY KEY (person_id, id)
    );
    CREATE UNIQUE INDEX copy_one ON privacy.copy (person_id);
    CREATE INDEX copy_over ON privacy.copy (expires_at);
    CREATE TABLE privacy.copy_part (
        person_id uuid NOT NULL, id uuid NOT NULL, copy_id uuid NOT NULL, n int NOT NULL, sealed bytea NOT NULL,
        PRIMARY KEY (person_id, id), UNIQUE (person_id, copy_id, n),
        FOREIGN KEY (person_id, copy_id) REFERENCES privacy.copy ON DELETE CASCADE
    );
    ALTER TABLE privacy.copy_part ALTER COLUMN sealed SET STORAGE EXTERNAL;
    """)
    person_table(
        "privacy.copy", member="select insert delete", worker="select update delete", maintenance="select delete"
    )
    person_table("privacy.copy_part", member="select", worker="select insert delete")


def _wishes() -> None:
    # No key to the person: the row outlives the account until the erasure is noted outside of the database.
    run("""
    CREATE TABLE privacy.leaving (
        person_id uuid PRIMARY KEY, asked_at timestamptz NOT NULL DEFAULT now(), by_self boolean NOT NULL DEFAULT true,
        waits_for text CHECK (waits_for IN ('in_crisis', 'last_admin', 'working')),
        status text, closed_at timestamptz, done_at timestamptz
    );
    """)
    person_table("privacy.leaving", worker="select insert update delete", maintenance="select")
    also(
        "privacy.leaving",
        "own",
        "member",
        "select delete",
        "person_id = nullif(current_setting('app.actor_id', true), '')::uuid",
    )
    also(
        "privacy.leaving",
        "own",
        "member",
        "insert",
        "person_id = nullif(current_setting('app.actor_id', true), '')::uuid",
        columns="person_id",
    )


def downgrade() -> None:
    run("""
    DROP FUNCTION identity.is_last_admin;
    DROP INDEX safety.desk_claimed;
    ALTER TABLE safety.desk DROP CONSTRAINT desk_claimed_by_fkey;
    DROP POLICY helping_select ON safety.crisis_event;
    """)
    for table, columns in CHANGED.items():
        run(f"DROP POLICY leaving_update ON {table}; REVOKE UPDATE ({columns}) ON {table} FROM wellspring_worker;")
    for table in TAKEN:
        run(f"DROP POLICY leaving_delete ON {table}; REVOKE DELETE ON {table} FROM wellspring_worker;")
    for table in READ:
        run(f"DROP POLICY leaving_select ON {table};")
        if table not in _READ_BEFORE:
            run(f"REVOKE SELECT ON {table} FROM wellspring_worker;")
    # With the table went its columns, which the version before needs.
    run("GRANT SELECT (person_id, changed_at) ON identity.login TO wellspring_worker;")
    run("DROP TABLE privacy.leaving, privacy.copy_part, privacy.copy;")
