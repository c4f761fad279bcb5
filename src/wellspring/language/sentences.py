"""Cut a folded text into sentences of plain words that know where they stood."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import msgspec

from wellspring.language.fold import PICTURE
from wellspring.language.spelling import is_known, parted, plain_words

SOFT = 1  # a pause: line break, ellipsis, emoji, quotation mark, colon; a phrase may run on
HARD = 2  # a clause ends: a phrase does not run on
NEAR = 25  # words around a phrase within which what bears on it may stand

_END = re.compile(r"(?<![.])\.(?![\w.'])|[!?]+(?![a-z])|;|\n[ \t]*\n\s*")
_WORD = r"[@$]?[a-z0-9œ]+(?:['@$*!|]+[a-z0-9œ]+)*"
_APART = r"(?<![\w'])[a-z0-9](?:[ ._*\-\x02]{1,3}[a-z0-9@$!](?!\w)){2,}|(?<![a-z])[a-z]{1,20}(?:\x02+[a-z]{1,20})+"
_BREAKS = r"(?P<soft>\n|\.\.+|\x02|\"|:)|(?P<hard>[,;()\[\].!?]|(?<=\s)-+(?=\s)|--+)"
_TOKEN = re.compile(rf"(?P<word>{_WORD})|{_BREAKS}")
_TOKEN_APART = re.compile(rf"(?P<apart>{_APART})|(?P<word>{_WORD})|{_BREAKS}")
_LETTERS_APART = re.compile(r"(?<![\w'])[a-z0-9](?:[ ._*\-\x02]{1,3}[a-z0-9@$!](?!\w)){2}|[a-z]\x02+[a-z]")
_CLOSE = re.compile(r"\S \S")
_BESIDE = re.compile(r"\S+(?: \S+)*")  # two spaces stand between words where one stands between letters
_LONGEST = 60  # letters set apart that are read as several words; each step looks back a word's length
_SINGLE_QUOTED = re.compile(r"(?<![\w'])'(?=\w)(?:[^'\n]|'(?=\w)){3,300}'(?!\w)")
_WHOLE = 0.9  # a text that is nothing but a quotation is the writer's own


class Sentence(msgspec.Struct, frozen=True):
    """Plain words, each followed by one space, with the way back to the folded text.

    `breaks[i]` is the pause before word i (0 none, SOFT, HARD); `spans[i]` its place in the folded text.
    """

    text: str
    words: list[str]
    starts: list[int]
    spans: list[tuple[int, int]]
    breaks: list[int]

    def words_of(self, start: int, end: int) -> tuple[int, int]:
        """Half-open word range that a match of `text` covers."""
        return bisect_right(self.starts, start) - 1, bisect_left(self.starts, end)

    def parted(self, first: int, last: int) -> bool:
        """Whether a clause ends inside words [first, last)."""
        return HARD in self.breaks[first + 1 : last]

    def around(self, first: int, last: int) -> str:
        """Words [first, last) with `NEAR` words before and behind."""
        start = self.starts[max(0, first - NEAR)]
        end = self.starts[last + NEAR] if last + NEAR < len(self.starts) else len(self.text)
        return self.text[start:end]


def letters_apart(text: str) -> bool:
    return _LETTERS_APART.search(text) is not None


def split(text: str) -> Iterator[tuple[int, int]]:
    """Half-open ranges of the sentences of a folded text, in order and without gaps."""
    start = 0
    for end in _END.finditer(text):
        if end.end() > start:
            yield start, end.end()
            start = end.end()
    if start < len(text):
        yield start, len(text)


def _tokens(text: str, start: int, end: int, apart: bool) -> Iterator[tuple[tuple[str, ...], int, int, int]]:
    """(plain words, break, start, end); a token is either words or a break."""
    token = _TOKEN_APART if apart else _TOKEN
    for match in token.finditer(text, start, end):
        kind = match.lastgroup
        if kind == "apart":
            yield from _joined(match.group(), match.start())
        elif kind == "word":
            yield plain_words(match.group()), 0, match.start(), match.end()
        else:
            yield (), SOFT if kind == "soft" else HARD, match.start(), match.end()


def _joined(raw: str, start: int) -> Iterator[tuple[tuple[str, ...], int, int, int]]:
    """Letters set apart count as words when all of these are known, else as what they are."""
    if not _CLOSE.search(raw):
        yield from _glued(raw, start)
        return
    for piece in _BESIDE.finditer(raw):
        yield from _glued(piece.group(), start + piece.start())


def _glued(raw: str, start: int) -> Iterator[tuple[tuple[str, ...], int, int, int]]:
    glued = "".join(char for char in raw if char.isalnum() or char in "@$!")
    plain = plain_words(glued)
    if plain != (glued,) or is_known(glued):
        yield plain, 0, start, start + len(raw)
        return
    if words := parted(glued) if len(glued) <= _LONGEST else ():
        yield words, 0, start, start + len(raw)
        return
    for match in _TOKEN.finditer(raw):
        words = plain_words(match.group()) if match.lastgroup == "word" else ()
        kind = 0 if words else SOFT if PICTURE in match.group() else HARD
        yield words, kind, start + match.start(), start + match.end()


def sentence(text: str, start: int, end: int, *, apart: bool) -> Sentence:
    """Read one range of a folded text."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    breaks: list[int] = []
    pause = 0
    for plain, kind, word_start, word_end in _tokens(text, start, end, apart):
        pause = max(pause, kind)
        for word in plain:
            words.append(word)
            spans.append((word_start, word_end))
            breaks.append(pause)
            pause = 0
    starts: list[int] = []
    position = 0
    for word in words:
        starts.append(position)
        position += len(word) + 1
    return Sentence(" ".join(words) + " ", words, starts, spans, breaks)


def plain_text(text: str, start: int, end: int) -> str:
    """The plain words of a stretch of a folded text, as `Sentence.text` has them."""
    return sentence(text, max(0, start), min(len(text), end), apart=False).text


def quotations(text: str) -> list[tuple[int, int]]:
    """Ranges of a folded text inside quotation marks; none when nearly the whole text is one."""
    marks = [i for i, char in enumerate(text) if char == '"'] if '"' in text else []
    if len(marks) % 2:
        marks.pop()
    found = list(zip(marks[::2], [mark + 1 for mark in marks[1::2]], strict=True))
    if "'" in text:
        found.extend(match.span() for match in _SINGLE_QUOTED.finditer(text))
    length = len(text.strip())
    return [] if any(end - start >= _WHOLE * length for start, end in found) else found
