"""What a person removes goes with what was kept beside it: members may delete their own log of offers."""

from wellspring.migrations.helpers import person_table, run

revision = "20261122130000"
down_revision = "20261121150000"


def upgrade() -> None:
    person_table("interventions.recommendation", member="delete")


def downgrade() -> None:
    run("""
    DROP POLICY member_delete ON interventions.recommendation;
    REVOKE DELETE ON interventions.recommendation FROM wellspring_member;
    """)
