"""Files that commands write."""

import os
from pathlib import Path
from typing import IO

from wellspring.cli.errors import FileRefused, FileThere


def new_file(out: Path) -> IO[bytes]:
    """Return a new file that only this account can read. Raises FileThere, FileRefused."""
    try:
        return os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise FileThere(f"{out}.") from error
    except OSError as error:
        raise FileRefused(f"{out}: {error.strerror}.") from error
