"""What of a reading stands on a check-in's row: which feelings are named, how sure, and the scores behind them."""

from typing import Final

from msgspec import Struct

from wellspring.language import Reading
from wellspring.language.schemas import EMOTIONS

SHOWN_FROM: Final = 0.35
"""Below this the most probable feeling is more often wrong than right among twelve: none is named."""
SECOND_FROM: Final = 0.2
SECOND_SHARE: Final = 0.5
"""A second feeling is named when it is likely by itself and at least half as likely as the first."""


class Seen(Struct, frozen=True):
    """What models saw in a text, as its row keeps it; all None without a model, or where the person wants no more.

    `scores` are the probabilities of `language.schemas.EMOTIONS`, in its order; `sentiment` runs from -1 to 1;
    `crisis` is the probability that the writer is in danger now.
    """

    primary: str | None = None
    secondary: str | None = None
    confidence: float | None = None
    sentiment: float | None = None
    scores: list[float] | None = None
    crisis: float | None = None


UNSEEN: Final = Seen()


def columns(found: Seen) -> tuple[object, ...]:
    """Return the values of a row's columns about feelings and models, in their order."""
    return found.primary, found.secondary, found.confidence, found.sentiment, found.scores, found.crisis


def seen(reading: Reading | None, *, emotions: bool) -> Seen:
    """Return what a row keeps of a reading; no feelings where the person has switched that off.

    Nor in a language that no model reads: a guess there would be about nothing.
    """
    if reading is None or reading.crisis is None:
        return UNSEEN
    crisis = round(reading.crisis, 4)
    if not emotions or not reading.emotions or reading.language == "other":
        return Seen(crisis=crisis)
    primary, secondary, confidence = named(reading.emotions)
    return Seen(
        primary=primary,
        secondary=secondary,
        confidence=confidence,
        sentiment=rounded(reading.sentiment),
        scores=[round(reading.emotions[name], 3) for name in EMOTIONS],
        crisis=crisis,
    )


def named(emotions: dict[str, float]) -> tuple[str | None, str | None, float | None]:
    """Return the one or two feelings to name and the confidence in the first; none where it is not clear."""
    first, second = sorted(emotions, key=lambda name: -emotions[name])[:2]
    likely, less = emotions[first], emotions[second]
    if likely < SHOWN_FROM:
        return None, None, None
    clear = less >= SECOND_FROM and less >= SECOND_SHARE * likely
    return first, second if clear else None, round(likely, 3)


def rounded(value: float | None, digits: int = 3) -> float | None:
    """Return a probability with the digits that mean something."""
    return None if value is None else round(value, digits)
