"""Who may look at shared check-ins learns whether their writer wants feelings to be read, and nothing else of theirs."""

from wellspring.migrations.helpers import SUBJECT, definer, run

revision = "20261122145000"
down_revision = "20261122144000"


def upgrade() -> None:
    definer(
        "identity.subject_reads_feelings()",
        f"""SELECT coalesce((SELECT chosen->>'emotion_reading' FROM identity.preferences
               WHERE person_id = {SUBJECT}), '') <> 'false'""",
        "boolean",
        "staff",
    )
    run("ALTER FUNCTION identity.subject_reads_feelings STABLE")


def downgrade() -> None:
    run("DROP FUNCTION identity.subject_reads_feelings")
