"""`wellspring people …`: a copy of everything about somebody, erasing them (again after a restore), ways back in."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Annotated, Final
from uuid import UUID

import asyncpg
import typer
from asyncpg import Connection
from msgspec import Struct

from wellspring.cli import console, parts, served
from wellspring.cli.errors import (
    AccountClosed,
    DatabaseAway,
    FileRefused,
    InCrisis,
    LastAdministrator,
    NoFactor,
    NotConfirmed,
    PersonUnknown,
    Refusal,
    StillHelping,
)
from wellspring.cli.files import new_file
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.identity import account, contact, forgotten, leaving, service
from wellspring.identity.errors import FactorMissing
from wellspring.interventions import shared
from wellspring.kernel import audit, keys
from wellspring.kernel.audit import Access
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import refuse_other_keys
from wellspring.privacy import copies, erasure, kept
from wellspring.privacy.copies import Copied
from wellspring.privacy.erasure import Erased, NotErased, Rows, Why
from wellspring.privacy.kept import Over
from wellspring.privacy.ledger import Ledger
from wellspring.privacy.people import is_here, is_known

app = typer.Typer(no_args_is_help=True, help="Copies, erasing, a way back in, and what is kept for years.")

_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,  # the erasure of somebody else takes long
    asyncpg.InterfaceError,
)
_LEARNED: Final = "interventions.outcome"
_REFUSED: Final[dict[Why, Refusal]] = {
    Why.LAST_ADMIN: LastAdministrator("Make another one first: wellspring create-admin."),
    Why.IN_CRISIS: InCrisis("Resolve the crisis event at the desk first. Nothing was erased."),
    Why.WORKING: StillHelping("Let a colleague take them over, or resolve them, first. Nothing was erased."),
}
Who = Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address, or the id, of the person.")]


class Wrote(Struct, frozen=True):
    """The file, and what is in it."""

    file: str
    person_id: UUID
    tables: int
    rows: int
    unreadable: list[str]


class Replayed(Struct, frozen=True):
    """How many erasures the ledgers name, who came back and was erased again, and who was not and why."""

    named: int
    erased: list[UUID]
    refused: dict[UUID, Why]


@app.command("export")
def export_all(
    email: Who,
    out: Annotated[Path, typer.Option(help="A new file: .json for one document, .zip with tables as CSV besides.")],
    data: Data = None,
    *,
    json: Json = False,
) -> None:
    """Write everything that is stored about one person, their words opened, into a new file; with an audit row.

    What is written can be read by anybody who gets the file. Hand it to that person alone, and delete yours.
    """
    if out.suffix not in (".json", ".zip"):
        raise FileRefused(f"{out}: end its name with .json or .zip.")
    settings = settings_from(data)
    with new_file(out) as file, owner_url(settings) as url:
        copied = asyncio.run(_export(settings, url, email, file, is_archive=out.suffix == ".zip"))
    if json:
        console.as_json(Wrote(str(out), copied.person_id, copied.tables, copied.rows, copied.unreadable))
    else:
        console.say(f"{copied.rows} rows of {copied.tables} tables: {out}")
        for where in copied.unreadable:
            console.say(f"  could not be opened: {where}")
    raise typer.Exit(1 if copied.unreadable else 0)


async def _export(settings: Settings, url: str, email: str, file: IO[bytes], *, is_archive: bool) -> Copied:
    ring = keys.load(settings)
    async with _owner(url, ring) as conn:
        person_id = await _find(conn, ring, email)
        write = copies.write_archive if is_archive else copies.write_json
        return await write(conn, ring, person_id, file)


@app.command("erase")
def erase_all(
    email: Who,
    data: Data = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go and what would stay.")] = False,
    json: Json = False,
) -> None:
    """Erase one person: their account, everything they wrote, and the key that opens it. This cannot be undone.

    Shows what goes and what stays, and asks you to type the address again.
    """
    settings = settings_from(data)
    with owner_url(settings) as url:
        seen = asyncio.run(_plan(settings, url, email))
        if dry_run or not seen.total:
            _tell(seen, json=json)
            return
        if not yes:
            _show(seen, to_error=True)
            _confirm(email, "This cannot be undone. Type the address again")
        _tell(asyncio.run(_erase(settings, url, seen.person_id)), json=json)


def _confirm(email: str, words: str) -> None:
    asks = sys.stdin.isatty()
    typed = str(typer.prompt(words, default="", err=True)) if asks else sys.stdin.readline()
    if typed.strip().lower() != email.strip().lower():
        raise NotConfirmed("Type the address as you gave it, or pass --yes.")


async def _plan(settings: Settings, url: str, email: str) -> Erased:
    ring = keys.load(settings)
    async with _owner(url, ring) as conn:
        person_id = await _find(conn, ring, email)
        try:
            return await erasure.plan(conn, person_id)
        except NotErased as error:
            raise _REFUSED[error.why] from error


async def _erase(settings: Settings, url: str, person_id: UUID) -> Erased:
    ring = served.ring(settings, url)
    async with _owner(url, ring) as conn:
        try:
            done = await erasure.erase(conn, ring, Ledger.of(settings), person_id)
        except NotErased as error:
            raise _REFUSED[error.why] from error
    assert done is not None, "it waited for its turn"
    if any(row.table == _LEARNED for row in done.deleted):
        async with parts.opened(settings, ring, url) as made:
            await shared.relearn_all(made.db)
    return done


@app.command("reset-factor")
def reset_factor(
    email: Who,
    data: Data = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
    json: Json = False,
) -> None:
    """Take off the second factor of somebody who lost phone and recovery codes; with an audit row.

    Be sure who asks: from then on the password alone lets somebody in. Every session and token ends, and a mail tells
    the person. Staff act as staff again once they have set up a new one. Asks you to type the address again.
    """
    settings = settings_from(data)
    with owner_url(settings) as url:
        person_id = asyncio.run(_known(settings, url, email))
        if not yes:
            _confirm(email, "From then on the password alone lets somebody in. Type the address again")
        asyncio.run(_reset_factor(settings, url, person_id))
    if json:
        console.as_json({"person_id": person_id, "second_factor": False})
    else:
        console.say("The second factor was taken off, and every sign-in has ended.")
        page = f"{served.site(settings)}/account/security"
        console.say(f"They can sign in with the password alone, and should set up a new one: {page}")


async def _reset_factor(settings: Settings, url: str, person_id: UUID) -> None:
    async with parts.opened(settings, keys.load(settings), url) as made:
        accounts = service.Accounts(made.db, made.keys, made.ports["passwords"], settings)
        try:
            await account.take_factor_off(accounts, person_id)
        except FactorMissing as error:
            raise NoFactor from error


@app.command("password-link")
def password_link(email: Who, data: Data = None, *, json: Json = False) -> None:
    """Print a link with which somebody chooses a new password, for where no mail goes out; with an audit row.

    It works for half an hour and once, and asks for the second factor where one is set up. Whoever has it gets in:
    hand it to that person alone.
    """
    settings = settings_from(data)
    with owner_url(settings) as url:
        person_id = asyncio.run(_known(settings, url, email))
        link = asyncio.run(_password_link(settings, url, person_id))
    if json:
        console.as_json({"person_id": person_id, "link": link})
    else:
        console.say(link)
    if not settings.public_url:
        console.err.print("It leads to this machine. If people reach Wellspring elsewhere, set WELLSPRING_PUBLIC_URL.")


async def _password_link(settings: Settings, url: str, person_id: UUID) -> str:
    async with (
        parts.opened(settings, keys.load(settings), url) as made,
        made.db.begin(DbRole.WORKER, subject=person_id) as tx,
    ):
        path = await forgotten.link(tx, made.keys, person_id)
        if path is None or await tx.maybe(contact.ADDRESS, person_id) is None:
            raise AccountClosed
        await audit.record(tx, Access(action="identity:password:link", section="account", person_id=person_id))
    return f"{served.site(settings)}{path}"


async def _known(settings: Settings, url: str, email: str) -> UUID:
    ring = keys.load(settings)
    async with _owner(url, ring) as conn:
        return await _find(conn, ring, email)


@app.command("replay")
def replay_all(
    ledgers: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[LEDGER]...", help="Files erased.jsonl; without any, that of the data folder."),
    ] = None,
    data: Data = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who would be erased again.")] = False,
    json: Json = False,
) -> None:
    """After a restore: erase again everybody whom a ledger names and the backup brought back.

    Ends with 1 when somebody cannot be erased now. May be run again at any time.
    """
    settings = settings_from(data)
    named = list(dict.fromkeys(person for ledger in _ledgers(settings, ledgers) for person in ledger.people()))
    with owner_url(settings) as url:
        done = asyncio.run(_replay(settings, url, named, dry_run=dry_run))
    if json:
        console.as_json(done)
    else:
        console.say(f"{done.named} erasures are noted.")
        console.say(f"{'Would be erased' if dry_run else 'Erased'} again: {len(done.erased)}")
        for person_id, why in done.refused.items():
            console.say(f"  {person_id} is still here: {_REFUSED[why]}")
    raise typer.Exit(1 if done.refused else 0)


def _ledgers(settings: Settings, paths: list[Path] | None) -> list[Ledger]:
    """Return the files to read; raises FileRefused for one that is not there: an empty answer would comfort wrongly."""
    found = [Ledger(path) for path in paths] if paths else [Ledger.of(settings)]
    for ledger in found:
        if not ledger.path.is_file():
            raise FileRefused(f"{ledger.path}: there is no such ledger.")
    return found


async def _replay(settings: Settings, url: str, named: list[UUID], *, dry_run: bool) -> Replayed:
    ring = served.ring(settings, url)
    erased, refused = list[UUID](), dict[UUID, Why]()
    async with _owner(url, ring) as conn:
        for person_id in [one for one in named if await is_here(conn, one)]:
            try:
                if not dry_run:
                    await erasure.erase(conn, ring, Ledger.of(settings), person_id, again=True)
                erased.append(person_id)
            except NotErased as error:
                refused[person_id] = error.why
    if erased and not dry_run:
        async with parts.opened(settings, ring, url) as made:
            await shared.relearn_all(made.db)
    return Replayed(len(named), erased, refused)


@app.command("retain")
def retain(
    data: Data = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show how many rows would go.")] = False,
    json: Json = False,
) -> None:
    """Remove what is kept for a number of years and is older, as the nightly job does."""
    settings = settings_from(data)
    with owner_url(settings) as url:
        found = asyncio.run(_retain(settings, url, dry_run=dry_run))
    if json:
        console.as_json(found)
    else:
        for one in found:
            console.say(f"{one.table}: {one.rows} {'would go' if dry_run else 'gone'}")


async def _retain(settings: Settings, url: str, *, dry_run: bool) -> list[Over]:
    async with parts.opened(settings, keys.load(settings), url) as made:
        return await (kept.look(made.db) if dry_run else kept.remove_old(made.db, made.keys))


async def _find(conn: Connection, ring: Keyring, email: str) -> UUID:
    person_id = await leaving.find(conn, ring, email)
    if person_id is None or not await is_known(conn, person_id):
        raise PersonUnknown
    return person_id


@asynccontextmanager
async def _owner(url: str, ring: Keyring) -> AsyncGenerator[Connection]:
    """Yield a connection of the owner's, who sees every row. Raises DatabaseAway, KeysDoNotFit."""
    refuse_other_keys(url, ring)
    try:
        conn = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseAway(str(error)) from error
    try:
        yield conn
    except _AWAY as error:
        raise DatabaseAway(f"{error}. Run the command again.") from error
    finally:
        await conn.close()


def _tell(erased: Erased, *, json: bool) -> None:
    if json:
        console.as_json(erased)
    else:
        _show(erased)


def _show(erased: Erased, *, to_error: bool = False) -> None:
    def say(words: str) -> None:
        console.err.print(words, markup=False) if to_error else console.say(words)

    goes, stays = ("Erased", "Kept") if erased.done else ("Would be erased", "Would be kept")
    say(f"Person {erased.person_id}")
    say(f"{goes}:" if erased.total else "There is nothing to erase.")
    for row in erased.deleted:
        say(f"  {_named(row)}: {row.rows}")
    for row in erased.cleared:
        say(f"  {row.table}: {row.rows} of others, only the name of this person in them")
    if erased.jobs:
        say(f"  jobs: {erased.jobs}")
    if erased.kept:
        say(f"{stays}:")
    for one in erased.kept:
        say(f"  {one.table}: {one.rows} ({one.why})")


def _named(row: Rows) -> str:
    return row.table if row.own else f"{row.table}, of others, which name this person"
