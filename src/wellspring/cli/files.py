"""Files that commands write."""

import errno
import os
import shutil
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Final

from wellspring.cli.errors import FileRefused, FileThere

_STOPS: Final = (signal.SIGTERM, signal.SIGHUP)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def new_file(out: Path) -> Generator[IO[bytes]]:
    """Yield a new file that only this account can read; it bears its name once the block has ended well.

    Until then it is called `….part`. Half of a copy is none, and what it holds must not lie about: it goes when the
    block fails, and when the command is told to stop. Raises FileThere, FileRefused.
    """
    part = out.with_name(f"{out.name}.part")
    if os.path.lexists(out):
        raise FileThere(f"{out}.")
    try:
        opened = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise FileThere(f"{part}: a command that was killed left it. Delete it first.") from error
    except OSError as error:
        raise FileRefused(f"{out}: {error.strerror}.") from error
    try:
        with refused_when_full(out), _stopped_by_signals(), opened as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.path.lexists(out):
                raise FileThere(f"{out}.")
            part.rename(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def filled(out: Path) -> Generator[Path]:
    """Yield an empty folder inside `out`, which is made; what it holds takes its place there once the block ended well.

    Files of the same names are replaced then, one by one, and not before: when the block fails or is told to stop,
    `out` is as it was. A disk that breaks while they are replaced may leave some of both. Raises FileThere,
    FileRefused.
    """
    is_new = not out.exists()
    part = out / ".part"
    try:
        out.mkdir(parents=True, exist_ok=True)
        part.mkdir()
    except OSError as error:
        if os.path.lexists(part):
            raise FileThere(
                f"{part}: another command fills it, or one that was killed left it. Delete it then."
            ) from error
        raise FileRefused(f"{out}: {error.strerror}.") from error
    try:
        with refused_when_full(out), _stopped_by_signals():
            yield part
            for path in sorted(part.iterdir()):
                path.replace(out / path.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # it is kept where something is in it
                out.rmdir()


@contextmanager
def refused_when_full(out: Path | str) -> Generator[None]:
    """Raise FileRefused where the block meets the end of a disk."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise FileRefused(f"{out}: {error.strerror}.") from error
        raise


@contextmanager
def _stopped_by_signals() -> Generator[None]:
    """Have SIGTERM and SIGHUP end the block like an error, so that what it began is put away."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread of a program may take signals
        return

    def stop(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, stop) for number in _STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
