# pyright: basic, reportMissingImports=false
"""Ordinary texts of other people, kept aside from training, to count false alarms on (needs the training extra)."""

import zlib
from pathlib import Path
from typing import Final

from wellspring.language.corpus import Text, identity
from wellspring.language.fold import fold

ASIDE: Final = 95
"""Of a hundred shared texts, the number from which on they are kept aside."""


def is_aside(folded: str) -> bool:
    """Tell whether a folded text of the shared data is kept from training."""
    return zlib.crc32(folded.encode()) % 100 >= ASIDE


def aside(path: Path) -> list[Text]:
    """Return the English texts of the shared emotion data that no model learned from, as ordinary ones.

    None is left out for its words, so the few that do speak of danger count as false alarms too.
    """
    from pyarrow import parquet  # noqa: PLC0415  only the training extra has it

    rows = parquet.read_table(path, columns=["text", "source"]).to_pylist()
    texts = [row["text"] for row in rows if row["source"] in {"goemotions", "xed_en", "brighter_eng"}]
    return [
        Text(id=identity(text), text=text, label="-", category="other", hand="shared")
        for text in texts
        if is_aside(fold(text).text)
    ]
