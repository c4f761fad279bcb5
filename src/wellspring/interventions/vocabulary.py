"""The closed vocabularies of interventions; data files may use no other words. How scores and ages become words."""

import re
from typing import Final, Literal, get_args

from wellspring.identity.schemas import Contraindication as Contraindication

Approach = Literal["DBT", "ACT", "CBT", "Mindfulness", "Sensory", "Physical"]
Emotion = Literal[
    "joy",
    "sadness",
    "anger",
    "fear",
    "disgust",
    "surprise",
    "anxiety",
    "overwhelm",
    "calm",
    "hopeful",
    "frustrated",
    "neutral",
]
Energy = Literal["minimal", "low", "medium", "high"]
Place = Literal["home", "work", "school", "outdoors"]
MomentPlace = Literal["home", "work", "school", "outdoors", "social", "other"]
"""Where somebody is; `social` and `other` suit only what can be done anywhere."""
TimeOfDay = Literal["morning", "afternoon", "evening", "night"]
AgeBand = Literal["under-13", "13-17", "18+"]
Strength = Literal["strong", "moderate", "emerging"]
"""strong: this exercise or a close form was pooled over randomised trials with a clear effect. moderate: at least
one controlled study of it, or a steady part of a tested programme. emerging: manuals, small or indirect studies."""
SensoryIntensity = Literal["low", "moderate", "high"]
MediaType = Literal["text", "audio", "video", "interactive"]
Against = Contraindication | Literal["age", "hard_time"]
"""Why something is not offered to somebody: what they said is true for them, their age, or danger."""

APPROACHES: Final[tuple[Approach, ...]] = get_args(Approach)
EMOTIONS: Final[tuple[Emotion, ...]] = get_args(Emotion)
ENERGIES: Final[tuple[Energy, ...]] = get_args(Energy)
PLACES: Final[tuple[Place, ...]] = get_args(Place)
TIMES_OF_DAY: Final[tuple[TimeOfDay, ...]] = get_args(TimeOfDay)
CONTRAINDICATIONS: Final[tuple[Contraindication, ...]] = get_args(Contraindication)

_LEADING_AGE: Final = re.compile(r"\d+")


def energy_of(score: int) -> Energy:
    """The word for an energy score of 1–10: minimal 1–2, low 3–4, medium 5–7, high 8–10."""
    if score <= 2:
        return "minimal"
    if score <= 4:
        return "low"
    return "medium" if score <= 7 else "high"


def age_band_of(age_range: str | None) -> AgeBand | None:
    """The band of a profile's age or age range (`18-24`, `65+`, `16`), judged by its youngest age; None if unknown."""
    found = _LEADING_AGE.match(age_range.strip()) if age_range else None
    if found is None:
        return None
    youngest = int(found.group())
    if youngest < 13:
        return "under-13"
    return "13-17" if youngest < 18 else "18+"
