"""What was offered at a check-in goes with it: members may remove their own rows."""

from wellspring.migrations.helpers import ACTOR, also, run

revision = "20261122130000"
down_revision = "20261122120000"


def upgrade() -> None:
    also("interventions.recommendation", "member", "member", "delete", f"person_id = {ACTOR}")


def downgrade() -> None:
    run("""
    DROP POLICY member_delete ON interventions.recommendation;
    REVOKE DELETE ON interventions.recommendation FROM wellspring_member;
    """)
