"""Keeping the server alive for as long as a program runs."""

import logging
import threading
from pathlib import Path
from types import TracebackType

from wellspring.postgres.cluster import Cluster, Holding
from wellspring.postgres.errors import ClusterError

_log = logging.getLogger(__name__)
_SLOWEST = 5.0  # seconds between two tries when restarting keeps failing


class Supervisor:
    """Holds a database and starts its server again when it died.

    `start()` watches from a thread, looking every `interval` seconds; with `watch=False` the caller calls
    `check()` instead.
    `problem` is the error of the last try to restart, or None.
    """

    def __init__(self, data: Path, interval: float = 0.2) -> None:
        self._holding = Holding(data)
        self._interval = interval
        self._ending = threading.Event()
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        self.problem: ClusterError | None = None

    def start(self, *, watch: bool = True) -> Cluster:
        """Start or join the database, then watch it. Raises ClusterError."""
        cluster = self._holding.enter()
        if watch:
            self._thread = threading.Thread(target=self._watch, name="postgres-supervisor", daemon=True)
            self._thread.start()
        return cluster

    def check(self) -> bool:
        """Restart the server if it died; say whether it had. Raises ClusterError if it does not come back."""
        with self._turn:
            if self._ending.is_set() or self._holding.running():
                return False
            self._holding.ensure()
            return True

    def stop(self) -> None:
        """Stop watching and give up our share; the last program out stops the server."""
        if self._ending.is_set():
            return
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        with self._turn:
            self._holding.leave()

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _watch(self) -> None:
        pause = self._interval
        while not self._ending.wait(pause):
            try:
                if self.check():
                    _log.warning("the database server had died and was started again")
                self.problem, pause = None, self._interval
            except ClusterError as error:
                _log.error("the database server has died and could not be started again: %s", error)
                self.problem, pause = error, min(pause * 2, _SLOWEST)
