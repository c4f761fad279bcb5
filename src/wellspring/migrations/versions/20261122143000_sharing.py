"""Sharing by name: what a clinician calls themselves, and a short way to what others did with one's rows."""

from wellspring.migrations.helpers import ACTOR, definer, run

revision = "20261122143000"
down_revision = "20261122142000"


def upgrade() -> None:
    # The name of whoever may be shared with, for who knows their id; of others, only if one shared with them before.
    definer(
        "privacy.clinicians(who uuid[])",
        f"""SELECT p.person_id, k.wrapped, p.details FROM identity.person p
            JOIN kernel.person_key k ON k.person_id = p.person_id
            WHERE p.person_id = ANY(who) AND (p.status = 'active' AND 'clinician' = ANY(p.roles)
                OR EXISTS (SELECT 1 FROM privacy.access_grant g
                           WHERE g.person_id = {ACTOR} AND g.clinician_id = p.person_id)
                OR EXISTS (SELECT 1 FROM privacy.care_team t
                           WHERE t.person_id = {ACTOR} AND t.clinician_id = p.person_id))""",
        "TABLE (person_id uuid, wrapped bytea, details bytea)",
        "member",
    )
    # Nearly all rows of a person are their own: a page of what others did must not read through those.
    run("CREATE INDEX audit_by_others ON kernel.audit (person_id, id) WHERE actor_id <> person_id")


def downgrade() -> None:
    run("DROP INDEX kernel.audit_by_others; DROP FUNCTION privacy.clinicians")
