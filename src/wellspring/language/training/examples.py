# pyright: reportMissingImports=false
"""What the encoder learns from: authored texts and licensed emotion data as one kind of example."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from wellspring.language.corpus import Text
from wellspring.language.fold import fold
from wellspring.language.reader import read
from wellspring.language.schemas import EMOTIONS, PLUTCHIK

_JOY: Final = "admiration amusement approval caring desire excitement gratitude joy love pride"
GOEMOTIONS: Final[dict[str, str]] = {
    **dict.fromkeys(_JOY.split(), "joy"),
    "relief": "calm",
    "optimism": "hopeful",
    "anger": "anger",
    "annoyance": "frustrated",
    "disapproval": "frustrated",
    "disgust": "disgust",
    "fear": "fear",
    "nervousness": "anxiety",
    **dict.fromkeys(["sadness", "disappointment", "embarrassment", "grief", "remorse"], "sadness"),
    **dict.fromkeys(["confusion", "curiosity", "realization", "surprise"], "surprise"),
    "neutral": "neutral",
}
"""GoEmotions' 28 labels as our twelve, along its own grouping into Ekman's six."""
_COLUMNS: Final = frozenset(["text", "label", "source"])
_TRUST: Final = frozenset(["admiration", "approval", "caring", "gratitude", "love"])
_ANTICIPATION: Final = frozenset(["desire", "excitement", "optimism", "curiosity"])
_AS_PLUTCHIK: Final = {
    "joy": "joy",
    "calm": "joy",
    "hopeful": "anticipation",
    "sadness": "sadness",
    "anger": "anger",
    "frustrated": "anger",
    "fear": "fear",
    "anxiety": "fear",
    "disgust": "disgust",
    "surprise": "surprise",
}
_SENTIMENT: Final = {
    "joy": 1.0,
    "calm": 0.6,
    "hopeful": 0.8,
    "trust": 0.6,
    "love": 1.0,
    "surprise": 0.0,
    "anticipation": 0.1,
    "neutral": 0.0,
    "sadness": -0.8,
    "anger": -0.9,
    "frustrated": -0.7,
    "fear": -0.7,
    "anxiety": -0.6,
    "overwhelm": -0.7,
    "disgust": -0.9,
}


class Example(msgspec.Struct):
    """A folded text and what is known of it; None where nothing is.

    `crisis`, `about` and `another` are 1 or 0: the writer is in danger; the matter is mentioned at all; somebody else
    is in danger now. `spans` are sentences
    (start, end, crisis, about). `emotions` has twelve shares that sum to 1, `plutchik` eight of 0 or 1.
    """

    text: str
    source: str
    voice: str = ""
    lang: str = "en"
    long: bool = False
    category: str = ""
    crisis: float | None = None
    about: float | None = None
    another: float | None = None
    weight: float = 1.0
    spans: list[tuple[int, int, float, float]] = []
    emotions: list[float] | None = None
    plutchik: list[float] | None = None
    sentiment: float | None = None


Said = list[list[float]]
"""What a teacher says of a text: the probabilities of danger, of the matter being mentioned, and of somebody else in
danger (which older files lack), for the whole and then for each of its sentences."""


def one_hot(labels: Iterable[str]) -> list[float]:
    """Return equal shares of the twelve labels."""
    named = [label for label in labels if label in EMOTIONS]
    return [named.count(label) / len(named) for label in EMOTIONS]


def authored(texts: Iterable[Text]) -> Iterator[Example]:
    """Return the examples of our own corpus."""
    for text in texts:
        if text.emotion:
            labels = [text.emotion, *([text.second] if text.second else [])]
            danger, about = _danger(text)
            tone = sum(_SENTIMENT[label] for label in labels) / len(labels)
            yield Example(
                fold(text.text).text,
                "emotion",
                text.voice,
                text.lang,
                emotions=one_hot([labels[0], *labels]),
                sentiment=tone,
                crisis=danger,
                about=about,
                another=None if about is None else 0.0,
                weight=0.3,
            )
        elif text.label:
            yield _of_danger(text)


def _danger(text: Text) -> tuple[float | None, float | None]:
    """Return whether a text that was kept for its feeling is in danger, and speaks of it; None where nobody knows.

    Those of this project are in none. Those of people may be, and must not teach that their words are ordinary.
    """
    if text.label is None:
        return (None, None) if text.of_people else (0.0, 0.0)
    return float(text.label == "d"), float(text.label != "-")


def _of_danger(text: Text) -> Example:
    danger, about = float(text.label == "d"), float(text.label != "-")
    parts, spans, place = [], [], 0
    for one in text.sentences:
        part = fold(text.text[one.start : one.end]).text
        spans.append((place, place + len(part), float(one.label == "d"), float(one.label != "-")))
        parts.append(part)
        place += len(part) + 1
    return Example(
        " ".join(parts) if parts else fold(text.text).text,
        text.kind,
        text.voice,
        text.lang,
        long=bool(parts),
        category=text.category or "",
        crisis=danger,
        about=about,
        another=another_of(text),
        spans=spans,
    )


def another_of(text: Text) -> float | None:
    """Return 1 for a text about somebody else who is in danger now, 0 for others; None where labels leave that open."""
    if text.category == "third_person":
        return {"now": 1.0, "past": 0.0}.get(text.tense) if text.person == "3" else None
    return None if text.category in {"question", "quoted", "news"} and text.person == "3" else 0.0


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of the shared emotion data (a parquet file: text, label, source). Raises OSError, ValueError."""
    from pyarrow import parquet  # noqa: PLC0415  only the training extra has it

    with path.open("rb") as file:
        table = parquet.read_table(file)
    if missing := _COLUMNS - set(table.column_names):
        raise ValueError(f"there is no column {', '.join(sorted(missing))}")
    found: list[dict[str, Any]] = table.select(sorted(_COLUMNS)).to_pylist()
    if wrong := [number for number, row in enumerate(found, 1) if not all(isinstance(v, str) for v in row.values())]:
        raise ValueError(f"row {wrong[0]}: text, label and source are words")
    return found


def licensed(path: Path) -> Iterator[Example]:
    """Return the examples of the shared emotion data. Raises as `rows` does."""
    for row in rows(path):
        if row["source"] != "brighter_hin" and (found := _of_emotion(row["text"], row["label"], row["source"])):
            yield found


def labels_of(field: str) -> list[str]:
    """Return the names in a field of labels, whatever its source puts between them."""
    return [part.strip() for part in field.replace("|", ",").replace(";", ",").split(",") if part.strip()]


def _of_emotion(text: str, label: str, source: str) -> Example | None:
    labels = labels_of(label)
    if source == "goemotions":
        twelve = [GOEMOTIONS[name] for name in labels if name in GOEMOTIONS]
        eight = {_AS_PLUTCHIK[name] for name in twelve if name in _AS_PLUTCHIK}
        eight |= {"trust" for name in labels if name in _TRUST} | {
            "anticipation" for name in labels if name in _ANTICIPATION
        }
    else:
        twelve = [name for name in labels if name in EMOTIONS]
        eight = {name for name in labels if name in PLUTCHIK}
    known = twelve or sorted(eight)
    if not known:
        return None
    ordinary = not read(text).hits
    tone = sum(_SENTIMENT.get(name, 0.0) for name in known) / len(known)
    return Example(
        fold(text).text,
        source,
        lang="fr" if source.endswith("_fr") else "en",
        emotions=one_hot(twelve) if twelve and len(twelve) == len(labels) else None,
        plutchik=None if source.startswith("brighter") else [float(name in eight) for name in PLUTCHIK],
        sentiment=tone,
        crisis=0.0 if ordinary else None,
        about=0.0 if ordinary else None,
        another=0.0 if ordinary else None,
        weight=0.3,
    )
