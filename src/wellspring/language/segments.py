"""A folded text cut into stretches that a model scores by themselves: sentences, neither tiny nor endless."""

import re
from typing import Final

from wellspring.language.sentences import split

LEAST: Final = 12
"""Characters below which a sentence joins the one before it ("ok.", "sigh")."""
MOST: Final = 220
"""Characters above which a run without a full stop is cut at a pause: people in distress often write none."""
_PAUSE: Final = re.compile(r"[,\n\x02]|\.\.+|\s-+\s|\s(?=(?:and|but|so|because|et|mais|parce)\s)")


def segments(text: str) -> list[tuple[int, int]]:
    """Half-open ranges of a folded text, in order."""
    found: list[tuple[int, int]] = []
    for start, end in split(text):
        for first, last in _lines(text, start, end):
            if found and last - first < LEAST:
                found[-1] = (found[-1][0], last)
            else:
                found.extend(_cut(text, first, last))
    return found


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop + 1
        if text[start:stop].strip():
            found.append((start, stop))
        start = stop
    return found


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    while end - start > MOST:
        places = [m.end() for m in _PAUSE.finditer(text, start + MOST // 3, start + MOST)]
        stop = places[-1] if places else text.rfind(" ", start + 1, start + MOST) + 1 or start + MOST
        found.append((start, stop))
        start = stop
    return [*found, (start, end)]
