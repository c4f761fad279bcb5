"""`wellspring keys …`: a new key-encryption key, and every person's data key wrapped under it."""

from typing import Final
from uuid import UUID

import psycopg
import typer

from wellspring.cli import console
from wellspring.cli.console import Advance
from wellspring.cli.errors import KeysFromEnvironment
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.kernel import keys
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The keys that open stored words.")

_BATCH: Final = 500
_PAGE: Final = (
    "SELECT person_id, wrapped FROM kernel.person_key WHERE person_id > %s ORDER BY person_id LIMIT %s"
    " FOR NO KEY UPDATE"
)
_STORE: Final = "UPDATE kernel.person_key SET wrapped = %s WHERE person_id = %s"
_CONNECTED: Final = (
    r"SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'wellspring\_%' LIMIT 1"
)
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
        number = keys.add_kek(settings)
        if is_served(url):
            words = f"Key {number} was added. Restart Wellspring, then run `wellspring keys rewrap`."
            _report(number, 0, words, json=json)
        else:
            _rewrap(settings, url, json=json)


@app.command("rewrap")
def wrap_again(data: Data = None, *, json: Json = False) -> None:
    """Wrap everybody's data key under the newest key-encryption key. May be stopped and run again."""
    settings = settings_from(data)
    with owner_url(settings) as url:
        _rewrap(settings, url, json=json)


def _rewrap(settings: Settings, url: str, *, json: bool) -> None:
    ring = keys.load(settings)
    with console.progress("Wrapping data keys") as advance:
        changed = rewrap(url, ring, advance)
    _report(
        ring.current, changed, f"Key {ring.current} is current; {changed} data keys were wrapped under it.", json=json
    )


def _report(number: int, changed: int, words: str, *, json: bool) -> None:
    if json:
        console.as_json({"current": number, "rewrapped": changed})
    else:
        console.say(words)


def is_served(url: str) -> bool:
    """Tell whether web or worker processes are connected to the database."""
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(_CONNECTED).fetchone() is not None


def rewrap(owner: str, ring: Keyring, advance: Advance) -> int:
    """Wrap every data key that is under an older key-encryption key anew; return how many.

    Works in batches of 500 rows, each a short transaction, and may be stopped and run again.
    """
    with psycopg.connect(owner, autocommit=True) as conn:
        total = _count(conn)
        seen, changed, last = 0, 0, _LEAST
        while True:
            with conn.transaction():
                rows = conn.execute(_PAGE, (last, _BATCH)).fetchall()
                changed += _batch(conn, ring, rows)
            if not rows:
                return changed
            seen, last = seen + len(rows), str(rows[-1][0])
            advance(seen, total)


def _count(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT count(*) FROM kernel.person_key").fetchone()
    return 0 if row is None else int(row[0])


def _batch(conn: psycopg.Connection, ring: Keyring, rows: list[tuple[UUID, bytes]]) -> int:
    changed = 0
    for person_id, wrapped in rows:
        new = ring.rewrap(wrapped, person_id)
        if new is not None:
            conn.execute(_STORE, (new, person_id))
            changed += 1
    return changed
