"""Failed sign-ins: counted by account *and* network, so that a stranger elsewhere locks only themselves."""

from datetime import timedelta
from typing import Final, Literal

from msgspec import Struct

from wellspring.identity.errors import LockedOut
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.network import network

FREE: Final = 5
"""Failures without a lock; the next ones wait 1, 2, 4 … minutes, at most an hour; a day without any forgives all."""
FREE_PER_NETWORK: Final = 50
FORGIVEN_EVERY: Final = timedelta(minutes=15)
"""A network's failures go one by one: a hospital behind one address has some on every day."""


class Wait(Struct, frozen=True):
    """How many seconds the longest lock still lasts."""

    seconds: int


LOCKED: Final = Query(
    "SELECT coalesce(ceil(extract(epoch FROM max(locked_until) - now())), 0)::int FROM kernel.attempt"
    " WHERE scope = ANY($1::bytea[]) AND locked_until > now()",
    Wait,
    DbRole.SIGNIN,
)
FAILED: Final = Query(
    """INSERT INTO kernel.attempt AS a (scope, failures, last_at) VALUES ($1, 1, now())
    ON CONFLICT (scope) DO UPDATE SET
        failures = CASE WHEN a.last_at < now() - interval '1 day' THEN 1 ELSE a.failures + 1 END,
        last_at = now(),
        locked_until = CASE WHEN a.last_at >= now() - interval '1 day' AND a.failures + 1 >= $2::int
            THEN now() + least(interval '1 hour', interval '1 minute' * power(2, least(a.failures + 1 - $2::int, 10)))
            END""",
    int,
    DbRole.SIGNIN,
)
FAILED_IN_NETWORK: Final = Query(
    """INSERT INTO kernel.attempt AS a (scope, failures, last_at) VALUES ($1, 1, now())
    ON CONFLICT (scope) DO UPDATE SET (failures, last_at, locked_until) = (
        SELECT n.failures,
            CASE WHEN n.failures = 1 THEN now() ELSE a.last_at + g.gone * make_interval(secs => $3::float8) END,
            CASE WHEN n.failures >= $2::int
                THEN now() + least(interval '1 hour', interval '1 minute' * power(2, least(n.failures - $2::int, 10)))
                END
        FROM (SELECT least(a.failures, floor(extract(epoch FROM now() - a.last_at) / $3::float8))::int) AS g (gone),
            LATERAL (SELECT a.failures - g.gone + 1) AS n (failures))""",
    int,
    DbRole.SIGNIN,
)
"""`last_at` is here the moment up to which failures have been forgiven."""
ONE_BY_ONE: Final = Query("SELECT true FROM pg_advisory_xact_lock($1::bigint)", bool, DbRole.SIGNIN)
FORGIVE: Final = Query("DELETE FROM kernel.attempt WHERE scope = $1", int, DbRole.SIGNIN)


class Scopes(Struct, frozen=True):
    """Two counters of tries: this account from this network, and this network."""

    account: bytes
    network: bytes


def scopes(keys: Keyring, email: str, ip: str | None) -> Scopes:
    """Return the counters' keyed digests."""
    net = network(ip)
    return Scopes(keys.digest("attempt", f"{email}|{net}"), keys.digest("attempt", f"network|{net}"))


def other_scopes(keys: Keyring, what: Literal["link", "join"], email: str, ip: str | None) -> Scopes:
    """Return the counters of what could be used to find out who is here; they are apart from those of signing in."""
    net = network(ip)
    return Scopes(keys.digest("attempt", f"{what}|{email}|{net}"), keys.digest("attempt", f"{what}-network|{net}"))


async def refuse_if_locked(tx: Tx, where: Scopes) -> None:
    """Raise LockedOut while a lock lasts."""
    wait = await tx.one(LOCKED, [where.account, where.network])
    if wait.seconds > 0:
        raise LockedOut(headers={"Retry-After": str(wait.seconds)})


async def refuse_if_locked_by_now(tx: Tx, where: Scopes) -> None:
    """Raise LockedOut if tries that were checked at the same time have locked this one out; the next waits for us.

    Whoever answers a try asks this first: hundreds that are sent at once have all passed `refuse_if_locked`.
    """
    await tx.one(ONE_BY_ONE, int.from_bytes(where.network[:8], signed=True))
    await refuse_if_locked(tx, where)


async def failed(tx: Tx, where: Scopes) -> None:
    """Count one failure."""
    await tx.do(FAILED, where.account, FREE)
    await tx.do(FAILED_IN_NETWORK, where.network, FREE_PER_NETWORK, FORGIVEN_EVERY.total_seconds())


async def forgive(tx: Tx, where: Scopes) -> None:
    """Forget the failures of this account from this network."""
    await tx.do(FORGIVE, where.account)
