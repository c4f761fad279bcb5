"""Interventions: what was said of a moment lies in one place, and goes with its check-in."""

from wellspring.migrations.helpers import run

revision = "20261123110000"
down_revision = "20261123100001"


def upgrade() -> None:
    # The log of offers held a copy of what must not be offered to somebody; their profile says it.
    run("""
    UPDATE interventions.recommendation SET context = context - 'contraindications'
        WHERE jsonb_exists(context, 'contraindications');
    """)
    # Of check-ins that were removed before: their outcomes become those of a moment of which nobody said anything.
    run("""
    WITH gone AS (
        UPDATE interventions.session s SET checkin_id = NULL, recommendation_id = NULL, context_emotion = NULL,
            context_energy_level = NULL, context_time_of_day = NULL, version = version + 1
        WHERE recommendation_id IS NOT NULL AND NOT EXISTS (SELECT FROM interventions.recommendation r
            WHERE r.person_id = s.person_id AND r.id = s.recommendation_id)
        RETURNING person_id, id)
    UPDATE interventions.outcome o SET recommendation_id = NULL, prior_effectiveness = 0.5,
        features = ARRAY[1, 0,0,0,0,0,0,0,0,0,0,0,1, 0.5, 0.25,0.25,0.25,0.25, 0.5,
            p.has_adhd::int, p.has_autism_spectrum::int]::real[]
    FROM gone g JOIN identity.person p USING (person_id) WHERE o.person_id = g.person_id AND o.id = g.id;
    """)


def downgrade() -> None:
    # Nothing comes back.
    pass
