"""Check-ins and their days."""

from wellspring.migrations.helpers import EVERY, person_table, run, schema

revision = "20261120000006"
down_revision = "20261120000005"


def upgrade() -> None:
    schema("checkins", *EVERY)
    # Domains, since PostgreSQL reads a table's CHECKs anew in each INSERT: twelve of them cost half of one.
    run("""
    CREATE DOMAIN checkins.ten AS smallint CHECK (VALUE BETWEEN 1 AND 10);
    CREATE DOMAIN checkins.five AS smallint CHECK (VALUE BETWEEN 1 AND 5);
    CREATE DOMAIN checkins.reading AS text CHECK (VALUE IN ('none', 'read', 'partly', 'unread'));
    CREATE TABLE checkins.checkin (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, id uuid NOT NULL,
        occurred_at timestamptz NOT NULL, timezone text NOT NULL,
        mood_score checkins.ten NOT NULL,
        energy_level checkins.ten,
        anxiety_level checkins.ten,
        stress_level checkins.ten,
        sleep checkins.five,
        sensory_load_score checkins.ten,
        executive_function_score checkins.ten,
        masking_level checkins.ten,
        emotion_tags text[] NOT NULL DEFAULT '{}', emotion_intensities smallint[] NOT NULL DEFAULT '{}',
        context_location text, context_social text, factors jsonb NOT NULL DEFAULT '[]', body_scan jsonb,
        source text NOT NULL, time_taken_seconds int, is_quick boolean NOT NULL DEFAULT false,
        session_id uuid, sealed bytea, has_journal boolean NOT NULL DEFAULT false,
        reading_state checkins.reading NOT NULL,
        text_level text NOT NULL DEFAULT 'low', risk_level text NOT NULL, risk_score real NOT NULL,
        crisis_flagged boolean NOT NULL DEFAULT false, crisis_event_id uuid,
        ai_emotion_primary text, ai_emotion_secondary text, ai_confidence_score real, versions jsonb NOT NULL,
        version int NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id)
    );
    CREATE INDEX checkin_when ON checkins.checkin (person_id, occurred_at DESC, id DESC);
    CREATE TABLE checkins.day (
        person_id uuid NOT NULL REFERENCES identity.person ON DELETE CASCADE, day date NOT NULL,
        count int NOT NULL, mood_avg real NOT NULL, mood_min smallint NOT NULL, mood_max smallint NOT NULL,
        energy_avg real, anxiety_avg real, stress_avg real, alone real,
        PRIMARY KEY (person_id, day)
    );
    ALTER TABLE interventions.session ADD CONSTRAINT session_checkin FOREIGN KEY (person_id, checkin_id)
        REFERENCES checkins.checkin (person_id, id) ON DELETE SET NULL (checkin_id);
    CREATE INDEX session_checkin ON interventions.session (person_id, checkin_id);
    """)
    person_table("checkins.checkin", member="select insert update delete", staff="select", worker="select update")
    person_table("checkins.day", member="select", staff="select", worker="select insert update delete")


def downgrade() -> None:
    run("DROP INDEX interventions.session_checkin; DROP SCHEMA checkins CASCADE;")
