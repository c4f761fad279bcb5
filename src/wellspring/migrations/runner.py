"""Runs the history: up, down N, status, create, reset, refresh; records checksum and batch of each version."""

import hashlib
import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from msgspec import Struct
from sqlalchemy import Connection, NullPool, create_engine, text

from wellspring.kernel import clock
from wellspring.kernel.errors import Problem

HERE = Path(__file__).parent
_LOCK = 7_205_759_403_792_793
_LEDGER = """
CREATE TABLE IF NOT EXISTS public.migration (
    version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, batch int NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationChanged(Problem):
    """A migration that already ran was changed afterwards."""

    code = "migration_changed"


class DatabaseNewer(Problem):
    """A newer version of Wellspring has been at work on this database, and this one would do it harm."""

    code = "database_newer"


class MigrationRefused(Problem):
    """This command would lose data, so it runs only in development."""

    code = "migration_refused"


class State(Struct, frozen=True):
    """One version: when and in which batch it ran, and whether its file is unchanged."""

    version: str
    name: str
    applied_at: datetime | None
    batch: int | None
    unchanged: bool


class Runner:
    """The history against one database; `url` is that of a role that may create tables and roles."""

    def __init__(self, url: str) -> None:
        driver_url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
        self._engine = create_engine(driver_url, poolclass=NullPool)
        self._config = Config()
        self._config.set_main_option("script_location", str(HERE))
        self._config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        self._scripts = ScriptDirectory.from_config(self._config)

    @contextmanager
    def _session(self) -> Generator[Connection]:
        with self._engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:k)"), {"k": _LOCK})
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.execute(text("SET statement_timeout = '10min'"))
            connection.execute(text(_LEDGER))
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:k)"), {"k": _LOCK})
                connection.commit()

    def _files(self) -> list[tuple[str, str, str]]:
        """Return version, name and checksum of each file, oldest first."""
        found = []
        for script in reversed(list(self._scripts.walk_revisions())):
            digest = hashlib.sha256(Path(script.path).read_bytes()).hexdigest()
            found.append((script.revision, script.doc, digest))
        return found

    def _applied(self, connection: Connection) -> dict[str, tuple[str, int, datetime]]:
        rows = connection.execute(text("SELECT version, checksum, batch, applied_at FROM public.migration"))
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def _verify_known(self, connection: Connection) -> None:
        unknown = sorted(self._applied(connection).keys() - {version for version, _, _ in self._files()})
        if unknown:
            raise DatabaseNewer(f"Start the newer one again, or restore a backup. Unknown here: {', '.join(unknown)}.")

    def _verify(self, connection: Connection) -> None:
        self._verify_known(connection)
        applied = self._applied(connection)
        for version, name, checksum in self._files():
            if version in applied and applied[version][0] != checksum:
                raise MigrationChanged(f"Put the file back: {version} {name}")

    def _run(self, connection: Connection, step: Any, *args: Any) -> None:
        checksums = {version: (name, digest) for version, name, digest in self._files()}
        batch = 1 + max((b for _, b, _ in self._applied(connection).values()), default=0)

        def on_apply(*, ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
            if step.is_upgrade:
                version = step.up_revision_id
                name, digest = checksums[version]
                ctx.connection.execute(
                    text("INSERT INTO public.migration VALUES (:v, :n, :c, :b, now())"),
                    {"v": version, "n": name, "c": digest, "b": batch},
                )
            else:
                ctx.connection.execute(
                    text("DELETE FROM public.migration WHERE version = :v"), {"v": step.up_revision_id}
                )

        connection.commit()
        self._config.attributes["connection"] = connection
        self._config.attributes["on_apply"] = on_apply
        step(self._config, *args)

    def up(self, target: str = "head") -> int:
        """Run what has not run; return how many versions."""
        with self._session() as connection:
            self._verify(connection)
            before = len(self._applied(connection))
            self._run(connection, command.upgrade, target)
            return len(self._applied(connection)) - before

    def down(self, steps: int = 1) -> int:
        """Undo the last `steps` versions; return how many were undone."""
        with self._session() as connection:
            self._verify_known(connection)
            before = len(self._applied(connection))
            count = min(steps, before)
            if count:
                self._run(connection, command.downgrade, f"-{count}")
            return before - len(self._applied(connection))

    def status(self) -> list[State]:
        """Return every version, oldest first."""
        with self._session() as connection:
            self._verify_known(connection)
            applied = self._applied(connection)
        found = []
        for version, name, checksum in self._files():
            ran = applied.get(version)
            found.append(
                State(
                    version=version,
                    name=name,
                    applied_at=ran[2] if ran else None,
                    batch=ran[1] if ran else None,
                    unchanged=ran is None or ran[0] == checksum,
                )
            )
        return found

    def create(self, name: str) -> Path:
        """Write an empty migration with a timestamp version."""
        version = clock.now().strftime("%Y%m%d%H%M%S")
        script = command.revision(self._config, message=name, rev_id=version)
        assert script is not None
        assert not isinstance(script, list)
        return Path(script.path)

    def reset(self, environment: str) -> int:
        """Undo everything. Refused outside development."""
        if environment not in ("development", "test"):
            raise MigrationRefused
        return self.down(10_000)

    def refresh(self, environment: str) -> int:
        """Undo everything and run it again. Refused outside development."""
        self.reset(environment)
        return self.up()
