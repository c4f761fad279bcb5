"""Load the tables of patterns and words, once, when the package is imported."""

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from wellspring.language.schemas import Category, Reason

ANY = "*"  # the anchor of a mask that is tried on every sentence with a hit


class _RuleGroup(msgspec.Struct, forbid_unknown_fields=True):
    category: Category
    tier: int
    patterns: list[str]
    person: Literal["find", "writer"] = "find"
    tense: Literal["find", "past", "subjunctive"] = "find"
    outer_only: bool = False
    across: bool = False
    beside: str = ""  # the scene that must stand around the phrase


class _MaskGroup(msgspec.Struct, forbid_unknown_fields=True):
    reason: Reason
    patterns: list[str]


class _CapGroup(msgspec.Struct, forbid_unknown_fields=True):
    tier: int
    patterns: list[str]


class Context(msgspec.Struct, forbid_unknown_fields=True):
    """The words of one language that decide who speaks, of when, and whether it is denied."""

    negators: frozenset[str]
    blockers: frozenset[str]
    raising: frozenset[str]
    promises: frozenset[str]
    belief: frozenset[str]
    occasions: frozenset[str]
    reasons: frozenset[str]
    corrections: frozenset[str]
    degree: frozenset[str]
    joiners: frozenset[str]
    none: frozenset[str]
    answers: frozenset[str]
    no_way: frozenset[str]
    affirming: frozenset[str]
    negated_nouns: frozenset[str]
    negating_phrases: list[str]
    clause_stops: frozenset[str]
    first: frozenset[str]
    first_object: frozenset[str]
    first_owner: frozenset[str]
    second: frozenset[str]
    second_owner: frozenset[str]
    third: frozenset[str]
    third_object: frozenset[str]
    third_owner: frozenset[str]
    third_plural: frozenset[str]
    third_nouns: frozenset[str]
    third_verbs: frozenset[str]
    bare_verbs: frozenset[str]
    third_pairs: frozenset[str]
    third_reflexives: frozenset[str]
    third_told: str
    life: frozenset[str]
    relatives: frozenset[str]
    self_named: str
    collective: frozenset[str]
    together: str
    generic: frozenset[str]
    helpers: frozenset[str]
    past_words: frozenset[str]
    told: frozenset[str]
    perfect: frozenset[str]
    had: frozenset[str]
    same_forms: frozenset[str]
    participles: frozenset[str]
    auxiliaries: frozenset[str]
    impersonal: frozenset[str]
    near: str
    distant: str
    lasting: str
    still: str
    later: str
    lifted: str
    other_clause: str
    past_ending: str
    copulas: frozenset[str]
    present: str
    alleged: str
    denied: str
    denied_plainly: str
    outlived: frozenset[str]
    doubted: frozenset[str]
    turned: str
    denied_here: str
    denied_after: str
    disbelieved: str
    agreed: str
    asserted: str
    said_of_old: str
    more_than_ever: str
    not_turned: frozenset[str]
    bare_no: str
    not_yet: str
    undenied: str
    deferred: str
    put_off: str
    inverted: frozenset[str]
    taken_back: str
    contradicted: str
    joined: str
    meant: str
    meant_anyway: str
    answered_yes: str
    asked_by_me: str
    future: str
    said_by_me: str
    rendered: str
    own_quote: str
    other_quote: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    macros: dict[str, str]
    anchors: dict[str, str]
    canonical: dict[str, str]
    rules: list[_RuleGroup]
    masks: list[_MaskGroup]
    caps: list[_CapGroup]
    scenes: dict[str, str]
    denials: dict[str, str]
    context: Context


class Pattern(msgspec.Struct, frozen=True):
    """A pattern, compiled when a text first needs it; it can match only where each group of anchors has a word."""

    anchors: tuple[frozenset[str], ...]
    source: str

    def possible(self, words: set[str]) -> bool:
        for group in self.anchors:  # noqa: SIM110  asked some hundred times for a sentence: a generator costs twice that
            if group.isdisjoint(words) and ANY not in group:
                return False
        return True

    def regex(self) -> re.Pattern[str]:
        return _compiled(self.source)


class Rule(msgspec.Struct, frozen=True):
    pattern: Pattern
    group: _RuleGroup
    order: int


class Mask(msgspec.Struct, frozen=True):
    pattern: Pattern
    reason: Reason


class Cap(msgspec.Struct, frozen=True):
    pattern: Pattern
    tier: int


class Table(msgspec.Struct, frozen=True):
    """All that is known of one language."""

    canonical: dict[str, tuple[str, ...]]
    by_anchor: dict[str, list[Rule]]
    masks: list[Mask]
    caps: list[Cap]
    scenes: dict[str, str]
    denials: dict[str, str]
    context: Context
    vocabulary: frozenset[str]


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{source})(?!\w)")


@cache
def cue(source: str) -> re.Pattern[str]:
    """A pattern of a context, compiled once."""
    return re.compile(source)


def _expand(text: str, macros: dict[str, str]) -> str:
    for _ in range(3):
        for name, value in macros.items():
            text = text.replace("{" + name + "}", value)
    return text


def _pattern(line: str, file: _File) -> Pattern:
    anchors, source = line.split(" :: ", 1)
    groups = tuple(frozenset(group.split()) for group in _expand(anchors, file.anchors).split(" & "))
    return Pattern(groups, _expand(source, file.macros))


def _index(rules: list[Rule]) -> dict[str, list[Rule]]:
    by_anchor: dict[str, list[Rule]] = {}
    for rule in rules:
        for anchor in rule.pattern.anchors[0]:
            by_anchor.setdefault(anchor, []).append(rule)
    return by_anchor


def _vocabulary(patterns: list[Pattern], file: _File) -> frozenset[str]:
    words = {word for p in patterns for word in re.findall("[a-zœ]{2,}", p.source.replace("\\w", " "))}
    words.update(word for p in patterns for group in p.anchors for word in group if word != ANY)
    context = msgspec.structs.asdict(file.context)
    words.update(word for value in context.values() if isinstance(value, frozenset) for word in value)
    return frozenset(words)


def _load(language: str) -> Table:
    raw = resources.files("wellspring.language").joinpath("data", f"{language}.toml").read_text("utf-8")
    file = msgspec.convert(tomllib.loads(raw), _File)
    lines = [(group, line) for group in file.rules for line in group.patterns]
    rules = [Rule(_pattern(line, file), group, order) for order, (group, line) in enumerate(lines)]
    masks = [Mask(_pattern(line, file), group.reason) for group in file.masks for line in group.patterns]
    caps = [Cap(_pattern(line, file), group.tier) for group in file.caps for line in group.patterns]
    patterns = [*(r.pattern for r in rules), *(m.pattern for m in masks), *(c.pattern for c in caps)]
    return Table(
        canonical={raw_word: tuple(plain.split()) for raw_word, plain in file.canonical.items()},
        by_anchor=_index(rules),
        masks=masks,
        caps=caps,
        scenes={name: _expand(source, file.macros) for name, source in file.scenes.items()},
        denials={name: _expand(source, file.macros) for name, source in file.denials.items()},
        context=file.context,
        vocabulary=_vocabulary(patterns, file),
    )


TABLES: dict[str, Table] = {language: _load(language) for language in ("en", "fr")}
