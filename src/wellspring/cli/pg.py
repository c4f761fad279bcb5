"""PostgreSQL's own tools, pointed at the database of this installation."""

import os
import subprocess
from typing import Any, Final

import typer
from psycopg.conninfo import conninfo_to_dict

from wellspring.cli import place
from wellspring.cli.given import settings_from
from wellspring.cli.owner import held_cluster
from wellspring.kernel.settings import Settings
from wellspring.postgres import run_tool
from wellspring.postgres.binaries import tool_path

app = typer.Typer()
psql_app = typer.Typer()
_PASS_ON: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
_VARIABLES: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


@psql_app.command(context_settings=_PASS_ON)
def psql(context: typer.Context) -> None:
    """Open psql on the database as its owner. Arguments are psql's; WELLSPRING_DATA names the folder."""
    raise typer.Exit(run(settings_from(), "psql", context.args))


@app.command(context_settings=_PASS_ON)
def postgres_tool(context: typer.Context, tool: str) -> None:
    """Run one of PostgreSQL's own tools (pg_dump, pg_basebackup, pgbench …) on the database."""
    raise typer.Exit(run(settings_from(), tool, context.args))


def run(settings: Settings, tool: str, args: list[str]) -> int:
    """Run a tool on our own terminal; return its exit status. Raises NoSuchToolError."""
    url = place.given_url(settings)
    if url is not None:
        return _elsewhere(url, tool, args)
    with held_cluster(settings) as cluster:
        os.environ["PGDATABASE"] = place.DATABASE
        return run_tool(cluster, tool, args)


def _elsewhere(url: str, tool: str, args: list[str]) -> int:
    known = conninfo_to_dict(url)
    given = {_VARIABLES[name]: str(value) for name, value in known.items() if name in _VARIABLES and value}
    return subprocess.run([str(tool_path(tool)), *args], env={**os.environ, **given}, check=False).returncode
