"""Sharing ends with the clinician's account: whoever comes back sees nothing that was shared before, and people are told."""

from typing import Final

from wellspring.migrations.helpers import SUBJECT, also, definer, run

revision = "20261124110001"
down_revision = "20261124110000"

_IS: Final = "{row}.status = 'active' AND 'clinician' = ANY({row}.roles)"

_UNTOLD: Final = "person_id, id, closed, told_at"


def upgrade() -> None:
    # `closed`: it ended because the clinician is none any more here, and not by its own person.
    run(f"""
    ALTER TABLE privacy.access_grant ADD COLUMN closed boolean NOT NULL DEFAULT false, ADD COLUMN told_at timestamptz;
    CREATE INDEX access_grant_untold ON privacy.access_grant (person_id) WHERE closed AND told_at IS NULL;

    CREATE FUNCTION privacy.end_sharing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            UPDATE privacy.access_grant SET revoked_at = now(), closed = true, version = version + 1
                WHERE clinician_id = NEW.person_id AND revoked_at IS NULL AND expires_at > now();
            RETURN NULL;
        END $$;
    REVOKE ALL ON FUNCTION privacy.end_sharing FROM PUBLIC;
    CREATE TRIGGER end_sharing AFTER UPDATE OF status, roles ON identity.person FOR EACH ROW
        WHEN ({_IS.format(row="OLD")} AND NOT ({_IS.format(row="NEW")})) EXECUTE FUNCTION privacy.end_sharing();

    UPDATE privacy.access_grant g SET revoked_at = now(), closed = true, version = g.version + 1
        FROM identity.person p WHERE p.person_id = g.clinician_id AND NOT ({_IS.format(row="p")})
        AND g.revoked_at IS NULL AND g.expires_at > now();
    """)
    # A sharing that begins as the account is closed must not outlive that: one of the two waits for the other.
    definer(
        "privacy.hold_clinician(who uuid)",
        f"SELECT true FROM identity.person p WHERE p.person_id = who AND {_IS.format(row='p')} FOR SHARE",
        "boolean",
        "member",
    )
    also("privacy.access_grant", "untold", "maintenance", "select", "closed AND told_at IS NULL", columns=_UNTOLD)
    also("privacy.access_grant", "told", "worker", "update", f"person_id = {SUBJECT}", columns="told_at")


def downgrade() -> None:
    run("""
    DROP POLICY told_update ON privacy.access_grant;
    DROP POLICY untold_select ON privacy.access_grant;
    REVOKE UPDATE (told_at) ON privacy.access_grant FROM wellspring_worker;
    REVOKE SELECT (person_id, id, closed, told_at) ON privacy.access_grant FROM wellspring_maintenance;
    DROP FUNCTION privacy.hold_clinician;
    DROP TRIGGER end_sharing ON identity.person;
    DROP FUNCTION privacy.end_sharing;
    DROP INDEX privacy.access_grant_untold;
    ALTER TABLE privacy.access_grant DROP COLUMN told_at, DROP COLUMN closed;
    """)
