"""What runs on this database: commands beside it must not seal under a key that it has not read."""

from typing import Final

import psycopg

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
