"""Identity: a change of roles ends every sign-in; a lost second factor is taken off; links for a new password."""

from wellspring.migrations.helpers import ACTOR, SUBJECT, also, definer, run

revision = "20261123090000"
down_revision = "20261122152000"

_STAFF = "ARRAY['admin', 'blood_bank', 'clinician', 'coordinator', 'responder']"
_ONE_BY_ONE = "PERFORM pg_advisory_xact_lock(hashtextextended('identity.administrators', 0));"
_ENDED = "ended_at = now(), ended_why = 'roles changed'"
_RAISED = f"version = version + 1, is_staff = wanted && {_STAFF}"


def upgrade() -> None:
    run("DROP FUNCTION identity.change_roles;")
    _change_roles(
        f"IF held <@ wanted AND held @> wanted THEN RETURN 'same'; END IF; {_people(_ENDED)} RETURN 'changed'"
    )
    # A session that an earlier change of roles went over may act as staff without ever having given a code.
    run(f"UPDATE identity.session SET {_ENDED} WHERE ended_at IS NULL AND version > 1;")
    definer(
        "identity.take_factor_off(who uuid)",
        f"""
        BEGIN
            {_ONE_BY_ONE}
            IF NOT identity.acts_as_admin() THEN RETURN 'forbidden'; END IF;
            IF who = {ACTOR} THEN RETURN 'self'; END IF;
            IF NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = who AND p.status <> 'deleted')
                THEN RETURN 'unknown'; END IF;
            UPDATE identity.login SET totp_secret = NULL, recovery_digests = '{{}}', changed_at = now()
                WHERE person_id = who AND totp_secret IS NOT NULL;
            IF NOT FOUND THEN RETURN 'no_factor'; END IF;
            UPDATE identity.session SET ended_at = now(), ended_why = 'second factor taken off'
                WHERE person_id = who AND ended_at IS NULL;
            RETURN 'changed';
        END""",
        "text",
        "staff",
        language="plpgsql",
    )
    # The mail with a link is made as it is sent: the link holds until the password or the factor changes.
    also("identity.login", "link", "worker", "select", f"person_id = {SUBJECT}", columns="person_id, changed_at")


def _people(sessions: str) -> str:
    return f"""
            UPDATE identity.person SET roles = wanted, version = version + 1, updated_at = now() WHERE person_id = who;
            UPDATE identity.session SET {sessions} WHERE person_id = who AND ended_at IS NULL;"""


def _change_roles(ends: str) -> None:
    definer(
        "identity.change_roles(who uuid, wanted text[], seen text[])",
        f"""
        DECLARE held text[];
        BEGIN
            {_ONE_BY_ONE}
            IF NOT identity.acts_as_admin() THEN RETURN 'forbidden'; END IF;
            SELECT p.roles INTO held FROM identity.person p
                WHERE p.person_id = who AND p.status <> 'deleted' FOR NO KEY UPDATE;
            IF held IS NULL THEN RETURN 'unknown'; END IF;
            IF NOT (held <@ coalesce(seen, held) AND held @> coalesce(seen, held)) THEN RETURN 'stale'; END IF;
            IF 'admin' = ANY(held) AND NOT 'admin' = ANY(wanted) AND NOT EXISTS (
                SELECT 1 FROM identity.person p JOIN identity.login l USING (person_id)
                WHERE p.person_id <> who AND p.roles && {_STAFF} AND p.status <> 'deleted' AND p.status = 'active'
                AND 'admin' = ANY(p.roles) AND l.totp_secret IS NOT NULL) THEN RETURN 'last'; END IF;
            {ends};
        END""",
        "text",
        "staff",
        language="plpgsql",
    )


def downgrade() -> None:
    run("""
    DROP POLICY link_select ON identity.login;
    REVOKE SELECT (person_id, changed_at) ON identity.login FROM wellspring_worker;
    DROP FUNCTION identity.take_factor_off, identity.change_roles;
    """)
    _change_roles(
        f"{_people(_RAISED)} RETURN CASE WHEN held <@ wanted AND held @> wanted THEN 'same' ELSE 'changed' END"
    )
