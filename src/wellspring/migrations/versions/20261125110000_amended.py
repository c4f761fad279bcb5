"""An outcome says when what is learned of it was last changed: nobody knew the new rating before that."""

from wellspring.migrations.helpers import run

revision = "20261125110000"
down_revision = "20261125100000"


def upgrade() -> None:
    run("ALTER TABLE interventions.outcome ADD COLUMN amended_at timestamptz")


def downgrade() -> None:
    run("ALTER TABLE interventions.outcome DROP COLUMN amended_at")
