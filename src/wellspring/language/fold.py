"""Fold a text to plain lower-case letters, keeping the way back to the original offsets.

Folding undoes what hides a word from a reader of patterns: accents, full-width and mathematical letters, letters of
other scripts that look Latin, curly quotes, zero-width characters, emoji.
"""

import re
import unicodedata
from collections.abc import Sequence

import msgspec

DROP = "\x00"  # vanishes: zero-width characters, combining marks, variation selectors
PICTURE = "\x02"  # emoji and other symbols: a space, unless a word hides behind them

_LOOKALIKES = dict(
    zip(
        "аеорсухіјѕһԁԛԝкмтвнгпьαεορτυικνγηωχμβɑɡıℓłøđ",
        "aeopcyxijshdqwkmtbhrnbaeoptuikvynwxubagillod",
        strict=True,
    )
)
_PUNCTUATION = {
    **dict.fromkeys("’‘ʼ′`´＇‛", "'"),
    **dict.fromkeys("“”„«»″‟＂‹›", '"'),
    **dict.fromkeys("–—−‒―", "-"),
    "…": "\n",  # a pause inside a thought, like a line break
    "\r": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}
_DROPPED = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0")
_BOXED_LETTERS = (0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6)


def _boxed(code: int) -> str | None:
    for first in _BOXED_LETTERS:
        if first <= code < first + 26:
            return chr(ord("a") + code - first)
    return None


def _fold_one(char: str) -> str:
    """One character to exactly one character, so that offsets stay."""
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    boxed = _boxed(ord(char))
    if boxed:
        return boxed
    category = unicodedata.category(char)
    if char in _DROPPED or category in ("Cf", "Mn", "Me"):
        return DROP
    plain = unicodedata.normalize("NFKD", char.lower())[:1] or char
    plain = plain.lower()[:1]
    plain = _LOOKALIKES.get(plain, plain)
    if plain.isspace():
        return " "
    if not plain.isascii() and category in ("So", "Sk", "Cn", "Co", "Cs"):
        return PICTURE
    return plain


class _Table(dict[int, str]):
    """Folds each code point once, on first sight."""

    def __missing__(self, code: int) -> str:
        folded = _fold_one(chr(code))
        self[code] = folded
        return folded


_TABLE = _Table()
_TABLE[ord("\n")] = "\n"
_TABLE[0] = DROP
_ASCII_DROPS = re.compile("[\x00\x02`\r]")


class Folded(msgspec.Struct, frozen=True):
    """Folded text; `offsets[i]` is the original index of `text[i]`, None when both agree."""

    text: str
    offsets: Sequence[int] | None

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Map a half-open span of the folded text (never empty) to the original."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


def fold(text: str) -> Folded:
    """Fold `text`; linear in its length."""
    if text.isascii() and not _ASCII_DROPS.search(text):
        return Folded(text.lower(), None)
    plain = text.translate(_TABLE)
    if DROP not in plain:
        return Folded(plain, None)
    kept = [index for index, char in enumerate(plain) if char != DROP]
    return Folded(plain.replace(DROP, ""), kept)
