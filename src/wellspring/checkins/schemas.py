"""The wire of check-ins: the fields of the source designs under their names."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from wellspring.identity.schemas import Timezone
from wellspring.interventions.vocabulary import Emotion as Named

Ten = Annotated[int, Meta(ge=1, le=10)]
Five = Annotated[int, Meta(ge=1, le=5)]
Tension = Annotated[int, Meta(ge=0, le=10)]
Word = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+\Z", examples=["joy"])]
Phrase = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z", examples=["a walk"])]
Journal = Annotated[str, Meta(max_length=20_000, pattern=r"^[^\x00]*$", examples=["A long day, but the walk helped."])]
Location = Literal["home", "work", "school", "social", "outdoors", "transit", "other"]
Company = Literal["alone", "with_family", "with_friends", "with_partner", "with_coworkers", "with_others"]
FactorType = Literal["sleep", "exercise", "work", "relationships", "weather", "medication", "nutrition"]
Area = Literal["head", "jaw", "neck", "shoulders", "chest", "stomach", "back", "arms", "hands", "hips", "legs", "feet"]
Source = Literal["manual", "voice", "ai-suggested", "scheduled", "import"]
Moment = Annotated[datetime, Meta(tz=True)]


class Emotion(Struct, forbid_unknown_fields=True):
    """An emotion and how strong it is."""

    emotion: Word
    intensity: Five = 3


class Factor(Struct, forbid_unknown_fields=True):
    """Something that bears on mood, with a value from 1 (bad) to 5 (good)."""

    type: FactorType
    value: Five
    notes: Phrase | None = None


class Weather(Struct, forbid_unknown_fields=True):
    """The weather: temperature in °C, humidity in percent."""

    condition: Phrase | None = None
    temperature: Annotated[float, Meta(ge=-90, le=60)] | None = None
    humidity: Annotated[float, Meta(ge=0, le=100)] | None = None


class CheckinCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A check-in; only the mood is needed. `id` may be made by the client (UUID version 7)."""

    mood_score: Ten
    id: UUID | None = None
    occurred_at: Moment | None = None
    timezone: Timezone | None = None
    energy_level: Ten | None = None
    anxiety_level: Ten | None = None
    stress_level: Ten | None = None
    emotion_tags: Annotated[list[Word], Meta(max_length=20)] = []
    emotions: Annotated[list[Emotion], Meta(max_length=20)] = []
    context_location: Location | None = None
    context_activity: Phrase | None = None
    context_social: Company | None = None
    factors: Annotated[list[Factor], Meta(max_length=14)] = []
    activities: Annotated[list[Word], Meta(max_length=20)] = []
    triggers: Annotated[list[Word], Meta(max_length=20)] = []
    weather: Weather | None = None
    journal_text: Journal | None = None
    body_scan_data: dict[Area, Tension] | None = None
    sensory_load_score: Ten | None = None
    executive_function_score: Ten | None = None
    masking_level: Ten | None = None
    source: Source = "manual"
    duration: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    session_id: UUID | None = None
    time_available_minutes: Annotated[int, Meta(ge=1, le=240)] | None = None


class CheckinChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """A change of a check-in: what is left out stays, null empties."""

    mood_score: Ten | UnsetType = UNSET
    occurred_at: Moment | UnsetType = UNSET
    energy_level: Ten | UnsetType | None = UNSET
    anxiety_level: Ten | UnsetType | None = UNSET
    stress_level: Ten | UnsetType | None = UNSET
    emotion_tags: Annotated[list[Word], Meta(max_length=20)] | UnsetType = UNSET
    emotions: Annotated[list[Emotion], Meta(max_length=20)] | UnsetType = UNSET
    context_location: Location | UnsetType | None = UNSET
    context_activity: Phrase | UnsetType | None = UNSET
    context_social: Company | UnsetType | None = UNSET
    factors: Annotated[list[Factor], Meta(max_length=14)] | UnsetType = UNSET
    activities: Annotated[list[Word], Meta(max_length=20)] | UnsetType = UNSET
    triggers: Annotated[list[Word], Meta(max_length=20)] | UnsetType = UNSET
    weather: Weather | UnsetType | None = UNSET
    journal_text: Journal | UnsetType | None = UNSET
    body_scan_data: dict[Area, Tension] | UnsetType | None = UNSET
    sensory_load_score: Ten | UnsetType | None = UNSET
    executive_function_score: Ten | UnsetType | None = UNSET
    masking_level: Ten | UnsetType | None = UNSET


class QuickCheck(Struct, forbid_unknown_fields=True, kw_only=True):
    """One tap."""

    mood_score: Ten
    id: UUID | None = None
    timezone: Timezone | None = None


class Checkin(Struct):
    """A check-in as stored. `reading` tells whether its journal was read: none, read, partly or unread.

    Unread may be one without words too: the moment could not be judged, help is shown, and a job judges it.
    `crisis_flagged` tells whether a crisis event was opened for it; null for who may not see the journal, from which
    the event may come.

    Made by position where many are made: Python builds a mapping for each call with so many names.
    """

    id: UUID
    created_at: datetime
    updated_at: datetime
    occurred_at: datetime
    timezone: str
    mood_score: int
    energy_level: int | None
    anxiety_level: int | None
    stress_level: int | None
    emotion_tags: list[str]
    emotions: list[Emotion]
    context_location: str | None
    context_activity: str | None
    context_social: str | None
    factors: list[Factor]
    activities: list[str]
    triggers: list[str]
    weather: Weather | None
    journal_text: str | None
    body_scan_data: dict[str, int] | None
    sensory_load_score: int | None
    executive_function_score: int | None
    masking_level: int | None
    source: str
    duration: int | None
    session_id: UUID | None
    is_quick: bool
    reading: str
    ai_emotion_primary: str | None
    ai_emotion_secondary: str | None
    ai_confidence_score: float | None
    crisis_flagged: bool | None


class CorrectionWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """What somebody says of the feeling that was read: yes, no, or another one; `emotion` goes with `other` only.

    `about` is the feeling that was shown. Where another has been read in the same words since, a yes is kept as that
    feeling by the person's own word, and a no, which says nothing of what is read now, is not kept. `updated_at` is
    that of the check-in as it was shown: where it has been changed since, nothing is kept.
    """

    answer: Annotated[Literal["yes", "no", "other"], Meta(examples=["other"])]
    emotion: Annotated[Named | None, Meta(examples=["overwhelm"])] = None
    about: Annotated[Named | None, Meta(examples=["frustrated"])] = None
    updated_at: Moment | None = None


class Correction(Struct, kw_only=True):
    """What somebody said of the feeling that was read; `emotion` is what it was by their own word, null after a no."""

    answer: str
    emotion: str | None
    at: datetime


class TextReading(Struct, kw_only=True):
    """What models read in a check-in's text. Feelings are null where none was clear, or where their reading is off.

    `journal_emotion_classification` holds the probability of each of the twelve labels, `journal_sentiment_score`
    runs from -1 to 1, `versions` names what has read and judged.
    """

    checkin_id: UUID
    reading: str
    ai_emotion_primary: str | None
    ai_emotion_secondary: str | None
    ai_confidence_score: float | None
    journal_sentiment_score: float | None
    journal_emotion_classification: dict[str, float]
    versions: dict[str, str]
    correction: Correction | None


class Checkins(Struct, kw_only=True):
    """A page of check-ins, newest first; `next_cursor` is null on the last page."""

    items: list[Checkin]
    next_cursor: str | None


class Search(Struct, forbid_unknown_fields=True, kw_only=True):
    """A search in one's own journal; it is a POST so that the words never stand in an address."""

    text: Annotated[str, Meta(min_length=2, max_length=100, pattern=r"^[^\x00]*$", examples=["river"])]
    start_date: date | None = None
    end_date: date | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 30


class Found(Struct, kw_only=True):
    """Check-ins whose words hold the text, newest first; `more` tells that there are others."""

    items: list[Checkin]
    more: bool


class Day(Struct, kw_only=True):
    """One local day: how many check-ins, and the average, lowest and highest mood."""

    day: date
    count: int
    mood_avg: float
    mood_min: int
    mood_max: int
    energy_avg: float | None
    anxiety_avg: float | None
    stress_avg: float | None


class Days(Struct, kw_only=True):
    """Days that have check-ins, oldest first."""

    items: list[Day]
