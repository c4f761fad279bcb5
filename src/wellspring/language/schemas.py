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


class Reading(msgspec.Struct, frozen=True):
    """The judgement of one text; it can say "danger" or "nothing found", never "safe"."""

    language: Language
    language_confidence: float
    level: Level
    tier: int
    hits: tuple[Hit, ...]
    fully_read: bool
    versions: dict[str, str]
