"""A whole `wellspring serve` that can be killed and started again."""

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Adopt orphans, so that killed postmasters do not stay zombies where there is no init."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> None:
    """Collect ended orphans; children of `subprocess` are left to it."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] == "Z" and int(fields[1]) == os.getpid() and int(entry.name) != Program.current:
            try:
                os.waitpid(int(entry.name), os.WNOHANG)
            except ChildProcessError:
                continue


class Program:
    """One data folder, one port, started as often as it is killed."""

    current = 0

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait for the ready line; return how long it took."""
        began = time.monotonic()
        wellspring = str(Path(sys.executable).parent / "wellspring")
        environment = {
            **os.environ,
            "WELLSPRING_ENVIRONMENT": "development",
            "WELLSPRING_REQUESTS_PER_MINUTE": "1000000000",
        }
        with (self.data / "program.log").open("ab") as log:
            self.process = subprocess.Popen(
                [wellspring, "serve", "--data", str(self.data / "home"), "--port", str(self.port)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        Program.current = self.process.pid
        self._wait_ready()
        return time.monotonic() - began

    def _wait_ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        lines: queue.Queue[bytes] = queue.Queue()
        stdout = self.process.stdout

        def pump() -> None:
            for line in stdout:
                lines.put(line)
            lines.put(b"")

        threading.Thread(target=pump, daemon=True).start()
        until = time.monotonic() + 90
        while time.monotonic() < until:
            line = lines.get(timeout=max(0.1, until - time.monotonic()))
            if line.startswith(b"ready "):
                return
            if not line:
                raise RuntimeError("the program ended before it was ready")
        raise TimeoutError("not ready")

    def kill(self) -> None:
        """Kill -9 the program."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        reap()

    def stop(self) -> None:
        """Stop the program as an operator does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def postmaster(self) -> int:
        """Return the pid of its database."""
        return int((self.data / "home" / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])

    def kill_postmaster(self) -> None:
        """Kill -9 the database server."""
        os.kill(self.postmaster(), signal.SIGKILL)
        time.sleep(0.05)
        reap()
