"""Filling an empty database: accounts first, then everybody's year by COPY, in two processes when they are many."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final, cast

import psycopg
from msgspec import Struct

from wellspring.checkins.queries import ROLL_ALL
from wellspring.demo import cast as casting
from wellspring.demo.accounts import Account, Accounts
from wellspring.demo.crises import Desk
from wellspring.demo.sign_ins import STAFF_HERE, SignIn, sign_ins
from wellspring.demo.tables import copy
from wellspring.demo.year import Stage, Year
from wellspring.interventions.learn import POOLED_BY
from wellspring.kernel import clock
from wellspring.kernel.crypto import Keyring, Sealer

PEOPLE: Final = 200
SEED: Final = 7
_PROCESSES: Final = 2
_POOL: Final = """UPDATE interventions.outcome o SET pooled = false WHERE pooled AND NOT coalesce((
    SELECT c.given FROM privacy.consent c
    WHERE c.person_id = o.person_id AND c.kind = %s ORDER BY c.at DESC, c.id DESC LIMIT 1), false)"""
"""Only ratings of those who agreed teach what is shared."""
_WORTH_IT: Final = 40
"""Below so many people a second process takes longer to start than it saves."""


class Share(Struct, frozen=True):
    """What one process plays."""

    owner_url: str
    accounts: list[Account]
    stage: Stage


class FillError(RuntimeError):
    """A process that made synthetic people ended early; its own message stands above this one."""


def is_empty(owner_url: str) -> bool:
    """Tell whether the database knows nobody yet."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        return conn.execute("SELECT 1 FROM identity.person LIMIT 1").fetchone() is None


def _now(today: date | None) -> datetime:
    """Return the moment at which the year ends: now, or noon UTC of a given day."""
    return clock.now() if today is None else datetime.combine(today, time(12), UTC)


def _forget(conn: psycopg.Connection, people: list[object]) -> None:
    """Remove what an interrupted run left of the same people, and nobody else."""
    # Events first: whoever claimed one may not go before it. All else goes with its person, but for the key.
    for table in ("safety.crisis_event", "kernel.person_key", "identity.person"):
        conn.execute(f"DELETE FROM {table} WHERE person_id = ANY(%s)", (people,))


def _accounts(conn: psycopg.Connection, keys: Keyring, people: int, seed: int, now: datetime) -> list[Account]:
    made = Accounts(keys, seed, now)
    for person in STAFF_HERE:
        made.staff(person)
    found = [made.member(casting.member(seed, index)) for index in range(people)]
    _forget(conn, [row[0] for row in made.rows["identity.person"]])
    copy(conn, made.rows)
    return found


def _play(share: Share) -> Iterator[int]:
    """Play and store one year after another; yield after each."""
    with psycopg.connect(share.owner_url, cursor_factory=psycopg.RawCursor) as conn:
        for account in share.accounts:
            year = Year(account.persona, Sealer(account.key), share.stage)
            copy(conn, year.play())
            conn.execute(ROLL_ALL.sql.encode(), (account.persona.person_id,))
            conn.commit()
            yield 1


def _child(share: Share, pipe: Connection) -> None:
    """Play a share and tell the parent of each year; a parent that is gone ends this process."""
    with suppress(BrokenPipeError):
        for _ in _play(share):
            pipe.send(1)
        pipe.send(None)


def _together(shares: list[Share]) -> Iterator[int]:
    context = multiprocessing.get_context("spawn")
    pipes, children = list[Connection](), list[SpawnProcess]()
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            child = context.Process(target=_child, args=(share, theirs), daemon=True)
            child.start()
            theirs.close()
            pipes.append(ours)  # pyright: ignore[reportArgumentType]  (another class on Windows)
            children.append(child)
        yield from _listen(pipes)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _listen(pipes: list[Connection]) -> Iterator[int]:
    open_pipes = list(pipes)
    while open_pipes:
        for ready in cast("list[Connection]", wait(open_pipes)):
            try:
                said = ready.recv()
            except EOFError as error:
                raise FillError from error
            if said is None:
                open_pipes.remove(ready)
            else:
                yield 1


def fill(
    owner_url: str,
    keys: Keyring,
    *,
    people: int = PEOPLE,
    seed: int = SEED,
    today: date | None = None,
    progress: Callable[[int, int], None],
) -> list[SignIn]:
    """Make `people` members with a year that ends `today`, and the staff; return the sign-ins.

    `owner_url` is the owner's address of a migrated, seeded database. `progress` is told (done, of how many) after
    each person; what it raises stops the work, and calling again begins anew. The same seed and day make the same
    people, numbers and texts; keys and nonces are random. Raises FillError, psycopg.Error.
    """
    now = _now(today)
    ids = {person.title: person.person_id(seed) for person in STAFF_HERE}
    stage = Stage(seed, now, Desk(ids["responder"], ids["supervisor"]))
    with psycopg.connect(owner_url) as conn:
        accounts = _accounts(conn, keys, people, seed, now)
    progress(0, people)
    if people < _WORTH_IT:
        steps = _play(Share(owner_url, accounts, stage))
    else:
        steps = _together([Share(owner_url, accounts[n::_PROCESSES], stage) for n in range(_PROCESSES)])
    for done, _ in enumerate(steps, start=1):
        progress(done, people)
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute(_POOL.encode(), (POOLED_BY,))
        conn.execute("ANALYZE")
    return sign_ins(keys)
