"""Interventions: the library, what was recommended and why, sessions with their feedback."""

from wellspring.migrations.helpers import EVERY, person_table, plain_table, run, schema

revision = "20261120000004"
down_revision = "20261120000003"


def upgrade() -> None:
    schema("interventions", *EVERY)
    run("""
    CREATE TABLE interventions.intervention (
        id uuid PRIMARY KEY, slug text NOT NULL UNIQUE, version int NOT NULL, is_active boolean NOT NULL,
        is_premium boolean NOT NULL, therapeutic_approach text NOT NULL, energy_required text NOT NULL,
        duration_seconds int NOT NULL, target_emotions text[] NOT NULL, document jsonb NOT NULL,
        text_en text NOT NULL, text_fr text NOT NULL,
        search_en tsvector GENERATED ALWAYS AS (to_tsvector('english', text_en)) STORED,
        search_fr tsvector GENERATED ALWAYS AS (to_tsvector('french', text_fr)) STORED,
        updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX intervention_emotions ON interventions.intervention USING gin (target_emotions);
    CREATE INDEX intervention_search_en ON interventions.intervention USING gin (search_en);
    CREATE INDEX intervention_search_fr ON interventions.intervention USING gin (search_fr);
    CREATE TABLE interventions.recommendation (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        intervention_ids uuid[] NOT NULL, predicted_effectiveness real[] NOT NULL, propensities real[] NOT NULL,
        reasons jsonb NOT NULL, context jsonb NOT NULL, policy_version text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id)
    );
    CREATE TABLE interventions.session (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        intervention_id uuid NOT NULL REFERENCES interventions.intervention, checkin_id uuid,
        state text NOT NULL CHECK (state IN ('started', 'skipped', 'completed')),
        started_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz, duration_actual_seconds int,
        effectiveness_rating smallint CHECK (effectiveness_rating BETWEEN 1 AND 5),
        feedback_tags text[] NOT NULL DEFAULT '{}', feedback_text bytea,
        context_emotion text, context_energy_level smallint, context_time_of_day text,
        predicted_effectiveness real, version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id)
    );
    CREATE INDEX session_intervention ON interventions.session (intervention_id);
    CREATE INDEX session_recent ON interventions.session (person_id, started_at DESC);
    """)
    everyone = dict.fromkeys(EVERY, "select")
    plain_table("interventions.intervention", **everyone)
    person_table("interventions.recommendation", member="select insert", staff="select", worker="select")
    person_table("interventions.session", member="select insert update", staff="select", worker="select")


def downgrade() -> None:
    run("DROP SCHEMA interventions CASCADE;")
