"""A line within a day: short texts set into long entries of other writers.

Who is in danger may write of the bus, of lunch, and one line of it. An encoder that has read few such entries takes the
day for the whole. As many lines that are harmless or only mention danger are set in as well, in the same days, so that
the seam between two writers tells nothing.
"""

import random
from collections.abc import Sequence
from typing import Final

from wellspring.language.segments import segments
from wellspring.language.training.examples import Example

_DAY: Final = 250  # characters from which on an entry is a day
_LINE: Final = 160  # characters of a line at most
_KINDS: Final = {"d": 0.45, "m": 0.25, "-": 0.3}
_PLAIN: Final = frozenset(["explicit", "plan", "passive", "attempt", "self_harm", "burden", "hopeless_danger"])
"""What says danger by itself; the rest leans on what stands around it."""


def lines_within(own: Sequence[Example], count: int, chance: random.Random) -> list[Example]:
    """Return `count` entries with a line of their language set in; fewer where lines or days of it are missing."""
    days: dict[str, list[Example]] = {}
    lines: dict[tuple[str, str], list[Example]] = {}
    for example in own:
        kind = _kind(example)
        if kind == "day":
            days.setdefault(example.lang, []).append(example)
        elif kind is not None:
            lines.setdefault((example.lang, kind), []).append(example)
    made = list[Example]()
    for _ in range(count if days else 0):
        (lang,) = chance.choices(list(days), [len(one) ** 0.5 for one in days.values()])
        (kind,) = chance.choices(list(_KINDS), list(_KINDS.values()))
        if (lang, kind) in lines:
            made.append(_set_in(chance.choice(days[lang]), chance.choice(lines[lang, kind]), chance))
    return made


def _kind(example: Example) -> str | None:
    """Return whether an example is a day in which nothing is said of danger, or which kind of line; None if neither."""
    if example.crisis is None or example.weight != 1:
        return None
    if len(example.text) >= _DAY:
        return None if example.crisis or example.about else "day"
    if example.long or len(example.text) > _LINE:
        return None
    if example.crisis:
        return "d" if example.category in _PLAIN else None
    return "m" if example.about else "-"


def _set_in(day: Example, line: Example, chance: random.Random) -> Example:
    ends = [end for _, end, *_ in day.spans] or [end for _, end in segments(day.text)]
    at = chance.choice([0, *ends])
    before, after = day.text[:at].rstrip(), day.text[at:].lstrip()
    words = line.text.strip()
    words = words if words[-1] in ".!?" else words + "."
    text = " ".join(part for part in (before, words, after) if part)
    start = len(before) + 1 if before else 0
    moved = start + len(words) + 1 - (len(day.text) - len(after))
    spans = [(a, b, c, d) if b <= at else (a + moved, b + moved, c, d) for a, b, c, d in day.spans]
    crisis, about = line.crisis or 0.0, line.about or 0.0
    return Example(
        text,
        "within",
        lang=day.lang,
        long=True,
        category=line.category,
        crisis=crisis,
        about=about,
        another=line.another,
        spans=[*spans, (start, start + len(words), crisis, about)],
    )
