"""PostgreSQL: one pool per database role, transactions that say who acts, and typed queries.

A transaction opens with one simple-protocol message (`BEGIN; SET LOCAL …; EXECUTE session check`): one round trip.
Only UUIDs and members of fixed enums are ever written into that message, and into the one that commits only what
`_PLAIN` lets through.
"""

import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast
from uuid import UUID

import asyncpg
import msgspec
from asyncpg import Connection, Pool, Record

from wellspring.kernel.connections import Connections, PlainConnection, alive, most
from wellspring.kernel.errors import Problem, SessionEnded, Unavailable

T = TypeVar("T")
_PLAIN: Final = re.compile(r"[\w .,:/%+-]*", re.ASCII)
"""Text that means nothing but itself between single quotes."""


class DbRole(StrEnum):
    """The login roles of the program; none owns a table, none bypasses row-level security."""

    MAINTENANCE = "maintenance"
    MEMBER = "member"
    SIGNIN = "signin"
    STAFF = "staff"
    WORKER = "worker"

    @property
    def login(self) -> str:
        """Return the role's name in PostgreSQL."""
        return f"wellspring_{self.value}"


class Duty(StrEnum):
    """Desks whose tables list many people (`app.duty`)."""

    CRISIS = "crisis"
    OUTBOX = "outbox"


REGISTRY: Final[list["Query[Any]"]] = []
"""Every query of the program; a test prepares each under the roles that use it."""


class Query(Generic[T]):
    """A SQL text and what its rows become.

    `row` is a msgspec Struct filled by position, or a scalar type for one-column rows. `roles` are the database roles
    that run it. `crosses_people` marks the few statements that read rows of more than one person. One with a `name`
    is prepared on each connection of its roles, for `Tx.at_commit`.
    """

    __slots__ = ("crosses_people", "make", "name", "roles", "row", "sql")

    def __init__(
        self,
        sql: str,
        row: type[T],
        *roles: DbRole,
        crosses_people: bool = False,
        register: bool = True,
        name: str | None = None,
    ) -> None:
        self.sql = sql
        self.name = name
        self.row = row
        self.roles = roles
        self.crosses_people = crosses_people
        self.make: Callable[[Record], T] = (
            _by_position(row)
            if inspect.isclass(row) and issubclass(row, msgspec.Struct)  # list[str] is no class
            else cast("Callable[[Record], T]", _first)
        )
        if register:
            REGISTRY.append(self)


def _first(record: Record) -> object:
    return record[0]


def _by_position(row: type[T]) -> Callable[[Record], T]:
    def make(record: Record) -> T:
        return row(*record)

    return make


FAILURES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""All that talking to the database may raise."""


class DatabaseDown(Unavailable):
    """The database cannot be reached right now. Nothing was stored. Please try again in a moment."""

    code = "database_unavailable"


class Tx:
    """An open transaction. The edge commits; services never do."""

    __slots__ = ("_conn", "_last", "role", "wake_jobs", "woken")

    def __init__(self, conn: Connection, role: DbRole) -> None:
        self._conn = conn
        self._last: list[str] = []
        self.role = role
        self.woken: set[UUID] = set()
        self.wake_jobs = False

    async def all(self, query: Query[T], *args: object) -> list[T]:
        """Return every row."""
        make = query.make
        return [make(record) for record in await self._conn.fetch(query.sql, *args)]

    async def maybe(self, query: Query[T], *args: object) -> T | None:
        """Return the first row, or None."""
        record = await self._conn.fetchrow(query.sql, *args)
        return None if record is None else query.make(record)

    async def one(self, query: Query[T], *args: object) -> T:
        """Return the first row; a missing row is our error (LookupError)."""
        found = await self.maybe(query, *args)
        if found is None:
            raise LookupError(query.sql[:60])
        return found

    async def do(self, query: Query[T], *args: object) -> int:
        """Run a statement for its effect and return how many rows it touched."""
        status = await self._conn.execute(query.sql, *args)
        return int(status.rsplit(" ", 1)[-1])

    async def many(self, query: Query[T], rows: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of arguments."""
        await self._conn.executemany(query.sql, rows)

    async def at_commit(self, query: Query[T], *args: object) -> None:
        """Run a named statement in the very message that commits, which saves a round trip.

        If it fails, nothing is committed. Its arguments are written out: ids, numbers and plain words; a statement
        with anything else among them runs now.
        """
        words = ["" if arg is None else str(arg) for arg in args]
        if query.name is None or not _PLAIN.fullmatch("".join(words)):
            await self.do(query, *args)
            return
        written = ["NULL" if arg is None else f"'{word}'" for arg, word in zip(args, words, strict=True)]
        self._last.append(f"EXECUTE {query.name}({','.join(written)})")

    def closing(self) -> str:
        """Return the message that commits."""
        return ";".join([*self._last, "COMMIT"])

    async def set_subject(self, person_id: UUID) -> None:
        """Open one person's rows to a staff transaction. Only `privacy.open_person` and jobs call this."""
        await self._conn.execute(f"SET LOCAL app.subject_id = '{UUID(str(person_id))}'")

    async def set_duty(self, duty: Duty) -> None:
        """Open a desk's own tables to a staff transaction, after its caller has proved the duty."""
        await self._conn.execute(f"SET LOCAL app.duty = '{Duty(duty).value}'")

    async def savepoint(self) -> None:
        """Begin a part that may fail without losing the rest."""
        await self._conn.execute("SAVEPOINT part")

    async def keep(self) -> None:
        """Keep the part since the last savepoint."""
        await self._conn.execute("RELEASE SAVEPOINT part")

    async def undo(self) -> None:
        """Drop the part since the last savepoint."""
        await self._conn.execute("ROLLBACK TO SAVEPOINT part")


class Session:
    """The check that opens a signed-in transaction: a prepared statement that must find one row.

    One that only `listens` is no activity of staff, and holds behind the lock of an idle session too.
    """

    __slots__ = ("text",)

    def __init__(self, person_id: UUID, session_id: UUID, version: int, *, listens: bool = False) -> None:
        check = "session_listen" if listens else "session_check"
        self.text = f"EXECUTE {check}('{person_id}', '{session_id}', {version:d})"


class Begin:
    """A transaction to be entered: made by `Database.begin`."""

    __slots__ = ("_conn", "_connections", "_db", "_opening", "_role", "_tx")

    def __init__(self, db: "Database", role: DbRole, opening: str) -> None:
        self._db = db
        self._role = role
        self._opening = opening

    async def __aenter__(self) -> Tx:
        self._connections = await self._db.connections(self._role)
        try:
            conn = self._conn = await self._connections.take()
        except FAILURES as error:
            raise DatabaseDown from error
        try:
            if await conn.execute(self._opening) == "SELECT 0":
                await conn.execute("ROLLBACK")
                raise SessionEnded
        except BaseException as error:
            await self._connections.give_back(conn, clean=False)
            raise _as_problem(error) from error
        self._tx = Tx(conn, self._role)
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        conn = self._conn
        clean = False
        try:
            if error is None:
                clean = await conn.execute(self._tx.closing()) == "COMMIT"
                if not clean:
                    raise DatabaseDown("the transaction was rolled back")
            elif alive(conn):
                await conn.execute("ROLLBACK")
        except FAILURES as failure:
            if error is None:
                raise _as_problem(failure) from failure
        finally:
            await self._connections.give_back(conn, clean=clean)
        if error is not None:
            problem = _as_problem(error)
            if problem is not error:
                raise problem from error
            return
        self._db.committed(self._tx)


_DOWN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke in the middle of an answer
    ConnectionError,
    TimeoutError,
)


def _as_problem(error: BaseException) -> BaseException:
    """Return what a failure of the database means to a caller: 503 when nothing was stored, else itself."""
    if isinstance(error, Problem) or not isinstance(error, _DOWN):
        return error
    return DatabaseDown()


class Database:
    """The pools, one per role, opened when first used."""

    def __init__(
        self,
        dsns: dict[DbRole, str],
        *,
        size: int = 10,
        prepare: dict[DbRole, tuple[str, ...]] | None = None,
    ) -> None:
        """Take a DSN per role, the most connections of a pool, and statements to prepare on each connection."""
        self._dsns = dsns
        self._size = size
        self._prepare = prepare or {}
        self._connections: dict[DbRole, Connections] = {}
        self._lock = asyncio.Lock()
        self.on_commit: Callable[[Tx], None] | None = None

    def dsn(self, role: DbRole) -> str:
        """Return the address of a role, for the few connections that are no part of a pool (LISTEN, the queue)."""
        return self._dsns[role]

    async def connections(self, role: DbRole) -> Connections:
        """Return the connections of a role; raises DatabaseDown."""
        if found := self._connections.get(role):
            return found
        async with self._lock:
            if role not in self._connections:
                self._connections[role] = Connections(await self._open(role))
            return self._connections[role]

    @asynccontextmanager
    async def connection(self, role: DbRole) -> AsyncGenerator[Connection]:
        """Lend a connection outside any transaction; its user leaves it as it was. Raises DatabaseDown."""
        connections = await self.connections(role)
        conn = await connections.take()
        clean = False
        try:
            yield conn
            clean = True
        finally:
            await connections.give_back(conn, clean=clean)

    async def _open(self, role: DbRole) -> Pool:
        async def init(conn: Connection) -> None:
            await conn.set_type_codec("jsonb", encoder=_encode, decoder=msgspec.json.decode, schema="pg_catalog")
            for statement in self._prepare.get(role, ()):
                await conn.execute(statement)
            for query in REGISTRY:
                if query.name is not None and role in query.roles:
                    await conn.execute(f"PREPARE {query.name} AS {query.sql}")

        try:
            return await asyncpg.create_pool(
                self._dsns[role],
                min_size=0,
                max_queries=1_000_000_000,
                max_size=most(role.value, self._size),
                max_inactive_connection_lifetime=0,
                command_timeout=5,
                timeout=5,
                statement_cache_size=500,
                max_cached_statement_lifetime=0,
                connection_class=PlainConnection,
                init=init,
            )
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise DatabaseDown from error

    def begin(
        self,
        role: DbRole,
        *,
        actor: UUID | None = None,
        subject: UUID | None = None,
        duty: Duty | None = None,
        session: Session | None = None,
        read_only: bool = False,
        flush: bool = True,
    ) -> Begin:
        """Open a transaction of `role`. `actor` is the authenticated principal, never a subject named by a URL.

        `flush=False` is for what may be lost in a crash because it would be done again: the commit does not wait
        for the disk. The next commit that waits makes it durable too.
        """
        parts = ["BEGIN READ ONLY" if read_only else "BEGIN"]
        if not flush:
            parts.append("SET LOCAL synchronous_commit = off")
        if actor is not None:
            parts.append(f"SET LOCAL app.actor_id = '{actor}'")
        if subject is not None:
            parts.append(f"SET LOCAL app.subject_id = '{subject}'")
        if duty is not None:
            parts.append(f"SET LOCAL app.duty = '{duty.value}'")
        if session is not None:
            parts.append(session.text)
        return Begin(self, role, ";".join(parts))

    def committed(self, tx: Tx) -> None:
        """Tell the waker what a commit changed."""
        if self.on_commit is not None and (tx.woken or tx.wake_jobs):
            self.on_commit(tx)

    async def close(self) -> None:
        """Close every pool."""
        opened, self._connections = list(self._connections.values()), {}
        for connections in opened:
            await connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
