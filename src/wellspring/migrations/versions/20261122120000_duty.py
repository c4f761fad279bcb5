"""Safety: who is truly on duty, and an index for the events that still wait for somebody."""

from wellspring.migrations.helpers import definer, run

revision = "20261122120000"
down_revision = "20261121150000"


def upgrade() -> None:
    # Events are kept for seven years; the sweep looks for the few that nobody has reached, every ten seconds.
    run(
        "CREATE INDEX crisis_event_waiting ON safety.crisis_event (created_at) WHERE state IN ('paged', 'acknowledged')"
    )
    # Those whom paging would choose: a duty that outlives an account or a role is none.
    definer(
        "safety.is_on_duty(who uuid)",
        """SELECT EXISTS (SELECT 1 FROM safety.duty d JOIN identity.person p USING (person_id)
               WHERE d.person_id = who AND d.on_duty AND d.until > now()
               AND p.status = 'active' AND 'responder' = ANY(p.roles))""",
        "boolean",
        "staff",
        "worker",
        "maintenance",
    )
    run("ALTER FUNCTION safety.is_on_duty STABLE")
    # Nobody is their own help: the one who asks does not count.
    run("""
    CREATE OR REPLACE FUNCTION safety.somebody_on_duty() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM safety.duty d JOIN identity.person p USING (person_id)
            WHERE d.on_duty AND d.until > now() AND p.status = 'active' AND 'responder' = ANY(p.roles)
            AND d.person_id IS DISTINCT FROM nullif(current_setting('app.actor_id', true), '')::uuid) $$;
    """)


def downgrade() -> None:
    run("""
    CREATE OR REPLACE FUNCTION safety.somebody_on_duty() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM safety.duty WHERE on_duty AND until > now()) $$;
    DROP FUNCTION safety.is_on_duty;
    DROP INDEX safety.crisis_event_waiting;
    """)
