"""After the commit: one coalesced NOTIFY for each burst, never inside a writing transaction."""

import asyncio
from typing import Final
from uuid import UUID

import msgspec

from wellspring.kernel import clock, logs
from wellspring.kernel.db import FAILURES, Database, DbRole, Tx

STREAM_CHANNEL: Final = "wellspring_stream"
_JOBS_CHANNEL: Final = "ch_pgqueuer"
_MOST: Final = 200  # ids in one notification: its payload is limited to 8000 bytes
_WINDOW_S: Final = 0.02  # commits within it share one notification
log = logs.get("wake")


class Waker:
    """Collects what commits changed and tells the readers. Losing a notification costs a poll, never a row."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._people: set[UUID] = set()
        self._jobs = False
        self._event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def committed(self, tx: Tx) -> None:
        """Remember what a committed transaction changed."""
        self._people |= tx.woken
        self._jobs = self._jobs or tx.wake_jobs
        self._event.set()

    def start(self) -> None:
        """Start telling."""
        self._db.on_commit = self.committed
        self._task = asyncio.create_task(self._run(), name="waker")

    async def stop(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._event.wait()
            self._event.clear()
            people, self._people = self._people, set()
            jobs, self._jobs = self._jobs, False
            try:
                await self._tell(list(people), jobs)
            except FAILURES as error:
                log.warning("not_told", error=error)
            await asyncio.sleep(_WINDOW_S)

    async def _tell(self, people: list[UUID], jobs: bool) -> None:
        """Send one message; nothing waits for its flush, since what it says is in the tables already."""
        parts = ["BEGIN", "SET LOCAL synchronous_commit = off"]
        for start in range(0, len(people), _MOST):
            payload = ",".join(person.hex for person in people[start : start + _MOST])
            parts.append(f"NOTIFY {STREAM_CHANNEL}, '{payload}'")
        if jobs:
            parts.append(f"NOTIFY {_JOBS_CHANNEL}, '{_table_changed()}'")
        async with self._db.connection(DbRole.MEMBER) as conn:
            await conn.execute(";".join([*parts, "COMMIT"]))


def _table_changed() -> str:
    """Return the event pgqueuer's own trigger would have sent."""
    event = {
        "channel": _JOBS_CHANNEL,
        "operation": "insert",
        "sent_at": clock.now(),
        "table": "pgqueuer",
        "type": "table_changed_event",
    }
    return msgspec.json.encode(event).decode()
