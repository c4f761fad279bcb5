"""The one quick look that decides whether a stretch of text needs reading by the rules at all."""

import re

from wellspring.language.spelling import CANONICAL, typed_forms
from wellspring.language.tables import TABLES

_WORDS = re.compile("[a-zœ]+(?:'[a-zœ]+)*")

Groups = tuple[frozenset[str], ...]


def words(text: str, start: int = 0, end: int | None = None) -> list[str]:
    """The words of a folded text, apostrophes kept."""
    return _WORDS.findall(text, start, len(text) if end is None else end)


def _triggers() -> dict[str, frozenset[Groups]]:
    """Typed word → what else must stand in the text for one of its patterns to match."""
    found: dict[str, set[Groups]] = {}
    typed: dict[frozenset[str], frozenset[str]] = {}
    for table in TABLES.values():
        patterns = {id(rule): rule.pattern for rules in table.by_anchor.values() for rule in rules}
        for pattern in patterns.values():
            typed.update((group, typed_forms(group)) for group in pattern.anchors if group not in typed)
            first, *rest = (typed[group] for group in pattern.anchors)
            for word in first:
                found.setdefault(word, set()).add(tuple(rest))
    return {word: frozenset({()} if () in groups else groups) for word, groups in found.items()}


_TRIGGERS = _triggers()
_FIRST = frozenset(_TRIGGERS)  # a set meets a set in the time of the smaller; a dict it walks whole


def triggered(found: list[str]) -> bool:
    """Whether any pattern could match a text of these words."""
    present = set(found)
    present.update([part for word in found if "'" in word and word not in CANONICAL for part in word.split("'")])
    return any(
        all(not group.isdisjoint(present) for group in rest) for word in present & _FIRST for rest in _TRIGGERS[word]
    )
