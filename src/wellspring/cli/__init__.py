"""The `wellspring` command.

This package's own module stays empty of imports: the web and worker processes start from modules beside it and
must not carry what only the commands need (Typer, Rich, Alembic), about 40 MB.
"""

import importlib
import sys


def main() -> None:
    """Run the command line; `web` and `worker` without options need no more than their own modules."""
    if sys.argv[1:] in (["web"], ["worker"]):
        importlib.import_module("wellspring.cli.alone").run(sys.argv[1])
    else:
        importlib.import_module("wellspring.cli.commands").run()
