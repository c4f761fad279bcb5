"""What a choice is made from: the moment, as the person described it, and what they were offered and did before."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec

from wellspring.interventions.vocabulary import AgeBand, Contraindication, Emotion, MomentPlace, TimeOfDay

Score = Annotated[int, msgspec.Meta(ge=1, le=10)]
Stars = Annotated[int, msgspec.Meta(ge=1, le=5)]


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One moment; None means not said.

    `emotions` maps a label to its intensity 1–5. An unknown `age` is treated as 13–17, the more careful choice.
    `danger` is the judgement of the safety slice: a crisis event is open or was opened by this entry.
    """

    mood: Score | None
    emotions: Mapping[Emotion, Stars] = {}
    energy: Score | None = None
    anxiety: Score | None = None
    stress: Score | None = None
    time_available_minutes: Annotated[int, msgspec.Meta(ge=0)] | None = None
    place: MomentPlace | None = None
    time_of_day: TimeOfDay | None = None
    adhd: bool = False
    autism: bool = False
    contraindications: frozenset[Contraindication] = frozenset()
    age: AgeBand | None = None
    premium: bool = False
    danger: bool = False


def logged_moment(logged: Mapping[str, Any]) -> Context | None:
    """Return the moment of a logged offer, or None: it was not chosen for one, or is in words not known here."""
    try:
        return msgspec.convert(logged, Context)
    except msgspec.ValidationError:
        return None


class Seen(msgspec.Struct, frozen=True):
    """One earlier offer, and how many days ago it was."""

    intervention_id: UUID
    days_ago: Annotated[float, msgspec.Meta(ge=0)]


class History(msgspec.Struct, frozen=True):
    """A person's last offers, in any order (unknown ids are ignored), what is kept of them (`learning.kept`), and the
    day from which that is looked at (`kept.day_of`)."""

    seen: tuple[Seen, ...] = ()
    kept: bytes = b""
    today: int = 0
