"""What interventions lend to the statements of other slices."""

from typing import Final

RECENT: Final = (
    "SELECT array_agg(x.intervention_id) AS ids, array_agg(x.hours) AS hours,"
    " (SELECT k.state FROM interventions.person_effects k WHERE k.person_id = {person}) AS kept FROM"
    " (SELECT unnest(r.intervention_ids) AS intervention_id,"
    " extract(epoch FROM now() - r.created_at)::float8 / 3600 AS hours FROM (SELECT * FROM interventions.recommendation"
    " WHERE person_id = {person} ORDER BY id DESC LIMIT 3) r) x"
)
"""What was offered at the last three moments, ages in hours, and what is kept of the person (`learning.kept`)."""

LOG_WIDTH: Final = 7


def log(first: int, *, asked: bool = False) -> str:
    """Return the INSERT of what was offered; `$1` is the person, `$2` the moment, then seven parameters.

    `asked` is a moment without a check-in: nothing else goes with it when it is removed, so it goes with age.
    """
    p = [f"${n}" for n in range(first, first + LOG_WIDTH)]
    return (
        "INSERT INTO interventions.recommendation (person_id, id, intervention_ids, predicted_effectiveness,"
        " predicted_effectiveness_sds, propensities, reasons, context, policy_version, asked)"
        f" SELECT $1, $2, {p[0]}::uuid[], {p[1]}::real[], {p[2]}::real[], {p[3]}::real[], {p[4]}::jsonb, {p[5]}::jsonb,"
        f" {p[6]}::text, {'true' if asked else 'false'}"
    )
