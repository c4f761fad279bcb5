"""Who may read which column: row policies open a row of somebody, and a grant of the table opened its secrets with it."""

from typing import Final

from wellspring.migrations.helpers import run

revision = "20261124110000"
down_revision = "20261124100000"

_AUDIT: Final = "person_id, id, actor_id, session_id, action, section, outcome, count, request_id, consent_id, at"
NARROWED: Final = (
    # Copies leave these tables out, and an erasure needs to know only whose rows they are. Mails with a link name
    # when the login last changed.
    ("worker", "identity.login", "person_id, changed_at"),
    ("worker", "identity.refresh_token", "person_id"),
    ("worker", "kernel.idempotency", "person_id"),
    # A copy holds neither the packed state nor the address of whoever looked.
    ("worker", "interventions.person_effects", "person_id, interactions, model_version, paused, updated_at"),
    ("worker", "kernel.audit", _AUDIT),
    ("member", "kernel.audit", _AUDIT),
    # Whether a second factor is set up, and how many recovery codes are left.
    ("member", "identity.login", "person_id, totp_secret, recovery_digests"),
)
TAKEN: Final = ("identity.login", "identity.refresh_token")
"""Maintenance crosses people. Of these it needs nothing: what hangs from a session goes with it."""


def upgrade() -> None:
    for role, table, columns in NARROWED:
        # Taking the table away takes grants of its columns away too.
        run(
            f"REVOKE SELECT ON {table} FROM wellspring_{role}; GRANT SELECT ({columns}) ON {table} TO wellspring_{role};"
        )
    for table in TAKEN:
        run(f"""
        REVOKE SELECT, DELETE ON {table} FROM wellspring_maintenance;
        DROP POLICY maintenance_select ON {table};
        DROP POLICY maintenance_delete ON {table};
        """)


def downgrade() -> None:
    for role, table, columns in NARROWED:
        run(
            f"REVOKE SELECT ({columns}) ON {table} FROM wellspring_{role}; GRANT SELECT ON {table} TO wellspring_{role};"
        )
    run("GRANT SELECT (person_id, changed_at) ON identity.login TO wellspring_worker;")
    for table in TAKEN:
        run(f"""
        GRANT SELECT, DELETE ON {table} TO wellspring_maintenance;
        CREATE POLICY maintenance_select ON {table} FOR SELECT TO wellspring_maintenance USING (true);
        CREATE POLICY maintenance_delete ON {table} FOR DELETE TO wellspring_maintenance USING (true);
        """)
