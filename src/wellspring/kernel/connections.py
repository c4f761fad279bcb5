"""The open connections of one database role."""

import asyncio
from typing import cast

import asyncpg
from asyncpg import Connection, Pool


class PlainConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """A connection that is not reset on release: nothing ever sets session state."""

    def get_reset_query(self) -> str:
        return ""


def most(role: str, size: int) -> int:
    """Return the most connections of a role's pool in one process, for the operator's pool size."""
    return size if role in ("member", "staff") else min(size, 5)


class Connections:
    """The connections of one role: an asyncpg pool, and before it those that ended their last transaction cleanly.

    asyncpg makes a task of each release (and of each acquisition with a time limit), which costs a request more than
    opening its transaction does. So a connection goes back to the pool only when somebody waits for one, or when it
    did not end cleanly.
    """

    __slots__ = ("_idle", "_pool", "_waiting")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: list[Connection] = []
        self._waiting = 0

    async def take(self) -> Connection:
        """Return a connection that nobody else uses."""
        while self._idle:
            conn = self._idle.pop()
            if alive(conn):
                return conn
            await self._pool.release(conn)
        self._waiting += 1
        try:
            async with asyncio.timeout(3):
                return cast("Connection", await self._pool.acquire())
        finally:
            self._waiting -= 1

    async def give_back(self, conn: Connection, *, clean: bool) -> None:
        """Keep a connection for the next transaction."""
        if clean and not self._waiting and not self._pool.is_closing() and alive(conn):
            self._idle.append(conn)
        else:
            await self._pool.release(conn)

    async def close(self) -> None:
        """Close all, those in use after their transaction, those that do not end in time by force."""
        while self._idle:
            await self._pool.release(self._idle.pop())
        try:
            await asyncio.wait_for(self._pool.close(), 3)
        except TimeoutError:
            self._pool.terminate()


def alive(conn: Connection) -> bool:
    try:
        return not conn.is_closed()
    except asyncpg.InterfaceError:  # it ended while nobody used it, and the pool has taken it back
        return False
