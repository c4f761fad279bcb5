"""Ties the life of a process to that of its parent, also when the parent is killed with SIGKILL."""

import ctypes
import os
import signal
from typing import Final

PARENT: Final = "WELLSPRING_PARENT"
"""The environment variable by which `serve` tells a child whose child it is."""

_PR_SET_PDEATHSIG: Final = 1


def tie(parent: int) -> None:
    """Have the kernel kill this process when `parent` dies; end at once when it already has.

    SIGKILL: nobody is left to wait for a slow shutdown, and no listener may stay on the port. What was acknowledged
    is committed, so nothing is lost.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def tie_if_child() -> None:
    """Tie this process to the `serve` that started it; does nothing when it was started by itself."""
    named = os.environ.pop(PARENT, "")
    if named:
        tie(int(named))
