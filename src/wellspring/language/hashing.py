"""Words and parts of words as numbered buckets: the features of the light model.

Four blocks: single words, neighbours, neighbours but one, and runs of three to five characters inside a word. What a
block adds to a score is divided by the square root of its size, so that length alone says nothing.
"""

import re
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wellspring.language.spelling import plain_words

BUCKETS: Final = 1 << 16
BLOCKS: Final = 4
_TOKEN: Final = re.compile(r"[@$]?[a-z0-9œ]+(?:['@$*!|]+[a-z0-9œ]+)*|\?+|\"")
_LONGEST: Final = 24  # characters of a word that are looked at
_RUNS: Final = (3, 4, 5)
_NEAR, _FAR = np.uint32(2654435761), np.uint32(2246822519)  # odd numbers that spread bits well
_SHIFT: Final = np.uint32(16)

Buckets = NDArray[np.uint32]


def tokens(text: str, start: int = 0, end: int | None = None) -> list[str]:
    """Return the typed words, question marks and quotation marks of a folded text."""
    return _TOKEN.findall(text, start, len(text) if end is None else end)


def words_of(token: str) -> tuple[str, ...]:
    """Return a typed word as plain words; numbers look all the same."""
    if token[0] in '?"':
        return (token[0],)
    return tuple("#" if word.isdigit() else word[:_LONGEST] for word in plain_words(token))


def number(word: str) -> int:
    """Return 32 bits that stand for a word in the first three blocks."""
    return zlib.crc32(word.encode())


def runs(word: str) -> list[int]:
    """Return the buckets of the runs of characters in a word, its edges included."""
    edged = f"^{word}$".encode()
    size = len(edged)
    return [zlib.crc32(edged[i : i + n]) % BUCKETS for n in _RUNS for i in range(size - n + 1)]


def singles(numbers: Buckets) -> Buckets:
    """Return the buckets of single words."""
    return numbers % np.uint32(BUCKETS)


def neighbours(numbers: Buckets) -> Buckets:
    """Return the buckets of words that follow each other; pair i holds words i and i + 1."""
    return (numbers[:-1] * _NEAR + numbers[1:]) >> _SHIFT


def neighbours_but_one(numbers: Buckets) -> Buckets:
    """Return the buckets of words with one word between them; pair i holds words i and i + 2."""
    return (numbers[:-2] * _FAR + numbers[2:]) >> _SHIFT


def blocks(words: list[str]) -> tuple[Buckets, ...]:
    """Return the buckets of one stretch of plain words, block by block: what training counts."""
    numbers = np.array([number(word) for word in words], np.uint32)
    characters = np.array([bucket for word in words for bucket in runs(word)], np.uint32)
    return singles(numbers), neighbours(numbers), neighbours_but_one(numbers), characters
