"""What each web process runs."""

import multiprocessing

from litestar.types import ASGIApp

from wellspring.app import from_environment
from wellspring.cli import tether


def application() -> ASGIApp:
    """Return the program, tied to the life of the server's main process."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        tether.tie(parent.pid)
    return from_environment()
