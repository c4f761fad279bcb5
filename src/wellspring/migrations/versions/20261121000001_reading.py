"""What models read in check-ins, and what people said about it."""

from wellspring.migrations.helpers import also, person_table, run

revision = "20261121000001"
down_revision = "20261120000006"


def upgrade() -> None:
    # Scores are plain, like those of risk: no word of the text is in them. Where in the text they come from is sealed.
    run("""
    CREATE DOMAIN checkins.sentiment AS real CHECK (VALUE BETWEEN -1 AND 1);
    CREATE DOMAIN checkins.twelve AS real[] CHECK (cardinality(VALUE) = 12);
    CREATE DOMAIN checkins.probability AS real CHECK (VALUE BETWEEN 0 AND 1);
    ALTER TABLE checkins.checkin
        ADD COLUMN journal_sentiment_score checkins.sentiment,
        ADD COLUMN emotion_scores checkins.twelve,
        ADD COLUMN crisis_probability checkins.probability;
    CREATE TABLE checkins.correction (
        person_id uuid NOT NULL, id uuid NOT NULL,
        answer text NOT NULL CHECK (answer IN ('yes', 'no', 'other')),
        emotion text CHECK ((emotion IS NULL) = (answer = 'no')),
        read_primary text NOT NULL, read_secondary text, read_confidence real NOT NULL, read_scores real[] NOT NULL,
        read_versions jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (person_id, id),
        FOREIGN KEY (person_id, id) REFERENCES checkins.checkin (person_id, id) ON DELETE CASCADE
    );
    """)
    person_table("checkins.correction", member="select insert update delete", worker="select")
    # Who has corrected anything, and no more: each person's rows are then opened one person at a time.
    also("checkins.correction", "who", "maintenance", "select", "true", columns="person_id")


def downgrade() -> None:
    run("""
    DROP TABLE checkins.correction;
    ALTER TABLE checkins.checkin DROP COLUMN journal_sentiment_score, DROP COLUMN emotion_scores,
        DROP COLUMN crisis_probability;
    DROP DOMAIN checkins.sentiment, checkins.twelve, checkins.probability;
    """)
