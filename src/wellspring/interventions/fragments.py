"""What interventions lend to the statements of other slices."""

from typing import Final

RECENT: Final = (
    "SELECT array_agg(x.intervention_id) AS ids, array_agg(x.rating) AS ratings, array_agg(x.hours) AS hours FROM ("
    "(SELECT r.intervention_id, NULL::smallint AS rating,"
    " extract(epoch FROM now() - r.created_at)::float8 / 3600 AS hours FROM interventions.recommendation r"
    " WHERE r.person_id = {person} ORDER BY r.created_at DESC LIMIT 9) UNION ALL"
    " (SELECT s.intervention_id, s.effectiveness_rating, extract(epoch FROM now() - s.started_at)::float8 / 3600"
    " FROM interventions.session s WHERE s.person_id = {person} AND s.state = 'completed'"
    " ORDER BY s.started_at DESC LIMIT 40)) x"
)
"""What was shown (the last nine, without a rating) and what was done (the last forty), with ages in hours."""

LOG_WIDTH: Final = 8


def log(first: int) -> str:
    """Return the INSERT of what was recommended; `$1` is the person, `$2` the moment, then eight parameters."""
    p = [f"${n}" for n in range(first, first + LOG_WIDTH)]
    return (
        "INSERT INTO interventions.recommendation (person_id, id, moment_id, intervention_id, place,"
        " predicted_effectiveness, propensity, reason, context, policy_version)"
        f" SELECT $1, u.id, $2, u.intervention, u.place, u.predicted, u.propensity, u.reason, {p[6]}::jsonb,"
        f" {p[7]}::text FROM unnest({p[0]}::uuid[], {p[1]}::uuid[], {p[2]}::smallint[], {p[3]}::real[],"
        f" {p[4]}::real[], {p[5]}::text[]) AS u(id, intervention, place, predicted, propensity, reason)"
    )
