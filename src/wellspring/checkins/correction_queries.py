"""The SQL of what people say about the feelings that were read."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.checkins.feelings import Seen
from wellspring.identity import fragments as identity
from wellspring.kernel import vault
from wellspring.kernel.db import DbRole, Query

M, W, X = DbRole.MEMBER, DbRole.WORKER, DbRole.MAINTENANCE

_KEY: Final = vault.WRAPPED.format(person="$1")


class ReadingRow(Struct, frozen=True):
    """What was read in one check-in, whether its writer wants it shown, and what they said about it."""

    id: UUID
    reading_state: str
    primary: str | None
    secondary: str | None
    confidence: float | None
    sentiment: float | None
    scores: list[float] | None
    versions: dict[str, str]
    version: int
    updated_at: datetime
    is_on: bool
    answer: str | None
    emotion: str | None
    at: datetime | None

    @property
    def seen(self) -> Seen:
        """Return the feelings."""
        return Seen(self.primary, self.secondary, self.confidence, self.sentiment, self.scores)


READING: Final = Query(
    "SELECT k.id, k.reading_state, k.ai_emotion_primary, k.ai_emotion_secondary, k.ai_confidence_score,"
    " k.journal_sentiment_score, k.emotion_scores, k.versions, k.version, k.updated_at,"
    f" {identity.READS_FEELINGS.format(person='$1')}, c.answer, c.emotion, c.at FROM checkins.checkin k"
    " LEFT JOIN checkins.correction c ON c.person_id = k.person_id AND c.id = k.id"
    " WHERE k.person_id = $1 AND k.id = $2",
    ReadingRow,
    M,
)
CORRECT: Final = Query(
    "INSERT INTO checkins.correction (person_id, id, answer, emotion, read_primary, read_secondary, read_confidence,"
    " read_scores, read_versions) SELECT person_id, id, $3, CASE $3 WHEN 'yes' THEN ai_emotion_primary ELSE $4 END,"
    " ai_emotion_primary, ai_emotion_secondary, ai_confidence_score, emotion_scores, versions FROM"
    " (SELECT * FROM checkins.checkin WHERE person_id = $1 AND id = $2 FOR SHARE) k"
    " WHERE ai_emotion_primary IS NOT NULL AND ($5::text IS NULL OR ai_emotion_primary = $5)"
    " AND ($6::timestamptz IS NULL OR updated_at = $6)"
    " ON CONFLICT (person_id, id) DO UPDATE SET answer = excluded.answer, emotion = excluded.emotion,"
    " read_primary = excluded.read_primary, read_secondary = excluded.read_secondary,"
    " read_confidence = excluded.read_confidence, read_scores = excluded.read_scores,"
    " read_versions = excluded.read_versions, at = now()",
    int,
    M,
)
DROP: Final = Query("DELETE FROM checkins.correction WHERE person_id = $1 AND id = $2", int, M)


class Said(Struct, frozen=True):
    """What a person said about one check-in's reading, and which feelings they were shown."""

    id: UUID
    answer: str
    emotion: str | None
    primary: str
    secondary: str | None


SAID: Final = Query(
    "SELECT id, answer, emotion, read_primary, read_secondary FROM checkins.correction"
    " WHERE person_id = $1 AND id = ANY($2::uuid[])",
    Said,
    M,
)
WHO: Final = Query(
    "SELECT DISTINCT person_id FROM checkins.correction WHERE person_id > $1 ORDER BY person_id LIMIT 500",
    UUID,
    X,
    crosses_people=True,
)


class Corrected(Struct, frozen=True):
    """A correction with what the model had said, and the sealed words it is about."""

    wrapped: bytes
    id: UUID
    answer: str
    emotion: str | None
    primary: str
    secondary: str | None
    confidence: float
    scores: list[float]
    versions: dict[str, str]
    sealed: bytes | None


CORRECTED: Final = Query(
    f"SELECT {_KEY}, c.id, c.answer, c.emotion, c.read_primary, c.read_secondary, c.read_confidence, c.read_scores,"
    " c.read_versions, k.sealed FROM checkins.correction c"
    " JOIN checkins.checkin k ON k.person_id = c.person_id AND k.id = c.id WHERE c.person_id = $1 ORDER BY c.id",
    Corrected,
    W,
)
