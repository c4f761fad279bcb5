"""Safety: after-care of closed events has its times and is reminded of; a review that nobody makes ends by saying so."""

from wellspring.migrations.helpers import ACTOR, also, run

revision = "20261124090000"
down_revision = "20261123140000"

_STATES = "'open', 'paged', 'acknowledged', 'contacted', 'resolved', 'reviewed'"


def upgrade() -> None:
    # The next contact and its time; a step without a time is one that nobody made in two weeks.
    run(f"""
    ALTER TABLE safety.desk ADD COLUMN care_step smallint CHECK (care_step BETWEEN 1 AND 3),
        ADD COLUMN care_due_at timestamptz, ADD COLUMN care_reminded smallint NOT NULL DEFAULT 0;
    CREATE INDEX desk_care ON safety.desk (created_at, id) WHERE care_due_at IS NOT NULL;
    CREATE INDEX desk_missed ON safety.desk (desk, created_at)
        WHERE state = 'lapsed' OR care_step IS NOT NULL AND care_due_at IS NULL;
    ALTER TABLE safety.event_step ADD COLUMN care_step smallint CHECK (care_step BETWEEN 1 AND 3),
        ADD COLUMN care_result text CHECK (care_result IN ('reached', 'not_reached', 'declined', 'in_other_hands',
            'could_not_reach', 'newer_event', 'not_done'));
    ALTER TABLE safety.crisis_event DROP CONSTRAINT crisis_event_state_check;
    ALTER TABLE safety.crisis_event ADD CONSTRAINT crisis_event_state_check CHECK (state IN ({_STATES}, 'lapsed'));
    """)
    # Whoever was closed in these days gets what is left of the week: each person's newest event, if it was danger.
    run("""
    WITH newest AS (
        SELECT DISTINCT ON (person_id) person_id, id, created_at, state, outcome FROM safety.crisis_event
        WHERE risk_level IN ('high', 'critical') AND created_at > now() - interval '7 days'
        ORDER BY person_id, created_at DESC),
    following AS (
        SELECT person_id, id, created_at, CASE WHEN created_at > now() - interval '24 hours' THEN 1
            WHEN created_at > now() - interval '72 hours' THEN 2 ELSE 3 END AS step FROM newest
        WHERE state = 'resolved'
        AND outcome NOT IN ('declined_contact', 'no_danger_found', 'duplicate', 'opened_in_error'))
    UPDATE safety.desk d SET care_step = f.step,
        care_due_at = f.created_at + (ARRAY[24, 72, 168])[f.step] * interval '1 hour'
        FROM following f WHERE d.person_id = f.person_id AND d.id = f.id;
    """)
    # Members see when they will be contacted again, and of their own rows no more than that.
    also(
        "safety.desk",
        "member",
        "member",
        "select",
        f"person_id = {ACTOR}",
        columns="person_id, id, care_due_at",
    )
    also("safety.desk", "sweep", "maintenance", "select", "true")


def downgrade() -> None:
    run(f"""
    DROP POLICY sweep_select ON safety.desk;
    REVOKE SELECT ON safety.desk FROM wellspring_maintenance;
    DROP POLICY member_select ON safety.desk;
    REVOKE SELECT (person_id, id, care_due_at) ON safety.desk FROM wellspring_member;
    UPDATE safety.desk SET state = 'resolved' WHERE state = 'lapsed';
    UPDATE safety.event_step SET to_state = 'resolved' WHERE to_state = 'lapsed';
    ALTER TABLE safety.crisis_event DROP CONSTRAINT crisis_event_state_check;
    UPDATE safety.crisis_event SET state = 'resolved' WHERE state = 'lapsed';
    ALTER TABLE safety.crisis_event ADD CONSTRAINT crisis_event_state_check CHECK (state IN ({_STATES}));
    DROP INDEX safety.desk_missed, safety.desk_care;
    ALTER TABLE safety.desk DROP COLUMN care_step, DROP COLUMN care_due_at, DROP COLUMN care_reminded;
    ALTER TABLE safety.event_step DROP COLUMN care_step, DROP COLUMN care_result;
    """)
