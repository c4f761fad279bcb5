"""The SQL of the shared state: read by every process, written by jobs that read what everybody rated."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wellspring.interventions.vocabulary import Contraindication
from wellspring.kernel.db import DbRole, Query

X = DbRole.MAINTENANCE

VERSION: Final = Query("SELECT version FROM interventions.model", int, X)


class State(Struct, frozen=True):
    """The shared state's version, and when everything was last learned again."""

    version: int
    relearned_at: datetime | None


LOCK: Final = Query("SELECT version, relearned_at FROM interventions.model FOR UPDATE", State, X)
LOCK_OR_SKIP: Final = Query("SELECT version FROM interventions.model FOR UPDATE SKIP LOCKED", int, X)
"""One at a time changes the shared state. Nobody who waits for an answer ever takes this lock."""


class BlockRow(Struct, frozen=True):
    """One intervention's sums, in single precision: the upper triangle of x xᵀ, and x y."""

    intervention_id: UUID
    gram: bytes
    moment: bytes
    ratings: int
    people: int


BLOCKS: Final = Query("SELECT intervention_id, gram, moment, ratings, people FROM interventions.block", BlockRow, X)
PUT_BLOCKS: Final = Query(
    "INSERT INTO interventions.block (intervention_id, gram, moment, ratings, people)"
    " SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::int[], $5::int[])"
    " ON CONFLICT (intervention_id) DO UPDATE SET gram = excluded.gram, moment = excluded.moment,"
    " ratings = excluded.ratings, people = excluded.people, updated_at = now()",
    int,
    X,
)
KEEP_BLOCKS: Final = Query("DELETE FROM interventions.block WHERE NOT intervention_id = ANY($1::uuid[])", int, X)
NEXT_VERSION: Final = Query(
    "UPDATE interventions.model SET version = version + 1, updated_at = now(),"
    " ratings = (SELECT coalesce(sum(b.ratings), 0) FROM interventions.block b),"
    " relearned_at = CASE WHEN $1 THEN now() ELSE relearned_at END RETURNING version, relearned_at",
    State,
    X,
)


class OutcomeRow(Struct, frozen=True):
    """An outcome as it is learned from; `state` and `interactions` are its person's."""

    person_id: UUID
    id: UUID
    intervention_id: UUID
    at: datetime
    features: list[float]
    prior: float
    rating: float | None
    target: float | None
    weight: float
    pooled: bool
    amended_at: datetime | None
    folded: bool
    state: bytes
    interactions: int


_OUTCOME: Final = (
    "SELECT o.person_id, o.id, o.intervention_id, o.at, o.features, o.prior_effectiveness, o.actual_effectiveness,"
    " o.learning_target, o.learning_weight, o.pooled, o.amended_at, o.folded, coalesce(e.state, ''),"
    " coalesce(e.interactions, 0)"
    " FROM interventions.outcome o LEFT JOIN interventions.person_effects e ON e.person_id = o.person_id"
)
NEW: Final = Query(
    f"{_OUTCOME} WHERE o.pooled AND NOT o.folded ORDER BY o.person_id, o.id LIMIT $1",
    OutcomeRow,
    X,
    crosses_people=True,
)
IS_FIRST: Final = Query(
    "SELECT version = 0 AND EXISTS (SELECT 1 FROM interventions.outcome o WHERE o.pooled AND NOT o.folded)"
    " FROM interventions.model",
    bool,
    X,
    crosses_people=True,
)
PAGE: Final = Query(
    f"{_OUTCOME} WHERE (o.person_id, o.id) > ($1, $2) AND o.at >= $3 ORDER BY o.person_id, o.id LIMIT $4",
    OutcomeRow,
    X,
    crosses_people=True,
)
OLDEST: Final = Query(
    "SELECT coalesce((SELECT at FROM interventions.outcome ORDER BY at DESC OFFSET $1 LIMIT 1), '-infinity')",
    datetime,
    X,
    crosses_people=True,
)
FOLDED: Final = Query(
    "UPDATE interventions.outcome o SET folded = true FROM unnest($1::uuid[], $2::uuid[]) AS n (person_id, id)"
    " WHERE o.person_id = n.person_id AND o.id = n.id",
    int,
    X,
    crosses_people=True,
)
REFRESH: Final = Query(
    "UPDATE interventions.person_effects e SET state = n.state, model_version = $4, updated_at = now()"
    " FROM unnest($1::uuid[], $2::bytea[], $3::int[]) AS n (person_id, state, interactions)"
    " WHERE e.person_id = n.person_id AND e.interactions = n.interactions AND NOT e.paused"
    " AND e.state IS DISTINCT FROM n.state",
    int,
    X,
    crosses_people=True,
)
"""Somebody who has done something since their outcomes were read is left as they are until the next night."""


class RatedRow(Struct, frozen=True):
    """A pooled rating with the offer it followed; `seen_ids` and `seen_hours` are what had been offered before that,
    `contraindications` what the person says today must not be offered to them."""

    person_id: UUID
    id: UUID
    moment_id: UUID
    made_at: datetime
    offered: list[UUID]
    propensities: list[float]
    context: dict[str, Any]
    contraindications: list[Contraindication]
    policy_version: str
    seen_ids: list[UUID] | None
    seen_hours: list[float] | None


RATED: Final = Query(
    """SELECT o.person_id, o.id, r.id, r.created_at, r.intervention_ids, r.propensities, r.context,
        p.contraindications, r.policy_version, s.ids, s.hours
    FROM interventions.outcome o
    JOIN identity.person p ON p.person_id = o.person_id
    JOIN interventions.recommendation r ON r.person_id = o.person_id AND r.id = o.recommendation_id
    LEFT JOIN LATERAL (SELECT array_agg(x.id) AS ids, array_agg(x.hours) AS hours FROM (
        SELECT unnest(b.intervention_ids) AS id, extract(epoch FROM r.created_at - b.created_at)::float8 / 3600 AS hours
        FROM (SELECT intervention_ids, created_at FROM interventions.recommendation b0
              WHERE b0.person_id = o.person_id AND b0.id <= kernel.uuid7_floor(r.created_at + interval '2 days')
                AND b0.created_at < r.created_at ORDER BY b0.id DESC LIMIT 3) b) x) s ON true
    WHERE (o.person_id, o.id) > ($1, $2) AND o.pooled AND o.actual_effectiveness IS NOT NULL
    ORDER BY o.person_id, o.id LIMIT $3""",
    RatedRow,
    X,
    crosses_people=True,
)
"""What had been offered before is what `fragments.RECENT` read when this choice was made: an entry that was written
offline and came later has an older id, and was not known. No id lies more than a day ahead of when its row was made."""


DROP_ASKED: Final = Query(
    """DELETE FROM interventions.recommendation r USING (
        SELECT a.person_id, a.id FROM interventions.recommendation a
        WHERE a.asked AND a.created_at < now() - make_interval(days => $1) AND NOT EXISTS (
            SELECT FROM interventions.outcome o WHERE o.person_id = a.person_id AND o.recommendation_id = a.id)
        LIMIT $2) old WHERE r.person_id = old.person_id AND r.id = old.id""",
    int,
    X,
    crosses_people=True,
)
"""A moment that somebody asked for without a check-in, and after which nothing ended that is learned from."""
