"""Somebody else's emergency: another has taken something and does not answer. The writer's own is read by the rules."""

import re
from collections.abc import Iterator
from typing import Final

_HINTS: Final = ("pill", "tablet", "meds", "medic", "overdos", "cachet", "comprim", "medoc")
"""One of these stands in every text that is looked at."""
_THEY: Final = r"\b(?:he|she|they|somebody|someone|(?:my|our|a|his|her) (?!own )[a-z]+(?: [a-z]+)?)"
_TOOK: Final = (
    r"(?:'s|'ve| has| have| had| just| already| only){0,3} (?:took|taken|swallowed|overdosed|(?:is|was) taking)"
)
_THEY_FR: Final = r"\b(?:il|elle|on|(?:mon|ma|mes|un|une|notre) [a-z]+(?: [a-z]+)?)"
_TOOK_FR: Final = r" (?:a|ont|vient d[e']|viennent d[e']) ?(?:deja |tout )?(?:avale|avaler|pris|prendre)"
_GONE: Final = (
    r"(?:\b(?:won'?t|isn'?t|not|never|doesn'?t|don'?t|can'?t|couldn'?t|stopped) (?:[a-z]+ ){0,2}"
    r"(?:answer|respond|wak|breath|pick|repl|mov|open|com)"
    r"|\b(?:unconscious|passed out|unresponsive)"
    r"|\b(?:repond|reveill|respir|boug|decroch|ouvr)[a-z]* (?:plus|pas)\b|\b(?:inconscient|evanoui))"
)
_ANOTHER: Final = re.compile(
    rf"(?:{_THEY}{_TOOK}|{_THEY_FR}{_TOOK_FR})\b[^.!?\n]{{0,60}}?(?:{'|'.join(_HINTS)})[^\n]{{0,120}}?{_GONE}[a-z]*"
)


def of_another(text: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a folded text that tell of it."""
    if any(hint in text for hint in _HINTS):
        yield from (found.span() for found in _ANOTHER.finditer(text))
