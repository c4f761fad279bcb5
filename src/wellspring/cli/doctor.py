"""`wellspring doctor`: is this installation sound, and does it keep its promises."""

from typing import Annotated, Final

import psycopg
import typer

from wellspring import slices
from wellspring.cli import checks_database, checks_machine, console, invariants
from wellspring.cli.checks import Report, State
from wellspring.cli.errors import DatabaseAway, KeysGone, NothingHere
from wellspring.cli.given import settings_from
from wellspring.cli.invariants import Broken
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel.settings import Settings
from wellspring.postgres import ClusterError

app = typer.Typer()
_MARKS: Final[dict[State, str]] = {
    "ok": "[green]ok     [/green]",
    "warning": "[yellow]look   [/yellow]",
    "failed": "[red]failed [/red]",
    "skipped": "[dim]skipped[/dim]",
}
_DECLARED = slices.TABLES
"""Importing the slices declares their tables, which the promises about row-level security name."""


@app.command()
def doctor(
    data: Data = None,
    *,
    only_invariants: Annotated[
        bool, typer.Option("--invariants", help="Ask the database for broken promises instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Check this installation; ends with 1 when something is wrong."""
    settings = settings_from(data)
    if only_invariants:
        broken = promises(settings)
        console.as_json(broken) if json else show_broken(broken)
        raise typer.Exit(1 if broken else 0)
    reports = examine(settings)
    console.as_json(reports) if json else show(reports)
    raise typer.Exit(1 if any(report.state == "failed" for report in reports) else 0)


def examine(settings: Settings) -> list[Report]:
    """Return the findings of all checks."""
    reports = [check.report(settings) for check in checks_machine.CHECKS]
    try:
        with owner_url(settings) as url:
            return [*reports, *checks_database.look(settings, url)]
    except (ClusterError, DatabaseAway, KeysGone, NothingHere) as error:
        return [*reports, *checks_database.unreachable(str(error))]


def promises(settings: Settings) -> list[Broken]:
    """Return the promises that are not kept."""
    with owner_url(settings) as url, psycopg.connect(url, autocommit=True) as conn:
        return invariants.broken(conn)


def show(reports: list[Report]) -> None:
    """Print one line for each finding."""
    for report in reports:
        console.out.print(f"{report.code} {_MARKS[report.state]} {report.title:<22}", end=" ")
        console.say(report.words)


def show_broken(found: list[Broken]) -> None:
    """Print what is broken, or that nothing is."""
    if not found:
        count = len(invariants.INVARIANTS) + 1
        console.say(f"All {count} promises are kept.")
    for item in found:
        console.say(f"{item.code} broken: {item.promise}")
        for row in item.rows:
            console.say(f"      {row}")
