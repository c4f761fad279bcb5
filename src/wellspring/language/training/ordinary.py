# pyright: basic, reportMissingImports=false
"""Ordinary texts of other people, kept aside from training, to count false alarms on (needs the training extra)."""

import zlib
from pathlib import Path
from typing import Final

from wellspring.language.corpus import Text, identity
from wellspring.language.fold import fold
from wellspring.language.training.examples import GOEMOTIONS, labels_of, rows

_ENGLISH: Final = frozenset({"goemotions", "xed_en", "brighter_eng"})
ASIDE: Final = 95
"""Of a hundred shared texts, the number from which on they are kept aside."""


def is_aside(folded: str) -> bool:
    """Tell whether a folded text of the shared data is kept from training."""
    return zlib.crc32(folded.encode()) % 100 >= ASIDE


def aside(path: Path) -> list[Text]:
    """Return the English texts of the shared emotion data that no model learned from, as ordinary ones.

    None is left out for its words, so the few that do speak of danger count as false alarms too.
    """
    kept = (row for row in rows(path) if row["source"] in _ENGLISH and is_aside(fold(row["text"]).text))
    return [_as_text(row["text"], row["label"], row["source"]) for row in kept]


def _as_text(text: str, label: str, source: str) -> Text:
    """Return one row; what GoEmotions' readers called it stands as one or two of the twelve labels."""
    twelve = list(dict.fromkeys(GOEMOTIONS[name] for name in labels_of(label) if name in GOEMOTIONS))
    named = twelve if source == "goemotions" and len(twelve) <= 2 else []
    emotion, second = (*named, None, None)[:2]
    return Text(id=identity(text), text=text, label="-", category="other", hand=source, emotion=emotion, second=second)
