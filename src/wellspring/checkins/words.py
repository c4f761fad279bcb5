"""The sealed part of a check-in: every word that a person wrote, in one value."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.checkins.schemas import CheckinCreate, Emotion, Weather
from wellspring.interventions.vocabulary import EMOTIONS
from wellspring.kernel.crypto import Sealer
from wellspring.language.schemas import Span

FIELD = "checkins.checkin.sealed"
LABELS: Final = frozenset[str](EMOTIONS)
"""The twelve shared labels are stored plainly; a person's own words for what they feel are sealed."""


class Words(Struct, omit_defaults=True, kw_only=True):
    """What is sealed. `evidence` holds the stretches of the journal in which a model found danger.

    `another` tells that the journal seems to speak of somebody else in danger.
    """

    journal_text: str | None = None
    context_activity: str | None = None
    activities: list[str] = []
    triggers: list[str] = []
    factor_notes: dict[str, str] = {}
    own_emotions: list[Emotion] = []
    weather: Weather | None = None
    evidence: tuple[Span, ...] = ()
    another: bool = False


_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(Words).decode
_NOTHING = Words()


def all_emotions(data: CheckinCreate) -> list[Emotion]:
    """Return emotions and plain tags as one list, each named once."""
    if not data.emotion_tags:
        return data.emotions
    named = {e.emotion for e in data.emotions}
    return [*data.emotions, *(Emotion(tag) for tag in dict.fromkeys(data.emotion_tags) if tag not in named)]


def of(
    data: CheckinCreate, emotions: list[Emotion], evidence: tuple[Span, ...] = (), *, another: bool = False
) -> Words:
    """Return the words of a check-in, where in them a model found danger, and whether of somebody else."""
    return Words(
        journal_text=data.journal_text or None,
        context_activity=data.context_activity or None,
        activities=data.activities,
        triggers=data.triggers,
        factor_notes={f.type: f.notes for f in data.factors if f.notes},
        own_emotions=[e for e in emotions if e.emotion not in LABELS],
        weather=data.weather,
        evidence=evidence,
        another=another,
    )


def seal(words: Words, sealer: Sealer, row: UUID) -> bytes | None:
    """Return the sealed words, None when there are none."""
    return None if words == _NOTHING else sealer.seal(_ENCODE(words), FIELD, row)


def unseal(sealed: bytes | None, sealer: Sealer, row: UUID) -> Words:
    """Return the words of a stored check-in."""
    return _NOTHING if sealed is None else _DECODE(sealer.open(sealed, FIELD, row))
