"""What administrators may do with accounts, guarded where it happens; an account that is closed has no sessions."""

from wellspring.migrations.helpers import ACTOR, definer, run

revision = "20261122142000"
down_revision = "20261122140000"

_STAFF = "ARRAY['admin', 'blood_bank', 'clinician', 'coordinator', 'responder']"
_ONE_BY_ONE = "PERFORM pg_advisory_xact_lock(hashtextextended('identity.administrators', 0));"
"""Two administrators who take each other's role at the same moment must not both succeed."""
_ACCOUNT = f"""p.person_id, k.wrapped, p.email, CASE WHEN p.roles && {_STAFF} THEN p.details END, p.status, p.roles,
    l.totp_secret IS NOT NULL, p.created_at
    FROM identity.person p LEFT JOIN kernel.person_key k USING (person_id) LEFT JOIN identity.login l USING (person_id)"""
_ACCOUNT_ROW = (
    "TABLE (person_id uuid, wrapped bytea, email bytea, details bytea, status text, roles text[],"
    " second_factor boolean, created_at timestamptz)"
)


def upgrade() -> None:
    _closing()
    _finding()
    _changing()
    _supervising()


def _closing() -> None:
    """Whoever closes an account, by whatever way, ends its sessions in the same transaction."""
    run("""
    CREATE FUNCTION identity.end_closed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            UPDATE identity.session SET ended_at = now(), ended_why = NEW.status
                WHERE person_id = NEW.person_id AND ended_at IS NULL;
            RETURN NULL;
        END $$;
    REVOKE ALL ON FUNCTION identity.end_closed FROM PUBLIC;
    CREATE TRIGGER end_closed AFTER UPDATE OF status ON identity.person FOR EACH ROW
        WHEN (OLD.status = 'active' AND NEW.status <> 'active') EXECUTE FUNCTION identity.end_closed();
    """)


def _finding() -> None:
    """One account by its address, staff as a list: no name but those of staff, and nothing about health."""
    run(f"""
    CREATE INDEX person_staff ON identity.person (created_at DESC, person_id DESC)
        WHERE roles && {_STAFF} AND status <> 'deleted';
    """)
    definer(
        "identity.acts_as_admin()",
        f"""SELECT EXISTS (SELECT 1 FROM identity.person p JOIN identity.login l USING (person_id)
            WHERE p.person_id = {ACTOR} AND p.status = 'active' AND 'admin' = ANY(p.roles)
            AND l.totp_secret IS NOT NULL)""",
        "boolean",
        "staff",
    )
    definer(
        "identity.account_with(digest bytea)",
        """SELECT l.person_id FROM identity.login l JOIN identity.person p USING (person_id)
           WHERE l.email_digest = digest AND p.status <> 'deleted' AND identity.acts_as_admin()""",
        "uuid",
        "staff",
    )
    definer(
        "identity.account(who uuid)",
        f"SELECT {_ACCOUNT} WHERE p.person_id = who AND p.status <> 'deleted' AND identity.acts_as_admin()",
        _ACCOUNT_ROW,
        "staff",
    )
    definer(
        "identity.staff_accounts(at timestamptz, id uuid, most int)",
        f"""SELECT {_ACCOUNT} WHERE p.roles && {_STAFF} AND p.status <> 'deleted' AND identity.acts_as_admin()
            AND (p.created_at, p.person_id) < (at, id) ORDER BY p.created_at DESC, p.person_id DESC LIMIT most""",
        _ACCOUNT_ROW,
        "staff",
    )


def _changing() -> None:
    run("DROP FUNCTION identity.set_roles;")
    # Every session of that person changes its version: access tokens and pages end with their next request.
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
            UPDATE identity.person SET roles = wanted, version = version + 1, updated_at = now() WHERE person_id = who;
            UPDATE identity.session SET version = version + 1, is_staff = wanted && {_STAFF}
                WHERE person_id = who AND ended_at IS NULL;
            RETURN CASE WHEN held <@ wanted AND held @> wanted THEN 'same' ELSE 'changed' END;
        END""",
        "text",
        "staff",
        language="plpgsql",
    )
    definer(
        "identity.change_status(who uuid, wanted text)",
        f"""
        BEGIN
            {_ONE_BY_ONE}
            IF NOT identity.acts_as_admin() OR wanted NOT IN ('active', 'suspended') THEN RETURN 'forbidden'; END IF;
            IF who = {ACTOR} THEN RETURN 'self'; END IF;
            UPDATE identity.person SET status = wanted, version = version + 1, updated_at = now()
                WHERE person_id = who AND status NOT IN ('deleted', wanted);
            IF FOUND THEN RETURN 'changed'; END IF;
            RETURN CASE WHEN EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = who AND p.status <> 'deleted')
                THEN 'same' ELSE 'unknown' END;
        END""",
        "text",
        "staff",
        language="plpgsql",
    )
    definer(
        "identity.end_sessions(who uuid)",
        """
        BEGIN
            IF NOT identity.acts_as_admin() THEN RETURN 'forbidden'; END IF;
            IF NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = who AND p.status <> 'deleted')
                THEN RETURN 'unknown'; END IF;
            UPDATE identity.session SET ended_at = now(), ended_why = 'ended by an administrator'
                WHERE person_id = who AND ended_at IS NULL;
            RETURN CASE WHEN FOUND THEN 'changed' ELSE 'same' END;
        END""",
        "text",
        "staff",
        language="plpgsql",
    )


def _supervising() -> None:
    """Who supervises is for administrators to say: a responder's own statement reaches the hours only."""
    run("""
    REVOKE INSERT, UPDATE ON safety.duty FROM wellspring_staff;
    GRANT INSERT (person_id, on_duty, until), UPDATE (on_duty, since, until) ON safety.duty TO wellspring_staff;
    """)
    definer(
        "safety.supervisors(people uuid[])",
        """SELECT d.person_id FROM safety.duty d WHERE d.person_id = ANY(people) AND d.is_supervisor
           AND identity.acts_as_admin()""",
        "SETOF uuid",
        "staff",
    )
    definer(
        "safety.change_supervisor(who uuid, wanted boolean)",
        f"""
        DECLARE held text[];
        BEGIN
            {_ONE_BY_ONE}
            IF NOT identity.acts_as_admin() THEN RETURN 'forbidden'; END IF;
            SELECT p.roles INTO held FROM identity.person p WHERE p.person_id = who AND p.status <> 'deleted';
            IF held IS NULL THEN RETURN 'unknown'; END IF;
            IF wanted AND NOT 'responder' = ANY(held) THEN RETURN 'not_responder'; END IF;
            IF wanted THEN
                INSERT INTO safety.duty AS d (person_id, on_duty, until, is_supervisor) VALUES (who, false, now(), true)
                    ON CONFLICT (person_id) DO UPDATE SET is_supervisor = true WHERE NOT d.is_supervisor;
            ELSE
                UPDATE safety.duty SET is_supervisor = false WHERE person_id = who AND is_supervisor;
            END IF;
            RETURN CASE WHEN FOUND THEN 'changed' ELSE 'same' END;
        END""",
        "text",
        "staff",
        language="plpgsql",
    )
    # Who comes back later does not come back on duty, nor as a supervisor. An administrator may have left themselves.
    definer(
        "safety.leave_duty(who uuid)",
        f"""UPDATE safety.duty d SET on_duty = false, is_supervisor = d.is_supervisor AND 'responder' = ANY(p.roles)
           FROM identity.person p WHERE p.person_id = d.person_id AND d.person_id = who
           AND (identity.acts_as_admin() OR who = {ACTOR})
           AND (p.status <> 'active' OR NOT 'responder' = ANY(p.roles)) RETURNING true""",
        "boolean",
        "staff",
    )


def downgrade() -> None:
    run("""
    DROP FUNCTION safety.leave_duty, safety.change_supervisor, safety.supervisors;
    REVOKE INSERT (person_id, on_duty, until), UPDATE (on_duty, since, until) ON safety.duty FROM wellspring_staff;
    GRANT INSERT, UPDATE ON safety.duty TO wellspring_staff;
    DROP FUNCTION identity.end_sessions, identity.change_status, identity.change_roles, identity.staff_accounts,
        identity.account, identity.account_with, identity.acts_as_admin;
    DROP INDEX identity.person_staff;
    DROP TRIGGER end_closed ON identity.person;
    DROP FUNCTION identity.end_closed;
    """)
    definer(
        "identity.set_roles(who uuid, wanted text[])",
        """WITH p AS (UPDATE identity.person SET roles = wanted, version = version + 1, updated_at = now()
                      WHERE person_id = who RETURNING person_id),
                s AS (UPDATE identity.session SET version = version + 1, is_staff = wanted && ARRAY['admin',
                      'blood_bank', 'clinician', 'coordinator', 'responder'] WHERE person_id = who)
           SELECT EXISTS (SELECT 1 FROM p)""",
        "boolean",
        "staff",
    )
