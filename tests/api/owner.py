"""The database as its owner sees it: every row of every table, whatever the policies say."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from wellspring.kernel.tables import TABLES, Kind

OUTSIDE = ["pg_catalog", "information_schema", "pg_toast"]
ALWAYS_MOVING = ("kernel.audit", "kernel.attempt")
"""Refusals are recorded here, and that is meant."""


def _name(table: str) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, table.split(".")))


class Owner:
    """Sees and writes everything."""

    def __init__(self, conn: "psycopg.Connection[Any]") -> None:
        self.conn = conn

    def rows(self, text: str, *args: object) -> list[Any]:
        return self.conn.execute(text, args).fetchall()

    def one(self, text: str, *args: object) -> Any:
        return self.rows(text, *args)[0][0]

    def tables(self) -> list[str]:
        """Return every table of the database, jobs and the history of migrations included."""
        found = self.rows(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> ALL(%s) ORDER BY 1",
            OUTSIDE,
        )
        return [str(row[0]) for row in found]

    def counts(self) -> dict[str, int]:
        """Return how many rows each table holds, save where refusals are recorded."""
        wanted = [table for table in self.tables() if table not in ALWAYS_MOVING]
        counted = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, count(*) FROM {}").format(sql.Literal(table), _name(table)) for table in wanted
        )
        return dict(self.conn.execute(counted).fetchall())

    def everything(self) -> str:
        """Return every column of every row as text; what is stored as bytes is read as characters, too."""
        parts: list[str] = []
        for table in self.tables():
            for row in self.conn.execute(sql.SQL("SELECT * FROM {}").format(_name(table))).fetchall():
                parts += [_text(value) for value in row if value is not None]
        return "\n".join(parts)

    def prints_of(self, person_id: UUID) -> dict[str, str]:
        """Return a fingerprint of one person's rows for each of their tables."""
        names = [n for n, t in TABLES.items() if t.kind is Kind.PERSON and n not in ALWAYS_MOVING]
        one = sql.SQL(
            "SELECT {}, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t WHERE t.person_id = {}"
        )
        whole = sql.SQL(" UNION ALL ").join(
            one.format(sql.Literal(name), _name(name), sql.Literal(person_id)) for name in sorted(names)
        )
        return dict(self.conn.execute(whole).fetchall())

    def audited(self, request_id: str) -> list[tuple[Any, ...]]:
        """Return action, actor, subject and outcome of the audit rows that a request left."""
        return self.rows(
            "SELECT action, actor_id, person_id, outcome FROM kernel.audit WHERE request_id = %s ORDER BY id",
            request_id,
        )


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return str(value)
