"""Safety: crisis events and their pages, the desk, duty, safety plans."""

from wellspring.migrations.helpers import ACTOR, DUTY, EVERY, also, definer, person_table, run, schema

revision = "20261120000005"
down_revision = "20261120000004"


def upgrade() -> None:
    schema("safety", *EVERY)
    _events()
    _desk()
    _plans()


def _events() -> None:
    run("""
    CREATE TABLE safety.crisis_event (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        trigger_source text NOT NULL CHECK (trigger_source IN ('journal_nlp', 'checkin', 'user_reported')),
        source_id uuid,
        risk_level text NOT NULL CHECK (risk_level IN ('moderate', 'high', 'critical')),
        risk_score real NOT NULL CHECK (risk_score BETWEEN 0 AND 1),
        state text NOT NULL CHECK (state IN ('open', 'paged', 'acknowledged', 'contacted', 'resolved', 'reviewed')),
        categories text[] NOT NULL DEFAULT '{}', evidence bytea NOT NULL, wants_contact boolean NOT NULL DEFAULT false,
        risk_factors text[] NOT NULL DEFAULT '{}', protective_factors text[] NOT NULL DEFAULT '{}',
        resources_shown text[] NOT NULL DEFAULT '{}', safety_plan_shown boolean NOT NULL DEFAULT false,
        response_due_at timestamptz NOT NULL, paged_at timestamptz,
        claimed_by uuid REFERENCES identity.person, claimed_at timestamptz, contacted_at timestamptz,
        resolved_at timestamptz, outcome text, notes bytea,
        versions jsonb NOT NULL DEFAULT '{}', version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id)
    );
    CREATE INDEX crisis_event_recent ON safety.crisis_event (person_id, created_at DESC);
    CREATE INDEX crisis_event_claimed ON safety.crisis_event (claimed_by) WHERE claimed_by IS NOT NULL;
    CREATE TABLE safety.event_step (
        person_id uuid NOT NULL, id uuid NOT NULL, event_id uuid NOT NULL, actor_id uuid NOT NULL,
        from_state text NOT NULL, to_state text NOT NULL, at timestamptz NOT NULL DEFAULT now(), note bytea,
        PRIMARY KEY (person_id, id),
        FOREIGN KEY (person_id, event_id) REFERENCES safety.crisis_event ON DELETE CASCADE
    );
    CREATE INDEX event_step_event ON safety.event_step (person_id, event_id);
    CREATE TABLE safety.page (
        person_id uuid NOT NULL, id uuid NOT NULL, event_id uuid NOT NULL, step smallint NOT NULL,
        responder_id uuid REFERENCES identity.person ON DELETE SET NULL,
        at timestamptz NOT NULL DEFAULT now(), acknowledged_at timestamptz,
        PRIMARY KEY (person_id, id), UNIQUE (person_id, event_id, step, responder_id),
        FOREIGN KEY (person_id, event_id) REFERENCES safety.crisis_event ON DELETE CASCADE
    );
    CREATE INDEX page_responder ON safety.page (responder_id);
    """)
    person_table(
        "safety.crisis_event",
        member="select insert",
        staff="select update",
        worker="select insert update",
        maintenance="select",
    )
    person_table("safety.event_step", member="select", staff="select insert", worker="select insert")
    person_table("safety.page", staff="select update", worker="select insert", maintenance="select")


def _desk() -> None:
    """What everybody on duty may see: urgency and times, no evidence, no name."""
    run("""
    CREATE TABLE safety.desk (
        person_id uuid NOT NULL, id uuid NOT NULL, desk text NOT NULL DEFAULT 'crisis',
        risk_level text NOT NULL, state text NOT NULL, wants_contact boolean NOT NULL, claimed_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(), response_due_at timestamptz NOT NULL,
        PRIMARY KEY (person_id, id),
        FOREIGN KEY (person_id, id) REFERENCES safety.crisis_event (person_id, id) ON DELETE CASCADE
    );
    CREATE INDEX desk_open ON safety.desk (desk, response_due_at) WHERE state NOT IN ('resolved', 'reviewed');
    CREATE TABLE safety.duty (
        person_id uuid PRIMARY KEY REFERENCES identity.person ON DELETE CASCADE,
        desk text NOT NULL DEFAULT 'crisis', on_duty boolean NOT NULL, is_supervisor boolean NOT NULL DEFAULT false,
        since timestamptz NOT NULL DEFAULT now(), until timestamptz NOT NULL
    );
    """)
    person_table("safety.desk", member="insert", staff="select update", worker="select insert update")
    also("safety.desk", "on_duty", "staff", "select update", f"desk = {DUTY}")
    person_table("safety.duty", maintenance="select")
    also("safety.duty", "own", "staff", "select insert update", f"person_id = {ACTOR}")
    also("safety.duty", "on_duty", "staff", "select", f"desk = {DUTY}")
    # Paging chooses among those on duty; members learn only whether anybody is.
    also("safety.duty", "paging", "worker", "select", "desk = 'crisis'")
    definer(
        "safety.responders()",
        """SELECT p.person_id, p.language, coalesce(d.on_duty AND d.until > now(), false),
               coalesce(d.is_supervisor, false)
           FROM identity.person p LEFT JOIN safety.duty d USING (person_id)
           WHERE p.status = 'active' AND 'responder' = ANY(p.roles) ORDER BY p.person_id LIMIT 200""",
        "TABLE (person_id uuid, language text, on_duty boolean, is_supervisor boolean)",
        "worker",
    )
    # Always in the order of persons: two who tell at once must not wait for each other.
    definer(
        "safety.tell_desk(row_id uuid, changed uuid, everybody boolean)",
        """WITH r AS (SELECT p.person_id FROM identity.person p LEFT JOIN safety.duty d USING (person_id)
               WHERE p.status = 'active' AND 'responder' = ANY(p.roles)
               AND (everybody OR coalesce(d.on_duty AND d.until > now(), false)) ORDER BY p.person_id LIMIT 200),
           h AS (INSERT INTO kernel.stream_head AS h (person_id, seq) SELECT person_id, 1 FROM r ORDER BY person_id
               ON CONFLICT (person_id) DO UPDATE SET seq = h.seq + 1 RETURNING h.person_id, h.seq)
           INSERT INTO kernel.stream (person_id, id, seq, topic, ref)
               SELECT h.person_id, row_id, h.seq, 'desk.changed', changed FROM h RETURNING person_id""",
        "SETOF uuid",
        "staff",
    )
    run("""
    CREATE FUNCTION safety.somebody_on_duty() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM safety.duty WHERE on_duty AND until > now()) $$;
    REVOKE ALL ON FUNCTION safety.somebody_on_duty FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION safety.somebody_on_duty
        TO wellspring_member, wellspring_staff, wellspring_signin, wellspring_worker;
    """)


def _plans() -> None:
    run("""
    CREATE TABLE safety.safety_plan (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        version int NOT NULL, steps bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id), UNIQUE (person_id, version)
    );
    """)
    person_table("safety.safety_plan", member="select insert", staff="select")


def downgrade() -> None:
    run("DROP SCHEMA safety CASCADE;")
