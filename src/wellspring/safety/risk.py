"""The judgement: what a text, the last days, a screener and the person's asking say together. Pure.

Rules, in this order. The level is the highest that any layer gives; no layer lowers another.

1. The text comes first: its level stands. Rules read it first; a model that read it too may raise their level, to
   high at most, and never lowers it. Which of them said it is told apart.
2. A screener's answer: possible is moderate, positive is high, acute ("right now") is critical.
3. Asking for a person is at least high, without any classifier: who asks is believed.
4. A very low mood (1 or 2) with stress and anxiety both 9 or 10 in one check-in is at least moderate: each
   can be an ordinary bad day, all three at their worst at once deserve a look.
5. Behaviour of seven days alone reaches moderate at most, because each sign has innocent causes and paging on
   it would teach everyone to ignore pages. When it is strong it lifts a moderate text or screener to high.
6. A high or critical judgement keeps the person at moderate or more for 72 hours, the span in which a first
   and a second contact are due. Its share of the score fades over that time.

The score is not the arithmetic of the source design, whose keyword part could not reach its own threshold.
Each level owns a band; within the band the other evidence moves the score up. So a higher level always means
a higher score, and more evidence never means a lower one. It orders a list; it is not a probability.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, Protocol

import msgspec

from wellspring.safety.behaviour import (
    Factor,
    Factors,
    Moment,
    Protective,
    ScreenerOutcome,
    Signals,
    behaviour,
    number,
)
from wellspring.safety.levels import LEVELS, Level, rank, worst

RISK_VERSION: Final = "2026.11.2"
"""Stored with every judgement; changes whenever a threshold, weight or rule above changes."""

TriggerSource = Literal["journal_nlp", "checkin", "user_reported"]
Response = Literal["continue_normal", "offer_safety_check", "show_crisis_resources"]
Layer = Literal["text", "model", "behaviour", "screener", "request", "moment", "history"]

MODEL_MOST: Final = "high"
"""Critical asks people to come at once: that takes words that a rule can show, not a probability alone."""
_SAID: Final = ("text", "model", "screener")
"""Layers in which the person has said something themselves."""
_MODELS: Final = ("encoder", "light")
"""The models among a reading's versions, the one that says more first."""
HOLD_HOURS: Final = 72.0
"""First contact within 24 h, second within 72 h: until then nobody is told that all is well again."""
LOW_MOMENT: Final = 2.0
STRAINED_MOMENT: Final = 9.0

BANDS: Final[dict[Level, tuple[float, float]]] = {
    "low": (0.0, 0.24),
    "moderate": (0.25, 0.49),
    "high": (0.5, 0.79),
    "critical": (0.8, 1.0),
}
SCREENER_LEVELS: Final[dict[ScreenerOutcome, Level]] = {
    "negative": "low",
    "possible": "moderate",
    "positive": "high",
    "acute": "critical",
}
RESPONSES: Final[dict[Level, Response]] = {
    "low": "continue_normal",
    "moderate": "offer_safety_check",
    "high": "show_crisis_resources",
    "critical": "show_crisis_resources",
}


class TextHit(Protocol):
    """A phrase that the reading found. `reason` says why it was not counted."""

    @property
    def category(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def counted(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...


class TextReading(Protocol):
    """What `wellspring.language` gives for a text. A level of "mentioned" is low here, and said to staff.

    `level` is the higher of what the rules (`rules_level`) and a model say; `crisis` is the model's probability of
    danger, None when no model has read.
    """

    @property
    def level(self) -> str: ...
    @property
    def rules_level(self) -> str: ...
    @property
    def crisis(self) -> float | None: ...
    @property
    def versions(self) -> dict[str, str]: ...
    @property
    def tier(self) -> int: ...
    @property
    def hits(self) -> Sequence[TextHit]: ...
    @property
    def another(self) -> bool: ...
    @property
    def fully_read(self) -> bool: ...


class Span(msgspec.Struct, frozen=True):
    """Where a hit lies and why it did not count. Never the words themselves."""

    category: str
    start: int
    end: int
    counted: bool
    reason: str | None


class Part(msgspec.Struct, frozen=True):
    """What one layer said, for staff. `code` names the sentence in `copy.EXPLAIN`, `numbers` and `version` fill it."""

    layer: Layer
    level: Level
    code: str
    numbers: dict[str, float] = {}
    spans: tuple[Span, ...] = ()
    version: str = ""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome. `mentioned` is for staff only; `fully_read` False is said to the member."""

    level: Level
    risk_score: float
    mentioned: bool
    fully_read: bool
    factors: tuple[Factor, ...]
    protective: tuple[Protective, ...]
    explanation: tuple[Part, ...]
    trigger_source: TriggerSource
    recommended_response: Response
    requires_immediate_action: bool
    version: str = RISK_VERSION


def judge(
    text: TextReading | None,
    signals: Signals,
    asked_for_help: bool = False,
    *,
    reading_failed: bool = False,
) -> Judgement:
    """Everything known about a moment, as one level with its reasons. Never raises, never lowers.

    `text` is None when nothing was written. `reading_failed` says that something was written and could not be
    read: help is then shown whatever the level, and a job reads it later.
    """
    seen = behaviour(signals)
    parts = _parts(text, signals, seen, asked_for_help)
    level = worst(part.level for part in parts)
    if seen.strong and any(p.level == "moderate" and p.layer in _SAID for p in parts):
        level = worst((level, "high"))
        parts = (*parts, Part("behaviour", "high", "behaviour_lifts", {"score": seen.score}))
    urgent = rank(level) >= rank("high")
    return Judgement(
        level=level,
        risk_score=_score(level, text, signals, seen, asked_for_help),
        mentioned=_mentioned(text) or (text is not None and text.another),
        fully_read=not reading_failed and (text is None or text.fully_read),
        factors=seen.factors,
        protective=seen.protective,
        explanation=parts,
        trigger_source=_source(parts, level),
        recommended_response="show_crisis_resources" if reading_failed else RESPONSES[level],
        requires_immediate_action=urgent,
    )


def _parts(text: TextReading | None, signals: Signals, seen: Factors, asked_for_help: bool) -> tuple[Part, ...]:
    found: list[Part | None] = [
        Part("request", "high", "asked_for_help") if asked_for_help else None,
        _text_part(text),
        Part("text", "low", "text_another") if text is not None and text.another else None,
        _model_part(text),
        _screener_part(signals.screener),
        _moment_part(signals.moment),
        _history_part(signals),
        *_behaviour_parts(seen),
    ]
    return tuple(part for part in found if part is not None)


def _text_part(text: TextReading | None) -> Part | None:
    if text is None:
        return None
    spans = tuple(Span(h.category, h.start, h.end, h.counted, h.reason) for h in text.hits)
    level = _level(text.rules_level)
    quiet = "text_mentioned" if _mentioned(text) else "text_nothing"
    code = quiet if level == "low" else f"text_{level}"
    numbers = {"counted": float(sum(s.counted for s in spans)), "found": float(len(spans))}
    return Part("text", level, code if text.fully_read else f"{code}_partly", numbers, spans)


def _model_part(text: TextReading | None) -> Part | None:
    """What a model added to the rules: a higher level, or nothing; its probability is told either way."""
    if text is None:
        return None
    level, rules = _level(text.level), _level(text.rules_level)
    level = level if rank(level) < rank(MODEL_MOST) else MODEL_MOST
    raised = rank(level) > rank(rules)
    if text.crisis is None and not raised:
        return None
    version = ", ".join(f"{name} {text.versions[name]}" for name in _MODELS if name in text.versions)
    numbers = {"probability": text.crisis or 0.0}
    return Part("model", level if raised else "low", f"model_{level}" if raised else "model_same", numbers, (), version)


def _level(name: str) -> Level:
    """A word outside our four levels ("mentioned") is low: it is told to staff and raises nothing."""
    for level in LEVELS:
        if level == name:
            return level
    return "low"


def _mentioned(text: TextReading | None) -> bool:
    return text is not None and (text.rules_level == "mentioned" or any(not h.counted for h in text.hits))


def _screener_part(outcome: ScreenerOutcome | None) -> Part | None:
    return None if outcome is None else Part("screener", SCREENER_LEVELS[outcome], f"screener_{outcome}")


def _moment_part(moment: Moment | None) -> Part | None:
    if moment is None:
        return None
    mood, stress, anxiety = (number(v, 1, 10) for v in (moment.mood, moment.stress, moment.anxiety))
    if mood is None or stress is None or anxiety is None:
        return None
    if mood > LOW_MOMENT or min(stress, anxiety) < STRAINED_MOMENT:
        return None
    numbers = {"mood": mood, "stress": stress, "anxiety": anxiety}
    return Part("moment", "moderate", "moment_overwhelmed", numbers)


def _history_part(signals: Signals) -> Part | None:
    held = _held(signals)
    if held <= 0.0:
        return None
    left = held * HOLD_HOURS
    return Part("history", "moderate", "history_held", {"hours_ago": HOLD_HOURS - left, "hours_left": left})


def _held(signals: Signals) -> float:
    """1 right after a high or critical judgement, straight down to 0 after 72 hours."""
    hours = [e.hours_ago for e in signals.earlier if rank(e.level) >= rank("high")]
    ages = [h if h > 0.0 else 0.0 for h in hours]  # a clock that ran ahead, or no number, holds in full
    return max((1.0 - age / HOLD_HOURS for age in ages), default=0.0)


def _behaviour_parts(seen: Factors) -> list[Part]:
    level: Level = "moderate" if seen.moderate else "low"
    parts = [Part("behaviour", level, "behaviour_together", {"score": seen.score})]
    for factor in seen.factors:
        if factor.value is None:
            counts = {"have": float(factor.have), "need": float(factor.need)}
            parts.append(Part("behaviour", "low", f"{factor.name}_not_assessed", counts))
        elif factor.value > 0.0:
            parts.append(Part("behaviour", "low", factor.name, {**factor.numbers, "value": factor.value}))
    return parts


def _score(level: Level, text: TextReading | None, signals: Signals, seen: Factors, asked_for_help: bool) -> float:
    """The band of the level; within it, each kind of evidence closes a share of what is still open."""
    counted = 0 if text is None else min(sum(h.counted for h in text.hits), 4)
    screened = 0 if signals.screener is None else rank(SCREENER_LEVELS[signals.screener])
    evidence = (
        0.15 * counted,
        0.4 * (0.0 if text is None or text.crisis is None else number(text.crisis, 0, 1) or 0.0),
        0.6 * seen.score,
        0.5 * max(_held(signals), 0.0),
        0.2 * screened,
        0.3 * asked_for_help,
        0.2 * (_moment_part(signals.moment) is not None),
    )
    low, high = BANDS[level]
    return low + (high - low) * (1.0 - math.prod(1.0 - e for e in evidence))


def _source(parts: Sequence[Part], level: Level) -> TriggerSource:
    """Who or what brought this up: the person's own asking first, then their text, then the numbers."""
    carrying = {p.layer for p in parts if p.level == level and rank(level) > 0}
    said = {p.layer for p in parts if p.level == "moderate"} if "behaviour" in carrying else set[Layer]()
    if "request" in carrying:
        return "user_reported"
    if (carrying | said) & {"text", "model"}:
        return "journal_nlp"
    return "user_reported" if "screener" in carrying | said else "checkin"
