"""JSON lines in, JSON lines out: one judgement for each line, in the order of the lines."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from wellspring.language.schemas import Reading

Read = Callable[[str, str | None], Reading]
"""Takes a text and a language tag or None."""
_DIGITS: Final = 6
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line may raise; the last when values lie too deep in each other."""


class Line(msgspec.Struct):
    """What a line holds: any id, a text, perhaps the writer's language."""

    id: Any
    text: str
    lang: str | None = None


class _Named(msgspec.Struct):
    id: Any = None


def scored(lines: Iterable[bytes], read: Read) -> Iterator[dict[str, Any]]:
    """Yield an answer for each line that is not blank; what cannot be read becomes an `error` and the rest goes on."""
    for number, raw in enumerate(lines):
        line = raw.removeprefix(BOM_UTF8) if number == 0 else raw
        if line.strip():
            yield answer(line, read)


def answer(line: bytes, read: Read) -> dict[str, Any]:
    """Judge one line, or say what is wrong with it."""
    try:
        given = msgspec.json.decode(line, type=Line)
    except _UNREADABLE as error:
        return {"id": _id_of(line), "error": str(error)}
    return {"id": given.id, **described(read(given.text, given.lang))}


def _id_of(line: bytes) -> Any:
    """Return the id of a line that is otherwise wrong, if it can be found."""
    try:
        return msgspec.json.decode(line, type=_Named).id
    except _UNREADABLE:
        return None


def described(reading: Reading) -> dict[str, Any]:
    """Return a reading as plain values. `crisis` is null and `emotions` are empty where no model is installed.

    `evidence` names stretches of the text by their first character and the one after the last: phrases that a rule
    found, counted or not and why, and sentences to which a model gives a probability. Where `fully_read` is false (the
    `language` is none that is read, or the text is too long) a level of low says nothing. `another`: the text seems to
    speak of somebody else in danger.
    """
    rules = [
        {
            "by": "rules",
            "start": hit.start,
            "end": hit.end,
            "category": hit.category,
            "counted": hit.counted,
            "reason": hit.reason,
        }
        for hit in reading.hits
    ]
    model = [
        {"by": "model", "start": span.start, "end": span.end, "probability": round(span.probability, _DIGITS)}
        for span in reading.evidence
    ]
    return {
        "level": reading.level,
        "crisis": None if reading.crisis is None else round(reading.crisis, _DIGITS),
        "tier": reading.tier,
        "language": reading.language,
        "fully_read": reading.fully_read,
        "another": reading.another,
        "evidence": [*rules, *model],
        "emotions": {name: round(share, _DIGITS) for name, share in reading.emotions.items()},
        "sentiment": None if reading.sentiment is None else round(reading.sentiment, _DIGITS),
        "versions": reading.versions,
    }
