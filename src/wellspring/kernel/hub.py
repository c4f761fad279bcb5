"""Live delivery: one LISTEN connection marks people dirty, one batched SELECT follows, each reader holds a cursor.

Live and catch-up share one path. Sessions of open readers are checked every half second, so that a logout closes
them within a second.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from wellspring.kernel import logs, metrics, stream
from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.errors import Unavailable
from wellspring.kernel.principal import Principal
from wellspring.kernel.stream import Change
from wellspring.kernel.wake import STREAM_CHANNEL

log = logs.get("hub")
_SESSIONS_EVERY: Final = 0.5
_POLL_EVERY: Final = 5.0
MOST: Final = 10
"""Sockets and event streams that one person may have open in one process."""
_PAGE: Final = 200  # rows of one person in one answer of kernel.stream_since
_WAITING: Final = 1000
_PAUSE: Final = 0.5


class Live(Struct, frozen=True):
    """A session that is still open, and its version: a role change raises it."""

    id: UUID
    version: int


class Reader:
    """One open socket or event stream: whose it is, how far it has read, and what waits for it."""

    def __init__(self, person_id: UUID, session_id: UUID, version: int, cursor: int) -> None:
        self.person_id = person_id
        self.session = Live(session_id, version)
        self.cursor = cursor
        self.closed = False
        self.queue: asyncio.Queue[Change | None] = asyncio.Queue()

    def offer(self, change: Change) -> None:
        """Hand over a change that is new to this reader; a reader too slow to follow is closed and catches up."""
        if self.closed or change.seq <= self.cursor:
            return
        if self.queue.qsize() >= _WAITING:
            self.close()
            return
        self.cursor = change.seq
        self.queue.put_nowait(change)

    def close(self) -> None:
        """End this reader: what already waits is still delivered, then None."""
        if not self.closed:
            self.closed = True
            self.queue.put_nowait(None)


class Hub:
    """The readers of this process."""

    def __init__(self, db: Database, listen_dsn: str, live: Query[Live]) -> None:
        """Take the query that returns which of some sessions are still open, with their versions."""
        self._db = db
        self._live = live
        self._dsn = listen_dsn
        self._readers: dict[UUID, set[Reader]] = defaultdict(set)
        self._dirty: set[UUID] = set()
        self._event = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start delivering."""
        steps = (self._listen, self._deliver, self._watch_sessions)
        self._tasks = [asyncio.create_task(_for_ever(step), name=step.__name__) for step in steps]

    async def stop(self) -> None:
        """Close every reader and stop."""
        for reader in [r for readers in self._readers.values() for r in readers]:
            reader.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def count(self, person_id: UUID) -> int:
        """Return how many readers a person has open here."""
        return len(self._readers.get(person_id, ()))

    def open(self, who: Principal, cursor: int) -> Reader:
        """Open a reader after `cursor`; what it missed is delivered first. Its opener has verified the session."""
        person_id = who.person_id
        reader = Reader(person_id, who.session_id, who.version, cursor)
        self._readers[person_id].add(reader)
        metrics.SOCKETS.inc()
        self._mark(person_id)
        return reader

    def drop(self, reader: Reader) -> None:
        """Forget a reader."""
        readers = self._readers.get(reader.person_id)
        if readers is None or reader not in readers:
            return
        readers.discard(reader)
        metrics.SOCKETS.dec()
        if not readers:
            del self._readers[reader.person_id]

    def _mark(self, person_id: UUID) -> None:
        if person_id in self._readers:
            self._dirty.add(person_id)
            self._event.set()

    def _heard(self, _: Any, __: int, ___: str, payload: str) -> None:
        for text in payload.split(","):
            self._mark(UUID(hex=text))

    async def _listen(self) -> None:
        conn = await asyncpg.connect(self._dsn, timeout=5)
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(lambda _: lost.set())
            await conn.add_listener(STREAM_CHANNEL, self._heard)
            self._mark_all()  # what was told while nobody listened
            await lost.wait()
        finally:
            conn.terminate()

    def _mark_all(self) -> None:
        for person_id in list(self._readers):
            self._mark(person_id)

    async def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        poll_at = loop.time() + _POLL_EVERY
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(poll_at):  # wait_for may swallow the cancelling of `stop` (Python 3.11)
                    await self._event.wait()
            if loop.time() >= poll_at:
                poll_at = loop.time() + _POLL_EVERY
                self._dirty.update(self._readers)
            self._event.clear()
            people, self._dirty = list(self._dirty), set()
            if people:
                await self._send(people)

    async def _send(self, people: list[UUID]) -> None:
        cursors = {p: min(r.cursor for r in open_) for p in people if (open_ := self._open_readers(p))}
        if not cursors:
            return
        try:
            async with self._db.begin(DbRole.SIGNIN, read_only=True) as tx:
                rows = await tx.all(stream.SINCE_MANY, list(cursors), list(cursors.values()))
        except Unavailable:
            self._dirty.update(people)
            await asyncio.sleep(_PAUSE)
            self._event.set()
            return
        for row in rows:
            for reader in self._open_readers(row.person_id):
                reader.offer(Change(row.seq, row.topic, row.ref))
        for person_id, found in Counter(row.person_id for row in rows).items():
            if found >= _PAGE:
                self._mark(person_id)

    def _open_readers(self, person_id: UUID) -> list[Reader]:
        return [reader for reader in self._readers.get(person_id, ()) if not reader.closed]

    async def _watch_sessions(self) -> None:
        while True:
            await asyncio.sleep(_SESSIONS_EVERY)
            readers = [r for group in self._readers.values() for r in group if not r.closed]
            if not readers:
                continue
            try:
                async with self._db.begin(DbRole.SIGNIN, read_only=True) as tx:
                    live = set(await tx.all(self._live, list({r.session.id for r in readers})))
            except Unavailable:
                continue
            for reader in readers:
                if reader.session not in live:
                    reader.close()


async def _for_ever(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - a step that ends would silence every reader of this process
            log.warning("step_failed", step=step.__name__, error=error)
        await asyncio.sleep(_PAUSE)
