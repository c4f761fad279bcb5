"""Interventions learn: outcomes, what is kept of each person, the shared state."""

from wellspring.migrations.helpers import EVERY, person_table, plain_table, run

revision = "20261121150000"
down_revision = "20261121000001"


def upgrade() -> None:
    run("""
    ALTER TABLE interventions.recommendation ADD COLUMN predicted_effectiveness_sds real[] NOT NULL DEFAULT '{}';
    ALTER TABLE interventions.session ADD COLUMN recommendation_id uuid;
    CREATE TABLE interventions.outcome (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        intervention_id uuid NOT NULL, recommendation_id uuid,
        features real[] NOT NULL, prior_effectiveness real NOT NULL, predicted_effectiveness real NOT NULL,
        actual_effectiveness real CHECK (actual_effectiveness BETWEEN 0 AND 1),
        learning_target real CHECK (learning_target BETWEEN 0 AND 1), learning_weight real NOT NULL,
        learning_signal real GENERATED ALWAYS AS (learning_target - predicted_effectiveness) STORED,
        pooled boolean NOT NULL, folded boolean NOT NULL DEFAULT false, in_danger boolean NOT NULL,
        policy_version text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id),
        FOREIGN KEY (person_id, id) REFERENCES interventions.session ON DELETE CASCADE
    );
    CREATE INDEX outcome_newest ON interventions.outcome (at DESC);
    CREATE INDEX outcome_new ON interventions.outcome (person_id, id) WHERE pooled AND NOT folded;
    CREATE TABLE interventions.person_effects (
        person_id uuid PRIMARY KEY REFERENCES identity.person ON DELETE CASCADE,
        state bytea NOT NULL DEFAULT '' CHECK (octet_length(state) <= 424),
        interactions int NOT NULL DEFAULT 0, model_version int NOT NULL DEFAULT 0, paused boolean NOT NULL DEFAULT false,
        updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE interventions.block (
        intervention_id uuid PRIMARY KEY, gram bytea NOT NULL, moment bytea NOT NULL,
        ratings int NOT NULL, people int NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE interventions.model (
        id smallint PRIMARY KEY CHECK (id = 1), version int NOT NULL, ratings bigint NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(), relearned_at timestamptz
    );
    INSERT INTO interventions.model (id, version, ratings) VALUES (1, 0, 0);
    """)
    person_table("interventions.recommendation", maintenance="select")
    person_table("interventions.outcome", member="select insert update delete", maintenance="select update")
    person_table("interventions.person_effects", member="select insert update delete", maintenance="select update")
    readers = dict.fromkeys(EVERY, "select")
    plain_table("interventions.block", **readers | {"maintenance": "select insert update delete"})
    plain_table("interventions.model", **readers | {"maintenance": "select update"})


def downgrade() -> None:
    run("""
    DROP POLICY maintenance_select ON interventions.recommendation;
    REVOKE SELECT ON interventions.recommendation FROM wellspring_maintenance;
    DROP TABLE interventions.outcome, interventions.person_effects, interventions.block, interventions.model;
    ALTER TABLE interventions.session DROP COLUMN recommendation_id;
    ALTER TABLE interventions.recommendation DROP COLUMN predicted_effectiveness_sds;
    """)
