"""What is read in a journal text: before the transaction of a check-in, and judged within it."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from wellspring.checkins.queries import Stored
from wellspring.checkins.words import Words
from wellspring.kernel import logs
from wellspring.language import Reading, higher, hinted, read
from wellspring.language.ahead import NOTHING, TextRead
from wellspring.safety.behaviour import Signals
from wellspring.safety.levels import rank
from wellspring.safety.risk import Judgement, judge

log = logs.get("checkins")

PENDING: Final = "pending"
"""Among the versions of a reading: what a job still has to read with."""


class Understood(Struct, frozen=True):
    """A text read and a moment judged; `failed` when reading or judging broke, `finished` when all has been read."""

    reading: Reading | None
    judgement: Judgement
    failed: bool
    finished: bool = True

    @property
    def in_danger(self) -> bool:
        """Whether help comes first: high, critical, or not judged at all."""
        return rank(self.judgement.level) >= rank("high") or self.failed

    @property
    def versions(self) -> dict[str, str]:
        """What judged and what read."""
        found = {"risk": self.judgement.version, **({} if self.reading is None else self.reading.versions)}
        return found if self.finished else found | {PENDING: "encoder"}


def at_once(text: str | None, language: str) -> TextRead:
    """Read a text by rules alone."""
    return TextRead(read(text, hint=language)) if text else NOTHING


def understand(found: TextRead, text: str | None, language: str, known: Callable[[], Signals]) -> Understood:
    """Judge a moment with its text and what is `known` of the last days.

    Danger is never missed silently: what cannot be judged, with words or without, is unread, and help is shown.
    """
    try:
        reading = None if found.reading is None or text is None else hinted(found.reading, text, language)
        judged = judge(reading, known(), reading_failed=found.failed)
        return Understood(reading, judged, failed=found.failed, finished=found.finished)
    except Exception as error:  # noqa: BLE001  the entry must be stored and help shown whatever breaks here
        log.error("judging_failed", error=error)
        return Understood(None, judge(None, Signals(), reading_failed=True), failed=True)


def state_of(text: str | None, understood: Understood) -> str:
    """Return none, read, partly, or unread: then a job judges it, though there may be no words."""
    if understood.failed:
        return "unread"
    if not text:
        return "none"
    if understood.reading is None:
        return "unread"
    return "read" if understood.reading.fully_read else "partly"


def kept(found: TextRead, text: str, language: str, stored: Stored, before: Words) -> TextRead:
    """Return what was read earlier in a text that has not changed; what could not be read then is read now."""
    if stored.reading_state == "unread":
        return found if found.reading is not None else TextRead(read(text, hint=language), finished=False)
    rules = read(text, hint=language)
    reading = msgspec.structs.replace(
        rules,
        level=higher(rules.level, stored.text_level),  # type: ignore[arg-type]
        crisis=stored.crisis,
        evidence=before.evidence,
        another=rules.another or before.another,
        fully_read=stored.reading_state == "read",
        versions={name: version for name, version in stored.versions.items() if name not in ("risk", PENDING)},
    )
    return TextRead(reading, finished=PENDING not in stored.versions)
