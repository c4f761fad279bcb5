"""Erasing people: crisis records stand on their own for their years, and whoever worked on one may leave."""

from wellspring.migrations.helpers import also, run

revision = "20261122144000"
down_revision = "20261122143000"

KEPT = ("safety.crisis_event", "safety.event_step", "safety.page")


def upgrade() -> None:
    # The record of a crisis outlives the account, and must not go with it by a cascade.
    run("""
    ALTER TABLE safety.crisis_event
        DROP CONSTRAINT crisis_event_person_id_fkey,
        DROP CONSTRAINT crisis_event_claimed_by_fkey,
        ADD CONSTRAINT crisis_event_claimed_by_fkey FOREIGN KEY (claimed_by)
            REFERENCES identity.person ON DELETE SET NULL;
    """)
    # A nightly job removes what was kept long enough.
    for table in KEPT:
        also(table, "kept", "maintenance", "delete", "true")
    also("safety.event_step", "kept", "maintenance", "select", "true", columns="person_id, id")


def downgrade() -> None:
    run("""
    DROP POLICY kept_select ON safety.event_step;
    REVOKE SELECT (person_id, id) ON safety.event_step FROM wellspring_maintenance;
    """)
    for table in KEPT:
        run(f"DROP POLICY kept_delete ON {table}; REVOKE DELETE ON {table} FROM wellspring_maintenance;")
    # Not valid: the records of people who were erased stay.
    run("""
    ALTER TABLE safety.crisis_event
        DROP CONSTRAINT crisis_event_claimed_by_fkey,
        ADD CONSTRAINT crisis_event_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES identity.person,
        ADD CONSTRAINT crisis_event_person_id_fkey FOREIGN KEY (person_id)
            REFERENCES identity.person ON DELETE CASCADE NOT VALID;
    """)
