"""Live delivery: one LISTEN connection marks people dirty, one batched SELECT follows, each reader holds a cursor.

Live and catch-up share one path. Sessions of open readers are checked every half second, so that a logout closes
them within a second.
"""

import asyncio
from collections import defaultdict
from typing import Any, Final
from uuid import UUID

import asyncpg

from wellspring.kernel import logs, metrics, stream
from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.errors import Unavailable
from wellspring.kernel.stream import Change
from wellspring.kernel.wake import STREAM_CHANNEL

log = logs.get("hub")
_SESSIONS_EVERY: Final = 0.5
_POLL_EVERY: Final = 5.0


class Reader:
    """One open socket or event stream: whose it is, how far it has read, and what waits for it."""

    def __init__(self, person_id: UUID, session_id: UUID, cursor: int) -> None:
        self.person_id = person_id
        self.session_id = session_id
        self.cursor = cursor
        self.queue: asyncio.Queue[Change | None] = asyncio.Queue(1000)

    def offer(self, change: Change) -> None:
        """Hand over a change that is new to this reader; a reader too slow to follow is closed and catches up."""
        if change.seq <= self.cursor:
            return
        if self.queue.full():
            self.close()
            return
        self.cursor = change.seq
        self.queue.put_nowait(change)

    def close(self) -> None:
        """End this reader."""
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """The readers of this process."""

    def __init__(self, db: Database, listen_dsn: str, live: Query[UUID]) -> None:
        """Take the query that returns which of some session ids are still open."""
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
        self._tasks = [asyncio.create_task(step(), name=step.__name__) for step in steps]

    async def stop(self) -> None:
        """Close every reader and stop."""
        for reader in [r for readers in self._readers.values() for r in readers]:
            reader.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def open(self, person_id: UUID, session_id: UUID, cursor: int) -> Reader:
        """Open a reader after `cursor`; what it missed is delivered first."""
        reader = Reader(person_id, session_id, cursor)
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
        while True:
            try:
                conn = await asyncpg.connect(self._dsn, timeout=5)
                lost = asyncio.Event()
                conn.add_termination_listener(lambda _, lost=lost: lost.set())
                await conn.add_listener(STREAM_CHANNEL, self._heard)
                for person_id in list(self._readers):
                    self._mark(person_id)
                await lost.wait()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listen_lost", error=error)
            await asyncio.sleep(0.5)

    async def _deliver(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._event.wait(), _POLL_EVERY)
            except TimeoutError:
                self._dirty.update(self._readers)
            self._event.clear()
            people, self._dirty = list(self._dirty), set()
            if people:
                await self._send(people)

    async def _send(self, people: list[UUID]) -> None:
        cursors = [min((r.cursor for r in self._readers[p]), default=0) for p in people if p in self._readers]
        people = [p for p in people if p in self._readers]
        try:
            async with self._db.begin(DbRole.SIGNIN, read_only=True) as tx:
                rows = await tx.all(stream.SINCE_MANY, people, cursors)
        except Unavailable:
            self._dirty.update(people)
            return
        for row in rows:
            for reader in tuple(self._readers.get(row.person_id, ())):
                reader.offer(Change(row.seq, row.topic, row.ref))

    async def _watch_sessions(self) -> None:
        while True:
            await asyncio.sleep(_SESSIONS_EVERY)
            readers = [r for group in self._readers.values() for r in group]
            if not readers:
                continue
            try:
                async with self._db.begin(DbRole.SIGNIN, read_only=True) as tx:
                    live = set(await tx.all(self._live, list({r.session_id for r in readers})))
            except Unavailable:
                continue
            for reader in readers:
                if reader.session_id not in live:
                    reader.close()
