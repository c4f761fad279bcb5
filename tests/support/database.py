"""One embedded PostgreSQL per test run, one migrated template per worker, one clone (about 30 ms) per test."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from wellspring.kernel.crypto import Keyring
from wellspring.migrations.bootstrap import ensure_database, ensure_roles, prepare, with_database
from wellspring.postgres import hold
from wellspring.slices import seed

KEYS = Keyring({1: b"k" * 32}, b"r" * 32)


def shared_folder() -> Path:
    """Return the folder of the run's server, shared by all workers of one run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    return Path(tempfile.gettempdir()) / f"wellspring-tests-{run[:16]}"


@contextmanager
def server() -> Iterator[str]:
    """Yield the address of a running server; the last worker that leaves stops it."""
    given = os.environ.get("WELLSPRING_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with hold(shared_folder()) as cluster:
        yield cluster.dsn()


def make_template(server_url: str, name: str) -> str:
    """Create a migrated database and return its address."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(42)")
        owner_url = ensure_database(server_url, name)
        ensure_roles(owner_url, KEYS)
        prepare(owner_url, KEYS)
        seed(owner_url)
    return owner_url


@contextmanager
def clone(server_url: str, template: str, name: str) -> Iterator[str]:
    """Yield the address of a fresh copy of the template, dropped afterwards."""
    target, source = sql.Identifier(name), sql.Identifier(template)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(target, source))
    try:
        yield with_database(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(target))
