"""A stand-in for the model files: it knows a few words, always says the same, and is slow or broken on demand."""

import threading

import msgspec

from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.language import Level, Reading, higher, read
from wellspring.language.pool import READERS, Readers
from wellspring.language.schemas import EMOTIONS, PLUTCHIK, Span
from wellspring.notify.ports import RecordingMail

FEELINGS = {"stuck": "frustrated", "crowded": "overwhelm", "lantern": "calm", "quarrel": "anger"}
TUNNEL = "a long grey tunnel"
"""What only the encoder finds: a sentence with these words is high, moderate when it is `unsure`."""
CORRIDOR = "a long grey corridor"
"""What the light model finds: moderate; the encoder, when it `doubts`, finds nothing in it."""


FRIEND = "my friend will not answer"
"""What the encoder takes for somebody else in danger."""


class StandIn:
    """Reads by the real rules; feelings and danger by the words above."""

    def __init__(self, *, has_encoder: bool = True) -> None:
        self.has_encoder = has_encoder
        self.broken = False
        self.unloadable = False
        self.unsure = False
        self.doubts = False
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()
        self.read_by_encoder: list[str] = []

    def open(self) -> object:
        if self.unloadable:
            raise OSError("encoder.onnx")
        return self

    def lightly(self, text: str, hint: str | None = None) -> Reading:
        reading = read(text, hint=hint)
        at = text.find(CORRIDOR)
        versions = {**reading.versions, "light": "l1", "combine": "c1"}
        found = _with(reading, 0.02 if at < 0 else 0.3, _feelings(text), versions)
        return msgspec.structs.replace(found, evidence=_sentence(text, at, 0.6))

    def fully(self, text: str, hint: str | None = None, lightly: Reading | None = None) -> Reading:
        self.begun.set()
        self.go.wait(10)
        if self.broken:
            raise OSError("encoder.onnx")
        self.read_by_encoder.append(text)
        reading = lightly or self.lightly(text, hint)
        at = text.find(TUNNEL)
        light = 0.02 if self.doubts else reading.crisis or 0.0
        crisis = light if at < 0 else 0.3 if self.unsure else 0.8
        found = _with(reading, crisis, _feelings(text), {**reading.versions, "encoder": "e1"})
        raised = found.level != found.rules_level
        spans = _sentence(text, at, 0.9) or (reading.evidence if raised else ())
        if FRIEND not in text:
            return msgspec.structs.replace(found, evidence=spans)
        level = higher(found.level, "mentioned")
        spans = spans or _sentence(text, text.find(FRIEND), 0.1)
        return msgspec.structs.replace(found, evidence=spans, another=True, level=level)


def _sentence(text: str, at: int, chance: float) -> tuple[Span, ...]:
    """Return the sentence that holds a place; none for a negative place."""
    start = text.rfind(". ", 0, at) + 2 if ". " in text[: max(at, 0)] else 0
    return () if at < 0 else (Span(start, _end(text, at), chance),)


def _end(text: str, start: int) -> int:
    stop = text.find(".", start)
    return len(text) if stop < 0 else stop


def _feelings(text: str) -> dict[str, float]:
    named = [feeling for word, feeling in FEELINGS.items() if word in text]
    shares = dict(zip(named, (0.55, 0.3), strict=False))
    rest = (1 - sum(shares.values())) / (12 - len(shares))
    return {name: shares.get(name, rest) for name in EMOTIONS}


def _with(reading: Reading, crisis: float, emotions: dict[str, float], versions: dict[str, str]) -> Reading:
    level: Level = "high" if crisis >= 0.5 else "moderate" if crisis >= 0.2 else "low"
    return msgspec.structs.replace(
        reading,
        level=higher(reading.rules_level, level),
        crisis=crisis,
        emotions=emotions,
        plutchik=dict.fromkeys(PLUTCHIK, 0.1),
        sentiment=-0.25,
        versions=versions,
    )


def install(parts: Edge) -> StandIn:
    """Let a process's parts read with a stand-in, and return it."""
    models = StandIn()
    parts.ports[READERS].close()
    parts.ports[READERS] = Readers(lambda: models)
    return models


def late(models: StandIn, parts: Edge) -> None:
    """From now on nothing is read fully in time."""
    parts.ports[READERS].close()
    parts.ports[READERS] = Readers(lambda: models, waiting=-1)


def in_time(models: StandIn, parts: Edge) -> JobContext:
    """Return what a job has: models, and all the time it needs."""
    models.go.set()
    return JobContext(parts.db, parts.settings, parts.keys, {READERS: Readers(lambda: models), "mail": RecordingMail()})
