"""What a reading of a text looks like to the rest of the program."""

from typing import Literal

import msgspec

Language = Literal["en", "fr", "other", "und"]
Level = Literal["low", "mentioned", "moderate", "high", "critical"]
Category = Literal[
    "explicit",
    "plan",
    "means",
    "goodbye",
    "euphemism",
    "passive",
    "attempt",
    "self_harm",
    "burden",
    "hopelessness",
    "harm_to_others",
    "abuse",
    "topic",
]
Reason = Literal["negated", "third_person", "question", "past", "idiom", "quoted", "fiction", "hypothetical", "topic"]
Person = Literal["first", "second", "third", "none"]
Tense = Literal["present", "past", "future"]

Urgency = Literal["low", "medium", "high"]
EMOTIONS: tuple[str, ...] = (
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
)
"""The twelve labels, in the order of every model's output."""
EKMAN: dict[str, str] = {
    "frustrated": "anger",
    "anxiety": "fear",
    "overwhelm": "fear",
    "calm": "joy",
    "hopeful": "joy",
}
"""What some of the twelve become where only Ekman's six and neutral are asked for."""
PLUTCHIK: tuple[str, ...] = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")

LEVELS: tuple[Level, ...] = ("low", "mentioned", "moderate", "high", "critical")


class Hit(msgspec.Struct, frozen=True):
    """One phrase that a rule found.

    `start` and `end` are indices into the original text (`text[start:end]`). `tier` runs from 1 (distress that
    deserves a look) to 3 (active danger). When `counted` is false, `reason` says why the phrase does not raise the
    level by itself.
    """

    category: Category
    start: int
    end: int
    tier: int
    counted: bool
    reason: Reason | None
    person: Person
    tense: Tense


class Span(msgspec.Struct, frozen=True):
    """A stretch of the text (`text[start:end]`, usually a sentence) and the crisis probability a model gives it."""

    start: int
    end: int
    probability: float


class Feedback(msgspec.Struct, frozen=True):
    """What a piece of feedback is about, and how soon somebody should look: `urgency_score` runs from 0 to 1."""

    topics: tuple[str, ...]
    urgency: Urgency
    urgency_score: float


class Reading(msgspec.Struct, frozen=True):
    """The judgement of one text; it can say "danger" or "nothing found", never "safe".

    `level` is the higher of what the rules say (`rules_level`, `tier`, `hits`) and what a model says. `crisis` is the
    calibrated probability that the writer is in danger now, None when only rules have read. `emotions` maps each of
    the twelve labels to its probability (they sum to 1), `plutchik` each of the eight to its own. `sentiment` runs
    from -1 to 1. `evidence` are the sentences that a model finds most dangerous. `another`: the text seems to speak of
    somebody else who is in danger now. `versions` names what has read.
    """

    language: Language
    language_confidence: float
    level: Level
    tier: int
    hits: tuple[Hit, ...]
    fully_read: bool
    versions: dict[str, str]
    rules_level: Level = "low"
    crisis: float | None = None
    emotions: dict[str, float] = {}
    plutchik: dict[str, float] = {}
    sentiment: float | None = None
    evidence: tuple[Span, ...] = ()
    another: bool = False
    feedback: Feedback | None = None
