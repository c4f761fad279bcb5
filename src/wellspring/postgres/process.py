"""Finding the server's process, and proving that it is the one before trusting or signalling it."""

import os
import select
import signal
from pathlib import Path

import msgspec

_DELETED = " (deleted)"  # what the kernel adds when the program file was replaced by a new install
_FIELDS = 5  # of postmaster.pid, up to the socket folder
_STATUS = 7  # index of its last line: starting, stopping, ready, standby


class Postmaster(msgspec.Struct, frozen=True):
    """A proven, living server: process id, socket folder, port and the state it reports."""

    pid: int
    host: str
    port: int
    state: str


def find(pgdata: Path) -> Postmaster | None:
    """Return the server that runs on `pgdata`, or None when the pid file is missing or stale."""
    try:
        lines = (pgdata / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None  # absent, or only half written yet
    if len(lines) < _FIELDS or not is_postmaster(pid, pgdata):
        return None
    return Postmaster(pid, lines[4], port, lines[_STATUS].strip() if len(lines) > _STATUS else "starting")


def _program(pid: int) -> str:
    """Return the name of the program a process runs; raises OSError when it is gone or another account's."""
    return Path(str((Path("/proc") / str(pid) / "exe").readlink()).removesuffix(_DELETED)).name


def _is_child(pid: int) -> bool:
    """Say whether the parent of a process runs `postgres` too."""
    try:
        stat = (Path("/proc") / str(pid) / "stat").read_text()
        return _program(int(stat.rpartition(")")[2].split()[1])) == "postgres"
    except OSError:
        return False


def is_postmaster(pid: int, pgdata: Path) -> bool:
    """Say whether process `pid` lives, runs `postgres`, works in `pgdata` and leads.

    A zombie has neither program nor working directory any more. A server's working directory is its data directory.
    Its children rename themselves to "postgres: …"; one that was forked this moment is known by its parent.
    """
    proc = Path("/proc") / str(pid)
    try:
        program = _program(pid)
        title = (proc / "cmdline").read_bytes()
        here = (proc / "cwd").stat()
        wanted = pgdata.stat()
    except OSError:
        return False  # gone meanwhile, or another account's: in neither case ours
    return (
        program == "postgres"
        and not _is_child(pid)
        and not title.startswith(b"postgres: ")
        and (here.st_dev, here.st_ino) == (wanted.st_dev, wanted.st_ino)
    )


def signal_and_wait(pid: int, pgdata: Path, number: signal.Signals, seconds: float) -> bool:
    """Signal the server, wait for its end, and say whether it ended.

    The descriptor is taken before the proof, so that the number cannot pass to another process in between.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not is_postmaster(pid, pgdata):
            return True
        signal.pidfd_send_signal(descriptor, number)
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(seconds * 1000))
    finally:
        os.close(descriptor)
