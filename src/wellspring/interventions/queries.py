"""The SQL of interventions."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity import fragments as identity
from wellspring.interventions import fragments
from wellspring.kernel.db import DbRole, Query
from wellspring.safety import fragments as safety

M, S = DbRole.MEMBER, DbRole.STAFF

SEARCH: Final = Query(
    """SELECT id FROM interventions.intervention WHERE is_active
        AND ($1::text IS NULL OR therapeutic_approach = $1)
        AND ($2::int IS NULL OR duration_seconds <= $2)
        AND ($3::text IS NULL OR energy_required = $3)
        AND ($4::text IS NULL OR target_emotions @> ARRAY[$4])
        AND ($5::text IS NULL OR CASE WHEN $6 = 'fr' THEN search_fr @@ websearch_to_tsquery('french', $5)
             ELSE search_en @@ websearch_to_tsquery('english', $5) END)
        AND ($7::boolean OR NOT is_premium) AND slug > $8 ORDER BY slug LIMIT $9""",
    UUID,
    M,
)


class ForPerson(Struct, frozen=True):
    """What a recommendation outside a check-in reads."""

    person: list[str]
    contraindications: list[str]
    recent_ids: list[UUID] | None
    recent_ratings: list[int | None] | None
    recent_hours: list[float] | None
    danger: bool


LOG: Final = Query(fragments.log(3), int, M)


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


_SESSION: Final = (
    "(SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = s.person_id), s.id, s.intervention_id,"
    " s.checkin_id, s.state, s.started_at, s.ended_at, s.duration_actual_seconds, s.effectiveness_rating,"
    " s.feedback_tags, s.feedback_text"
)
START: Final = Query(
    "INSERT INTO interventions.session AS s (person_id, id, intervention_id, checkin_id, state, context_emotion,"
    " context_energy_level, context_time_of_day, predicted_effectiveness)"
    " SELECT $1, $2, $3, $4, 'started', $5, $6, $7,"
    " (SELECT r.predicted_effectiveness[array_position(r.intervention_ids, $3)]"
    " FROM interventions.recommendation r WHERE r.person_id = $1 AND $3 = ANY(r.intervention_ids)"
    " ORDER BY r.id DESC LIMIT 1) ON CONFLICT (person_id, id) DO NOTHING",
    int,
    M,
)
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
FOR_PERSON: Final = Query(
    f"""SELECT p.about, p.contraindications,
        r.ids, r.ratings, r.hours, EXISTS (SELECT 1 FROM ({safety.EARLIER.format(person="$1")}) e
            WHERE e.levels && ARRAY['high', 'critical'])
        FROM ({identity.PERSON_ROW.format(person="$1")}) p, ({fragments.RECENT.format(person="$1")}) r""",
    ForPerson,
    M,
)


class LoggedOffers(Struct, frozen=True):
    """What was offered at a moment; `reasons` are those of `reasons.Reason`."""

    intervention_ids: list[UUID]
    predicted_effectiveness: list[float]
    reasons: list[dict[str, Any]]


LOGGED: Final = Query(
    "SELECT intervention_ids, predicted_effectiveness, reasons FROM interventions.recommendation"
    " WHERE person_id = $1 AND id = $2",
    LoggedOffers,
    M,
)
