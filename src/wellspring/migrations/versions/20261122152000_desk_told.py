"""Safety: of more responders than can be told, those on duty learn first that the desk has changed."""

from wellspring.migrations.helpers import run

revision = "20261122152000"
down_revision = "20261122150000"


def upgrade() -> None:
    _tell("d.on_duty AND d.until > now() DESC NULLS LAST, d.is_supervisor DESC NULLS LAST, p.person_id")


def _tell(order: str) -> None:
    # Still written in the order of persons: two who tell at once must not wait for each other.
    run(f"""
    CREATE OR REPLACE FUNCTION safety.tell_desk(row_id uuid, changed uuid, everybody boolean) RETURNS SETOF uuid
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
        AS $$ WITH r AS (SELECT p.person_id FROM identity.person p LEFT JOIN safety.duty d USING (person_id)
                  WHERE p.status = 'active' AND 'responder' = ANY(p.roles)
                  AND (everybody OR coalesce(d.on_duty AND d.until > now(), false)) ORDER BY {order} LIMIT 200),
              h AS (INSERT INTO kernel.stream_head AS h (person_id, seq) SELECT person_id, 1 FROM r ORDER BY person_id
                  ON CONFLICT (person_id) DO UPDATE SET seq = h.seq + 1 RETURNING h.person_id, h.seq)
              INSERT INTO kernel.stream (person_id, id, seq, topic, ref)
                  SELECT h.person_id, row_id, h.seq, 'desk.changed', changed FROM h RETURNING person_id $$;
    """)


def downgrade() -> None:
    _tell("p.person_id")
