"""What a teacher is asked besides the texts we have, and the file of what it said. Needs no torch."""

import os
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wellspring.language.training.examples import Example, Said

_LONG, _LEAST, _MOST = 16, 8, 18  # words from which on a stretch is cut out of a text, and its least and most words
_CUT: Final = 0.6
_DANGER, _OURS = 0.3, 0.55  # of the stretches put together, how many are of danger, and of the other texts of ours


def beside(ours: Sequence[Example], others: Sequence[Example], count: int, chance: random.Random) -> list[Example]:
    """Return texts put together from stretches of two or three others; only a teacher says what they are."""
    danger = [e.text for e in ours if e.crisis == 1 and not e.long]
    calm = [e.text for e in ours if e.crisis != 1 and not e.long]
    strange = [e.text for e in others]
    made = []
    for _ in range(count if danger and calm and strange else 0):
        kinds = chance.choices(
            [danger, calm, strange], [_DANGER, _OURS, 1 - _DANGER - _OURS], k=chance.choice([2, 2, 3])
        )
        made.append(Example(" ".join(_stretch(chance.choice(kind), chance) for kind in kinds), "beside"))
    return made


def _stretch(text: str, chance: random.Random) -> str:
    words = text.split()
    if len(words) > _LONG and chance.random() < _CUT:
        size = chance.randint(_LEAST, _MOST)
        start = chance.randrange(max(1, len(words) - size))
        words = words[start : start + size]
    joined = " ".join(words)
    return joined if joined[-1:] in ".!?" else joined + "."


class _Line(msgspec.Struct):
    text: str
    said: Said


def write(path: Path, lines: Iterable[tuple[str, Said]]) -> int:
    """Write JSON lines; return how many. The file bears its name once all of them are there.

    It holds the texts, perhaps of people: only this account can read it.
    """
    count, part = 0, path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for text, said in lines:
                file.write(msgspec.json.encode(_Line(text, said)) + b"\n")
                count += 1
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def load(path: Path) -> dict[str, Said]:
    """Return what `write` wrote, by text. Raises OSError; ValueError that names the line that is no such thing."""
    found: dict[str, Said] = {}
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = msgspec.json.decode(raw, type=_Line)
            except msgspec.MsgspecError as error:
                raise ValueError(f"line {number}: {error}") from error
            found[line.text] = line.said
    if not found:
        raise ValueError("there is nothing in it")
    return found
