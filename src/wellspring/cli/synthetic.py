"""Knowing whether the people of a database are synthetic, so that nobody mistakes them for real ones."""

from typing import Final

import psycopg

from wellspring.cli.errors import DemoData
from wellspring.kernel.settings import Settings

_MARK: Final = "synthetic_people"
_FILLED: Final = "filled"


def is_demo(owner: str) -> bool:
    """Tell whether the database was filled with synthetic people."""
    with psycopg.connect(owner, autocommit=True) as conn:
        row = conn.execute("SELECT value FROM kernel.boot WHERE name = %s", (_MARK,)).fetchone()
    return row is not None


def is_filled(owner: str) -> bool:
    """Tell whether the synthetic people are all there."""
    with psycopg.connect(owner, autocommit=True) as conn:
        row = conn.execute("SELECT value FROM kernel.boot WHERE name = %s", (_MARK,)).fetchone()
    return row == (_FILLED,)


def mark(owner: str, *, filled: bool) -> None:
    """Mark the database as one of synthetic people, for good, and whether they are all there."""
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO kernel.boot VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (_MARK, _FILLED if filled else "being filled"),
        )


def is_empty(owner: str) -> bool:
    """Tell whether the database knows nobody yet."""
    with psycopg.connect(owner, autocommit=True) as conn:
        return conn.execute("SELECT 1 FROM identity.person LIMIT 1").fetchone() is None


def refuse_demo_data(settings: Settings, owner: str) -> None:
    """Raise DemoData when a real service is started on synthetic people."""
    if settings.environment == "production" and is_demo(owner):
        raise DemoData("Start `wellspring demo` instead, or choose another data folder.")
