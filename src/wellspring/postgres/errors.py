"""What can go wrong with the embedded database, in words for the person who runs it."""

import errno
import inspect
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class ClusterError(Exception):
    """The embedded database did not do what was asked.

    Each subclass has a stable `code` for scripts; its docstring is the first sentence of its message.
    """

    code: ClassVar[str] = "database_error"

    def __init__(self, detail: str = "") -> None:
        headline = inspect.cleandoc(self.__doc__ or "").partition("\n")[0]
        super().__init__(f"{headline} {detail}".strip())


class BinariesMissingError(ClusterError):
    """The PostgreSQL programs are not installed."""

    code = "binaries_missing"


class NotWritableError(ClusterError):
    """The database folder cannot be used by this account."""

    code = "not_writable"


class DiskFullError(ClusterError):
    """The disk that holds the database is full."""

    code = "disk_full"


class NotOursError(ClusterError):
    """This folder belongs to someone or something else, so nothing in it was touched."""

    code = "not_ours"


class VersionMismatchError(ClusterError):
    """The data was written by another major version of PostgreSQL."""

    code = "version_mismatch"


class RootRefusedError(ClusterError):
    """PostgreSQL does not run as root, and no other account can use this folder."""

    code = "root_refused"


class BusyError(ClusterError):
    """Another program has been starting or stopping this database for too long."""

    code = "busy"


class StillInUseError(ClusterError):
    """Processes of an earlier database server are still using this data."""

    code = "still_in_use"


class StartFailedError(ClusterError):
    """The database did not start."""

    code = "start_failed"


class StopFailedError(ClusterError):
    """The database did not stop in time and was left running."""

    code = "stop_failed"


class NoSuchToolError(ClusterError):
    """There is no PostgreSQL tool of that name here."""

    code = "no_such_tool"


_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "Check free disk space")
_IN_USE_WORDS = (
    "pre-existing shared memory block",
    'postmaster.pid" already exists',
    '.lock" already exists',
)


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn an OSError about `path` into DiskFullError or NotWritableError."""
    try:
        yield
    except OSError as error:
        kind = DiskFullError if error.errno in _FULL else NotWritableError
        raise kind(f"{error.filename or path}: {error.strerror}.") from error


def from_output(output: str) -> ClusterError:
    """Choose the error that the words of initdb or of the server call for."""
    last = "\n".join(output.strip().splitlines()[-6:])
    if any(words in output for words in _FULL_WORDS):
        return DiskFullError("Free some space, then start again.")
    if any(words in output for words in _IN_USE_WORDS):
        return StillInUseError("Wait for them to end, then start again.")
    if "Permission denied" in output or "Read-only file system" in output:
        return NotWritableError(last)
    return StartFailedError(f"It said:\n{last}" if last else "It gave no reason.")
