"""The `wellspring` command.

This package's own module stays empty of imports: the web and worker processes start from modules beside it and
must not carry what only the commands need (Typer, Rich, Alembic), about 40 MB.
"""

import importlib


def main() -> None:
    """Run the command line."""
    importlib.import_module("wellspring.cli.commands").run()
