"""The whole program on a free port, with its worker, on a database of its own: what browser tests talk to."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.pages.support import staff
from tests.support.database import KEYS
from wellspring.app import make_edge
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import with_database

_STARTS_WITHIN_S = 30.0


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _environment(url: str, port: int, data: Path) -> dict[str, str]:
    keys = {"root": base64.b64encode(b"r" * 32).decode(), "keks": {"1": base64.b64encode(b"k" * 32).decode()}}
    return os.environ | {
        "DATABASE_URL": url,
        "WELLSPRING_KEYS": msgspec.json.encode(keys).decode(),
        "WELLSPRING_ENVIRONMENT": "test",
        "WELLSPRING_PORT": str(port),
        "WELLSPRING_DATA": str(data),
        "WELLSPRING_LOG_LEVEL": "warning",
    }


class Program:
    """A running program: where it is, and how to make staff for it."""

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        self._database = database

    def staff(self, name: str, role: Role) -> tuple[str, str]:
        """Make a staff account; return its address and the secret of its authenticator."""

        async def make() -> tuple[str, str]:
            parts = make_edge(Settings(environment="test", pool_size=2), KEYS, self._database)
            try:
                return await staff(parts, name, role)
            finally:
                await parts.db.close()

        # Playwright's own loop runs in this thread.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: asyncio.run(make())).result()


def _wait(url: str, started: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{url}/livez", timeout=1).close()
        except (urllib.error.URLError, OSError):
            assert started.poll() is None, "the program ended while it was starting"
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the program did not start")


@contextmanager
def running(server_url: str, database: str, data: Path) -> Iterator[Program]:
    """Start web and worker for a migrated database, and stop both at the end."""
    port = _free_port()
    environment = _environment(server_url, port, data)
    started = [
        subprocess.Popen([sys.executable, "-m", f"wellspring.cli.{name}"], env=environment) for name in ("web", "work")
    ]
    try:
        _wait(f"http://127.0.0.1:{port}", started[0])
        yield Program(f"http://127.0.0.1:{port}", database)
    finally:
        for one in started:
            one.send_signal(signal.SIGTERM)
        for one in started:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()


__all__ = ["Program", "running", "with_database"]
