"""Transactions: what commits, what does not, and what a caller hears when PostgreSQL is not there."""
# ruff: noqa: PT012 - here the end of the block, the commit, is what must raise

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import Struct

from tests.support import database
from tests.support.people import Person
from wellspring.app import asgi_app, make_edge
from wellspring.kernel import audit, dsn, ids, stream
from wellspring.kernel.db import Database, DatabaseDown, DbRole, Duty, Query, Session
from wellspring.kernel.edge import Edge
from wellspring.kernel.errors import Conflict, SessionEnded, Unavailable
from wellspring.kernel.settings import Settings

pytestmark = pytest.mark.anyio


def query(sql: str, row: type[Any] = int) -> "Query[Any]":
    return Query(sql, row, DbRole.MEMBER, register=False)


class Pair(Struct, frozen=True):
    a: int
    b: str


ONE = query("SELECT 1")
NONE = query("SELECT 1 WHERE false")
HEADS = query("SELECT count(*) FROM kernel.stream_head")
SETTINGS = query(
    "SELECT concat_ws('|', current_setting('app.actor_id', true), current_setting('app.subject_id', true),"
    " current_setting('app.duty', true))",
    str,
)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def test_rows_become_structs_scalars_or_nothing(parts: Edge) -> None:
    async with parts.db.begin(DbRole.MEMBER) as tx:
        assert await tx.one(query("SELECT 1, 'x'", Pair)) == Pair(1, "x")
        assert await tx.all(query("SELECT n FROM generate_series(1, 3) n")) == [1, 2, 3]
        assert await tx.maybe(NONE) is None
        with pytest.raises(LookupError):
            await tx.one(NONE)
        assert await tx.one(query("SELECT '{\"a\": [1]}'::jsonb", dict)) == {"a": [1]}
        assert await tx.one(query("SELECT $1::jsonb ->> 'a'", str), {"a": "b"}) == "b"


async def test_settings_last_as_long_as_their_transaction(parts: Edge) -> None:
    alice, charlie = ids.new(), ids.new()
    begin = parts.db.begin(DbRole.STAFF, actor=alice, subject=charlie, duty=Duty.CRISIS)
    async with begin as tx:
        assert await tx.one(SETTINGS) == f"{alice}|{charlie}|crisis"
        await tx.set_subject(alice)
        await tx.set_duty(Duty.OUTBOX)
        assert await tx.one(SETTINGS) == f"{alice}|{alice}|outbox"
    async with parts.db.begin(DbRole.STAFF) as tx:
        assert await tx.one(SETTINGS) in ("", "||")
    with pytest.raises(ValueError, match="badly formed"):
        async with parts.db.begin(DbRole.STAFF) as tx:
            await tx.set_subject("'; SELECT 1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a valid Duty"):
        async with parts.db.begin(DbRole.STAFF) as tx:
            await tx.set_duty("'; SELECT 1")  # type: ignore[arg-type]


async def publish_and_fail(parts: Edge, error: Exception) -> None:
    alice = ids.new()
    async with parts.db.begin(DbRole.MEMBER, actor=alice) as tx:
        await stream.publish(tx, alice, "test.happened", ids.new())
        raise error


async def test_what_fails_leaves_nothing_and_tells_nobody(parts: Edge, owner: asyncpg.Connection) -> None:
    told: list[object] = []
    parts.db.on_commit = told.append
    for error in (KeyError("x"), Conflict()):
        with pytest.raises(type(error)):
            await publish_and_fail(parts, error)
    assert await owner.fetchval("SELECT count(*) FROM kernel.stream_head") == 0
    assert told == []
    alice = ids.new()
    async with parts.db.begin(DbRole.MEMBER, actor=alice) as tx:
        await stream.publish(tx, alice, "test.happened", ids.new())
    assert len(told) == 1
    async with parts.db.begin(DbRole.MEMBER, actor=alice) as tx:
        await tx.one(ONE)
    assert len(told) == 1, "a transaction that changed nothing tells nothing"


async def test_a_part_may_fail_alone(parts: Edge, owner: asyncpg.Connection) -> None:
    alice = ids.new()
    async with parts.db.begin(DbRole.MEMBER, actor=alice) as tx:
        await stream.publish(tx, alice, "test.kept", ids.new())
        await tx.savepoint()
        with pytest.raises(asyncpg.DivisionByZeroError):
            await tx.one(query("SELECT 1 / 0"))
        await tx.undo()
        await tx.savepoint()
        await stream.publish(tx, alice, "test.kept", ids.new())
        await tx.keep()
    assert await owner.fetchval("SELECT seq FROM kernel.stream_head") == 2


async def test_many_rows_and_how_many_were_touched(parts: Edge, owner: asyncpg.Connection) -> None:
    add = query("INSERT INTO kernel.attempt (scope, failures, last_at) VALUES ($1, $2, now())")
    async with parts.db.begin(DbRole.SIGNIN) as tx:
        await tx.many(add, [(b"a", 1), (b"b", 2)])
        assert await tx.do(query("DELETE FROM kernel.attempt WHERE failures > $1"), 0) == 2


async def test_a_commit_that_becomes_a_rollback_is_no_success(parts: Edge) -> None:
    """PostgreSQL answers ROLLBACK to the COMMIT of a transaction that failed before."""
    with pytest.raises(DatabaseDown):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await tx.one(query("SELECT 1 / 0"))


async def test_a_constraint_that_is_checked_at_the_commit_reaches_the_caller(
    parts: Edge, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "ALTER TABLE kernel.attempt ADD CONSTRAINT later UNIQUE (last_at) DEFERRABLE INITIALLY DEFERRED"
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        async with parts.db.begin(DbRole.SIGNIN) as tx:
            for scope in (b"a", b"b"):
                await tx.do(query("INSERT INTO kernel.attempt VALUES ($1, 1, now(), NULL)"), scope)


async def kill(owner: asyncpg.Connection, role: DbRole) -> None:
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1",
        role.login,
    )


async def test_a_connection_cut_before_the_commit_is_503_and_the_next_one_works(
    parts: Edge, owner: asyncpg.Connection
) -> None:
    with pytest.raises(DatabaseDown):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            await tx.one(ONE)
            await kill(owner, DbRole.MEMBER)
            await asyncio.sleep(0.05)
    with pytest.raises(DatabaseDown):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            await kill(owner, DbRole.MEMBER)
            await tx.one(ONE)
    with pytest.raises(KeyError):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            await kill(owner, DbRole.MEMBER)
            await asyncio.sleep(0.05)
            raise KeyError("the caller's own error goes before")
    async with parts.db.begin(DbRole.MEMBER) as tx:
        assert await tx.one(ONE) == 1


async def test_an_idle_connection_that_was_cut_is_503_or_replaced(parts: Edge, owner: asyncpg.Connection) -> None:
    async with parts.db.begin(DbRole.MEMBER) as tx:
        await tx.one(ONE)
    await kill(owner, DbRole.MEMBER)
    for _ in range(3):
        try:
            async with parts.db.begin(DbRole.MEMBER) as tx:
                assert await tx.one(ONE) == 1
        except DatabaseDown:
            continue
    async with parts.db.begin(DbRole.MEMBER) as tx:
        assert await tx.one(ONE) == 1


async def test_a_statement_that_takes_too_long_is_503(parts: Edge) -> None:
    with pytest.raises(DatabaseDown):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            await tx.one(query("SELECT set_config('statement_timeout', '20ms', true)", str))
            await tx.one(query("SELECT pg_sleep(1)::text", str))


async def test_a_session_is_checked_by_the_opening(parts: Edge, alice: Person) -> None:
    for session in (Session(alice.id, ids.new(), 1), Session(ids.new(), ids.new(), 1)):
        with pytest.raises(SessionEnded):
            async with parts.db.begin(DbRole.MEMBER, actor=alice.id, session=session):
                raise AssertionError
    assert (await alice.get("/v1/users/me")).status_code == 200


async def test_a_server_that_is_not_there_is_503_in_time(tmp_path: Path) -> None:
    nowhere = dsn.all_roles("postgresql://x@127.0.0.1:9/none", database.KEYS)
    async with Database(nowhere, size=1) as db:
        with pytest.raises(DatabaseDown) as down:
            async with db.begin(DbRole.MEMBER):
                raise AssertionError
        assert (down.value.status, down.value.headers["Retry-After"]) == (503, "2")
        assert isinstance(down.value, Unavailable)
        assert db.dsn(DbRole.MEMBER) == nowhere[DbRole.MEMBER]


async def test_requests_meet_503_while_the_database_is_away(tmp_path: Path) -> None:
    parts = make_edge(Settings(environment="test"), database.KEYS, "postgresql://x@127.0.0.1:9/none")
    transport = httpx.ASGITransport(app=asgi_app(parts))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert answer.headers["retry-after"] == "2"
        assert (await client.get("/livez")).status_code == 200
        body = {"email": "alice@example.org", "password": "a quiet lamp by the river"}
        answer = await client.post("/v1/auth/register", json=body)
        assert answer.status_code == 503


async def test_a_pool_that_is_used_up_is_503_within_its_time(parts: Edge) -> None:
    db = Database(parts.db._dsns, size=1)
    async with db, db.begin(DbRole.MEMBER) as tx:
        await tx.one(ONE)
        with pytest.raises(DatabaseDown):
            async with db.begin(DbRole.MEMBER):
                raise AssertionError


async def test_closing_does_not_wait_for_ever(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database(parts.db._dsns, size=2)
    held = await (await db.connections(DbRole.MEMBER)).take()
    real = asyncio.wait_for
    monkeypatch.setattr(asyncio, "wait_for", lambda what, seconds: real(what, min(seconds, 0.1)))
    await db.close()
    with pytest.raises(asyncpg.InterfaceError):
        await held.execute("SELECT 1")


async def test_one_pool_is_opened_however_many_ask_first(parts: Edge) -> None:
    pools = await asyncio.gather(*(parts.db.connections(DbRole.STAFF) for _ in range(10)))
    assert len({id(pool) for pool in pools}) == 1


async def test_one_who_waits_gets_the_next_connection(parts: Edge) -> None:
    db = Database(parts.db._dsns, size=1)
    order: list[int] = []

    async def use(number: int) -> None:
        async with db.begin(DbRole.MEMBER) as tx:
            await tx.one(ONE)
            order.append(number)

    async with db:
        await asyncio.gather(*(use(number) for number in range(20)))
        await asyncio.gather(*(use(number) for number in range(20, 40)))
    assert sorted(order) == list(range(40))


async def test_a_connection_that_died_while_idle_is_replaced(parts: Edge) -> None:
    db = Database(parts.db._dsns, size=1)
    async with db:
        async with db.connection(DbRole.MEMBER) as conn:
            conn.terminate()
        async with db.begin(DbRole.MEMBER) as tx:
            assert await tx.one(ONE) == 1


async def test_a_connection_that_failed_is_not_used_again_as_it_is(parts: Edge) -> None:
    db = Database(parts.db._dsns, size=1)
    async with db:
        with pytest.raises(ZeroDivisionError):
            async with db.begin(DbRole.MEMBER) as tx:
                await tx.one(ONE)
                raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError):
            async with db.connection(DbRole.MEMBER):
                raise ZeroDivisionError
        async with db.begin(DbRole.MEMBER) as tx:
            assert await tx.one(ONE) == 1


def _looked(actor: Person, **more: Any) -> audit.Access:
    return audit.Access(action="test:row:read", section="x", person_id=actor.id, actor_id=actor.id, **more)


COUNT = query("SELECT count(*)::int FROM kernel.audit WHERE action = 'test:row:read'")


async def test_what_runs_at_the_commit_is_stored_with_it_or_not_at_all(parts: Edge, alice: Person) -> None:
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await audit.record(tx, _looked(alice, ip="2001:db8::7", count=2))
        assert await tx.one(COUNT) == 0
    with pytest.raises(ZeroDivisionError):
        async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
            await audit.record(tx, _looked(alice))
            raise ZeroDivisionError
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        assert await tx.one(COUNT) == 1


async def test_a_commit_whose_last_statement_fails_stores_nothing(parts: Edge, alice: Person, bob: Person) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
            await stream.publish(tx, alice.id, "test.changed", alice.id)
            await audit.record(tx, _looked(bob))
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        assert (await tx.one(stream.KEPT, alice.id)).head == 0
        assert await tx.one(COUNT) == 0


async def test_no_argument_can_become_a_statement(parts: Edge, alice: Person) -> None:
    odd = ["'); DROP TABLE kernel.audit; --", "\\", "a'b", "é", "line\nbreak", "$1", "a;b"]
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        for text in odd:
            await audit.record(tx, _looked(alice, request_id=text))
        assert await tx.one(COUNT) == len(odd), "written at once, with parameters"
        assert tx.closing() == "COMMIT"
