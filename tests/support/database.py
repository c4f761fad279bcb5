"""One embedded PostgreSQL per test run, one migrated template per worker, one clone (about 30 ms) per test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from wellspring.kernel.crypto import Keyring
from wellspring.migrations.bootstrap import ensure_database, ensure_roles, prepare, with_database
from wellspring.postgres import hold
from wellspring.seeding import seed

KEYS = Keyring({1: b"k" * 32}, b"r" * 32)


def shared_folder() -> Path:
    """Return the folder of the run's server, shared by all workers of one run; in memory where there is room.

    Each test makes and drops a database, and each of these waits for a checkpoint: on a disk 800 ms, in memory 40.
    """
    run = os.getppid() if "PYTEST_XDIST_WORKER_COUNT" in os.environ else os.getpid()
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 3 * 2**30
    parent = memory if roomy else Path(tempfile.gettempdir())
    return parent / f"wellspring-tests-{run}"


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
