"""`wellspring keys …`: a new key-encryption key, and every person's data key wrapped under it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import psycopg
import typer

from wellspring.cli import console, served
from wellspring.cli.console import Advance
from wellspring.cli.errors import KeysFromEnvironment, NotRestarted
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel import keys
from wellspring.kernel.crypto import Keyring, Unreadable
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import refuse_other_keys

app = typer.Typer(no_args_is_help=True, help="The keys that open stored words.")

_BATCH: Final = 500
_PAGE: Final = (
    "SELECT person_id, wrapped FROM kernel.person_key WHERE person_id > %s ORDER BY person_id LIMIT %s"
    " FOR NO KEY UPDATE"
)
_STORE: Final = "UPDATE kernel.person_key SET wrapped = %s WHERE person_id = %s"
_LEAST: Final = "00000000-0000-0000-0000-000000000000"


@app.command("rotate")
def make_new(data: Data = None, *, json: Json = False) -> None:
    """Add a key-encryption key, and wrap everybody's data key under it unless the program runs.

    A running program read its keys when it started and could not open what is wrapped under a newer one: restart it,
    then run `wellspring keys rewrap`, which works beside it.
    """
    settings = settings_from(data)
    if settings.keys is not None:
        raise KeysFromEnvironment(
            "Add a key to `keks` in WELLSPRING_KEYS, restart every process with it, then run `wellspring keys rewrap`."
        )
    with owner_url(settings) as url:
        refuse_other_keys(url, keys.load(settings))
        number = keys.add_kek(settings)
        if served.newest_key(url) is not None:
            words = f"Key {number} was added. Restart Wellspring, then run `wellspring keys rewrap`."
            _report(number, 0, words, json=json)
        else:
            _rewrap(settings, url, json=json)


@app.command("rewrap")
def wrap_again(data: Data = None, *, json: Json = False) -> None:
    """Wrap everybody's data key under the newest key-encryption key. May be stopped and run again.

    Refused while a program runs that has not read that key yet: it could open nobody's words any more.
    """
    settings = settings_from(data)
    with owner_url(settings) as url:
        read = served.newest_key(url)
        if read is not None and read < keys.newest(settings).current:
            raise NotRestarted("Restart Wellspring, every process of it, then run `wellspring keys rewrap` again.")
        _rewrap(settings, url, json=json)


def _rewrap(settings: Settings, url: str, *, json: bool) -> None:
    ring = keys.newest(settings)
    with console.progress("Wrapping data keys") as advance:
        changed, unreadable = rewrap(url, ring, advance)
    words = f"Key {ring.current} is current; {changed} data keys were wrapped under it."
    if unreadable:
        words += f" {len(unreadable)} could not be opened and stay as they are: {', '.join(map(str, unreadable[:20]))}."
    _report(ring.current, changed, words, unreadable, json=json)
    if unreadable:
        raise typer.Exit(1)


def _report(number: int, changed: int, words: str, unreadable: Sequence[UUID] = (), *, json: bool) -> None:
    if json:
        console.as_json({"current": number, "rewrapped": changed, "unreadable": unreadable})
    else:
        console.say(words)


def rewrap(owner: str, ring: Keyring, advance: Advance) -> tuple[int, list[UUID]]:
    """Wrap every data key that is under an older key-encryption key anew; return how many, and whose did not open.

    A key that cannot be opened stays as it is and keeps nobody else's from being wrapped. Works in batches of 500
    rows, each a short transaction, and may be stopped and run again.
    """
    with psycopg.connect(owner, autocommit=True) as conn:
        total = _count(conn)
        seen, changed, last, unreadable = 0, 0, _LEAST, list[UUID]()
        while True:
            with conn.transaction():
                rows = conn.execute(_PAGE, (last, _BATCH)).fetchall()
                changed += _batch(conn, ring, rows, unreadable)
            if not rows:
                return changed, unreadable
            seen, last = seen + len(rows), str(rows[-1][0])
            advance(seen, total)


def _count(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM kernel.person_key").fetchone()
    return 0 if row is None else int(row[0])


def _batch(conn: psycopg.Connection, ring: Keyring, rows: list[tuple[UUID, bytes]], unreadable: list[UUID]) -> int:
    changed = 0
    for person_id, wrapped in rows:
        try:
            new = ring.rewrap(wrapped, person_id)
        except Unreadable:
            unreadable.append(person_id)
            continue
        if new is not None:
            conn.execute(_STORE, (new, person_id))
            changed += 1
    return changed
