"""The wire of interventions, under the names of the source design."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from wellspring.interventions.vocabulary import Against, Emotion, MomentPlace, TimeOfDay

Ten = Annotated[int, Meta(ge=1, le=10)]
Tag = Literal[
    "helped",
    "calming",
    "energising",
    "too_long",
    "too_hard",
    "not_now",
    "not_for_me",
    "want_again",
    "distracting",
    "grounding",
]


class InterventionRecommendation(Struct, kw_only=True):
    """One offer. `predicted_effectiveness` is the rating expected of this person in this moment, 1–5 read as 0–1;
    `predicted_effectiveness_sd` is its standard deviation: how unsure that is. It is no chance of getting better."""

    intervention_id: UUID
    name: str
    short_description: str
    duration_seconds: int
    effort_level: str
    therapeutic_approach: str
    why_recommended: str
    predicted_effectiveness: float
    predicted_effectiveness_sd: float


class InterventionView(Struct, kw_only=True):
    """A micro-action of the library.

    `advised_against` is why it is not offered to the caller: those of its `contraindications` that they said are true
    for them; `age` when it is written for older people (an unknown age counts as 13–17); `hard_time` when they are in
    danger or lately were, and it is not safe in a crisis. It can be started all the same: they decide.
    """

    id: UUID
    slug: str
    version: int
    name: str
    short_description: str
    detailed_instructions: list[str]
    duration_seconds: int
    effort_level: str
    energy_required: str
    therapeutic_approach: str
    sub_category: str
    target_emotions: list[str]
    is_premium: bool
    media_type: str
    media_url: str | None
    adhd_friendly: bool
    asd_friendly: bool
    sensory_intensity: str
    requires_verbal: bool
    requires_movement: bool
    contraindications: list[str]
    advised_against: list[Against]
    age_appropriate: list[str]
    places: list[str]
    crisis_safe: bool
    evidence_source: str
    evidence_strength: str
    reviewed: date


class Library(Struct, kw_only=True):
    """A page of the library."""

    items: list[InterventionView]
    next_cursor: str | None


class Ask(Struct, forbid_unknown_fields=True, kw_only=True):
    """A moment to recommend for; nothing is needed, more is better."""

    mood_score: Ten | None = None
    current_emotion: Emotion | None = None
    energy_level: Ten | None = None
    anxiety_level: Ten | None = None
    stress_level: Ten | None = None
    time_available_minutes: Annotated[int, Meta(ge=1, le=240)] | None = None
    context: MomentPlace | None = None
    time_of_day: TimeOfDay | None = None


class Recommendations(Struct, kw_only=True):
    """Three offers, or fewer when fewer are safe for this person."""

    items: list[InterventionRecommendation]


class Start(Struct, forbid_unknown_fields=True, kw_only=True):
    """Starting a micro-action; `id` may be made by the client."""

    id: UUID | None = None
    checkin_id: UUID | None = None
    context_emotion: Emotion | None = None
    context_energy_level: Ten | None = None
    context_time_of_day: TimeOfDay | None = None


Rating = Annotated[int, Meta(ge=1, le=5)]
Tags = Annotated[list[Tag], Meta(max_length=10)]
Words = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]


class Complete(Struct, forbid_unknown_fields=True, kw_only=True):
    """How it went."""

    effectiveness_rating: Rating | None = None
    feedback_tags: Tags = []
    feedback_text: Words | None = None
    duration_actual_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None


class Skip(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why not, if one likes to say."""

    feedback_tags: Tags = []
    feedback_text: Words | None = None


class SessionChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to say instead of what was said; null (or no tags) takes it back, what is not named stays.

    A session that was left has no rating.
    """

    effectiveness_rating: Rating | UnsetType | None = UNSET
    feedback_tags: Tags | UnsetType = UNSET
    feedback_text: Words | UnsetType | None = UNSET


class SessionView(Struct, kw_only=True):
    """A session with a micro-action."""

    id: UUID
    intervention_id: UUID
    checkin_id: UUID | None
    state: Literal["started", "skipped", "completed"]
    started_at: datetime
    ended_at: datetime | None
    duration_actual_seconds: int | None
    was_completed: bool
    was_skipped: bool
    effectiveness_rating: int | None
    feedback_tags: list[str]
    feedback_text: str | None


class SessionList(Struct, kw_only=True):
    """A page of sessions, newest first."""

    items: list[SessionView]
    next_cursor: str | None


class LearnedOne(Struct, kw_only=True):
    """What your own ratings say of one micro-action. `mean_rating` is 1–5, null when you only skipped or did it."""

    intervention_id: UUID
    name: str
    ratings: int
    mean_rating: float | None
    skips: int
    last_at: datetime


class Learned(Struct, kw_only=True):
    """What was learned from you. `paused`: you took back your consent, nothing is learned; `helps_others`: your ratings
    are added up with those of others."""

    items: list[LearnedOne]
    paused: bool
    helps_others: bool
