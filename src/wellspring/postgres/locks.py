"""Locks between programs. The kernel lets go of them when their holders die, whatever the manner of death."""

import fcntl
import os
import time

from wellspring.postgres.errors import BusyError, ClusterError, explained
from wellspring.postgres.folder import Folder

_PAUSE = 0.02  # seconds between two tries


class Lock:
    """One lock file of a data folder, held shared, alone, or not at all."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._path = folder.data / name
        with explained(self._path):
            self.descriptor = folder.open(name)

    def share(self) -> None:
        """Hold it together with others. Only ever called where nobody holds it alone for long."""
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Hold it alone if nobody else holds it; say whether that worked."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def alone(self, seconds: float, otherwise: type[ClusterError] = BusyError) -> None:
        """Hold it alone; waits up to `seconds`, then raises `otherwise`."""
        deadline = time.monotonic() + seconds
        while not self.try_alone():
            if time.monotonic() > deadline:
                raise otherwise(f"Waited {seconds:.0f} s for {self._path}.")
            time.sleep(_PAUSE)

    def let_go(self) -> None:
        """Hold it no more."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close our descriptor. A process that inherited it goes on holding the lock."""
        os.close(self.descriptor)
