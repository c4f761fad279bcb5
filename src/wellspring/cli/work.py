"""The worker process (`python -m wellspring.cli.work`)."""

import os
import sys

from wellspring import worker
from wellspring.app import make_edge
from wellspring.cli import tether
from wellspring.cli.errors import NeedsDatabase
from wellspring.kernel import keys, logs
from wellspring.kernel.settings import Settings


def main() -> None:
    """Do jobs until told to stop."""
    tether.tie_if_child()
    settings = Settings()
    if settings.database_url is None:
        sys.exit(str(NeedsDatabase()))
    logs.configure(settings.log_level)
    os.nice(5)  # people who wait for an answer come first
    worker.main(make_edge(settings, keys.load(settings), settings.database_url.get_secret_value()))


if __name__ == "__main__":
    main()
