"""Using the embedded database from one program, alone or together with others."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from wellspring.postgres import server
from wellspring.postgres.account import account_for
from wellspring.postgres.errors import explained
from wellspring.postgres.folder import Folder
from wellspring.postgres.locks import Lock
from wellspring.postgres.process import Postmaster, find

_CHANGE_SECONDS = 120.0  # a little more than a slow first start or a slow stop takes


class Cluster(msgspec.Struct, frozen=True):
    """A running database: its folder, socket folder, port and superuser."""

    data: Path
    host: str
    port: int
    superuser: str
    password: str

    def __repr__(self) -> str:
        return f"Cluster(data={str(self.data)!r}, host={self.host!r}, port={self.port})"

    def dsn(self, dbname: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """Return a URL that asyncpg and libpq both read; for the superuser unless a user is named."""
        name = user or self.superuser
        secret = self.password if password is None and name == self.superuser else password
        login = quote(name, safe="") + (f":{quote(secret, safe='')}" if secret else "")
        where = f"host={quote(self.host, safe='')}&port={self.port}"
        return f"postgresql://{login}@/{quote(dbname, safe='')}?{where}"


class Holding:
    """One program's share in a database. Not for use by several threads at once."""

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._process = os.getpid()

    def enter(self) -> Cluster:
        """Make, start or join the database. Raises ClusterError."""
        with explained(self._data):
            self._data.parent.mkdir(parents=True, exist_ok=True)
        self._folder = Folder(self._data, account_for(self._data))
        self._folder.prepare()
        self._change = Lock(self._folder, "change.lock")
        self._use = Lock(self._folder, "use.lock")
        try:
            return self.ensure()
        except BaseException:
            self._close()
            raise

    def running(self) -> bool:
        """Say whether the server lives; quick, and without any lock."""
        return find(self._folder.pgdata) is not None

    def ensure(self) -> Cluster:
        """Start the server if it does not run."""
        self._change.alone(_CHANGE_SECONDS)
        try:
            self._use.share()
            return self._describe(server.ensure_running(self._folder))
        finally:
            self._change.let_go()

    def leave(self) -> None:
        """Give up the share; the last one out stops the server. Does nothing in a forked child."""
        if os.getpid() != self._process:
            return
        try:
            self._change.alone(_CHANGE_SECONDS)
            self._use.let_go()
            if self._use.try_alone():
                server.stop(self._folder)
        finally:
            self._close()
            server.reap()

    def _describe(self, running: Postmaster) -> Cluster:
        return Cluster(self._data, running.host, running.port, server.SUPERUSER, self._folder.password())

    def _close(self) -> None:
        for lock in (self._use, self._change):
            lock.let_go()
            lock.close()


@contextmanager
def hold(data: Path) -> Generator[Cluster]:
    """Use the database in folder `data` for the length of a `with` block.

    Makes the database at first, starts the server or joins a running one (also one left by a killed program),
    and at the end stops it unless another program still uses it. Raises ClusterError.
    """
    holding = Holding(data)
    cluster = holding.enter()
    try:
        yield cluster
    finally:
        holding.leave()
