"""What runs on this database: commands beside it must not seal under a key that it has not read, nor name a port that
nobody listens on."""

import fcntl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

import psycopg

from wellspring.cli import address
from wellspring.kernel import dsn, keys
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.settings import Settings

_CONNECTED: Final = (
    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    r" AND usename LIKE 'wellspring\_%'"
)


def newest_key(url: str) -> int | None:
    """Return the newest key-encryption key that all web and worker processes have read, None when none is connected."""
    with psycopg.connect(url, autocommit=True) as conn:
        names = conn.execute(_CONNECTED).fetchall()
    return min((dsn.key_in(name or "") for (name,) in names), default=None)


def ring(settings: Settings, url: str) -> Keyring:
    """Return the keyring with which a command makes data keys: under one that everything that runs can open.

    Between `keys rotate` and the restart that is an older one; `keys rewrap` takes what was made meanwhile along.
    """
    return keys.load(settings, newest_key(url))


def site(settings: Settings) -> str:
    """Return the address people use: the operator's, else that of the program which runs on the data folder.

    Where none runs it is made of host and port, as the settings of this command have them.
    """
    if settings.public_url:
        return settings.base_url
    try:
        with _note(settings).open("rb") as note:
            noted = note.read().decode() if _is_held(note) else ""
    except OSError:
        noted = ""
    return noted or settings.base_url


@contextmanager
def noted_site(settings: Settings) -> Generator[None]:
    """Leave a note of the address in the data folder while the program runs: its port may come from an option.

    The note is locked as long as that is so: one that was left by a program that was killed is not believed.
    """
    here, note = settings.public_url.rstrip("/") or address.local_url(settings), _note(settings)
    with ExitStack() as stack:
        with suppress(OSError):  # a folder that is not there or not ours: commands go by the settings then
            note.write_text(here, encoding="utf-8")
            fcntl.flock(stack.enter_context(note.open("rb")), fcntl.LOCK_SH)
        try:
            yield
        finally:
            with suppress(OSError):
                if note.read_text(encoding="utf-8") == here:  # not that of another program on this folder
                    note.unlink()


def _is_held(note: IO[bytes]) -> bool:
    """Tell whether a program that runs holds its note."""
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _note(settings: Settings) -> Path:
    return settings.data.absolute() / "address"
