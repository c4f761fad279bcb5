"""Upkeep: partitions are made after a long pause too, and changes and messages are kept as long as is declared."""

from wellspring.migrations.helpers import also, definer, run

revision = "20261122150000"
down_revision = "20261122145000"

ENSURE = """
CREATE OR REPLACE FUNCTION kernel.ensure_partitions(parent text, ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start_at timestamptz := date_trunc('quarter', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    this timestamptz; made int := 0; part text;
BEGIN
    IF parent NOT IN ('audit', 'stream') THEN RAISE EXCEPTION 'not a partitioned table: %', parent; END IF;
    FOR n IN 0..ahead LOOP
        this := start_at + make_interval(months => 3 * n);
        part := parent || to_char(this AT TIME ZONE 'UTC', '"_"YYYY"q"Q');
        IF to_regclass('kernel.' || part) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE TABLE kernel.%I PARTITION OF kernel.%I FOR VALUES FROM (%L) TO (%L)', part,
                    parent, kernel.uuid7_floor(this), kernel.uuid7_floor(this + interval '3 months'));
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                -- Rows of that quarter are in the default partition, and stay there; the other quarters must not wait.
                RAISE NOTICE 'rows of % stay in the default partition', part;
            END;
        END IF;
    END LOOP;
    RETURN made;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION kernel.ensure_partitions(parent text, ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start_at timestamptz := date_trunc('quarter', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    this timestamptz; made int := 0; part text;
BEGIN
    IF parent NOT IN ('audit', 'stream') THEN RAISE EXCEPTION 'not a partitioned table: %', parent; END IF;
    FOR n IN 0..ahead LOOP
        this := start_at + make_interval(months => 3 * n);
        part := parent || to_char(this AT TIME ZONE 'UTC', '"_"YYYY"q"Q');
        IF to_regclass('kernel.' || part) IS NULL THEN
            EXECUTE format('CREATE TABLE kernel.%I PARTITION OF kernel.%I FOR VALUES FROM (%L) TO (%L)', part,
                parent, kernel.uuid7_floor(this), kernel.uuid7_floor(this + interval '3 months'));
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
"""


def upgrade() -> None:
    run(ENSURE)
    # A partition goes once all of it is two quarters old; what lies in the default one goes by itself.
    definer(
        "kernel.forget_stream()",
        """
        DECLARE
            since timestamptz := (date_trunc('quarter', now() AT TIME ZONE 'UTC') - interval '6 months')
                AT TIME ZONE 'UTC';
            part text; gone int := 0;
        BEGIN
            FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'kernel.stream'::regclass AND c.relname ~ '^stream_[0-9]{4}q[1-4]$'
                AND c.relname < 'stream' || to_char(since AT TIME ZONE 'UTC', '"_"YYYY"q"Q')
            LOOP
                EXECUTE format('DROP TABLE kernel.%I', part);
                gone := gone + 1;
            END LOOP;
            DELETE FROM kernel.stream_default WHERE id < kernel.uuid7_floor(since);
            RETURN gone;
        END
        """,
        "int",
        "maintenance",
        language="plpgsql",
    )
    also("notify.delivery", "maintenance", "maintenance", "delete", "true")


def downgrade() -> None:
    run(BEFORE)
    run("""
    DROP FUNCTION kernel.forget_stream;
    DROP POLICY maintenance_delete ON notify.delivery;
    REVOKE DELETE ON notify.delivery FROM wellspring_maintenance;
    """)
