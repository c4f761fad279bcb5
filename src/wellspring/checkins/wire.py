"""Check-ins between the wire and the row."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from wellspring.checkins import feelings, words
from wellspring.checkins.feelings import UNSEEN, Seen, rounded
from wellspring.checkins.queries import Row
from wellspring.checkins.schemas import Checkin, CheckinCreate, Emotion, Factor
from wellspring.checkins.words import LABELS, Words
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.language.schemas import Span


def columns(
    data: CheckinCreate,
    *,
    at: Any,
    timezone: str,
    sealed: bytes | None,
    emotions: list[Emotion],
    judged: "Judged",
) -> tuple[object, ...]:
    """Return the values of `queries._COLUMNS`, in its order."""
    shared = [e for e in emotions if e.emotion in LABELS]
    return (
        at,
        timezone,
        data.mood_score,
        data.energy_level,
        data.anxiety_level,
        data.stress_level,
        next((f.value for f in data.factors if f.type == "sleep"), None),
        data.sensory_load_score,
        data.executive_function_score,
        data.masking_level,
        [e.emotion for e in shared],
        [e.intensity for e in shared],
        data.context_location,
        data.context_social,
        [{"type": f.type, "value": f.value} for f in data.factors],
        data.body_scan_data,
        data.source,
        data.duration,
        judged.is_quick,
        data.session_id,
        sealed,
        bool(data.journal_text),
        judged.reading_state,
        judged.text_level,
        judged.level,
        judged.score,
        judged.event_id is not None,
        judged.event_id,
        judged.versions,
        *feelings.columns(judged.seen),
    )


class Judged:
    """What judging left on the row."""

    __slots__ = (
        "another",
        "event_id",
        "evidence",
        "is_quick",
        "level",
        "reading_state",
        "score",
        "seen",
        "text_level",
        "versions",
    )

    def __init__(
        self,
        *,
        level: str,
        score: float,
        text_level: str,
        reading_state: str,
        versions: dict[str, str],
        event_id: UUID | None,
        is_quick: bool,
        seen: Seen = UNSEEN,
        evidence: tuple[Span, ...] = (),
        another: bool = False,
    ) -> None:
        self.level = level
        self.score = score
        self.text_level = text_level
        self.reading_state = reading_state
        self.versions = versions
        self.event_id = event_id
        self.is_quick = is_quick
        self.seen = seen
        self.evidence = evidence
        self.another = another


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A check-in about to be stored: as sent, with what was worked out."""

    data: CheckinCreate
    row_id: UUID
    at: datetime
    timezone: str
    emotions: list[Emotion]


def fresh(entry: Entry, judged: Judged, created_at: datetime) -> Checkin:
    """Return the wire form of a check-in that was stored just now."""
    data = entry.data
    return Checkin(
        id=entry.row_id,
        created_at=created_at,
        updated_at=created_at,
        occurred_at=entry.at,
        timezone=entry.timezone,
        mood_score=data.mood_score,
        energy_level=data.energy_level,
        anxiety_level=data.anxiety_level,
        stress_level=data.stress_level,
        emotion_tags=[e.emotion for e in entry.emotions],
        emotions=entry.emotions,
        context_location=data.context_location,
        context_activity=data.context_activity or None,
        context_social=data.context_social,
        factors=data.factors,
        activities=data.activities,
        triggers=data.triggers,
        weather=data.weather,
        journal_text=data.journal_text or None,
        body_scan_data=None if data.body_scan_data is None else {str(a): t for a, t in data.body_scan_data.items()},
        sensory_load_score=data.sensory_load_score,
        executive_function_score=data.executive_function_score,
        masking_level=data.masking_level,
        source=data.source,
        duration=data.duration,
        session_id=data.session_id,
        is_quick=judged.is_quick,
        reading=judged.reading_state,
        ai_emotion_primary=judged.seen.primary,
        ai_emotion_secondary=judged.seen.secondary,
        ai_confidence_score=judged.seen.confidence,
        crisis_flagged=judged.event_id is not None,
    )


def checkin(row: Row, keys: Keyring, person_id: UUID) -> Checkin:
    """Return the wire form of a stored check-in."""
    return _shown(row, keys.sealer(row.wrapped, person_id))


def checkins(rows: list[Row], keys: Keyring, person_id: UUID) -> list[Checkin]:
    """Return the wire form of rows that one statement read of one person: they share a data key."""
    if not rows:
        return []
    sealer = keys.sealer(rows[0].wrapped, person_id)
    return [_shown(row, sealer) for row in rows]


def _factors(row: Row, found: Words) -> list[Factor]:
    return [Factor(f["type"], f["value"], found.factor_notes.get(f["type"])) for f in row.factors]


def _shown(row: Row, sealer: Sealer) -> Checkin:
    """Return the wire form of a row. By position, in the order of `Checkin`: a list makes thirty of these."""
    found = words.unseal(row.sealed, sealer, row.id)
    emotions, tags = list(map(Emotion, row.emotion_tags, row.emotion_intensities)), row.emotion_tags
    if found.own_emotions:
        emotions += found.own_emotions
        tags = [e.emotion for e in emotions]
    created_at = row.created or row.occurred_at
    return Checkin(
        row.id,
        created_at,
        row.updated or created_at,
        row.occurred_at,
        row.timezone,
        row.mood_score,
        row.energy_level,
        row.anxiety_level,
        row.stress_level,
        tags,
        emotions,
        row.context_location,
        found.context_activity,
        row.context_social,
        _factors(row, found) if row.factors else [],
        found.activities,
        found.triggers,
        found.weather,
        found.journal_text,
        row.body_scan,
        row.sensory_load_score,
        row.executive_function_score,
        row.masking_level,
        row.source,
        row.time_taken_seconds,
        row.session_id,
        row.is_quick,
        row.reading_state,
        row.ai_emotion_primary,
        row.ai_emotion_secondary,
        rounded(row.ai_confidence_score),
        row.crisis_flagged,
    )


def without_words(found: Checkin) -> Checkin:
    """Return a check-in without anything its writer put in their own words, and without what was read in them.

    Whether an event was opened goes too: it may come from the words alone, and “no” would be read as “safe”.
    """
    shared = [e for e in found.emotions if e.emotion in LABELS]
    return msgspec.structs.replace(
        found,
        journal_text=None,
        context_activity=None,
        activities=[],
        triggers=[],
        weather=None,
        emotions=shared,
        emotion_tags=[e.emotion for e in shared],
        factors=[Factor(f.type, f.value) for f in found.factors],
        ai_emotion_primary=None,
        ai_emotion_secondary=None,
        ai_confidence_score=None,
        crisis_flagged=None,
    )


def as_written(row: Row, found: Words) -> CheckinCreate:
    """Return a stored check-in in the form in which it was sent, to change it."""
    emotions = [Emotion(e, i) for e, i in zip(row.emotion_tags, row.emotion_intensities, strict=True)]
    return CheckinCreate(
        mood_score=row.mood_score,
        occurred_at=row.occurred_at,
        timezone=row.timezone,
        energy_level=row.energy_level,
        anxiety_level=row.anxiety_level,
        stress_level=row.stress_level,
        emotions=[*emotions, *found.own_emotions],
        context_location=row.context_location,  # type: ignore[arg-type]
        context_activity=found.context_activity,
        context_social=row.context_social,  # type: ignore[arg-type]
        factors=_factors(row, found),
        activities=found.activities,
        triggers=found.triggers,
        weather=found.weather,
        journal_text=found.journal_text,
        body_scan_data=row.body_scan,  # type: ignore[arg-type]
        sensory_load_score=row.sensory_load_score,
        executive_function_score=row.executive_function_score,
        masking_level=row.masking_level,
        source=row.source,  # type: ignore[arg-type]
        duration=row.time_taken_seconds,
        session_id=row.session_id,
    )


__all__ = [
    "Entry",
    "Judged",
    "as_written",
    "checkin",
    "checkins",
    "columns",
    "fresh",
    "without_words",
]
