"""Making a database, starting it and stopping it. The change lock must be held by the caller."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from wellspring.postgres.account import Argv
from wellspring.postgres.binaries import binaries
from wellspring.postgres.errors import (
    StartFailedError,
    StillInUseError,
    StopFailedError,
    explained,
    from_output,
)
from wellspring.postgres.folder import Folder
from wellspring.postgres.locks import Lock
from wellspring.postgres.process import Postmaster, find, signal_and_wait
from wellspring.postgres.settings import SILENCE_SESSIONS, TUNED, arguments, guarded

SUPERUSER = "postgres"
_START_SECONDS = 300.0  # recovery replays up to max_wal_size
_STOP_SECONDS = 30.0
_ABORT_SECONDS = 5.0
_LAST_PROCESSES_SECONDS = 20.0
_RECOVERY_SECONDS = 10.0
_SILENCE_SECONDS = 2.0
_PAUSE = 0.005
_READY, _TURNED_AWAY = 0, 1  # exit statuses of pg_isready

# The servers this program started and has not yet seen end. Nobody else would collect them as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


def ensure_running(folder: Folder) -> Postmaster:
    """Return the running server of the folder: found, or made and started. Raises ClusterError."""
    reap()
    deadline = time.monotonic() + _START_SECONDS
    while (found := find(folder.pgdata)) is not None:
        if found.state == "ready":
            return found
        if time.monotonic() > deadline:
            raise StartFailedError(f"Process {found.pid} has been {found.state} for {_START_SECONDS:.0f} s.")
        time.sleep(_PAUSE)
    return _start(folder)


def stop(folder: Folder) -> None:
    """Stop the server of the folder, if any: a fast shutdown, then an abort, which loses nothing either."""
    found = find(folder.pgdata)
    if found is None:
        reap()
        return
    _let_recovery_end(folder, found)
    for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _ABORT_SECONDS)):
        if signal_and_wait(found.pid, folder.pgdata, number, seconds):
            folder.forget_sockets()
            reap()
            return
    raise StopFailedError(f"It is process {found.pid}. If it is paused, let it go on; then stop Wellspring again.")


def _let_recovery_end(folder: Folder, found: Postmaster) -> None:
    """Wait a little while the server turns clients away, and less while it does not answer.

    PostgreSQL 18.4 never ends when SIGINT reaches it while it recovers from a crashed backend: it then waits
    for helpers that nobody has told to go. Where the crash is fresh, the one that answers is ended with the others,
    so silence may be the beginning of a recovery; a server that is paused is silent too, and stays so.
    """
    argv: Argv = [binaries() / "pg_isready", "-q", "-t", "1", "-h", found.host, "-p", str(found.port)]
    begun = time.monotonic()
    while (answer := folder.account.run(argv).returncode) != _READY and find(folder.pgdata) is not None:
        patience = _RECOVERY_SECONDS if answer == _TURNED_AWAY else _SILENCE_SECONDS
        if time.monotonic() - begun > patience:
            return
        time.sleep(_PAUSE)


def reap() -> None:
    """Collect the servers of this program that have ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)


def _start(folder: Folder) -> Postmaster:
    lock = Lock(folder, "server.lock")
    try:
        # Children of a killed server notice its death by themselves; until the last has gone it is theirs.
        lock.alone(_LAST_PROCESSES_SECONDS, otherwise=StillInUseError)
        folder.prepare_for_start()
        if not folder.pgdata.exists():
            _init(folder, lock)
        folder.check_version()
        _remove_stale(folder)
        return _spawn(folder, lock)
    finally:
        lock.close()


def _init(folder: Folder, lock: Lock) -> None:
    """Make the database beside its place and move it there when whole: a kill leaves no half of one.

    The programs hold the server lock with us, so that after our death nobody touches what they still write.
    """
    keep = (lock.descriptor,)
    draft = folder.data / "cluster.new"
    with explained(draft):
        if draft.exists():
            shutil.rmtree(draft)
    folder.password()
    made = folder.account.run(
        [
            binaries() / "initdb",
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            f"--pwfile={folder.password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--text-search-config=simple",
            "--data-checksums",
            *arguments(TUNED),
        ],
        keep=keep,
    )
    if made.returncode != 0:
        raise from_output(made.stdout)
    single: Argv = [binaries() / "postgres", "--single", "-D", draft, "postgres"]
    quiet = folder.account.run(single, SILENCE_SESSIONS, keep)
    if quiet.returncode != 0 or "ERROR" in quiet.stdout:
        raise from_output(quiet.stdout)
    with explained(folder.pgdata):
        draft.rename(folder.pgdata)
        _sync(folder.data)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(folder: Folder) -> None:
    """Remove what a killed server left: PostgreSQL takes a zombie, or a stranger of that number, for alive.

    Safe here: we hold the server lock, so no process of an earlier server lives, and find() saw no other.
    """
    with explained(folder.data):
        (folder.pgdata / "postmaster.pid").unlink(missing_ok=True)
        for left in folder.sockets().glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)


def _spawn(folder: Folder, lock: Lock) -> Postmaster:
    settings = guarded(folder.sockets(), folder.logs)
    argv: Argv = [binaries() / "postgres", "-D", folder.pgdata, *arguments(settings)]
    with explained(folder.logs):
        descriptor = folder.open("log/start.log")
    with os.fdopen(descriptor, "w+b") as output:
        output.truncate()
        child = folder.account.spawn(argv, output, keep=lock.descriptor)
        _children[child.pid] = child
        try:
            return _await_ready(folder, child)
        except BaseException:
            _end(child)
            raise


def _end(child: subprocess.Popen[bytes]) -> None:
    """Stop a server that never became ready. It is our uncollected child: its number is certainly its own."""
    for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, _ABORT_SECONDS)):
        if child.poll() is None:
            child.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                child.wait(seconds)
    reap()


def _await_ready(folder: Folder, child: subprocess.Popen[bytes]) -> Postmaster:
    began = time.time()
    deadline = time.monotonic() + _START_SECONDS
    while True:
        found = find(folder.pgdata)
        if found is not None and found.pid == child.pid and found.state == "ready":
            return found
        if child.poll() is not None:
            raise from_output(_last_words(folder, began))
        if time.monotonic() > deadline:
            raise StartFailedError(f"It was not ready after {_START_SECONDS:.0f} s and was stopped again.")
        time.sleep(_PAUSE)


def _last_words(folder: Folder, since: float) -> str:
    """Return the end of what the failed server wrote (it holds no health data: see settings)."""
    paths = [folder.logs / "start.log", *sorted(folder.logs.glob("postgres-*.log"))[-1:]]
    fresh = [path for path in paths if path.stat().st_mtime >= since - 1]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-4000:] for path in fresh)
