"""What feedback is about and how soon somebody should look, by plain words in English and French.

The words lie in `data/topics.toml`. They find what is said outright; the light model adds what is only hinted at.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Final

import msgspec

from wellspring.language.schemas import Feedback, Urgency

OTHER: Final = "other"
PRAISE: Final = "praise"
_GAP: Final = r"\b[^.!?\n]{0,40}?\b"
_NUMBER: Final = (
    r"(?:\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|twelve"
    r"|deux|trois|quatre|cinq|sept|huit|neuf|dix|douze)"
)
_SPACE: Final = r"\s{1,3}"
_DENIED: Final = "".join(f"(?<!{word} )" for word in ("not", "n't", "no", "never", "not very", "pas", "jamais"))
_ORDER: Final[tuple[Urgency, ...]] = ("low", "medium", "high")
_FLOORS: Final[dict[Urgency, float]] = {"low": 0.0, "medium": 0.3334, "high": 0.6667}
_TOP: Final[dict[Urgency, float]] = {"low": 0.3333, "medium": 0.6666, "high": 1.0}
_RAISED: Final[dict[Urgency, float]] = {"low": 0.0, "medium": 0.5, "high": 0.8333}  # the middle of each third


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    topics: dict[str, list[str]]
    urgency: dict[Urgency, list[str]]


def _phrase(written: str) -> str:
    """Turn one entry of the file into a pattern."""
    return _GAP.join(_SPACE.join(map(_word, stretch.split())) for stretch in written.split(" .. "))


def _word(written: str) -> str:
    if written == "#":
        return _NUMBER
    return re.escape(written[:-1]) + r"\w*" if written.endswith("*") else re.escape(written)


def _pattern(phrases: list[str], before: str = "") -> re.Pattern[str]:
    """Compile one pattern for all phrases; of two that begin alike the longer wins.

    Grouped by their first letter, so that a word of the text is held against few of them.
    """
    groups: dict[str, list[str]] = {}
    for phrase in sorted(set(phrases), key=len, reverse=True):
        pattern = _phrase(phrase)
        groups.setdefault("" if phrase[0] == "#" else phrase[0], []).append(pattern.removeprefix(phrase[0]))
    choices = "|".join(f"{letter}(?:{'|'.join(group)})" for letter, group in groups.items())
    return re.compile(rf"\b{before}(?:{choices})\b")


_FILE: Final = msgspec.convert(
    tomllib.loads(resources.files("wellspring.language").joinpath("data", "topics.toml").read_text("utf-8")), _File
)
TOPICS: Final = tuple(_FILE.topics)
_TOPICS: Final = {name: _pattern(words, _DENIED if name == PRAISE else "") for name, words in _FILE.topics.items()}
_URGENT: Final = {name: _pattern(words, _DENIED) for name, words in _FILE.urgency.items()}


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


def _praised(folded: str, match: re.Match[str]) -> bool:
    """Tell whether words of praise are meant."""
    start = match.start()
    if _DOUBTED.search(folded, max(0, start - 40), start):
        return False
    return not any(one.start() <= start < one.end() for one in _EMPTY.finditer(folded))


def _alone(topics: Iterable[str]) -> tuple[str, ...]:
    """Drop `other` beside any named topic."""
    found = tuple(topics)
    return tuple(name for name in found if name != OTHER) or found


def topics_of(folded: str) -> tuple[str, ...]:
    """Return the topics that a folded text names, most often named first, then in the order of the text.

    `other` stands alone or not at all. A text that names nothing gives nothing.
    """
    weighed: list[tuple[int, int, str]] = []
    for name, pattern in _TOPICS.items():
        first: dict[str, int] = {}
        for match in pattern.finditer(folded):
            if name == PRAISE and not _praised(folded, match):
                continue
            first.setdefault(match[0], match.start())
        if first:
            weighed.append((-len(first), min(first.values()), name))
    return _alone(name for _, _, name in sorted(weighed))


def urgency_of(folded: str) -> Urgency | None:
    """Return `high` where a folded text tells of harm or danger now, `medium` where it asks for an answer."""
    for name in reversed(_ORDER):
        if name in _URGENT and _URGENT[name].search(folded):
            return name
    return None


def _hollow(folded: str) -> bool:
    """Tell whether there are words of praise and none of them is meant: the model knows the words alone."""
    found = list(_TOPICS[PRAISE].finditer(folded))
    return bool(found) and not any(_praised(folded, match) for match in found)


def joined(folded: str, model: Feedback) -> Feedback:
    """Return what words and the light model say together: topics of both, words first, and the higher urgency.

    `urgency_score` lies in the third that belongs to the label (low < 1/3 <= medium < 2/3 <= high).
    """
    by_name = dict.fromkeys((*topics_of(folded), *model.topics))
    if PRAISE in by_name and _hollow(folded):
        del by_name[PRAISE]
    return _no_less_urgent(folded, msgspec.structs.replace(model, topics=_alone(by_name) or (OTHER,)))


def weighed(folded: str, topics: Mapping[str, float], model: Feedback, *, words: float, bias: float) -> Feedback:
    """Return what words and the encoder say together: a topic counts from a logit of 0 on, else the likeliest alone.

    `topics` are the encoder's logits, to which `bias` is added, and `words` where plain words name the topic; `model`
    holds its urgency, which plain words raise as in `joined`.
    """
    named = topics_of(folded)
    scores = {name: logit + bias + words * (name in named) for name, logit in topics.items()}
    if PRAISE in scores and _hollow(folded):
        del scores[PRAISE]
    ranked = sorted(scores, key=lambda name: -scores[name])
    found = [name for name in ranked if scores[name] >= 0] or ranked[:1]
    return _no_less_urgent(folded, msgspec.structs.replace(model, topics=_alone(found)))


def _no_less_urgent(folded: str, model: Feedback) -> Feedback:
    by_words: Urgency = urgency_of(folded) or "low"
    urgency = max((by_words, model.urgency), key=_ORDER.index)
    score = model.urgency_score if urgency == model.urgency else max(model.urgency_score, _RAISED[urgency])
    return Feedback(model.topics, urgency, round(min(max(score, _FLOORS[urgency]), _TOP[urgency]), 4))
