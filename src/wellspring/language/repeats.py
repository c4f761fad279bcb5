"""What is said over and over, said three times to the models.

A hashed model adds up its words, and an encoder loses its way: "ok. ok. ok. …" or a finger left on a key came out as
danger for certain. Rules read every copy.
"""

import re
from collections.abc import Sequence
from itertools import chain
from operator import eq
from typing import Final

from wellspring.language.fold import Folded

_COPIES: Final = 3
_LENGTHS: Final = range(1, 9)  # words of what may be said over and over
_WORD: Final = re.compile(r"(\S+)\s*")


def fewer(folded: Folded) -> Folded:
    """Return the text with three copies of what follows upon itself more often, up to eight words long; linear."""
    if not _says_over_and_over(folded.text.split()):
        return folded
    words = list(_WORD.finditer(folded.text))
    for length in _LENGTHS:
        words = _without_copies(words, length)
    kept = list(chain.from_iterable(range(*word.span()) for word in words))
    text = "".join(word[0] for word in words)
    return Folded(text, kept if folded.offsets is None else [folded.offsets[at] for at in kept])


def _says_over_and_over(words: list[str]) -> bool:
    return any(bytes(map(eq, words, words[length:])).find(b"\1" * (_again(length) + 1)) >= 0 for length in _LENGTHS)


def _again(length: int) -> int:
    """Return how many words in a row may be those that stood so many words before."""
    return (_COPIES - 1) * length


def _without_copies(words: Sequence[re.Match[str]], length: int) -> list[re.Match[str]]:
    kept, same = list(words[:length]), 0
    for before, word in zip(words, words[length:], strict=False):
        same = same + 1 if word[1] == before[1] else 0
        if same <= _again(length):
            kept.append(word)
    return kept
