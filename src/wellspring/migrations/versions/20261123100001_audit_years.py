"""The audit trail is kept for six years: what is older goes with its seals, and an anchor says where the chain begins."""

from wellspring.migrations.helpers import definer, plain_table, run

revision = "20261123100001"
down_revision = "20261123100000"

YOUNG = """
CREATE OR REPLACE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND coalesce(to_jsonb(OLD)->>'audit_id', to_jsonb(OLD)->>'id')::uuid
        < kernel.uuid7_floor(now() - interval '6 years') THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
"""


def upgrade() -> None:
    run(YOUNG)
    run("""
    CREATE TABLE kernel.audit_anchor (
        id smallint PRIMARY KEY CHECK (id = 1), n bigint NOT NULL, mac bytea NOT NULL, seal bytea NOT NULL,
        at timestamptz NOT NULL DEFAULT now()
    );
    """)
    plain_table("kernel.audit_anchor", maintenance="select")
    # Whoever may call this can remove what is too old and nothing else. The last link stays: the chain goes on from it.
    definer(
        "kernel.forget_audit(upto bigint, anchor bytea)",
        """
        DECLARE
            since uuid := kernel.uuid7_floor(now() - interval '6 years');
            last bytea; part text; filled boolean; gone int;
        BEGIN
            SELECT mac INTO last FROM kernel.audit_link WHERE n = upto;
            IF last IS NULL OR NOT EXISTS (SELECT 1 FROM kernel.audit_link WHERE n > upto)
                OR EXISTS (SELECT 1 FROM kernel.audit_link WHERE n <= upto AND audit_id >= since) THEN RETURN 0; END IF;
            DELETE FROM kernel.audit a USING kernel.audit_link l
                WHERE l.n <= upto AND a.person_id = l.person_id AND a.id = l.audit_id;
            GET DIAGNOSTICS gone = ROW_COUNT;
            DELETE FROM kernel.audit_link WHERE n <= upto;
            INSERT INTO kernel.audit_anchor (id, n, mac, seal) VALUES (1, upto, last, anchor)
                ON CONFLICT (id) DO UPDATE SET n = excluded.n, mac = excluded.mac, seal = excluded.seal, at = now();
            FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'kernel.audit'::regclass AND c.relname ~ '^audit_[0-9]{4}q[1-4]$'
                AND c.relname < 'audit' || to_char((now() - interval '6 years') AT TIME ZONE 'UTC', '"_"YYYY"q"Q')
            LOOP
                EXECUTE format('SELECT EXISTS (SELECT 1 FROM kernel.%I)', part) INTO filled;
                IF NOT filled THEN EXECUTE format('DROP TABLE kernel.%I', part); END IF;
            END LOOP;
            RETURN gone;
        END
        """,
        "int",
        "maintenance",
        language="plpgsql",
    )
    # An event goes once none of its steps is left.
    run("GRANT SELECT (event_id) ON safety.event_step TO wellspring_maintenance;")


def downgrade() -> None:
    run("REVOKE SELECT (event_id) ON safety.event_step FROM wellspring_maintenance;")
    run("DROP FUNCTION kernel.forget_audit; DROP TABLE kernel.audit_anchor;")
    run(BEFORE)
