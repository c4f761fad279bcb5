"""Kernel: audit and its chain, stream, idempotency keys, data keys, jobs, rate limits."""

from wellspring.migrations.helpers import ACTOR, EVERY, also, definer, person_table, plain_table, run, schema

revision = "20261120000001"
down_revision = None

PARTITIONED = """
CREATE TABLE kernel.{table}_default PARTITION OF kernel.{table} DEFAULT;
SELECT kernel.ensure_partitions('{table}', 2);
"""


def upgrade() -> None:
    schema("kernel", *EVERY)
    _helpers()
    _audit()
    _stream()
    _rest()
    _jobs()


def _helpers() -> None:
    run("""
    CREATE FUNCTION kernel.uuid7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
    $$;
    CREATE FUNCTION kernel.ensure_partitions(parent text, ahead int) RETURNS int
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
    REVOKE ALL ON FUNCTION kernel.ensure_partitions FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION kernel.ensure_partitions TO wellspring_maintenance;
    """)


def _audit() -> None:
    # A domain: PostgreSQL reads a table's CHECKs anew in each INSERT.
    run("""
    CREATE DOMAIN kernel.outcome AS text CHECK (VALUE IN ('done', 'refused', 'failed'));
    CREATE TABLE kernel.audit (
        person_id uuid NOT NULL, id uuid NOT NULL, actor_id uuid NOT NULL, session_id uuid,
        action text NOT NULL, section text NOT NULL,
        outcome kernel.outcome NOT NULL,
        count int NOT NULL, ip text, request_id text, consent_id uuid,
        at timestamptz NOT NULL DEFAULT now(), xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (person_id, id)
    ) PARTITION BY RANGE (id);
    CREATE INDEX audit_xid ON kernel.audit (xid);
    """)
    run(PARTITIONED.format(table="audit"))
    run("""
    CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$;
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel.audit
        FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
    CREATE TRIGGER no_truncate BEFORE TRUNCATE ON kernel.audit
        FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change();
    """)
    person_table("kernel.audit", member="select", maintenance="select")
    for role in ("member", "staff", "signin"):
        also("kernel.audit", f"{role}_writes", role, "insert", f"actor_id = {ACTOR}")
    also("kernel.audit", "worker_writes", "worker", "insert", "true")
    also(
        "kernel.audit",
        "stranger",
        "signin",
        "insert",
        "actor_id = '00000000-0000-0000-0000-000000000000'::uuid",
    )
    run("""
    CREATE TABLE kernel.audit_link (
        n bigint PRIMARY KEY, person_id uuid NOT NULL, audit_id uuid NOT NULL UNIQUE, mac bytea NOT NULL,
        xid_below xid8 NOT NULL
    );
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON kernel.audit_link
        FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change();
    """)
    plain_table("kernel.audit_link", maintenance="select insert")


def _stream() -> None:
    run("""
    CREATE TABLE kernel.stream_head (person_id uuid PRIMARY KEY, seq bigint NOT NULL) WITH (fillfactor = 80);
    CREATE TABLE kernel.stream (
        person_id uuid NOT NULL, id uuid NOT NULL, seq bigint NOT NULL, topic text NOT NULL, ref uuid NOT NULL,
        PRIMARY KEY (person_id, seq, id)
    ) PARTITION BY RANGE (id);
    """)
    run(PARTITIONED.format(table="stream"))
    for table in ("kernel.stream_head", "kernel.stream"):
        verbs = "select insert update" if table.endswith("head") else "select insert"
        person_table(table, member=verbs, staff=verbs, worker=verbs)
    definer(
        "kernel.stream_since(people uuid[], seqs bigint[])",
        """SELECT s.person_id, s.seq, s.topic, s.ref FROM unnest(people, seqs) AS c(person, seq)
           JOIN LATERAL (SELECT * FROM kernel.stream s WHERE s.person_id = c.person AND s.seq > c.seq
                         ORDER BY s.seq LIMIT 200) s ON true ORDER BY s.person_id, s.seq""",
        "TABLE (person_id uuid, seq bigint, topic text, ref uuid)",
        "signin",
    )


def _rest() -> None:
    run("""
    CREATE TABLE kernel.person_key (
        person_id uuid PRIMARY KEY, wrapped bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE kernel.idempotency (
        person_id uuid NOT NULL, key_digest bytea NOT NULL, body_digest bytea NOT NULL, status smallint NOT NULL,
        ref uuid NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (person_id, key_digest)
    );
    CREATE INDEX idempotency_age ON kernel.idempotency USING brin (created_at);
    CREATE TABLE kernel.attempt (
        scope bytea PRIMARY KEY, failures int NOT NULL, last_at timestamptz NOT NULL, locked_until timestamptz
    );
    CREATE TABLE kernel.boot (name text PRIMARY KEY, value text NOT NULL);
    """)
    person_table(
        "kernel.person_key",
        member="select",
        staff="select",
        worker="select",
        signin="select insert",
        maintenance="select update delete",
    )
    person_table(
        "kernel.idempotency",
        member="select insert",
        staff="select insert",
        signin="select insert",
        maintenance="select delete",
    )
    plain_table("kernel.attempt", signin="select insert update delete", maintenance="select delete")
    plain_table("kernel.boot", **dict.fromkeys(EVERY, "select"))


def _jobs() -> None:
    """pgqueuer 1.6's tables in their own schema, without its NOTIFY trigger, which would serialise all commits."""
    schema("jobs", *EVERY)
    run("""
    CREATE TYPE jobs.pgqueuer_status AS ENUM
        ('queued', 'picked', 'successful', 'exception', 'canceled', 'deleted', 'failed');
    CREATE TABLE jobs.pgqueuer (
        id bigserial NOT NULL PRIMARY KEY, priority integer NOT NULL, queue_manager_id uuid,
        created timestamptz NOT NULL DEFAULT now(), updated timestamptz NOT NULL DEFAULT now(),
        heartbeat timestamptz NOT NULL DEFAULT now(), execute_after timestamptz NOT NULL DEFAULT now(),
        status jobs.pgqueuer_status NOT NULL, entrypoint text NOT NULL, dedupe_key text, payload bytea,
        headers jsonb, attempts integer NOT NULL DEFAULT 0, slot bigint
    );
    CREATE TABLE jobs.pgqueuer_log (
        id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL PRIMARY KEY, created timestamptz NOT NULL DEFAULT now(),
        job_id bigint NOT NULL, status jobs.pgqueuer_status NOT NULL, priority integer NOT NULL,
        entrypoint text NOT NULL, traceback jsonb, aggregated boolean DEFAULT false
    );
    CREATE TABLE jobs.pgqueuer_schedules (
        id bigserial NOT NULL PRIMARY KEY, expression text NOT NULL, entrypoint text NOT NULL,
        heartbeat timestamptz NOT NULL DEFAULT now(), created timestamptz NOT NULL DEFAULT now(),
        updated timestamptz NOT NULL DEFAULT now(), next_run timestamptz NOT NULL DEFAULT now(),
        last_run timestamptz, status jobs.pgqueuer_status DEFAULT 'queued'::jobs.pgqueuer_status,
        UNIQUE (expression, entrypoint)
    );
    CREATE TABLE jobs.pgqueuer_statistics (
        id bigserial NOT NULL PRIMARY KEY, created timestamptz NOT NULL DEFAULT date_trunc('sec'::text, now()),
        count bigint NOT NULL, priority integer NOT NULL, status jobs.pgqueuer_status NOT NULL, entrypoint text NOT NULL
    );
    CREATE INDEX pgqueuer_ep_ea_idx ON jobs.pgqueuer (entrypoint, execute_after) WHERE status = 'queued';
    CREATE INDEX pgqueuer_ep_prio_id_idx ON jobs.pgqueuer (entrypoint, priority DESC, id) WHERE status = 'queued';
    CREATE INDEX pgqueuer_log_created ON jobs.pgqueuer_log (created);
    CREATE INDEX pgqueuer_log_job_id_status ON jobs.pgqueuer_log (job_id, created DESC);
    CREATE INDEX pgqueuer_log_not_aggregated ON jobs.pgqueuer_log ((1)) WHERE NOT aggregated;
    CREATE INDEX pgqueuer_log_status ON jobs.pgqueuer_log (status);
    CREATE INDEX pgqueuer_picked_heartbeat_idx ON jobs.pgqueuer (heartbeat) WHERE status = 'picked';
    CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON jobs.pgqueuer (entrypoint, slot)
        WHERE status = 'picked' AND slot IS NOT NULL;
    CREATE INDEX pgqueuer_priority_id_id1_idx ON jobs.pgqueuer (priority, id DESC) INCLUDE (id)
        WHERE status = 'queued';
    CREATE INDEX pgqueuer_queue_manager_id_idx ON jobs.pgqueuer (queue_manager_id)
        WHERE queue_manager_id IS NOT NULL;
    CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON jobs.pgqueuer_statistics
        (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);
    CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON jobs.pgqueuer (dedupe_key)
        WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL;
    CREATE INDEX pgqueuer_updated_id_id1_idx ON jobs.pgqueuer (updated, id DESC) INCLUDE (id)
        WHERE status = 'picked';
    -- pgqueuer's `verify` and `upgrade` look for its trigger and would make it anew: it is here, and never fires.
    CREATE FUNCTION jobs.fn_pgqueuer_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
    CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jobs.pgqueuer
        EXECUTE FUNCTION jobs.fn_pgqueuer_changed();
    ALTER TABLE jobs.pgqueuer DISABLE TRIGGER tg_pgqueuer_changed;
    CREATE TABLE jobs.pick (job_id bigint PRIMARY KEY, picks int NOT NULL, last_at timestamptz NOT NULL DEFAULT now());
    GRANT INSERT ON jobs.pgqueuer TO wellspring_member, wellspring_staff, wellspring_signin;
    GRANT SELECT (status, dedupe_key) ON jobs.pgqueuer TO wellspring_member, wellspring_staff, wellspring_signin;
    GRANT ALL ON ALL TABLES IN SCHEMA jobs TO wellspring_worker, wellspring_maintenance;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs
        TO wellspring_member, wellspring_staff, wellspring_signin, wellspring_worker, wellspring_maintenance;
    """)


def downgrade() -> None:
    run("DROP SCHEMA jobs CASCADE; DROP SCHEMA kernel CASCADE;")
