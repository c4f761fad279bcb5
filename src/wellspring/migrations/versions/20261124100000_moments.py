"""Interventions: moments without a check-in go with age, what is taken back leaves the log, sessions can be removed."""

from wellspring.migrations.helpers import ACTOR, also, run

revision = "20261124100000"
down_revision = "20261124090000"


def upgrade() -> None:
    run("""
    ALTER TABLE interventions.recommendation ADD COLUMN asked boolean NOT NULL DEFAULT false;
    UPDATE interventions.recommendation r SET asked = true WHERE NOT EXISTS (
        SELECT FROM checkins.checkin c WHERE c.person_id = r.person_id AND c.id = r.id);
    CREATE INDEX recommendation_asked ON interventions.recommendation (created_at) WHERE asked;
    """)
    own = f"person_id = {ACTOR}"
    also("interventions.recommendation", "said", "member", "update", own, columns="context, reasons")
    also("interventions.recommendation", "asked", "maintenance", "delete", "asked")
    also("interventions.session", "own", "member", "delete", own)


def downgrade() -> None:
    run("""
    DROP POLICY own_delete ON interventions.session;
    REVOKE DELETE ON interventions.session FROM wellspring_member;
    DROP POLICY asked_delete ON interventions.recommendation;
    REVOKE DELETE ON interventions.recommendation FROM wellspring_maintenance;
    DROP POLICY said_update ON interventions.recommendation;
    REVOKE UPDATE (context, reasons) ON interventions.recommendation FROM wellspring_member;
    ALTER TABLE interventions.recommendation DROP COLUMN asked;
    """)
