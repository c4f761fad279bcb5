"""Safety: an event pages until somebody takes it, and one that was raised is high."""

from wellspring.migrations.helpers import run

revision = "20261122140000"
down_revision = "20261122130000"


def upgrade() -> None:
    # The last step of the present round that was paged; -1 before the first. A round begins when an event is handed back.
    run("""
    ALTER TABLE safety.crisis_event ADD COLUMN paged_step int NOT NULL DEFAULT -1;
    UPDATE safety.crisis_event e SET paged_step = p.last FROM (
        SELECT person_id, event_id, max(step) % 10 AS last FROM safety.page GROUP BY person_id, event_id) AS p
        WHERE p.person_id = e.person_id AND p.event_id = e.id AND e.paged_at IS NOT NULL;
    ALTER TABLE safety.page ALTER COLUMN step TYPE int;
    UPDATE safety.desk d SET risk_level = 'high', response_due_at = e.updated_at + interval '2 hours'
        FROM safety.crisis_event e WHERE e.person_id = d.person_id AND e.id = d.id
        AND e.risk_level = 'moderate' AND e.state IN ('paged', 'acknowledged', 'contacted');
    UPDATE safety.crisis_event SET risk_level = 'high', response_due_at = updated_at + interval '2 hours'
        WHERE risk_level = 'moderate' AND state IN ('paged', 'acknowledged', 'contacted');
    """)
    # Of more than can be paged, those on duty and supervisors come first.
    _responders("d.on_duty AND d.until > now() DESC NULLS LAST, d.is_supervisor DESC NULLS LAST, p.person_id")


def _responders(order: str) -> None:
    run(f"""
    CREATE OR REPLACE FUNCTION safety.responders()
        RETURNS TABLE (person_id uuid, language text, on_duty boolean, is_supervisor boolean)
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ SELECT p.person_id, p.language, coalesce(d.on_duty AND d.until > now(), false),
                  coalesce(d.is_supervisor, false)
              FROM identity.person p LEFT JOIN safety.duty d USING (person_id)
              WHERE p.status = 'active' AND 'responder' = ANY(p.roles) ORDER BY {order} LIMIT 200 $$;
    """)


def downgrade() -> None:
    _responders("p.person_id")
    run("""
    DELETE FROM safety.page WHERE step > 32767;
    ALTER TABLE safety.page ALTER COLUMN step TYPE smallint;
    ALTER TABLE safety.crisis_event DROP COLUMN paged_step;
    """)
