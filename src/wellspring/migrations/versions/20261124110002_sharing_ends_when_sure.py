"""Sharing ends with an erased clinician when they go, not while it may still be refused; offers that go are named no more."""

from typing import Final

from wellspring.migrations.helpers import SUBJECT, definer, run

revision = "20261124110002"
down_revision = "20261124110001"

_IS: Final = "{row}.status = 'active' AND 'clinician' = ANY({row}.roles)"
# While somebody is being erased nobody signs in as them, and erasing may be refused: then they are what they were.
_MAY_BE: Final = "{row}.status IN ('active', 'deleted') AND 'clinician' = ANY({row}.roles)"


def _trigger(test: str) -> None:
    run(f"""
    DROP TRIGGER end_sharing ON identity.person;
    CREATE TRIGGER end_sharing AFTER UPDATE OF status, roles ON identity.person FOR EACH ROW
        WHEN ({test.format(row="OLD")} AND NOT ({test.format(row="NEW")})) EXECUTE FUNCTION privacy.end_sharing();
    """)


def upgrade() -> None:
    _trigger(_MAY_BE)
    definer(
        "privacy.end_sharing_of(who uuid)",
        f"""
        WITH ended AS (
            UPDATE privacy.access_grant g SET revoked_at = now(), closed = true, version = g.version + 1
            WHERE g.clinician_id = who AND who = {SUBJECT} AND g.revoked_at IS NULL AND g.expires_at > now()
            RETURNING g.person_id, g.id)
        SELECT e.person_id, e.id FROM ended e UNION ALL
        SELECT g.person_id, g.id FROM privacy.access_grant g
            WHERE g.clinician_id = who AND who = {SUBJECT} AND g.closed AND g.told_at IS NULL
        ORDER BY 2""",
        "TABLE (person_id uuid, id uuid)",
        "worker",
    )
    run("""
    UPDATE interventions.session s SET recommendation_id = NULL WHERE recommendation_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM interventions.recommendation r WHERE r.person_id = s.person_id AND r.id = s.recommendation_id);
    CREATE INDEX session_recommendation ON interventions.session (person_id, recommendation_id);
    ALTER TABLE interventions.session ADD CONSTRAINT session_recommendation
        FOREIGN KEY (person_id, recommendation_id) REFERENCES interventions.recommendation
        ON DELETE SET NULL (recommendation_id);
    """)


def downgrade() -> None:
    run("""
    ALTER TABLE interventions.session DROP CONSTRAINT session_recommendation;
    DROP INDEX interventions.session_recommendation;
    DROP FUNCTION privacy.end_sharing_of;
    """)
    _trigger(_IS)
