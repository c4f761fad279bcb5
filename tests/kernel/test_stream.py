"""The stream is gap-free however many write; readers get each change once, and soon."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from wellspring.identity import queries as identity_queries
from wellspring.identity.sessions import Where, open_session
from wellspring.kernel import hub as hubs
from wellspring.kernel import ids, stream, wake
from wellspring.kernel.db import DatabaseDown, DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.hub import Hub, Reader
from wellspring.kernel.policy import Role
from wellspring.kernel.principal import Principal
from wellspring.kernel.stream import Change, CursorExpired, Kept
from wellspring.kernel.tokens import TokenKind
from wellspring.kernel.wake import Waker

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


@pytest.fixture
async def who(parts: Edge, owner: asyncpg.Connection) -> Principal:
    person_id = ids.new()
    await owner.execute("INSERT INTO identity.person (person_id, country) VALUES ($1, 'US')", person_id)
    async with parts.db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        roles = frozenset({Role.MEMBER})
        return (await open_session(tx, person_id, roles, TokenKind.ACCESS, Where(None, None, ""))).who


@pytest.fixture
async def running(parts: Edge) -> AsyncIterator[Hub]:
    waker = Waker(parts.db)
    waker.start()
    parts.hub.start()
    yield parts.hub
    await parts.hub.stop()
    await waker.stop()


async def write(parts: Edge, person_id: UUID, count: int = 1) -> None:
    for _ in range(count):
        async with parts.db.begin(DbRole.MEMBER, actor=person_id) as tx:
            await stream.publish(tx, person_id, "test.happened", ids.new())


async def read(reader: Reader, count: int, seconds: float = 10) -> list[int]:
    found = []
    for _ in range(count):
        change = await asyncio.wait_for(reader.queue.get(), seconds)
        assert change is not None
        found.append(change.seq)
    return found


async def test_sixteen_writers_leave_no_gap_and_readers_see_order(parts: Edge, running: Hub, who: Principal) -> None:
    readers = [running.open(who, 0) for _ in range(3)]
    await asyncio.gather(*(write(parts, who.person_id, 10) for _ in range(16)))
    for reader in readers:
        assert await read(reader, 160) == list(range(1, 161))
        assert reader.queue.empty()
    async with parts.db.begin(DbRole.MEMBER, actor=who.person_id) as tx:
        stored = await tx.all(stream.SINCE, who.person_id, 0, 1000)
        assert [change.seq for change in stored] == list(range(1, 161))
        assert await tx.one(stream.KEPT, who.person_id) == Kept(160, 1)
        assert await tx.one(stream.KEPT, ids.new()) == Kept(0, None)


@pytest.mark.parametrize(
    ("head", "oldest", "cursor", "complete"),
    [
        (0, None, 0, True),
        (9, 1, 0, True),
        (9, 4, 3, True),
        (9, 4, 9, True),
        (9, None, 9, True),
        (9, 4, 2, False),
        (9, 4, 0, False),
        (9, None, 8, False),
        (9, 4, 10, False),
        (0, None, 1, False),
    ],
)
def test_a_cursor_holds_while_all_that_follows_it_is_kept(
    head: int, oldest: int | None, cursor: int, complete: bool
) -> None:
    if complete:
        Kept(head, oldest).check(cursor)
    else:
        with pytest.raises(CursorExpired):
            Kept(head, oldest).check(cursor)


async def test_a_reader_that_comes_late_gets_what_it_missed(parts: Edge, running: Hub, who: Principal) -> None:
    await write(parts, who.person_id, 5)
    assert await read(running.open(who, 3), 2) == [4, 5]
    assert await read(running.open(who, 0), 5) == [1, 2, 3, 4, 5]


async def test_nothing_is_lost_or_doubled_while_the_listener_is_killed(
    parts: Edge, running: Hub, who: Principal, owner: asyncpg.Connection
) -> None:
    reader = running.open(who, 0)
    await asyncio.sleep(0.3)
    for _ in range(3):
        cut = await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'LISTEN%'"
        )
        assert cut == 1
        await write(parts, who.person_id, 4)
        await asyncio.sleep(0.8)
    assert await read(reader, 12) == list(range(1, 13))
    assert reader.queue.empty()


async def test_readers_poll_when_nobody_tells_them(
    parts: Edge, running: Hub, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "_POLL_EVERY", 0.2)
    reader = running.open(who, 0)
    await write(parts, who.person_id)
    await read(reader, 1)
    parts.db.on_commit = None
    await write(parts, who.person_id)
    assert await read(reader, 1, 7) == [2]


async def test_a_hub_without_a_database_goes_on_when_it_is_back(
    parts: Edge, running: Hub, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, away = parts.db.begin, True

    def begin(*args: Any, **more: Any) -> Any:
        if away and args[0] is DbRole.SIGNIN:
            raise DatabaseDown
        return real(*args, **more)

    monkeypatch.setattr(parts.db, "begin", begin)
    reader = running.open(who, 0)
    await write(parts, who.person_id)
    await asyncio.sleep(1.2)
    assert reader.queue.empty()
    assert not reader.closed, "an unanswered question about a session ends nobody"
    away = False
    assert await read(reader, 1) == [1]


async def test_a_step_that_fails_in_an_unknown_way_starts_again(
    parts: Edge, running: Hub, who: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = parts.db.begin, [ValueError("unknown")]

    def begin(*args: Any, **more: Any) -> Any:
        if failures and args[0] is DbRole.SIGNIN:
            raise failures.pop()
        return real(*args, **more)

    monkeypatch.setattr(hubs, "_POLL_EVERY", 0.3)
    monkeypatch.setattr(parts.db, "begin", begin)
    reader = running.open(who, 0)
    await write(parts, who.person_id)
    assert await read(reader, 1) == [1]
    assert failures == []


@pytest.mark.parametrize("change", ["version = version + 1", "ended_at = now()", "expires_at = now()"])
async def test_the_end_of_a_session_closes_its_readers(
    parts: Edge, running: Hub, who: Principal, owner: asyncpg.Connection, change: str
) -> None:
    reader = running.open(who, 0)
    await asyncio.sleep(0.7)
    assert reader.queue.empty()
    await owner.execute(f"UPDATE identity.session SET {change} WHERE id = $1", who.session_id)
    assert await asyncio.wait_for(reader.queue.get(), 1.1) is None


async def test_readers_are_counted_and_forgotten_once(running: Hub, who: Principal) -> None:
    first, second = running.open(who, 0), running.open(who, 0)
    assert running.count(who.person_id) == 2
    running.drop(first)
    running.drop(first)
    assert running.count(who.person_id) == 1
    running.drop(second)
    running.drop(second)
    assert running.count(who.person_id) == 0
    assert running.count(ids.new()) == 0


async def test_a_stop_closes_every_reader(parts: Edge, who: Principal) -> None:
    hub = Hub(parts.db, parts.db.dsn(DbRole.SIGNIN), identity_queries.LIVE_SESSIONS)
    hub.start()
    reader = hub.open(who, 0)
    await hub.stop()
    assert await reader.queue.get() is None


@pytest.mark.parametrize("turns", range(6))
async def test_a_stop_ends_whatever_is_told_in_the_same_moment(parts: Edge, who: Principal, turns: int) -> None:
    hub = Hub(parts.db, parts.db.dsn(DbRole.SIGNIN), identity_queries.LIVE_SESSIONS)
    hub.start()
    for _ in range(3):
        await asyncio.sleep(0)
    hub.open(who, 0)  # wakes the one who delivers
    for _ in range(turns):
        await asyncio.sleep(0)
    done, _ = await asyncio.wait([asyncio.create_task(hub.stop())], timeout=5)
    assert done


def test_a_reader_too_slow_to_follow_is_closed() -> None:
    reader = Reader(ids.new(), ids.new(), 1, 0)
    for seq in range(1, 1002):
        reader.offer(Change(seq, "t", ids.NIL))
    assert reader.closed
    assert reader.cursor == 1000
    reader.offer(Change(1001, "t", ids.NIL))
    reader.close()
    assert reader.queue.qsize() == 1001


async def test_a_long_list_of_people_is_told_in_several_messages(
    parts: Edge, owner: asyncpg.Connection, database_url: str
) -> None:
    heard: list[str] = []
    await owner.add_listener(wake.STREAM_CHANNEL, lambda *args: heard.append(args[-1]))
    waker = Waker(parts.db)
    waker.start()
    everybody = {ids.new() for _ in range(450)}
    async with parts.db.begin(DbRole.MEMBER) as tx:
        tx.woken |= everybody
    for _ in range(100):
        if len(heard) == 3:
            break
        await asyncio.sleep(0.02)
    await waker.stop()
    assert {UUID(hex=text) for line in heard for text in line.split(",")} == everybody


async def test_a_burst_of_commits_is_told_in_few_messages(parts: Edge, owner: asyncpg.Connection) -> None:
    heard: list[str] = []
    await owner.add_listener(wake.STREAM_CHANNEL, lambda *args: heard.append(args[-1]))
    waker = Waker(parts.db)
    waker.start()
    person = ids.new()
    for _ in range(50):
        async with parts.db.begin(DbRole.MEMBER) as tx:
            tx.woken.add(person)
    await asyncio.sleep(0.2)
    await waker.stop()
    assert 1 <= len(heard) < 50


async def test_a_message_that_cannot_be_sent_is_no_disaster(
    parts: Edge, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    waker = Waker(parts.db)
    await waker.stop()
    waker.start()
    real = parts.db.connections
    refused = [OSError("away")]

    async def connections(role: DbRole) -> Any:
        if refused:
            raise refused.pop()
        return await real(role)

    monkeypatch.setattr(waker._db, "connections", connections)
    heard: list[str] = []
    await owner.add_listener("ch_pgqueuer", lambda *args: heard.append(args[-1]))
    tx = type("Tx", (), {"woken": set(), "wake_jobs": True})()
    waker.committed(tx)  # type: ignore[arg-type]
    while refused:
        await asyncio.sleep(0.01)
    waker.committed(tx)  # type: ignore[arg-type]
    for _ in range(300):
        if heard:
            break
        await asyncio.sleep(0.01)
    await waker.stop()
    assert len(heard) >= 1
