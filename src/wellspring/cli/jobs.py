"""`wellspring jobs …`: what failed too often and was set aside, and what waits for a worker."""

from datetime import datetime
from typing import Annotated, Final

import psycopg
import typer
from msgspec import Struct

from wellspring.cli import console
from wellspring.cli.errors import JobUnknown
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url

app = typer.Typer(no_args_is_help=True, help="Jobs that failed too often, and jobs that wait.")
_Ids = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Numbers, as `wellspring jobs list` shows them.")]
_All = Annotated[bool, typer.Option("--all", help="Every job that was set aside.")]

_HELD: Final = "SELECT id, entrypoint, updated FROM jobs.pgqueuer WHERE status = 'failed' ORDER BY id"
_WAITING: Final = (
    "SELECT entrypoint, count(*), min(execute_after) FROM jobs.pgqueuer WHERE status = 'queued'"
    " AND execute_after <= now() GROUP BY entrypoint ORDER BY 3"
)
_AGAIN: Final = (
    "UPDATE jobs.pgqueuer SET status = 'queued', attempts = 0, execute_after = now(), updated = now(),"
    " queue_manager_id = NULL, slot = NULL WHERE id = %s AND status = 'failed'"
)
_DROP: Final = "DELETE FROM jobs.pgqueuer WHERE id = %s AND status = 'failed'"


class Held(Struct, frozen=True):
    """A job that was set aside, and when. Whose it is stays unsaid: some jobs exist for people in danger only."""

    id: int
    name: str
    since: datetime


class Waiting(Struct, frozen=True):
    """How many jobs of a name are due, and since when the oldest is."""

    name: str
    jobs: int
    since: datetime


class Listed(Struct, frozen=True):
    """What an operator may want to know of the queue."""

    held: list[Held]
    waiting: list[Waiting]


@app.command("list")
def show(data: Data = None, *, json: Json = False) -> None:
    """Show jobs that were set aside, and what is due."""
    with owner_url(settings_from(data)) as url, psycopg.connect(url, autocommit=True) as conn:
        found = Listed(held(conn), [Waiting(*row) for row in conn.execute(_WAITING)])
    if json:
        console.as_json(found)
        return
    for job in found.held:
        console.say(f"{job.id}  {job.name}  set aside {job.since:%Y-%m-%d %H:%M} UTC")
    for name in found.waiting:
        console.say(f"{name.jobs} due  {name.name}  since {name.since:%Y-%m-%d %H:%M} UTC")
    if not found.held and not found.waiting:
        console.say("Nothing was set aside, and nothing waits.")


@app.command("retry")
def retry(ids: _Ids = None, data: Data = None, *, everything: _All = False, json: Json = False) -> None:
    """Put jobs that were set aside back into the queue. Each may run twice: jobs are made for that."""
    with owner_url(settings_from(data)) as url, psycopg.connect(url, autocommit=True) as conn:
        chosen = _chosen(conn, ids, everything=everything)
        for number in chosen:
            _again(conn, number)
    _report("retried", chosen, json=json)


@app.command("drop")
def drop(ids: _Ids = None, data: Data = None, *, everything: _All = False, json: Json = False) -> None:
    """Delete jobs that were set aside. What they were to do is never done."""
    with owner_url(settings_from(data)) as url, psycopg.connect(url, autocommit=True) as conn:
        chosen = _chosen(conn, ids, everything=everything)
        for number in chosen:
            conn.execute(_DROP, (number,))
    _report("dropped", chosen, json=json)


def held(conn: psycopg.Connection) -> list[Held]:
    """Return the jobs that were set aside, oldest first."""
    conn.execute("SET TIME ZONE 'UTC'")
    return [Held(*row) for row in conn.execute(_HELD)]


def _chosen(conn: psycopg.Connection, ids: list[int] | None, *, everything: bool) -> list[int]:
    """Return the numbers that are meant; raises JobUnknown for one that was not set aside, and for none."""
    known = [job.id for job in held(conn)]
    if everything:
        return known
    unknown = sorted(set(ids or ()) - set(known))
    if unknown or not ids:
        raise JobUnknown(f"{', '.join(map(str, unknown)) or 'Name some, or pass --all'}.")
    return ids


def _again(conn: psycopg.Connection, number: int) -> None:
    try:
        conn.execute(_AGAIN, (number,))
    except psycopg.errors.UniqueViolation:  # the same work waits already, under the same key
        conn.execute(_DROP, (number,))


def _report(done: str, ids: list[int], *, json: bool) -> None:
    if json:
        console.as_json({done: len(ids)})
    else:
        console.say(f"{len(ids)} {done}.")
