"""Find phrases in one sentence and judge each in its context."""

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise
from operator import itemgetter

import msgspec

from wellspring.language.context import (
    alleged,
    answered_no,
    contradicted,
    denied_after,
    disbelieved,
    distance,
    framed,
    lifted,
    negated,
    said_of_old,
    taken_back,
    tense,
    told_of_old,
)
from wellspring.language.denials import deferred, refused
from wellspring.language.persons import person
from wellspring.language.schemas import Category, Person, Reason, Tense
from wellspring.language.sentences import NEAR, Sentence, plain_text
from wellspring.language.tables import TABLES, Mask, Rule, cue

# Kinds that weigh less when told in the past without a time; an act (cutting, a farewell) does not.
_FADES = frozenset({"explicit", "passive", "euphemism", "burden", "hopelessness"})

# What may follow a comma: an everyday reason ("I won't be here tomorrow, dentist"), an answer ("… if I would, and no").
_ACROSS = frozenset({"idiom", "negated", "past", "quoted"})

_UNDONE: frozenset[Reason] = frozenset({"negated", "past", "quoted", "third_person", "question"})
_ASKED = frozenset({"explicit", "self_harm"})  # "would anybody miss me? no" denies nothing
_AFTER = 30  # characters read behind a bare no
_JUDGED = 10  # words that may judge what is named
_START, _END = itemgetter(0), itemgetter(1)
_UNDONE_TIER = 2  # said by taking something back: clear, and never as sure as saying it


class Found(msgspec.Struct, frozen=True):
    """A hit before its offsets are mapped back; `first` and `last` are words of the sentence."""

    category: Category
    first: int
    last: int
    tier: int
    reason: Reason | None
    person: Person
    tense: Tense


class Scene(msgspec.Struct, frozen=True):
    """A sentence with what lies around it: where the sentences around it stand in the folded text."""

    sentence: Sentence
    text: str
    preceding: tuple[int, int]
    following: tuple[int, int]
    beyond: tuple[int, int]  # the sentence after the following one: a time or a denial may come late
    quoted: list[tuple[int, int]]  # word ranges inside someone else's quotation, in order
    told: tuple[tuple[int, int], ...] = ()  # the ends of the three sentences before, the nearest one last
    known: dict[tuple[int, int], str] = msgspec.field(
        default_factory=dict
    )  # plain words of stretches around, once read

    def plain(self, start: int, end: int) -> str:
        """The plain words of a stretch of the text: a sentence is asked for by each of its neighbours."""
        found = self.known.get((start, end))
        if found is None:
            found = self.known[start, end] = plain_text(self.text, start, end)
        return found

    @property
    def asked(self) -> bool:
        """Whether the sentence ends with a question mark."""
        end = self.following[0]
        return "?" in self.text[max(0, end - 4) : end]


def _candidates(words: set[str], by_anchor: dict[str, list[Rule]]) -> list[Rule]:
    rules = {rule.order: rule for word in words if word in by_anchor for rule in by_anchor[word]}
    return [rules[order] for order in sorted(rules) if rules[order].pattern.possible(words)]


def _spans(s: Sentence, regex: re.Pattern[str], *, across: bool = False) -> list[tuple[int, int]]:
    """Word ranges that match, in order; `across` lets them run over the end of a clause."""
    found = [s.words_of(match.start(), match.end()) for match in regex.finditer(s.text) if match.group().strip()]
    return [(first, last) for first, last in found if across or not s.parted(first, last)]


def _overlapping(first: int, last: int, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return which of the ranges overlap words [first, last); both their starts and their ends must be in order."""
    return spans[bisect_right(spans, first, key=_END) : bisect_left(spans, last, key=_START)]


class _Masks:
    """The masks and caps of one language on one sentence, searched only once a phrase is found."""

    def __init__(self, s: Sentence, words: set[str], language: str) -> None:
        table = TABLES[language]
        near = [mask for mask in table.masks if mask.pattern.possible(words)]
        self.words, self.context = s.words, table.context
        self.spans = [
            (mask, spans) for mask in near if (spans := _spans(s, mask.pattern.regex(), across=mask.reason in _ACROSS))
        ]
        caps = [cap for cap in table.caps if cap.pattern.possible(words)]
        self.caps = [(cap.tier, spans) for cap in caps if (spans := _spans(s, cap.pattern.regex()))]

    def reason(self, first: int, last: int, rule: Rule) -> Reason | None:
        """The first reason that covers the phrase; what only the writer can mean is nobody else's."""
        own = ("third_person", "question") if rule.group.person == "writer" else ()
        covering: list[Mask] = [
            mask
            for mask, spans in self.spans
            if any(
                mask.reason != "fiction" or self._told(start, end, first)
                for start, end in _overlapping(first, last, spans)
            )
        ]
        return next((mask.reason for mask in covering if mask.reason not in own), None)

    def _told(self, start: int, end: int, first: int) -> bool:
        """Whether what tells of fiction still speaks at word `first`: "the song is over and I …" does not."""
        joined = pairwise(self.words[start : first + 1])
        return end <= first or not any(a in self.context.joiners and b in self.context.first for a, b in joined)

    def cap(self, first: int, last: int) -> int:
        return min((tier for tier, spans in self.caps if _overlapping(first, last, spans)), default=3)


def _reason(scene: Scene, first: int, last: int, rule: Rule, language: str, who: Person) -> Reason | None:
    if rule.group.tier == 0:
        return "topic"
    if _overlapping(first, last, scene.quoted):
        return "quoted"
    if who == "third":
        return "third_person"
    if who == "second":
        return "question"
    if negated(scene.sentence, first, last, rule, language):
        return "negated"
    return None


def _denied(scene: Scene, first: int, last: int, rule: Rule, language: str, following: str, beyond: str) -> int | None:
    """Where in `following` a denial of the phrase ends that comes after it, 0 when it ends sooner, else nothing."""
    s = scene.sentence
    if denied_after(s, last, language):
        return 0
    if (spent := alleged(s, first, last, language, following, beyond)) is not None:
        return spent
    preceding = scene.plain(*scene.preceding)
    if (spent := disbelieved(s, first, last, language, preceding, following)) is not None:
        return spent
    end = "?" if scene.asked else "|"
    if (spent := refused(s, first, last, rule.group.category, language, end, following, beyond)) is not None:
        return spent
    if rule.group.category not in _ASKED or not scene.asked:
        return None
    close = scene.following[1]
    after = scene.plain(close, close + _AFTER)
    return 0 if answered_no(s, first, last, language, following, after) else None


def _put_off(language: str, behind: str) -> bool:
    """Whether a denial only puts it off: "Kill myself? No. Not tonight"."""
    return cue(TABLES[language].context.put_off).search(behind.lstrip()) is not None


def _set_long_ago(scene: Scene, language: str) -> bool:
    return told_of_old(scene.plain(*scene.preceding), language)


def _long_over(s: Sentence, first: int, last: int, language: str, after: tuple[str, str]) -> bool:
    return framed(s, first, last, language, after) or said_of_old(s, first, last, language, after)


def _meant_anyway(s: Sentence, first: int, language: str, following: str) -> bool:
    """Whether what is only named is done by the writer in the next sentence: "suicide is selfish. I am still …"."""
    words = " ".join(s.words[max(0, first - 1) : first + _JUDGED])
    return cue(TABLES[language].context.meant_anyway).search(f"{words} | {following.rstrip()}") is not None


def _judge(scene: Scene, first: int, last: int, rule: Rule, language: str, masks: _Masks, following: str) -> Found:
    s = scene.sentence
    who = person(s, first, last, rule, language)
    when = tense(s, first, last, rule, language)
    reason = masks.reason(first, last, rule) or _reason(scene, first, last, rule, language, who)
    tier = min(rule.group.tier, masks.cap(first, last))
    fades = rule.group.category in _FADES
    if reason == "negated" and (contradicted(s, first, language, following) or deferred(s, first, last, language)):
        return Found(rule.group.category, first, last, min(tier, _UNDONE_TIER), None, who, when)
    if reason == "topic" and _meant_anyway(s, first, language, following):
        return Found("plan", first, last, _UNDONE_TIER, None, "first", "future")
    beyond = scene.plain(*scene.beyond)
    if reason is None:
        spent = _denied(scene, first, last, rule, language, following, beyond)
        if spent is not None and not _put_off(language, following[spent:].strip() or beyond):
            reason, following = "negated", following[spent:].lstrip()  # what takes the denial back stands behind it
    if reason is None and when == "past":
        after = (following, beyond) if fades else (following,)
        far = distance(s, first, last, language, after)
        if far or (far is None and fades and (lifted(language, following) or _set_long_ago(scene, language))):
            reason = "past"
        elif far is None and (fades or rule.group.tense == "past"):
            tier = max(1, tier - 1)
    elif reason is None and when == "present" and fades and _long_over(s, first, last, language, (following, beyond)):
        reason = "past"
    undoable = reason in _UNDONE and (reason != "question" or scene.asked)
    if reason is not None and undoable and taken_back(s, last, language, following, beyond, reason):
        reason, tier = None, min(tier, _UNDONE_TIER)
    return Found(rule.group.category, first, last, tier, reason, who, when)


def _beside(scene: Scene, first: int, last: int, name: str, language: str) -> bool:
    """Whether what a phrase means something only beside is told around it: "My dad died. I want to | be with him".

    A scene is sought in the words around, where "|" stands between sentences and "#" for the phrase itself.
    """
    s = scene.sentence
    told = [scene.plain(*place) for place in scene.told]
    own = " ".join([*s.words[max(0, first - NEAR) : first], "#", *s.words[last : last + NEAR], ""])
    words = "| ".join([*told, own, scene.plain(*scene.following), scene.plain(*scene.beyond)])
    return cue(TABLES[language].scenes[name]).search(words) is not None


def find(scene: Scene, language: str) -> list[Found]:
    """Every phrase of one language in the sentence, counted or not; overlapping ones are thinned."""
    s = scene.sentence
    words = set(s.words)
    rules = _candidates(words, TABLES[language].by_anchor)
    places = [
        (rule, span)
        for rule in rules
        for span in _spans(s, rule.pattern.regex(), across=rule.group.across)
        if not rule.group.beside or _beside(scene, *span, rule.group.beside, language)
    ]
    if not places:
        return []
    masks = _Masks(s, words, language)
    following = scene.plain(*scene.following)
    return thin([_judge(scene, first, last, rule, language, masks, following) for rule, (first, last) in places])


def thin(found: list[Found]) -> list[Found]:
    """Of overlapping hits keep the one that says most: counted, then higher tier, then longer."""
    kept: list[Found] = []
    taken: set[int] = set()
    for hit in sorted(found, key=lambda f: (f.reason is not None, -f.tier, f.first - f.last, f.first)):
        if taken.isdisjoint(range(hit.first, hit.last)):
            kept.append(hit)
            taken.update(range(hit.first, hit.last))
    return sorted(kept, key=lambda f: f.first)


def own_quotation(before: str, after: str, language: str) -> bool | None:
    """Whose a quotation is, by the words around it: the writer's (true), another's (false), not said (None)."""
    c = TABLES[language].context
    if cue(c.rendered).search(before) or cue(c.rendered).search(after):
        return False
    if cue(c.said_by_me).search(before):
        return True
    if cue(c.other_quote).search(before) or cue(c.other_quote).search(after):
        return False
    return True if cue(c.own_quote).search(before) or cue(c.own_quote).search(after) else None
