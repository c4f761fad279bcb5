"""Processes that `serve` starts, keeps alive and stops. Only these: a process it did not start is never signalled."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from wellspring.cli import tether
from wellspring.kernel import logs

_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 30.0
_STEADY: Final = 60.0  # seconds after which a process counts as having started well
_PAUSE: Final = 0.02
log = logs.get("serve")


class Child:
    """One program of ours: `python -m module`, started again with growing delay when it dies.

    Start it from the main thread: the kernel ties a child to the thread that made it.
    """

    def __init__(self, name: str, module: str, environment: dict[str, str]) -> None:
        self.name = name
        self.deaths = 0
        self._argv = [sys.executable, "-m", module]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._next = 0.0
        self._delay = _FIRST_DELAY

    @property
    def pid(self) -> int | None:
        """Return the process's number while it runs."""
        return None if self._process is None else self._process.pid

    def start(self, output: int | None = None) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches `serve` alone, which stops things in order.

        Its standard output goes to descriptor `output`, else to standard error: ours is for scripts.
        """
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._argv,
            env={**self._environment, tether.PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if output is None else output,
            start_new_session=True,
        )

    def status(self) -> int | None:
        """Return its exit status, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def tend(self) -> None:
        """Notice a death, and start it again when its time has come."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._next:
                self.start()
            return
        status = self.status()
        if status is None:
            return
        self._process = None
        self.deaths += 1
        self._delay = _FIRST_DELAY if now - self._began > _STEADY else min(self._delay * 2, _LONGEST_DELAY)
        self._next = now + self._delay
        log.error("child_died", child=self.name, status=status, again_in_s=self._delay)

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until `deadline` (monotonic seconds), then kill it. Its own children are tied to it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("child_killed", child=self.name)
            self._process.kill()
            self._process.wait()
        self._process = None


def stop_all(children: Sequence[Child], seconds: float) -> None:
    """Stop every child, all at the same time, within about `seconds`."""
    deadline = time.monotonic() + seconds
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.end(deadline)
