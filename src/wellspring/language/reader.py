"""Read one text: fold, look for trigger words, judge the sentences that hold one."""

import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from wellspring.language import identify as languages
from wellspring.language.emergencies import of_another
from wellspring.language.fold import Folded, fold
from wellspring.language.judge import level_of, tier_of
from wellspring.language.rules import Found, Scene, find, own_quotation, thin
from wellspring.language.schemas import Hit, Reading
from wellspring.language.sentences import Sentence, letters_apart, plain_text, quotations, sentence, split
from wellspring.language.spelling import RUN_TOGETHER
from wellspring.language.tables import TABLES
from wellspring.language.trigger import triggered, words

RULES_VERSION = "2026.10"
CAP = 20_000  # characters read of one text: half from its start, half from its end

_ODD = re.compile(
    r"[a-z][0-9@$*!|]+[a-z]|[0-9@$][a-z]+[0-9@$]|\b[a-z][0-9]+\b|[$@][a-z]{3}|([a-z])\1\1|[a-z]\x02+[a-z]"
    rf"|{RUN_TOGETHER}"
)
_VERSIONS = {"rules": RULES_VERSION, "language": languages.VERSION}
_STOPS = frozenset(".!?\n")
_AROUND = 90  # characters before and after a quotation that may say whose it is
_SERIOUS = 2  # the tier from which on a phrase is more than distress
_TOLD = 160  # characters of each of the three sentences before that may tell what a phrase answers


def halves(text: str) -> list[tuple[int, str]]:
    """The stretches that are read, with their offsets: the whole text, or start and end of a very long one."""
    if len(text) <= CAP:
        return [(0, text)]
    return [(0, text[: CAP // 2]), (len(text) - CAP // 2, text[-CAP // 2 :])]


def _latin(text: str, folded: str) -> tuple[int, int]:
    if text.isascii():
        return 1, 1
    letters = sum(map(str.isalpha, text))
    return letters, sum(
        char < "\u0250" or "\uff21" <= char <= "\uff5a" or char > "\U0001d3ff" for char in text if char.isalpha()
    )


def _stands_alone(text: str, start: int, end: int) -> bool:
    """A quotation that is a sentence by itself."""
    before, after = text[:start].rstrip(" "), text[end : end + 20].lstrip(" ")
    closed = text[end - 2 : end - 1] in _STOPS or not after or after[0] in _STOPS
    return closed and (not before or before[-1] in _STOPS)


def _foreign_quotations(text: str) -> dict[str, list[tuple[int, int]]]:
    """By language, quotations that are not the writer's own words or thoughts: sorted ranges that do not overlap."""
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in TABLES}
    for start, end in quotations(text):
        before, after = plain_text(text, start - _AROUND, start), plain_text(text, end, end + _AROUND)
        for language, ranges in found.items():
            own = own_quotation(before, after, language)
            if own is False or (own is None and not _stands_alone(text, start, end)):
                ranges.append((start, end))
    return {language: _joined(ranges) for language, ranges in found.items()}


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return sorted ranges that cover the same and neither overlap nor touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _quoted_words(s: Sentence, quotes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if not quotes:
        return []
    starts = [start for start, _ in quotes]
    places = [bisect_right(starts, start) - 1 for start, _ in s.spans]
    inside = [place >= 0 and start < quotes[place][1] for place, (start, _) in zip(places, s.spans, strict=True)]
    return _joined([(i, i + 1) for i, is_inside in enumerate(inside) if is_inside])


class _Half:
    """One folded stretch of text, with what is worked out only when a trigger word is there."""

    def __init__(self, folded: Folded, offset: int) -> None:
        self.folded = folded
        self.text = folded.text
        self.offset = offset
        self.odd = _ODD.search(self.text) is not None
        self.apart = letters_apart(self.text)
        self.known: dict[tuple[int, int], str] = {}

    def hits(self) -> list[Hit]:
        if not (self.odd or self.apart or triggered(words(self.text))):
            return []
        quotes = _foreign_quotations(self.text)
        ranges = list(split(self.text))
        found: list[Hit] = []
        for index, (start, end) in enumerate(ranges):
            if self.odd or self.apart or triggered(words(self.text, start, end)):
                found.extend(self._sentence_hits(ranges, index, quotes))
        return found

    def emergencies(self) -> Iterator[Hit]:
        """Yield what somebody else has taken: an attempt, not the writer's."""
        for start, end in of_another(self.text):
            first, last = (at + self.offset for at in self.folded.origin(start, end))
            yield Hit("attempt", first, last, 3, counted=False, reason="third_person", person="third", tense="present")

    def _sentence_hits(
        self, ranges: list[tuple[int, int]], index: int, quotes: dict[str, list[tuple[int, int]]]
    ) -> list[Hit]:
        start, end = ranges[index]
        s = sentence(self.text, start, end, apart=self.apart)
        if not s.words:
            return []
        before = (max(ranges[index - 1][0], start - _AROUND), start) if index else (0, 0)
        after, beyond = self._stretch(ranges, index + 1), self._stretch(ranges, index + 2)
        told = tuple((max(begin, stop - _TOLD), stop) for begin, stop in ranges[max(0, index - 3) : index])
        found: list[Found] = []
        for language in TABLES:
            quoted = _quoted_words(s, quotes[language])
            found.extend(find(Scene(s, self.text, before, after, beyond, quoted, told, self.known), language))
        return [self._hit(s, f) for f in thin(found)]

    def _stretch(self, ranges: list[tuple[int, int]], index: int) -> tuple[int, int]:
        """The beginning of one sentence, or the empty place behind the last."""
        start, end = ranges[index] if index < len(ranges) else (len(self.text), len(self.text))
        return start, min(end, start + _AROUND)

    def _hit(self, s: Sentence, found: Found) -> Hit:
        start, end = self.folded.origin(s.spans[found.first][0], s.spans[found.last - 1][1])
        return Hit(
            category=found.category,
            start=start + self.offset,
            end=end + self.offset,
            tier=found.tier,
            counted=found.reason is None,
            reason=found.reason,
            person=found.person,
            tense=found.tense,
        )


def read(text: str, *, hint: str | None = None) -> Reading:
    """Judge one text; never raises on any `str`, linear in its length.

    `hint` is the person's language tag ("fr-CA"); it decides the language of a short text. Rules of every language
    run on every text, so that a change of language inside a text hides nothing.
    """
    parts = [_Half(fold(part), offset) for offset, part in halves(text)]
    first = words(parts[0].text, 0, 2000)
    letters, latin = _latin(text[:2000], parts[0].text[:2000])
    language, confidence = languages.identify(first, letters, latin, hint)
    hits = tuple(hit for part in parts for hit in (*part.hits(), *part.emergencies()))
    level = level_of(hits)
    return Reading(
        language=language,
        language_confidence=confidence,
        level=level,
        rules_level=level,
        tier=tier_of(hits),
        hits=hits,
        fully_read=language in TABLES and len(text) <= CAP,
        versions=_VERSIONS,
        another=any(map(_of_another, hits)),
    )


def _of_another(hit: Hit) -> bool:
    """Whether a phrase says that somebody else is in danger now: more than distress, and not told of the past."""
    return hit.reason == "third_person" and hit.tense != "past" and hit.tier >= _SERIOUS


def hinted(reading: Reading, text: str, hint: str) -> Reading:
    """Return a reading with its language told again, now that the person's own language tag is known.

    Only the language of a short text, and with it whether it was fully read, can change; what was found stays.
    """
    if reading.language_confidence > languages.SURE:
        return reading
    part = text[: CAP // 2] if len(text) > CAP else text
    folded = fold(part).text
    letters, latin = _latin(text[:2000], folded[:2000])
    language, confidence = languages.identify(words(folded, 0, 2000), letters, latin, hint)
    fully_read = language in TABLES and len(text) <= CAP
    return msgspec.structs.replace(reading, language=language, language_confidence=confidence, fully_read=fully_read)
