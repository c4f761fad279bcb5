"""Knowing whether the people of a database are synthetic, so that nobody mistakes them for real ones."""

from typing import Final

import psycopg

from wellspring.cli.errors import DemoData
from wellspring.kernel.settings import Settings

_MARK: Final = "synthetic_people"


def is_demo(owner: str) -> bool:
    """Tell whether the database was filled with synthetic people."""
    with psycopg.connect(owner, autocommit=True) as conn:
        row = conn.execute("SELECT value FROM kernel.boot WHERE name = %s", (_MARK,)).fetchone()
    return row is not None


def mark(owner: str) -> None:
    """Mark the database as one of synthetic people, for good."""
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute("INSERT INTO kernel.boot VALUES (%s, 'true') ON CONFLICT DO NOTHING", (_MARK,))


def is_empty(owner: str) -> bool:
    """Tell whether the database knows nobody yet."""
    with psycopg.connect(owner, autocommit=True) as conn:
        return conn.execute("SELECT 1 FROM identity.person LIMIT 1").fetchone() is None


def refuse_demo_data(settings: Settings, owner: str) -> None:
    """Raise DemoData when a real service is started on synthetic people."""
    if settings.environment == "production" and is_demo(owner):
        raise DemoData("Start `wellspring demo` instead, or choose another data folder.")
