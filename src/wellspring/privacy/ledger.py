"""Who was erased, in a file beside the database: restoring an older backup must not bring anybody back.

A line is `{"person_id": …, "erased_at": …}` and nothing else. Lines are added and never changed; the same person may
have several. Each machine that runs a worker has a file of its own.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.kernel import clock
from wellspring.kernel.settings import Settings

NAME: Final = "erased.jsonl"


class Entry(Struct, frozen=True):
    """One erasure."""

    person_id: UUID
    erased_at: datetime


class Ledger:
    """The file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> "Ledger":
        """Return the ledger of this installation."""
        return cls(settings.data / NAME)

    def note(self, person_id: UUID) -> None:
        """Add a line and wait until it is on the disk; raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
            line = msgspec.json.encode(Entry(person_id, clock.now()))
            os.write(descriptor, (b"\n" if torn else b"") + line + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def people(self) -> list[UUID]:
        """Return everybody who was erased, in the order of the file; a line that was torn off is left out."""
        if not self.path.exists():
            return []
        found = dict[UUID, None]()
        for line in self.path.read_bytes().splitlines():
            try:
                found[msgspec.json.decode(line, type=Entry).person_id] = None
            except msgspec.DecodeError:
                continue
        return list(found)
