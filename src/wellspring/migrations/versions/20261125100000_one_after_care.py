"""Safety: one person has one after-care, whoever closes what at the same moment; what is given up has its own time."""

from typing import Final

from wellspring.migrations.helpers import run

revision = "20261125100000"
down_revision = "20261124110002"

_NOBODY: Final = "'00000000-0000-0000-0000-000000000000'"


def upgrade() -> None:
    # When the program gave it up: the desk counts from then, however old the event is.
    run("""
    ALTER TABLE safety.desk ADD COLUMN missed_at timestamptz;
    UPDATE safety.desk d SET missed_at = e.resolved_at FROM safety.crisis_event e
        WHERE (e.person_id, e.id) = (d.person_id, d.id) AND d.state = 'lapsed';
    UPDATE safety.desk d SET care_step = NULL, missed_at = coalesce((SELECT max(s.at) FROM safety.event_step s
            WHERE s.person_id = d.person_id AND s.event_id = d.id AND s.care_result = 'not_done'), now())
        WHERE d.care_step IS NOT NULL AND d.care_due_at IS NULL;
    DROP INDEX safety.desk_missed;
    CREATE INDEX desk_missed ON safety.desk (desk, missed_at) WHERE missed_at IS NOT NULL;
    """)
    # Whoever has two after-cares keeps that of the newest event.
    run(f"""
    WITH doubled AS (
        SELECT person_id, id, care_step, row_number() OVER (PARTITION BY person_id ORDER BY created_at DESC, id DESC) AS n
        FROM safety.desk WHERE care_due_at IS NOT NULL),
    ended AS (
        UPDATE safety.desk d SET care_step = NULL, care_due_at = NULL, care_reminded = 0 FROM doubled o
        WHERE (d.person_id, d.id) = (o.person_id, o.id) AND o.n > 1 RETURNING d.person_id, d.id, o.care_step)
    INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state, care_step, care_result)
        SELECT person_id, gen_random_uuid(), id, {_NOBODY}, 'resolved', 'resolved', care_step, 'newer_event' FROM ended;
    CREATE UNIQUE INDEX desk_one_care ON safety.desk (person_id) WHERE care_due_at IS NOT NULL;
    ALTER TABLE safety.desk ADD CONSTRAINT desk_care_whole CHECK ((care_step IS NULL) = (care_due_at IS NULL));
    """)


def downgrade() -> None:
    run("""
    ALTER TABLE safety.desk DROP CONSTRAINT desk_care_whole;
    DROP INDEX safety.desk_one_care, safety.desk_missed;
    UPDATE safety.desk SET care_step = 3 WHERE missed_at IS NOT NULL AND state <> 'lapsed' AND care_due_at IS NULL;
    ALTER TABLE safety.desk DROP COLUMN missed_at;
    CREATE INDEX desk_missed ON safety.desk (desk, created_at)
        WHERE state = 'lapsed' OR care_step IS NOT NULL AND care_due_at IS NULL;
    """)
