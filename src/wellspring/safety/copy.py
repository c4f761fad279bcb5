"""Every word that this slice shows, in English and French: read from `data/words.toml` and filled in here.

Numbers come from the protocol, so that what is said is what is done. Nothing repeats what the person wrote.
"""

from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from wellspring.safety.behaviour import FactorName
from wellspring.safety.levels import Level
from wellspring.safety.protocol import PROTOCOLS, Outcome, State
from wellspring.safety.resources import ChannelKind, Evidence, Need, base_language
from wellspring.safety.risk import Part

Kind = Literal["low", "moderate", "high", "critical", "asked"]
Notice = Literal[
    "duty_none",
    "duty_someone",
    "next_no_duty",
    "next_nobody_told",
    "unread",
    "partly_read",
    "emergency",
    "emergency_unknown",
    "closed_now",
    "open_always",
    "hours_unknown",
    "free",
    "not_free",
]


Step = Literal["headline", "why", "worried", "now", "near", "ask", "line", "grieving", "lost", "told"]
"""What is said to somebody who worries about another, or has lost them."""
HELPING: Final[tuple[Step, ...]] = ("now", "near", "ask", "line")
"""The steps to take, in their order."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One saying in both languages."""

    en: str
    fr: str

    def say(self, language: str) -> str:
        """The French for any French locale, else the English."""
        return self.fr if base_language(language) == "fr" else self.en


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. The keys are the names of the code; a test holds the two together."""

    headline: dict[Kind, Words]
    one_thing: dict[Kind, Words]
    what_next: dict[Kind, Words]
    who_sees: dict[Kind, Words]
    helping: dict[Step, Words]
    notice: dict[Notice, Words]
    channel: dict[ChannelKind | Literal["keyword"], Words]
    need: dict[Need, Words]
    evidence: dict[Evidence, Words]
    level: dict[Level, Words]
    state: dict[State, Words]
    outcome: dict[Outcome, Words]
    factor: dict[FactorName, Words]
    explain: dict[str, Words]


class CrisisCopy(msgspec.Struct, frozen=True, kw_only=True):
    """What a member reads, in this order. `one_thing` is the single thing to do; `duty` says who is there."""

    headline: str
    one_thing: str
    what_next: str
    who_sees: str
    duty: str


@cache
def words() -> Book:
    """The shipped words, read once per process."""
    text = (files("wellspring.safety") / "data" / "words.toml").read_bytes()
    return msgspec.toml.decode(text, type=Book)


def crisis_copy(
    level: Level, language: str, *, emergency: str, on_duty: bool, asked: bool = False, looks: bool = True
) -> CrisisCopy:
    """What a member reads. `emergency` is the number to call; `asked` when they asked for a person.

    `looks` is False when nobody has been told: then nobody is promised.

    A critical level keeps its own words even for somebody who asked. When nobody is on duty no time is
    promised.
    """
    book = words()
    kind: Kind = "asked" if asked and level != "critical" else level
    wait = PROTOCOLS["high" if kind == "asked" else kind].first_response
    waits_for_us = kind != "low" and looks
    alone = waits_for_us and not on_duty
    what_next = book.notice["next_no_duty"] if alone else book.what_next[kind]
    if not looks:
        what_next = book.notice["next_nobody_told"]
    duty = book.notice["duty_none" if alone else "duty_someone"].say(language) if waits_for_us else ""
    return CrisisCopy(
        headline=book.headline[kind].say(language),
        one_thing=book.one_thing[kind].say(language).format(emergency=emergency),
        what_next=what_next.say(language).format(hours=wait // timedelta(hours=1)),
        who_sees=book.who_sees[kind if looks else "low"].say(language),
        duty=duty,
    )


def helping_copy(step: Step, language: str, emergency: str) -> str:
    """One saying to somebody who worries about another, or has lost them. `emergency` is the number to call."""
    return words().helping[step].say(language).format(emergency=emergency)


def notice(name: Notice, language: str) -> str:
    """A fixed short sentence. The two emergency ones hold a number: use `emergency_line`."""
    return words().notice[name].say(language)


def emergency_line(language: str, number: str, *, known: bool) -> str:
    """One sentence with the emergency number; says so when the country is not known."""
    return notice("emergency" if known else "emergency_unknown", language).format(emergency=number)


def channel_label(kind: ChannelKind, value: str, keyword: str | None, language: str) -> str:
    """What the button of a channel says."""
    saying = words().channel[kind if keyword is None else "keyword"]
    return saying.say(language).format(value=value, keyword=keyword)


def explain(part: Part, language: str) -> str:
    """One layer of a judgement in a sentence for staff. Holds numbers, never the person's words."""
    book = words().explain
    code = part.code.removesuffix("_partly")
    sentence = book[code].say(language).format(**part.numbers, version=part.version)
    return sentence if code == part.code else f"{sentence} {book['partly'].say(language)}"
