"""`wellspring migrate …`: the history of the database."""

from typing import Annotated

import typer
from rich.table import Table

from wellspring.cli import console
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel import keys
from wellspring.migrations import bootstrap
from wellspring.migrations.runner import Runner, State

app = typer.Typer(no_args_is_help=True, help="Run, undo and write migrations.")
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def up(data: Data = None, *, json: Json = False) -> None:
    """Make the database and its roles, and run every migration that has not run."""
    settings = settings_from(data)
    with owner_url(settings, new=True) as url:
        _report("ran", bootstrap.prepare(url, keys.load(settings)), json=json)


@app.command()
def down(
    steps: Annotated[int, typer.Argument(min=1)] = 1,
    data: Data = None,
    *,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Undo the last N migrations. What their tables hold is lost."""
    settings = settings_from(data)
    if not yes:
        typer.confirm(f"Undo {steps}? What those tables hold is lost.", abort=True, err=True)
    with owner_url(settings) as url:
        _report("undone", Runner(url).down(steps), json=json)


@app.command()
def status(data: Data = None, *, json: Json = False) -> None:
    """Show every migration, when it ran, and whether its file is unchanged since."""
    with owner_url(settings_from(data)) as url:
        states = Runner(url).status()
    if json:
        console.as_json(states)
    else:
        console.out.print(_table(states))


@app.command()
def create(name: str) -> None:
    """Write an empty migration with a timestamp version."""
    console.say(str(Runner("postgresql://").create(name)))


@app.command()
def reset(data: Data = None, *, json: Json = False) -> None:
    """Undo everything. Refused outside development."""
    settings = settings_from(data)
    with owner_url(settings) as url:
        _report("undone", Runner(url).reset(settings.environment), json=json)


@app.command()
def refresh(data: Data = None, *, json: Json = False) -> None:
    """Undo everything and run it again. Refused outside development."""
    settings = settings_from(data)
    with owner_url(settings) as url:
        _report("ran", Runner(url).refresh(settings.environment), json=json)
        bootstrap.check_keys(url, keys.load(settings))


def _report(verb: str, count: int, *, json: bool) -> None:
    if json:
        console.as_json({verb: count})
    else:
        console.say(f"{count} {verb}")


def _table(states: list[State]) -> Table:
    table = Table("version", "name", "batch", "applied", "file")
    for state in states:
        applied = state.applied_at.strftime("%Y-%m-%d %H:%M") if state.applied_at else "-"
        batch = "-" if state.batch is None else str(state.batch)
        table.add_row(state.version, state.name, batch, applied, "" if state.unchanged else "changed")
    return table
