"""Where the data lies: the folder, and the database in it or elsewhere."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from wellspring.cli.errors import KeysGone, SettingsWrong
from wellspring.kernel import dsn, keys
from wellspring.kernel.settings import Settings

DATABASE: Final = "wellspring"


def make_folder(settings: Settings) -> Path:
    """Make the data folder and its keys when there are none, closed to others, and return it.

    Keys come before the database: one without the other means that they were lost. Root's folder may be passed
    through (0711): where PostgreSQL has to run as another account, it must reach its own folder.
    """
    path = settings.data.absolute()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise SettingsWrong(f"The data folder {path} cannot be made: {error.strerror}.") from error
    if settings.keys is None and cluster_folder(settings).exists() and not keys.path_of(settings).exists():
        raise KeysGone(f"Put {keys.path_of(settings).absolute()} back from your backup.")
    keys.load(settings)
    return path


def cluster_folder(settings: Settings) -> Path:
    """Return the folder of the embedded PostgreSQL."""
    return settings.data.absolute() / "postgres"


def given_url(settings: Settings) -> str | None:
    """Return the owner's DATABASE_URL, or None when the database is embedded. Raises SettingsWrong."""
    if settings.database_url is None:
        return None
    url = settings.database_url.get_secret_value()
    if not _is_address(url):
        raise SettingsWrong("DATABASE_URL: write postgresql://user:password@host:5432/database.")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"postgresql", "postgres"} and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def without_login(url: str) -> str:
    """Return an address without user and password: the program's roles have their own, derived from the keys."""
    parts = urlsplit(url)
    kept = dsn.without_login(parts.query)
    query = f"?{kept}" if kept else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
