"""What feedback is about and how soon somebody should look, by plain words in English and French.

The words lie in `data/topics.toml`. They find what is said outright; the light model adds what is only hinted at.
"""

import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

import msgspec

from wellspring.language.schemas import Feedback, Urgency

OTHER: Final = "other"
PRAISE: Final = "praise"
_GAP: Final = r"\b[^.!?\n]{0,40}?\b"
_NUMBER: Final = (
    r"(?:\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|(?:twen|thir|for|fif|six|nine)ty"
    r"(?:-\w{3,5})?|several|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|quinze|vingt(?:-\w{3,5})?"
    r"|(?:tren|quaran|cinquan|soixan|septan|nonan)te(?:-\w{3,6})?|plusieurs)"
)
_SPACE: Final = r"\s{1,3}"
_DENIED: Final = "".join(f"(?<!{word} )" for word in ("not", "n't", "no", "never", "not very", "pas", "jamais"))
_ORDER: Final[tuple[Urgency, ...]] = ("low", "medium", "high")
_FLOORS: Final[dict[Urgency, float]] = {"low": 0.0, "medium": 0.3334, "high": 0.6667}
_TOP: Final[dict[Urgency, float]] = {"low": 0.3333, "medium": 0.6666, "high": 1.0}
_RAISED: Final[dict[Urgency, float]] = {"low": 0.0, "medium": 0.5, "high": 0.8333}  # the middle of each third


class _Signs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Danger by itself may be told long after; beside a sign of now it is `high`, unless all is calm."""

    danger: list[str]
    now: list[str]
    calm: list[str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, list[str]]
    urgency: dict[Urgency, list[str]]
    signs: _Signs


class _Words(msgspec.Struct, frozen=True):
    """All phrases of one meaning, and those longer ones that hold one of them and mean something else."""

    meant: re.Pattern[str]
    otherwise: re.Pattern[str] | None

    def matches(self, folded: str) -> Iterator[re.Match[str]]:
        for match in self.meant.finditer(folded):
            if self.otherwise is None or not self.otherwise.fullmatch(match[0]):
                yield match

    def named(self, folded: str) -> bool:
        return next(self.matches(folded), None) is not None


def _written_out(written: str) -> list[str]:
    """Write out every choice of a phrase: `his/her bed` is two phrases."""
    return [" ".join(words) for words in itertools.product(*(word.split("/") for word in written.split()))]


def _phrase(written: str) -> str:
    """Turn one entry of the file into a pattern."""
    return _GAP.join(_SPACE.join(map(_word, stretch.split())) for stretch in written.split(" .. "))


def _word(written: str) -> str:
    stem = re.escape(written.removesuffix("*")).replace(r"\#", _NUMBER).replace("n't", "n'?t")
    return stem + r"\w*" if written.endswith("*") else stem


def _words(phrases: list[str], before: str = "") -> _Words:
    every = [one for phrase in phrases for one in _written_out(phrase)]
    others = [phrase[1:] for phrase in every if phrase[0] == "!"]
    return _Words(
        _pattern([phrase.removeprefix("!") for phrase in every], before), _pattern(others) if others else None
    )


def _pattern(phrases: list[str], before: str = "") -> re.Pattern[str]:
    """Compile one pattern for all phrases; of two that begin alike the longer wins.

    Grouped by their first letter, so that a word of the text is held against few of them.
    """
    groups: dict[str, list[str]] = {}
    for phrase in sorted(set(phrases), key=len, reverse=True):
        pattern = _phrase(phrase)
        letter = phrase[0] if phrase[0].isalnum() else ""
        groups.setdefault(letter, []).append(pattern.removeprefix(letter))
    choices = "|".join(f"{letter}(?:{'|'.join(group)})" for letter, group in groups.items())
    return re.compile(rf"(?<!\w){before}(?:{choices})(?!\w)")


_FILE: Final = msgspec.convert(
    tomllib.loads(resources.files("wellspring.language").joinpath("data", "topics.toml").read_text("utf-8")), _File
)
TOPICS: Final = tuple(_FILE.topics)
_TOPICS: Final = {name: _words(words, _DENIED if name == PRAISE else "") for name, words in _FILE.topics.items()}
_URGENT: Final = {name: _words(words, _DENIED) for name, words in _FILE.urgency.items()}
_DANGER: Final = _words(_FILE.signs.danger, _DENIED)
_NOW: Final = _words(_FILE.signs.now)
_CALM: Final = _words(_FILE.signs.calm)
_ASKED: Final = re.compile(r"\w[\w\"')\]]{0,2} {0,2}\?")
"""A question that somebody put."""


_DOUBTED: Final = re.compile(
    r"(?:\b(?:not|no|never|nobody|none|nothing|hardly|barely|without|anything but|far from|less than|lack of|zero|once"
    r"|would|could|should|wish|wanted to|instead of|if|pas|jamais|aucun\w*|rien|guere|sans|loin|serait|pourrai\w*"
    r"|aurait|aimerais)|n't|'d)\b[^.!?\n,;]{0,24}$"
)
"""Before a word of praise: it is denied, or wished for."""
_EMPTY: Final = re.compile(
    r"\bgood (?:luck|god|lord|grief|hour)|\bbest (?:part|bit) is|\bd(?:id|o|oes|oing) (?:my|his|her|their|its) best"
    r"|\b(?:great|super|perfect|brilliant|lovely|wonderful|parfait|bravo|genial)[\s,.!\n]+(?:another|again|encore|just)\b"
    r"|\bthank(?:s| you)? for (?:nothing|ignoring|losing|wasting)|\bperfect example|\b(?:one|half a) star\b|\bstar is\b"
    r"|\b(?:happy|pleased|content\w*) with nothing|\bmerci (?:de|pour) (?:rien|me r)"
)
"""Praise in its words only."""


_FAINT: Final = re.compile(_DENIED + r"\b(?:great|love|lovely|nice|best|stars?|kind|grateful|contente?s?)\b")
"""Too often said of something else to name praise, but the model takes them for praise."""


def _praised(folded: str, match: re.Match[str]) -> bool:
    """Tell whether words of praise are meant."""
    start = match.start()
    if _DOUBTED.search(folded, max(0, start - 40), start):
        return False
    return not any(one.start() < match.end() and start < one.end() for one in _EMPTY.finditer(folded))


def _alone(topics: Iterable[str]) -> tuple[str, ...]:
    """Drop `other` beside any named topic."""
    found = tuple(topics)
    return tuple(name for name in found if name != OTHER) or found


def topics_of(folded: str) -> tuple[str, ...]:
    """Return the topics that a folded text names, most often named first, then in the order of the text.

    `other` stands alone or not at all. A text that names nothing gives nothing.
    """
    weighed: list[tuple[int, int, str]] = []
    for name, words in _TOPICS.items():
        first: dict[str, int] = {}
        for match in words.matches(folded):
            if name == PRAISE and not _praised(folded, match):
                continue
            first.setdefault(match[0], match.start())
        if first:
            weighed.append((-len(first), min(first.values()), name))
    return _alone(name for _, _, name in sorted(weighed))


def urgency_of(folded: str) -> Urgency | None:
    """Return `high` where a folded text tells of harm or danger now, `medium` where it asks for an answer."""
    if _URGENT["high"].named(folded):
        return "high"
    calm = _CALM.named(folded)
    if not calm and _DANGER.named(folded) and _NOW.named(folded):
        return "high"
    return "medium" if _ASKED.search(folded) or _URGENT["medium"].named(folded) else None


def _hollow(folded: str) -> bool:
    """Tell whether there are words of praise and none of them is meant: the model knows the words alone."""
    found = [*_TOPICS[PRAISE].matches(folded), *_FAINT.finditer(folded)]
    return bool(found) and not any(_praised(folded, match) for match in found)


def joined(folded: str, model: Feedback) -> Feedback:
    """Return what words and the light model say together: topics of both, words first, and the higher urgency.

    `urgency_score` lies in the third that belongs to the label (low < 1/3 <= medium < 2/3 <= high).
    """
    by_name = dict.fromkeys((*topics_of(folded), *model.topics))
    if PRAISE in by_name and _hollow(folded):
        del by_name[PRAISE]
    topics = _alone(by_name) or (OTHER,)
    by_words: Urgency = urgency_of(folded) or "low"
    urgency = max((by_words, model.urgency), key=_ORDER.index)
    score = model.urgency_score if urgency == model.urgency else max(model.urgency_score, _RAISED[urgency])
    return Feedback(topics, urgency, round(min(max(score, _FLOORS[urgency]), _TOP[urgency]), 4))
