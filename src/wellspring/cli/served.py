"""What runs on this database: commands beside it must not seal under a key that it has not read, nor name a port that
nobody listens on."""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

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
        return _note(settings).read_text(encoding="utf-8") or settings.base_url
    except OSError:
        return settings.base_url


@contextmanager
def noted_site(settings: Settings) -> Generator[None]:
    """Leave a note of the address in the data folder while the program runs: its port may come from an option."""
    here, note = settings.public_url.rstrip("/") or address.local_url(settings), _note(settings)
    with suppress(OSError):  # a folder that is not there or not ours: commands go by the settings then
        note.write_text(here, encoding="utf-8")
    try:
        yield
    finally:
        with suppress(OSError):
            if note.read_text(encoding="utf-8") == here:  # not that of another program on this folder
                note.unlink()


def _note(settings: Settings) -> Path:
    return settings.data.absolute() / "address"
