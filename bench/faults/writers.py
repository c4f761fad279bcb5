"""Writers that keep a journal: each entry is on disk before it is sent, and sent again until it is acknowledged."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.client import answer, request
from wellspring.kernel import ids

DANGER = "I am going to kill myself tonight, goodbye"
EVERY_NTH_IS_DANGER = 7


class Journal:
    """An append-only file, synced at each line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")

    def write(self, **entry: Any) -> None:
        """Write a line and sync it."""
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class Writer:
    """One member who writes for as long as `running` is set."""

    def __init__(self, port: int, token: str, person: UUID, journal: Journal) -> None:
        self.port = port
        self.token = token
        self.person = person
        self.journal = journal
        self.acknowledged: dict[UUID, bool] = {}
        self.unexpected: list[tuple[int, bytes]] = []
        self.retries = 0

    async def run(self, running: asyncio.Event) -> None:
        """Write check-ins one after the other."""
        number = 0
        while running.is_set():
            number += 1
            await self._one(dangerous=number % EVERY_NTH_IS_DANGER == 0)

    async def _one(self, *, dangerous: bool) -> None:
        entry_id = ids.new()
        body = {"mood_score": 1 if dangerous else 6, "id": str(entry_id)}
        if dangerous:
            body["journal_text"] = DANGER
        self.journal.write(sending=str(entry_id), dangerous=dangerous)
        wire = request(
            "POST", "/v1/checkins", self.token, json.dumps(body).encode(), f"idempotency-key: entry-{entry_id}\r\n"
        )
        for _ in range(600):
            status, text = await self._send(wire)
            if status == 201:
                self.journal.write(acknowledged=str(entry_id))
                self.acknowledged[entry_id] = dangerous
                return
            if status not in (0, 409, 503):
                self.unexpected.append((status, text))
                return
            self.retries += 1
            await asyncio.sleep(0.1)
        self.unexpected.append((0, b"gave up"))

    async def _send(self, wire: bytes) -> tuple[int, bytes]:
        """Send once on a connection of its own; 0 when nobody answered."""
        try:
            async with asyncio.timeout(8):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(wire)
                    return await answer(reader)
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            return 0, b""
