"""What interventions lend to the statements of other slices."""

from typing import Final

RECENT: Final = (
    "SELECT array_agg(x.intervention_id) AS ids, array_agg(x.rating) AS ratings, array_agg(x.hours) AS hours FROM ("
    "(SELECT unnest(r.intervention_ids) AS intervention_id, NULL::smallint AS rating,"
    " extract(epoch FROM now() - r.created_at)::float8 / 3600 AS hours FROM (SELECT * FROM interventions.recommendation"
    " WHERE person_id = {person} ORDER BY id DESC LIMIT 3) r) UNION ALL"
    " (SELECT s.intervention_id, s.effectiveness_rating, extract(epoch FROM now() - s.started_at)::float8 / 3600"
    " FROM interventions.session s WHERE s.person_id = {person} AND s.state = 'completed'"
    " ORDER BY s.started_at DESC LIMIT 40)) x"
)
"""What was shown at the last three moments (without a rating) and what was done (the last forty), ages in hours."""

LOG_WIDTH: Final = 6


def log(first: int) -> str:
    """Return the INSERT of what was offered; `$1` is the person, `$2` the moment, then six parameters."""
    p = [f"${n}" for n in range(first, first + LOG_WIDTH)]
    return (
        "INSERT INTO interventions.recommendation (person_id, id, intervention_ids, predicted_effectiveness,"
        " propensities, reasons, context, policy_version)"
        f" SELECT $1, $2, {p[0]}::uuid[], {p[1]}::real[], {p[2]}::real[], {p[3]}::jsonb, {p[4]}::jsonb, {p[5]}::text"
    )
