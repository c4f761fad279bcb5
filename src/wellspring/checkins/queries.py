"""The SQL of check-ins. The hot path is two statements: context, then everything that must be stored."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wellspring.checkins.feelings import Seen, rounded
from wellspring.identity import fragments as identity
from wellspring.interventions import fragments as interventions
from wellspring.kernel import audit, idempotency, jobs, stream, vault
from wellspring.kernel.db import DbRole, Query
from wellspring.privacy import fragments as privacy
from wellspring.safety import fragments as safety

M, S, W = DbRole.MEMBER, DbRole.STAFF, DbRole.WORKER


class Context(Struct, frozen=True):
    """All that judging and choosing need to know, read in one round trip. The arrays run newest first.

    `at` holds seconds since 1970: the driver takes twenty times as long over a moment as over a number.
    """

    free: bool
    stored: list[str] | None
    now: datetime
    wrapped: bytes
    person: list[str]
    contraindications: list[str]
    at: list[float] | None
    mood: list[int] | None
    energy: list[int | None] | None
    anxiety: list[int | None] | None
    stress: list[int | None] | None
    sleep: list[int | None] | None
    alone: list[bool | None] | None
    baseline: list[float | None]
    event_levels: list[str] | None
    event_hours: list[float] | None
    event_waits: bool
    hard_time: bool
    recent_ids: list[UUID] | None
    recent_hours: list[float] | None
    kept: bytes | None
    refused: bool


_BASELINE: Final = """(SELECT
    ARRAY[count(*), avg(mood_avg), stddev_samp(mood_avg), count(alone), avg(alone), sum(count)]::float8[]
    FROM checkins.day WHERE person_id = $1 AND day < current_date - 6 AND day >= current_date - 34)"""
"""What is usual for $1: the four weeks before the last seven days."""
_DAYS: Final = """SELECT array_agg(date_part('epoch', occurred_at)) AS at, array_agg(mood_score) AS mood,
    array_agg(energy_level) AS energy, array_agg(anxiety_level) AS anxiety, array_agg(stress_level) AS stress,
    array_agg(sleep) AS sleep, array_agg(context_social = 'alone') AS alone
    FROM (SELECT * FROM checkins.checkin WHERE person_id = $1 {but} AND occurred_at > now() - interval '7 days'
          AND occurred_at <= now() + interval '1 day' ORDER BY occurred_at DESC, id DESC LIMIT 60) c"""
"""The last seven days of $1, newest first: what a request and a job judge by must be the same."""

CONTEXT: Final = Query(
    f"""SELECT CASE WHEN $3::bigint IS NULL THEN true ELSE {idempotency.FIND.format(lock="$3")} END,
        {idempotency.STORED.format(person="$1", digest="$2")}, now(),
        {vault.WRAPPED.format(person="$1")}, p.about, p.contraindications,
        d.at, d.mood, d.energy, d.anxiety, d.stress, d.sleep, d.alone,
        {_BASELINE},
        e.levels, e.hours, e.waits, {safety.HARD_TIME.format(person="$1")}, r.ids, r.hours, r.kept,
        {privacy.REFUSED.format(person="$1", kind="health_data")}
    FROM ({_DAYS.format(but="")}) d,
        ({identity.PERSON_ROW.format(person="$1")}) p,
        ({safety.EARLIER.format(person="$1")}) e, ({interventions.RECENT.format(person="$1")}) r""",
    Context,
    M,
)

COLUMNS: Final = (
    "occurred_at, timezone, mood_score, energy_level, anxiety_level, stress_level, sleep, sensory_load_score,"
    " executive_function_score, masking_level, emotion_tags, emotion_intensities, context_location, context_social,"
    " factors, body_scan, source, time_taken_seconds, is_quick, session_id, sealed, has_journal, reading_state,"
    " text_level, risk_level, risk_score, crisis_flagged, crisis_event_id, versions, ai_emotion_primary,"
    " ai_emotion_secondary, ai_confidence_score, journal_sentiment_score, emotion_scores, crisis_probability"
)
_OF_READING: Final = COLUMNS.split(", ")[-6:]
_WIDTH: Final = COLUMNS.count(",") + 1
_DOMAINS: Final = {
    **dict.fromkeys(("mood_score", "energy_level", "anxiety_level", "stress_level", "sleep"), "::smallint"),
    **dict.fromkeys(("sensory_load_score", "executive_function_score", "masking_level"), "::smallint"),
    **dict.fromkeys(("journal_sentiment_score", "crisis_probability"), "::real"),
    "emotion_scores": "::real[]",
    "reading_state": "::text",
}
"""What columns of a domain are sent as, so that the driver need not look the domain up on each connection."""
_VALUES: Final = ", ".join(f"${n}{_DOMAINS.get(name, '')}" for n, name in enumerate(COLUMNS.split(", "), 3))
_NEXT: Final = 3 + _WIDTH
_AUDIT: Final = _NEXT
_IDEM: Final = _AUDIT + audit.WIDTH
_STREAM: Final = _IDEM + 2
_JOB: Final = _STREAM + 1
_RECS: Final = _JOB + 2


def _created(head: str) -> str:
    return f"""WITH {head},
    audited AS ({audit.insert(_AUDIT)}),
    kept AS (INSERT INTO kernel.idempotency (person_id, key_digest, body_digest, status, ref)
             SELECT $1, ${_IDEM}::bytea, ${_IDEM + 1}::bytea, 201, $2 WHERE ${_IDEM}::bytea IS NOT NULL),
    {stream.append("$1::uuid", f"${_STREAM}::uuid", "'checkin.created'", "$2::uuid")},
    job AS ({jobs.insert(f"${_JOB}::text", f"${_JOB + 1}::bytea")}),
    recommended AS ({interventions.log(_RECS)})
    SELECT created_at FROM c"""


CREATE: Final = Query(
    _created(
        f"c AS (INSERT INTO checkins.checkin (person_id, id, {COLUMNS}) VALUES ($1, $2, {_VALUES})"
        " RETURNING created_at)"
    ),
    datetime,
    M,
)


class Row(Struct, frozen=True):
    """A check-in as stored. `created` is null where it equals `occurred_at`, `updated` where it equals `created_at`.

    A moment costs the driver more than all else in a row, and these three are nearly always one.
    """

    wrapped: bytes
    id: UUID
    created: datetime | None
    updated: datetime | None
    version: int
    ai_emotion_primary: str | None
    ai_emotion_secondary: str | None
    ai_confidence_score: float | None
    occurred_at: datetime
    timezone: str
    mood_score: int
    energy_level: int | None
    anxiety_level: int | None
    stress_level: int | None
    sensory_load_score: int | None
    executive_function_score: int | None
    masking_level: int | None
    emotion_tags: list[str]
    emotion_intensities: list[int]
    context_location: str | None
    context_social: str | None
    factors: list[dict[str, Any]]
    body_scan: dict[str, int] | None
    source: str
    time_taken_seconds: int | None
    is_quick: bool
    session_id: UUID | None
    sealed: bytes | None
    has_journal: bool
    reading_state: str
    risk_level: str
    crisis_flagged: bool
    crisis_event_id: UUID | None

    @property
    def created_at(self) -> datetime:
        """Return when the row was made."""
        return self.created or self.occurred_at

    @property
    def updated_at(self) -> datetime:
        """Return when the row was last changed."""
        return self.updated or self.created_at


_UNREAD: Final = ("sleep", "text_level", "risk_score", "versions", *_OF_READING)


def _row(reads_feelings: str) -> str:
    """Return the columns of `Row`; feelings that were read only while their writer wants that."""
    named = ("ai_emotion_primary", "ai_emotion_secondary", "ai_confidence_score")
    return (
        "id, nullif(created_at, occurred_at) AS created, nullif(updated_at, created_at) AS updated, version, "
        + ", ".join(f"CASE WHEN {reads_feelings} THEN {column} END" for column in named)
        + ", "
        + ", ".join(c for c in COLUMNS.split(", ") if c not in _UNREAD)
    )


_ROW: Final = _row(identity.READS_FEELINGS.format(person="$1"))
_ROW_SHARED: Final = _row(identity.SUBJECT_READS_FEELINGS)
_KEY: Final = vault.WRAPPED.format(person="$1")
_LOCAL: Final = f"::timestamp AT TIME ZONE {identity.TIMEZONE.format(person='$1')}"

# The audit row is a statement of its own: beside a data-modifying CTE every row would be copied twice more.
LIST: Final = Query(
    f"""SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND (occurred_at, id) < ($2, $3)
        AND ($4::date IS NULL OR occurred_at >= ($4::date){_LOCAL})
        AND ($5::date IS NULL OR occurred_at < ($5::date + 1){_LOCAL})
        ORDER BY occurred_at DESC, id DESC LIMIT $6""",
    Row,
    M,
)
ONE: Final = Query(f"SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND id = $2", Row, M)
ONE_LOCKED: Final = Query(
    f"SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND id = $2 FOR UPDATE", Row, M
)
SHARED: Final = Query(
    f"""SELECT {_KEY}, {_ROW_SHARED} FROM checkins.checkin WHERE person_id = $1 AND (occurred_at, id) < ($2, $3)
        ORDER BY occurred_at DESC, id DESC LIMIT $4""",
    Row,
    S,
)
JOURNALS: Final = Query(
    f"""SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND sealed IS NOT NULL
        AND (occurred_at, id) < ($2, $3)
        AND ($4::date IS NULL OR occurred_at >= ($4::date){_LOCAL})
        AND ($5::date IS NULL OR occurred_at < ($5::date + 1){_LOCAL})
        ORDER BY occurred_at DESC, id DESC LIMIT 500""",
    Row,
    M,
)
CHANGE: Final = Query(
    f"UPDATE checkins.checkin SET ({COLUMNS}) = ({_VALUES}), version = version + 1, updated_at = now()"
    " WHERE person_id = $1 AND id = $2",
    int,
    M,
)
DROP: Final = Query("DELETE FROM checkins.checkin WHERE person_id = $1 AND id = $2", int, M)


class DayRow(Struct, frozen=True):
    """One local day."""

    day: date
    count: int
    mood_avg: float
    mood_min: int
    mood_max: int
    energy_avg: float | None
    anxiety_avg: float | None
    stress_avg: float | None


_ROLL: Final = (
    "count(*), avg(mood_score), min(mood_score), max(mood_score), avg(energy_level), avg(anxiety_level),"
    " avg(stress_level), avg((context_social = 'alone')::int)"
)
DAYS: Final = Query(
    "SELECT day, count, mood_avg, mood_min, mood_max, energy_avg, anxiety_avg, stress_avg FROM checkins.day"
    " WHERE person_id = $1 AND day >= $2 AND day <= $3 ORDER BY day",
    DayRow,
    M,
    S,
)
ROLL_IN_TURN: Final = Query(
    "SELECT true FROM pg_advisory_xact_lock(hashtextextended('checkins.day:' || $1::uuid, 0))",
    bool,
    W,
    name="roll_in_turn",
)
"""One after the other: whoever rolls later has seen more, and must not be overwritten by who saw less.

A statement of its own before the other, though in the same message: one that waits sees nothing newer afterwards.
"""
ROLL_ALL: Final = Query(
    "WITH gone AS (DELETE FROM checkins.day d WHERE person_id = $1 AND NOT EXISTS (SELECT 1 FROM checkins.checkin c"
    " WHERE c.person_id = $1 AND (c.occurred_at AT TIME ZONE c.timezone)::date = d.day))"
    " INSERT INTO checkins.day (person_id, day, count, mood_avg, mood_min, mood_max, energy_avg, anxiety_avg,"
    f" stress_avg, alone) SELECT $1, (occurred_at AT TIME ZONE timezone)::date, {_ROLL} FROM checkins.checkin"
    " WHERE person_id = $1 GROUP BY 2 ON CONFLICT (person_id, day) DO UPDATE SET count = excluded.count,"
    " mood_avg = excluded.mood_avg, mood_min = excluded.mood_min, mood_max = excluded.mood_max,"
    " energy_avg = excluded.energy_avg, anxiety_avg = excluded.anxiety_avg, stress_avg = excluded.stress_avg,"
    " alone = excluded.alone",
    int,
    W,
    name="roll_all",
)
ROLL_DAY: Final = Query(
    "INSERT INTO checkins.day (person_id, day, count, mood_avg, mood_min, mood_max, energy_avg, anxiety_avg,"
    f" stress_avg, alone) SELECT c.person_id, (c.occurred_at AT TIME ZONE c.timezone)::date, {_ROLL}"
    " FROM checkins.checkin c, (SELECT occurred_at, (occurred_at AT TIME ZONE timezone)::date AS day"
    " FROM checkins.checkin WHERE person_id = $1 AND id = $2) w"
    " WHERE c.person_id = $1 AND c.occurred_at BETWEEN w.occurred_at - interval '27 hours'"
    " AND w.occurred_at + interval '27 hours' AND (c.occurred_at AT TIME ZONE c.timezone)::date = w.day"
    " GROUP BY 1, 2 ON CONFLICT (person_id, day) DO UPDATE SET count = excluded.count, mood_avg = excluded.mood_avg,"
    " mood_min = excluded.mood_min, mood_max = excluded.mood_max, energy_avg = excluded.energy_avg,"
    " anxiety_avg = excluded.anxiety_avg, stress_avg = excluded.stress_avg, alone = excluded.alone",
    int,
    W,
    name="roll_day",
)
FOR_JOB: Final = Query(
    f"SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND id = $2 FOR UPDATE", Row, W
)
AS_STORED: Final = Query(f"SELECT {_KEY}, {_ROW} FROM checkins.checkin WHERE person_id = $1 AND id = $2", Row, W)


class Week(Struct, frozen=True):
    """The part of `Context` that judging needs, without the check-in that is judged."""

    now: datetime
    at: list[float] | None
    mood: list[int] | None
    energy: list[int | None] | None
    anxiety: list[int | None] | None
    stress: list[int | None] | None
    sleep: list[int | None] | None
    alone: list[bool | None] | None
    baseline: list[float | None]
    event_levels: list[str] | None
    event_hours: list[float] | None
    event_waits: bool


WEEK: Final = Query(
    f"""SELECT now(), d.at, d.mood, d.energy, d.anxiety, d.stress, d.sleep, d.alone,
        {_BASELINE},
        e.levels, e.hours, e.waits
    FROM ({_DAYS.format(but="AND id <> $2")}) d,
        ({safety.EARLIER.format(person="$1")} AND v.source_id IS DISTINCT FROM $2) e""",
    Week,
    W,
)


class Stored(Struct, frozen=True):
    """What was read in a check-in's text, as stored."""

    reading_state: str
    text_level: str
    risk_score: float
    versions: dict[str, str]
    primary: str | None
    secondary: str | None
    confidence: float | None
    sentiment: float | None
    scores: list[float] | None
    crisis: float | None

    @property
    def seen(self) -> Seen:
        """Return what models saw; the database keeps single precision, so digits beyond it are rounded away."""
        return Seen(
            self.primary,
            self.secondary,
            rounded(self.confidence),
            rounded(self.sentiment),
            None if self.scores is None else [round(score, 3) for score in self.scores],
            rounded(self.crisis, 4),
        )


_READ: Final = "reading_state, text_level, risk_score, versions, " + ", ".join(_OF_READING)
READ: Final = Query(f"SELECT {_READ} FROM checkins.checkin WHERE person_id = $1 AND id = $2", Stored, M, W)
READ_LATER: Final = Query(
    "UPDATE checkins.checkin SET reading_state = $3::text, text_level = $4, risk_level = $5, risk_score = $6,"
    " crisis_flagged = $7, crisis_event_id = $8, versions = $9, sealed = $10, ai_emotion_primary = $11,"
    " ai_emotion_secondary = $12, ai_confidence_score = $13, journal_sentiment_score = $14::real,"
    " emotion_scores = $15::real[], crisis_probability = $16::real WHERE person_id = $1 AND id = $2",
    int,
    W,
)
WAITING: Final = Query(
    "SELECT id FROM checkins.checkin WHERE person_id = $1 AND (reading_state = 'unread' OR versions ? 'pending')"
    " ORDER BY id DESC LIMIT 1000",
    UUID,
    M,
)
PERSON: Final = Query(f"SELECT {identity.PERSON.format(person='$1')}", list[str], M, W)


class DayMood(Struct, frozen=True):
    """A local day and its mean mood, straight from the check-ins."""

    day: date
    mood: float


LATELY: Final = Query(
    "SELECT (occurred_at AT TIME ZONE timezone)::date, avg(mood_score)::float8 FROM checkins.checkin"
    " WHERE person_id = $1 AND occurred_at > now() - interval '11 days'"
    " AND (occurred_at AT TIME ZONE timezone)::date > (now() AT TIME ZONE timezone)::date - 9 GROUP BY 1 ORDER BY 1",
    DayMood,
    M,
)
"""Whole days only: of a day that is cut short the mean would be of its evening."""
