"""What `doctor` looks at, one number each: WS001 Python … A number keeps its meaning for ever."""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from wellspring.kernel.settings import Settings

State = Literal["ok", "warning", "failed", "skipped"]


class Finding(Struct, frozen=True):
    """What a check found: its state, and in words what to do."""

    state: State
    words: str = ""


class Report(Struct, frozen=True):
    """One line of the doctor's answer."""

    code: str
    title: str
    state: State
    words: str


OK: Final = Finding("ok")


def failed(words: str) -> Finding:
    """Return what makes `doctor` end with status 1."""
    return Finding("failed", words)


def warning(words: str) -> Finding:
    """Return what somebody should look at, though the program serves."""
    return Finding("warning", words)


def skipped(words: str) -> Finding:
    """Return why a check has nothing to look at."""
    return Finding("skipped", words)


class Check(Struct, frozen=True):
    """A numbered check of this machine and its settings."""

    code: str
    title: str
    look: Callable[[Settings], Finding]

    def report(self, settings: Settings) -> Report:
        """Look, and return the line."""
        found = self.look(settings)
        return Report(self.code, self.title, found.state, found.words)
