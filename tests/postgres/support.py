"""What the tests of the embedded database share: folders, other programs, processes."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from wellspring.postgres.process import find

PROGRAM = Path(__file__).with_name("program.py")
NOBODY = 65534
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


class Program:
    """Another program on the same data folder."""

    def __init__(self, data: Path, *more: str, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(data), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
        )
        self._said: dict[str, object] | None = None

    @property
    def said(self) -> dict[str, object]:
        if self._said is None:
            assert self.process.stdout is not None
            self._said = json.loads(self.process.stdout.readline())
        return self._said

    @property
    def server(self) -> int:
        return int(str(self.said["pid"]))

    def leave(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def become_subreaper() -> None:
    """Adopt orphaned servers: a killed one becomes a zombie of ours, as in a container without an init."""
    assert ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0) == 0


def server_of(data: Path) -> int | None:
    """Return the process id of the proven server of a data folder."""
    found = find(data / "cluster")
    return found.pid if found else None


def alive(pid: int) -> bool:
    """Say whether a process lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def query(dsn: str, sql: str) -> str:
    """Run one statement in a transaction of its own; return its single value as text."""
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(sql.encode())
        row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""


def end_server(data: Path) -> None:
    """Clean up after a test: end the server of this folder, and collect it if we adopted it."""
    pid = server_of(data)
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: not alive(pid))
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return
