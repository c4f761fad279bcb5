"""Rules, light model and encoder as one reading: rules first, a model raises and never lowers.

The crisis probability is a logistic function of what each of them says, fitted on held-out voices
(`training/calibrate.py`) and stored with its thresholds in `models/combine.json`.
"""

import functools
import hashlib
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from wellspring.kernel import logs
from wellspring.language.fold import Folded, fold
from wellspring.language.judge import higher
from wellspring.language.light import Light, feedback_of
from wellspring.language.light import Scores as LightScores
from wellspring.language.reader import CAP, halves, read
from wellspring.language.repeats import fewer
from wellspring.language.schemas import EMOTIONS, PLUTCHIK, Feedback, Level, Reading, Span
from wellspring.language.topics import joined

if TYPE_CHECKING:
    from wellspring.language.encoder import Encoder
    from wellspring.language.encoder import Scores as EncoderScores

log = logs.get("language")

MODELS: Final = Path(__file__).with_name("models")
FITTED: Final = ("light.npz", "encoder.onnx", "tokenizer.json")
"""The files whose words `combine.json` weighs: its thresholds are right for these and no others."""
EMOTION_SHARE: Final = 0.75
"""How much the encoder's emotions count where nobody has found out for a language."""
SHORT: Final = 3
"""Parts (about as many sentences) up to which a text is short."""
_MOST_EVIDENCE: Final = 3
_EVIDENCE_AT: Final = 0.5
_PRESSING: Final = 0.9  # urgency of what somebody in danger writes
_Part = tuple[Folded, int]  # a folded stretch and where it begins in the original
_Chance = tuple[tuple[int, int], float]  # a segment and its probability of danger
_Chances = list[list[_Chance]]  # those of each part


class Weights(msgspec.Struct, frozen=True):
    """The logistic function over what was seen; weights of tiers are never negative, so no rule's word is lowered.

    `whole` and `most` weigh the encoder's logits of the whole text and of its gravest sentence, `light` the light
    model's. `tiers` are added up to the rules' tier. `uncounted` (never positive) is added when
    the rules found words of danger and each of them is denied, quoted, past or about somebody else.
    """

    bias: float
    tiers: tuple[float, float, float]
    uncounted: float
    light: float
    whole: float = 0.0
    most: float = 0.0


class Thresholds(msgspec.Struct, frozen=True):
    """From which probability on a model alone says moderate or high, and the false alarms that was chosen for.

    `long` is that of moderate for texts of more than `SHORT` parts: there fewer are raised by mistake at the same
    probability, and one line of danger in a long day moves it less. None: as for short ones.
    """

    moderate: float
    high: float
    moderate_false_alarms: float
    high_false_alarms: float
    long: float | None = None


class Combined(msgspec.Struct, frozen=True):
    """One way to combine, with its thresholds."""

    weights: Weights
    thresholds: Thresholds


class Settings(msgspec.Struct, frozen=True):
    """`combine.json`: with the encoder and without, the temperature of emotions, and the version of the set.

    `emotion_shares` says for each language how much the encoder's emotions count beside the light model's. `another` is
    the logit from which on the encoder says that somebody else is in danger; None: it never does. `files` are the
    checksums of those of FITTED that all this was fitted to; folders of before name none.
    """

    version: str
    full: Combined
    light: Combined
    emotion_temperature: float
    emotion_shares: dict[str, float]
    part_scale: float
    part_bias: float
    another: float | None = None
    files: dict[str, str] = {}


class Seen(msgspec.Struct, frozen=True):
    """What goes into the probability: the features that `training/calibrate.py` fits on.

    `parts`, how many segments a text has, says only where its threshold is.
    """

    tier: int
    uncounted: bool
    light: float
    whole: float = 0.0
    most: float = 0.0
    parts: int = 1


class Models:
    """The model files of one folder, loaded once; the encoder is opened when it is first needed."""

    def __init__(self, folder: Path = MODELS) -> None:
        """Take the folder. Raises OSError or ValueError when a file is missing or broken."""
        self.folder = folder
        self.settings = msgspec.json.decode((folder / "combine.json").read_bytes(), type=Settings)
        self.light = Light(folder / "light.npz")
        self._encoder: Encoder | None = None
        self._lock = threading.Lock()

    def open(self) -> "Encoder":
        """Open the encoder, once, and return it. Raises OSError when it did not come with this installation."""
        with self._lock:
            if self._encoder is None:
                # onnxruntime is loaded with its first graph: a process that starts need not wait for it.
                from wellspring.language.encoder import Encoder  # noqa: PLC0415

                self._encoder = Encoder(self.folder)
            return self._encoder

    def check(self) -> None:
        """Raise ValueError where a file is not the one that `combine.json` was fitted to (as in a folder half copied),
        and FileNotFoundError where the encoder's tokenizer is missing."""
        for name, known in self.settings.files.items():
            if not (self.folder / name).is_file():
                if self.has_encoder:
                    raise FileNotFoundError(f"{name} is missing")
            elif sha256(self.folder / name) != known:
                raise ValueError(f"{name} is not the one that combine.json was made for")

    @property
    def has_encoder(self) -> bool:
        """Whether a full reading is possible."""
        return (self.folder / "encoder.onnx").is_file()

    def lightly(self, text: str, hint: str | None = None, *, feedback: bool = False) -> Reading:
        """Read by rules and the light model; with `feedback`, its topics and urgency too."""
        parts = _parts(text)
        return self._lightly(text, hint, parts, self._lit(parts), feedback=feedback)

    def _lightly(
        self, text: str, hint: str | None, parts: list[_Part], light: list[LightScores], *, feedback: bool
    ) -> Reading:
        reading = read(text, hint=hint)
        if not light:
            return reading
        gravest = max(light, key=lambda scores: scores.crisis)
        combined = self.settings.light
        seen = Seen(reading.tier, uncounted(reading), gravest.crisis, parts=parts_of(light))
        crisis = probability(combined.weights, seen)
        level = higher(reading.rules_level, level_of(combined.thresholds, crisis, seen.parts))
        return msgspec.structs.replace(
            reading,
            crisis=crisis,
            level=level,
            emotions=dict(zip(EMOTIONS, gravest.emotions, strict=True)),
            plutchik=dict(zip(PLUTCHIK, gravest.plutchik, strict=True)),
            sentiment=gravest.sentiment,
            evidence=_evidence(parts, [_chances(light)], raised=level != reading.rules_level),
            feedback=_pressing(joined(_whole(parts), feedback_of(gravest)), level) if feedback else None,
            versions={**reading.versions, "light": self.light.version, "combine": self.settings.version},
        )

    def fully(
        self, text: str, hint: str | None = None, lightly: Reading | None = None, *, feedback: bool = False
    ) -> Reading:
        """Read by all; `lightly` is what that method gave for the same text. Raises OSError without an encoder."""
        parts = _parts(text)
        lit = self._lit(parts)
        reading = lightly or self._lightly(text, hint, parts, lit, feedback=feedback)
        if not lit:
            return reading
        light = max(lit, key=lambda scores: scores.crisis)
        scores = [self.open().score(folded.text) for folded, _ in parts]
        found = [[(span, self._part(logit)) for span, logit in zip(s.spans, s.parts, strict=True)] for s in scores]
        gravest = max(scores, key=lambda score: score.whole)
        most = max([gravest.whole, *(value for s in scores for value in s.parts)])
        seen = Seen(reading.tier, uncounted(reading), light.crisis, gravest.whole, most, parts_of(lit))
        combined = self.settings.full
        crisis = probability(combined.weights, seen)
        level = higher(reading.rules_level, level_of(combined.thresholds, crisis, seen.parts))
        evidence = _evidence(parts, [found, _chances(lit)], raised=level != reading.rules_level)
        another = reading.another or any(self._of_another(score) for score in scores)
        if another and level == "low":
            level, evidence = "mentioned", tuple(_placed(parts, [*map(_nearest, scores, found)]))
        shares = softmax(gravest.emotions, self.settings.emotion_temperature)
        share = self.settings.emotion_shares.get(reading.language, EMOTION_SHARE)
        emotions = mixed(shares, light.emotions, share)
        return msgspec.structs.replace(
            reading,
            crisis=crisis,
            level=level,
            emotions=dict(zip(EMOTIONS, emotions, strict=True)),
            plutchik=dict(zip(PLUTCHIK, [sigmoid(value) for value in gravest.plutchik], strict=True)),
            sentiment=gravest.sentiment,
            evidence=evidence,
            another=another,
            feedback=_pressing(reading.feedback, level) if reading.feedback else None,
            versions={**reading.versions, "encoder": self.settings.version},
        )

    def _lit(self, parts: list[_Part]) -> list[LightScores]:
        """Score each part; none of a text that holds nothing a model knows."""
        return [self.light.score(folded.text) for folded, _ in parts] if _worded(parts) else []

    def _of_another(self, scores: "EncoderScores") -> bool:
        least = self.settings.another
        return least is not None and scores.another is not None and scores.another >= least

    def _part(self, logit: float) -> float:
        return sigmoid(self.settings.part_scale * logit + self.settings.part_bias)


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pressing(feedback: Feedback, level: Level) -> Feedback:
    """Feedback from somebody in danger is urgent whatever it is about."""
    if level not in ("high", "critical"):
        return feedback
    return msgspec.structs.replace(feedback, urgency="high", urgency_score=max(feedback.urgency_score, _PRESSING))


def _chances(light: list[LightScores]) -> _Chances:
    return [list(zip(one.spans, one.parts, strict=True)) for one in light]


def _nearest(scores: "EncoderScores", chances: list[_Chance]) -> list[_Chance]:
    """Return the segment that speaks most of somebody else in danger."""
    return [max(zip(scores.others, chances, strict=True), key=lambda one: one[0])[1]] if scores.others else []


def _evidence(parts: list[_Part], models: Sequence[_Chances], *, raised: bool) -> tuple[Span, ...]:
    """Return the gravest stretches, in the order of the text, at their places in the original.

    The first model's are shown, if it finds any. A raised level never stands without one: the others are asked
    then, and at last the gravest of all is shown, however unsure each model is of it.
    """
    every = [_placed(parts, scored) for scored in models]
    for found in every if raised else every[:1]:
        clear = [span for span in found if span.probability >= _EVIDENCE_AT]
        if clear:
            gravest = sorted(clear, key=lambda span: -span.probability)[:_MOST_EVIDENCE]
            return tuple(sorted(gravest, key=lambda span: span.start))
    spans = [span for found in every for span in found]
    return (max(spans, key=lambda span: span.probability),) if raised and spans else ()


def _placed(parts: list[_Part], scored: _Chances) -> list[Span]:
    found: list[Span] = []
    for (folded, offset), pairs in zip(parts, scored, strict=True):
        for (first, last), chance in pairs:
            words = folded.text[first:last]
            start, end = last - len(words.lstrip()), first + len(words.rstrip())
            if end > start:
                begins, ends = folded.origin(start, end)
                found.append(Span(begins + offset, ends + offset, round(chance, 3)))
    return found


def probability(weights: Weights, seen: Seen) -> float:
    """Return the calibrated probability that the writer is in danger now."""
    total = weights.bias + sum(weights.tiers[: seen.tier])
    total += weights.uncounted if seen.uncounted else 0.0
    total += weights.light * seen.light + weights.whole * seen.whole + weights.most * seen.most
    return sigmoid(total)


def level_of(thresholds: Thresholds, crisis: float, parts: int = 1) -> Level:
    """Return what a model alone says of a text of so many parts: low, moderate or high, never critical."""
    if crisis >= thresholds.high:
        return "high"
    least = thresholds.moderate if parts <= SHORT or thresholds.long is None else thresholds.long
    return "moderate" if crisis >= least else "low"


def parts_of(light: Sequence[LightScores]) -> int:
    """Return how many segments a text has."""
    return sum(len(one.spans) for one in light)


def sigmoid(value: float) -> float:
    """Return the logistic function, without overflow."""
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def softmax(logits: Sequence[float], temperature: float) -> list[float]:
    """Return probabilities that sum to 1."""
    top = max(logits)
    powers = [math.exp((value - top) / temperature) for value in logits]
    total = sum(powers)
    return [power / total for power in powers]


def mixed(one: Sequence[float], other: Sequence[float], share: float) -> list[float]:
    """Return `share` of the one and the rest of the other."""
    return [share * a + (1 - share) * b for a, b in zip(one, other, strict=True)]


def _parts(text: str) -> list[_Part]:
    return [(fewer(fold(part)), offset) for offset, part in halves(text)]


def _worded(parts: list[_Part]) -> bool:
    """Tell whether there is anything that a model knows: pictures, marks and spaces alone say nothing to it."""
    return any(char.isalnum() for folded, _ in parts for char in folded.text)


def _whole(parts: list[_Part]) -> str:
    return "\n".join(folded.text for folded, _ in parts)


def uncounted(reading: Reading) -> bool:
    """Tell whether the rules found words of danger and counted none of them."""
    return bool(reading.hits) and not any(hit.counted for hit in reading.hits)


@functools.cache
def shipped() -> Models | None:
    """Return the models that came with this installation; None when left out or, as the log says, not to be loaded."""
    try:
        return Models()
    except (OSError, ValueError) as error:
        if any((MODELS / name).exists() for name in ("combine.json", "light.npz")):
            log.error("models_not_loaded", error=error)
        return None


def installed(folder: Path | None) -> Models | None:
    """Return the models of an operator's folder, or those that came with this installation where none is named.

    Raises what `Models` raises, for a folder only.
    """
    return shipped() if folder is None else Models(folder)


def read_lightly(text: str, *, hint: str | None = None, feedback: bool = False) -> Reading:
    """Read within a request: rules and the light model, or rules alone where no model is installed."""
    models = shipped()
    return read(text, hint=hint) if models is None else models.lightly(text, hint, feedback=feedback)


def read_fully(
    text: str, *, hint: str | None = None, lightly: Reading | None = None, feedback: bool = False
) -> Reading:
    """Read with everything that is installed; `lightly` is an earlier light reading of the same text."""
    models = shipped()
    if models is None:
        return lightly or read(text, hint=hint)
    if models.has_encoder:
        return models.fully(text, hint, lightly, feedback=feedback)
    return lightly or models.lightly(text, hint, feedback=feedback)


def read_many(texts: Sequence[str], *, hint: str | None = None) -> list[Reading]:
    """Read each of many texts fully, in order."""
    return [read_fully(text, hint=hint) for text in texts]


__all__ = [
    "CAP",
    "MODELS",
    "Models",
    "Seen",
    "Settings",
    "installed",
    "read_fully",
    "read_lightly",
    "read_many",
    "shipped",
]
