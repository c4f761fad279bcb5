"""The commands of `wellspring`. Each is imported when it is used: `serve` need not carry what `migrate` needs."""

import importlib
import os
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

from wellspring.cli import console
from wellspring.cli.errors import Refusal
from wellspring.kernel.errors import Problem
from wellspring.postgres import ClusterError

COMMANDS: Final = {
    "audit": "wellspring.cli.audit:app",
    "create-admin": "wellspring.cli.create_admin:app",
    "demo": "wellspring.cli.run_commands:demo_app",
    "doctor": "wellspring.cli.doctor:app",
    "jobs": "wellspring.cli.jobs:app",
    "keys": "wellspring.cli.rotate:app",
    "language": "wellspring.cli.language:app",
    "migrate": "wellspring.cli.migrate:app",
    "people": "wellspring.cli.people:app",
    "pg": "wellspring.cli.pg:app",
    "psql": "wellspring.cli.pg:psql_app",
    "recommender": "wellspring.cli.recommender:app",
    "serve": "wellspring.cli.run_commands:serve_app",
    "version": "wellspring.cli.version:app",
    "web": "wellspring.cli.run_commands:web_app",
    "worker": "wellspring.cli.run_commands:worker_app",
}


class Lazy(TyperGroup):
    """Imports a command's module when the command is named. Typer keeps the types of its base to itself."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return one command, or None."""
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        found = typer.main.get_command(getattr(importlib.import_module(module), name))
        found.name = cmd_name
        return found


app = typer.Typer(
    cls=Lazy,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Wellspring: a self-hosted mental-health and care platform.",
)


@app.callback()
def _root() -> None:
    """Run, look after and examine an installation."""


def run() -> None:
    """Run the command line; what can go wrong in use ends with words and status 1, not with a traceback."""
    try:
        app(prog_name="wellspring")
    except (Refusal, ClusterError, Problem) as error:
        console.complain(error.code, console.words_of(error))
        sys.exit(1)
    except BrokenPipeError:  # whoever read our output has left, as `head` does; that is no failure of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
