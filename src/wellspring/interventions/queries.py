"""The SQL of interventions."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity import fragments as identity
from wellspring.interventions import fragments
from wellspring.interventions.vocabulary import Emotion, TimeOfDay
from wellspring.kernel.db import DbRole, Query
from wellspring.privacy import fragments as privacy
from wellspring.safety import fragments as safety

M, S = DbRole.MEMBER, DbRole.STAFF


class Entry(Struct, frozen=True):
    """An entry of the library that was found."""

    id: UUID
    slug: str


SEARCH: Final = Query(
    """SELECT id, slug FROM interventions.intervention WHERE is_active
        AND ($1::text IS NULL OR therapeutic_approach = $1)
        AND ($2::int IS NULL OR duration_seconds <= $2)
        AND ($3::text IS NULL OR energy_required = $3)
        AND ($4::text IS NULL OR target_emotions @> ARRAY[$4])
        AND ($5::text IS NULL OR CASE WHEN $6 = 'fr' THEN search_fr @@ websearch_to_tsquery('french', $5)
             ELSE search_en @@ websearch_to_tsquery('english', $5) END)
        AND ($7::boolean OR NOT is_premium) AND slug > $8 ORDER BY slug LIMIT $9""",
    Entry,
    M,
)


class ForPerson(Struct, frozen=True):
    """What a recommendation outside a check-in reads."""

    person: list[str]
    contraindications: list[str]
    recent_ids: list[UUID] | None
    recent_hours: list[float] | None
    kept: bytes | None
    danger: bool
    now: datetime
    refused: bool


LOG: Final = Query(fragments.log(3, asked=True), int, M)


class SessionRow(Struct, frozen=True):
    """A session as stored."""

    wrapped: bytes
    id: UUID
    intervention_id: UUID
    checkin_id: UUID | None
    state: str
    started_at: datetime
    ended_at: datetime | None
    duration_actual_seconds: int | None
    effectiveness_rating: int | None
    feedback_tags: list[str]
    feedback_text: bytes | None
    version: int


_SESSION: Final = (
    "(SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = s.person_id), s.id, s.intervention_id,"
    " s.checkin_id, s.state, s.started_at, s.ended_at, s.duration_actual_seconds, s.effectiveness_rating,"
    " s.feedback_tags, s.feedback_text, s.version"
)
START: Final = Query(
    """INSERT INTO interventions.session AS s (person_id, id, intervention_id, checkin_id, state, context_emotion,
        context_energy_level, context_time_of_day, predicted_effectiveness, recommendation_id)
    SELECT $1, $2, $3, $4, 'started', $5, $6, $7, r.predicted, r.id FROM (SELECT 1) one LEFT JOIN LATERAL (
        SELECT o.id, o.predicted_effectiveness[array_position(o.intervention_ids, $3)] AS predicted
        FROM interventions.recommendation o WHERE o.person_id = $1 AND $3 = ANY(o.intervention_ids)
        AND o.id >= coalesce($4::uuid, kernel.uuid7_floor(now() - interval '8 days'))
        AND o.id <= coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        AND ($4 IS NOT NULL OR o.created_at > now() - interval '1 day')
        ORDER BY o.id DESC LIMIT 1 FOR KEY SHARE) r ON true
    ON CONFLICT (person_id, id) DO NOTHING""",
    int,
    M,
)
"""The offer that this follows is the check-in's, or else the newest of the last day that held it.

The bounds of the id, which begins with its time, keep the search from all that was ever offered. A check-in that was
written offline may have an id some days older than its offer.
"""

SESSION: Final = Query(
    f"SELECT {_SESSION} FROM interventions.session s WHERE s.person_id = $1 AND s.id = $2", SessionRow, M
)
SESSION_LOCKED: Final = Query(
    f"SELECT {_SESSION} FROM interventions.session s WHERE s.person_id = $1 AND s.id = $2 FOR UPDATE OF s",
    SessionRow,
    M,
)
SESSIONS: Final = Query(
    f"SELECT {_SESSION} FROM interventions.session s WHERE s.person_id = $1 AND (s.started_at, s.id) < ($2, $3)"
    " ORDER BY s.started_at DESC, s.id DESC LIMIT $4",
    SessionRow,
    M,
)
END: Final = Query(
    "UPDATE interventions.session SET state = $3, ended_at = now(), effectiveness_rating = $4, feedback_tags = $5,"
    " feedback_text = $6, duration_actual_seconds = coalesce($7, extract(epoch FROM now() - started_at)::int),"
    " version = version + 1 WHERE person_id = $1 AND id = $2 AND state = 'started'",
    int,
    M,
)
RUNNING: Final = Query(
    "SELECT s.id FROM interventions.session s WHERE s.person_id = $1 AND s.intervention_id = $2"
    " AND s.state = 'started' AND s.started_at > now() - interval '1 day'"
    " ORDER BY s.started_at DESC, s.id DESC LIMIT 1",
    UUID,
    M,
)
REMOVE: Final = Query("DELETE FROM interventions.session WHERE person_id = $1 AND id = $2", int, M)
"""Its outcome goes with it."""
AMEND: Final = Query(
    "UPDATE interventions.session SET effectiveness_rating = $3, feedback_tags = $4, feedback_text = $5,"
    " version = version + 1 WHERE person_id = $1 AND id = $2",
    int,
    M,
)
_IN_DANGER: Final = safety.HARD_TIME.format(person="$1")
FOR_PERSON: Final = Query(
    f"""SELECT p.about, p.contraindications,
        r.ids, r.hours, r.kept, {_IN_DANGER}, now(), {privacy.REFUSED.format(person="$1", kind="health_data")}
        FROM ({identity.PERSON_ROW.format(person="$1")}) p, ({fragments.RECENT.format(person="$1")}) r""",
    ForPerson,
    M,
)


class LoggedOffers(Struct, frozen=True):
    """What was offered at a moment (`reasons` are those of `reasons.Reason`), and what is safe for the person now."""

    intervention_ids: list[UUID]
    predicted_effectiveness: list[float]
    predicted_effectiveness_sds: list[float]
    reasons: list[dict[str, Any]]
    person: list[str]
    contraindications: list[str]
    danger: bool


LOGGED: Final = Query(
    f"""SELECT r.intervention_ids, r.predicted_effectiveness, r.predicted_effectiveness_sds, r.reasons,
        p.about, p.contraindications, {_IN_DANGER}
    FROM interventions.recommendation r, ({identity.PERSON_ROW.format(person="$1")}) p
    WHERE r.person_id = $1 AND r.id = $2""",
    LoggedOffers,
    M,
)


FORGET_OFFERS: Final = Query("DELETE FROM interventions.recommendation WHERE person_id = $1 AND id = $2", int, M)


class LearningRow(Struct, frozen=True):
    """A session that ended, the offer that it followed (None where there was none), and what was said of the moment.

    `danger` is whether somebody is in danger now, whatever was known when this was offered.
    """

    now: datetime
    person: list[str]
    intervention_id: UUID
    emotion: Emotion | None
    energy: int | None
    time_of_day: TimeOfDay | None
    predicted: float | None
    recommendation_id: UUID | None
    context: dict[str, Any] | None
    policy_version: str | None
    danger: bool


LEARNING: Final = Query(
    f"""SELECT now(), {identity.PERSON.format(person="$1")}, s.intervention_id, s.context_emotion,
        s.context_energy_level, s.context_time_of_day, s.predicted_effectiveness, r.id, r.context, r.policy_version,
        {_IN_DANGER}
    FROM interventions.session s LEFT JOIN interventions.recommendation r
        ON r.person_id = s.person_id AND r.id = s.recommendation_id
    WHERE s.person_id = $1 AND s.id = $2""",
    LearningRow,
    M,
)


class Effects(Struct, frozen=True):
    """What is kept of a person, and whether learning is paused because they took back their consent."""

    state: bytes
    paused: bool


EFFECTS_LOCKED: Final = Query(
    "INSERT INTO interventions.person_effects AS e (person_id) VALUES ($1) ON CONFLICT (person_id)"
    " DO UPDATE SET interactions = e.interactions RETURNING state, paused",
    Effects,
    M,
)
"""Makes the row where there is none, and locks it: two devices of one person learn one after the other."""
KEEP_EFFECTS: Final = Query(
    "UPDATE interventions.person_effects SET state = $2, model_version = $3, interactions = interactions + 1,"
    " updated_at = now() WHERE person_id = $1",
    int,
    M,
)
ADD_OUTCOME: Final = Query(
    "INSERT INTO interventions.outcome (person_id, id, intervention_id, recommendation_id, features,"
    " prior_effectiveness, predicted_effectiveness, actual_effectiveness, learning_target, learning_weight, pooled,"
    " in_danger, policy_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    int,
    M,
)
AMEND_OUTCOME: Final = Query(
    "UPDATE interventions.outcome SET actual_effectiveness = $3::real, learning_target = $4, learning_weight = $5,"
    " pooled = $6 AND $3::real IS NOT NULL AND NOT in_danger, amended_at = CASE WHEN"
    " (actual_effectiveness, learning_target, learning_weight) IS DISTINCT FROM ($3::real, $4::real, $5::real)"
    " THEN now() ELSE amended_at END WHERE person_id = $1 AND id = $2",
    int,
    M,
)
"""It stays where it was in time, since it says how that time went; `amended_at` tells from when on it was known.

What is folded into the shared state already stays marked so: the night learns it anew, twice it never counts."""


class OwnOutcome(Struct, frozen=True):
    """One of the person's own outcomes, as it is learned from."""

    intervention_id: UUID
    at: datetime
    features: list[float]
    prior: float
    rating: float | None
    target: float | None
    weight: float
    pooled: bool


OWN_OUTCOMES: Final = Query(
    "SELECT intervention_id, at, features, prior_effectiveness, actual_effectiveness, learning_target,"
    " learning_weight, pooled FROM interventions.outcome WHERE person_id = $1 AND array_length(features, 1) = $2"
    " ORDER BY at, id",
    OwnOutcome,
    M,
)
PAUSE: Final = Query(
    "INSERT INTO interventions.person_effects AS e (person_id, paused) VALUES ($1, $2) ON CONFLICT (person_id)"
    " DO UPDATE SET paused = $2, state = CASE WHEN $2 THEN '' ELSE e.state END, interactions = e.interactions + 1,"
    " updated_at = now()",
    int,
    M,
)
POOL: Final = Query(
    "UPDATE interventions.outcome SET pooled = $2 AND actual_effectiveness IS NOT NULL AND NOT in_danger"
    " WHERE person_id = $1",
    int,
    M,
)
FORGET_OUTCOMES: Final = Query("DELETE FROM interventions.outcome WHERE person_id = $1", int, M)
FORGET_EFFECTS: Final = Query(
    "UPDATE interventions.person_effects SET state = '', interactions = interactions + 1, updated_at = now()"
    " WHERE person_id = $1",
    int,
    M,
)
"""Counts on, as everything does that changes the state: the night tells by it who has changed since it read them."""


CONTEXT: Final = Query(
    "SELECT context FROM interventions.recommendation WHERE person_id = $1 AND id = $2 FOR UPDATE",
    dict[str, Any],
    M,
)
UNSAY: Final = Query(
    """UPDATE interventions.recommendation r SET
        context = jsonb_build_object('corrected', true, 'danger', coalesce(r.context->'danger', 'false')),
        reasons = (SELECT coalesce(jsonb_agg(CASE WHEN w.one->>'key' = ANY($3::text[]) THEN '{"key": "small"}'
            ELSE w.one END ORDER BY w.place), '[]') FROM jsonb_array_elements(r.reasons) WITH ORDINALITY w (one, place))
    WHERE r.person_id = $1 AND r.id = $2""",
    int,
    M,
)
"""Takes what was said out of the log, and the reasons that repeat it ($3); what was offered stays, with its chances."""
FORGET_ASKED: Final = Query("DELETE FROM interventions.recommendation WHERE person_id = $1 AND asked", int, M)
FORGET_MOMENT: Final = Query(
    "UPDATE interventions.session SET checkin_id = CASE WHEN $3::boolean THEN checkin_id END,"
    " recommendation_id = NULL, context_emotion = NULL,"
    " context_energy_level = NULL, context_time_of_day = NULL, version = version + 1"
    " WHERE person_id = $1 AND (checkin_id = $2 OR recommendation_id = $2) RETURNING id",
    UUID,
    M,
)
FORGET_FEATURES: Final = Query(
    "UPDATE interventions.outcome o SET recommendation_id = NULL, features = $3, prior_effectiveness = coalesce("
    "(SELECT n.prior FROM unnest($4::uuid[], $5::real[]) AS n (id, prior) WHERE n.id = o.intervention_id),"
    " o.prior_effectiveness) WHERE o.person_id = $1 AND o.id = ANY($2::uuid[])",
    int,
    M,
)
CHANGED: Final = Query(
    "UPDATE interventions.person_effects SET interactions = interactions + 1, updated_at = now() WHERE person_id = $1",
    int,
    M,
)
"""Else the night would write what it read before."""


class LearnedRow(Struct, frozen=True):
    """What was learned of one intervention for one person: ratings, their mean (0..1), skips, when it was last done."""

    intervention_id: UUID
    ratings: int
    mean: float | None
    skips: int
    last_at: datetime


LEARNED: Final = Query(
    """SELECT intervention_id, count(actual_effectiveness), avg(actual_effectiveness)::float8,
        count(*) FILTER (WHERE learning_weight BETWEEN 0.01 AND 0.99), max(at)
    FROM interventions.outcome WHERE person_id = $1 GROUP BY intervention_id ORDER BY 3 DESC NULLS LAST, 5 DESC""",
    LearnedRow,
    M,
)
LEARNING_STATE: Final = Query("SELECT state, paused FROM interventions.person_effects WHERE person_id = $1", Effects, M)
