"""What changed reaches its person and nobody else, over server-sent events and Socket.IO, until the session ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import httpx
import msgspec
import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.kernel import live
from tests.support.people import Circle, Person
from wellspring.kernel import events_stream, ids, sockets, stream
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import ACCESS_TTL, TokenKind
from wellspring.kernel.wake import Waker

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


class Site:
    """A running server, and this process as the one that writes."""

    def __init__(self, url: str, parts: Edge, owner: asyncpg.Connection) -> None:
        self.url = url
        self.parts = parts
        self.owner = owner

    async def happen(self, who: Person, count: int = 1, topic: str = "test.happened") -> list[UUID]:
        refs = [ids.new() for _ in range(count)]
        for ref in refs:
            async with self.parts.db.begin(DbRole.MEMBER, actor=who.id) as tx:
                await stream.publish(tx, who.id, topic, ref)
        return refs

    def client(self, who: Person) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=who.headers, timeout=10)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_stream, "BEAT_S", 0.3)
    monkeypatch.setattr(sockets, "SIGN_IN_S", 1.0)


@pytest.fixture
async def site(database_url: str, parts: Edge) -> AsyncIterator[Site]:
    waker, owner = Waker(parts.db), await asyncpg.connect(database_url)
    waker.start()
    async with live.here(database_url) as url:
        yield Site(url, parts, owner)
    await waker.stop()
    await owner.close()


async def until(test: Callable[[], bool], seconds: float = 5) -> float:
    began = time.perf_counter()
    while not test():
        assert time.perf_counter() - began < seconds
        await asyncio.sleep(0.005)
    return time.perf_counter() - began


class Listener:
    """An event stream that is read in the background."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.beats = 0
        self.ended = False
        self.status = 0

    async def read(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                self.beats += 1
            elif line:
                name, _, value = line.partition(": ")
                event[name] = value
            else:
                if "data" in event:
                    self.events.append(event)
                    self.at.append(time.perf_counter())
                event = {}
        self.ended = True


@asynccontextmanager
async def listening(site: Site, who: Person, query: str = "", **headers: str) -> AsyncIterator[Listener]:
    found = Listener()

    async def run() -> None:
        async with site.client(who) as client, client.stream("GET", f"/v1/stream{query}", headers=headers) as answer:
            await found.read(answer)

    task = asyncio.create_task(run())
    await until(lambda: found.status != 0 or task.done())
    if task.done():
        task.result()
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Ear:
    """A Socket.IO client and what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.at: list[float] = []
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", self._hear)
        self.client.on("connect_error", self._refused)
        self.why = ""

    async def _refused(self, why: object) -> None:
        self.why = str(why)

    async def _hear(self, topic: str, data: dict[str, Any]) -> None:
        self.heard.append((topic, data))
        self.at.append(time.perf_counter())


Connect = Callable[..., Awaitable[Ear]]


@pytest.fixture
async def connect(site: Site) -> AsyncIterator[Connect]:
    ears: list[Ear] = []

    async def make(auth: object, headers: dict[str, str] | None = None) -> Ear:
        ear = Ear()
        ears.append(ear)
        try:
            await ear.client.connect(site.url, auth=auth, transports=["websocket"], headers=headers or {})
        except Refused as error:
            raise Refused(ear.why) from error
        return ear

    yield make
    for ear in ears:
        await ear.client.disconnect()


def token(who: Person, **extra: object) -> dict[str, object]:
    return {"token": who.tokens["access_token"], **extra}


# --- server-sent events ---


async def test_a_stranger_follows_nothing(site: Site, client: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=site.url) as stranger:
        for path in ("/v1/stream", "/v1/changes"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_alice_follows_her_own_changes_in_order_and_charlie_hears_none(
    site: Site, alice: Person, charlie: Person
) -> None:
    async with listening(site, alice) as hers, listening(site, charlie) as his:
        refs = await site.happen(alice, 30)
        await until(lambda: len(hers.events) == 30)
        assert [e["id"] for e in hers.events] == [str(n) for n in range(1, 31)]
        assert {e["event"] for e in hers.events} == {"test.happened"}
        first = msgspec.json.decode(hers.events[0]["data"])
        assert first == {"seq": 1, "topic": "test.happened", "ref": str(refs[0])}
        await until(lambda: hers.beats >= 2)
        assert his.events == []


async def test_a_stream_goes_on_where_it_was_left(site: Site, alice: Person) -> None:
    await site.happen(alice, 5)
    async with listening(site, alice, "?cursor=3") as hers:
        await until(lambda: [e["id"] for e in hers.events] == ["4", "5"])
    async with listening(site, alice, "?cursor=1", **{"Last-Event-ID": "4"}) as hers:
        await until(lambda: [e["id"] for e in hers.events] == ["5"])
    async with listening(site, alice) as hers:
        await site.happen(alice)
        await until(lambda: [e["id"] for e in hers.events] == ["6"])


async def test_a_long_absence_is_caught_up_at_once(site: Site, alice: Person) -> None:
    async with site.parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        for _ in range(650):
            await stream.publish(tx, alice.id, "test.happened", ids.new())
    async with listening(site, alice, "?cursor=0") as hers:
        await until(lambda: len(hers.events) == 650, 3)
        assert [int(e["id"]) for e in hers.events] == list(range(1, 651))


async def test_a_made_up_cursor_is_refused(site: Site, alice: Person) -> None:
    async with site.client(alice) as client:
        for query, header in (("?cursor=-1", ""), ("?cursor=x", ""), ("", "x"), ("", "9" * 30)):
            answer = await client.get(f"/v1/stream{query}", headers={"Last-Event-ID": header})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_pages_follow_by_their_cookie(site: Site, alice: Person) -> None:
    mine = site.parts.tokens.verify(alice.tokens["access_token"], TokenKind.ACCESS)
    cookie = site.parts.tokens.issue(mine, TokenKind.WEB, ACCESS_TTL)
    hers = Listener()

    async def run() -> None:
        headers = {"cookie": f"ws_session={cookie}"}
        async with (
            httpx.AsyncClient(base_url=site.url, headers=headers) as client,
            client.stream("GET", "/v1/stream") as answer,
        ):
            await hers.read(answer)

    task = asyncio.create_task(run())
    await until(lambda: hers.status == 200)
    await site.happen(alice)
    await until(lambda: len(hers.events) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_changes_are_listed_in_pages(site: Site, alice: Person) -> None:
    async with site.parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        for _ in range(250):
            await stream.publish(tx, alice.id, "test.happened", ids.new())
    async with site.client(alice) as client:
        first = (await client.get("/v1/changes")).json()
        assert (len(first["items"]), first["cursor"], first["more"]) == (200, 200, True)
        second = (await client.get("/v1/changes", params={"cursor": first["cursor"]})).json()
        assert (len(second["items"]), second["cursor"], second["more"]) == (50, 250, False)
        third = (await client.get("/v1/changes", params={"cursor": 250})).json()
        assert third == {"items": [], "cursor": 250, "more": False}


async def test_a_cursor_from_before_what_is_kept_is_told_to_start_over(
    site: Site, connect: Connect, alice: Person
) -> None:
    await site.happen(alice, 6)
    await site.owner.execute("DELETE FROM kernel.stream WHERE person_id = $1 AND seq <= 3", alice.id)
    async with site.client(alice) as client:
        for path in ("/v1/changes", "/v1/stream"):
            for cursor in (0, 2, 7):  # the last is of a database that was put back from a backup
                gone = await client.get(path, params={"cursor": cursor})
                assert (gone.status_code, gone.json()["code"]) == (410, "cursor_expired"), (path, cursor)
        resumed = await client.get("/v1/stream", headers={"Last-Event-ID": "2"})
        assert (resumed.status_code, resumed.json()["code"]) == (410, "cursor_expired")
        kept = (await client.get("/v1/changes", params={"cursor": 3})).json()
        assert kept == (await client.get("/v1/changes")).json()
        assert [item["seq"] for item in kept["items"]] == [4, 5, 6]
        assert (await client.get("/v1/changes", params={"cursor": 6})).json()["items"] == []
    for cursor in (2, 7):
        with pytest.raises(Refused, match="cursor_expired"):
            await connect(token(alice, cursor=cursor))
    ear = await connect(token(alice, cursor=3))
    await until(lambda: len(ear.heard) == 3)


async def test_ten_streams_are_the_most_and_none_holds_a_connection(site: Site, alice: Person, charlie: Person) -> None:
    async with site.client(alice) as client, site.client(charlie) as other:
        tasks = [asyncio.create_task(_read_until_cancelled(site, alice)) for _ in range(10)]
        try:
            await asyncio.sleep(1.5)
            refused = await client.get("/v1/stream")
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert [(await client.get("/v1/users/me")).status_code for _ in range(5)] == [200] * 5
            async with listening(site, charlie) as his:
                await site.happen(charlie)
                await until(lambda: len(his.events) == 1)
            assert (await other.get("/v1/users/me")).status_code == 200
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.5)
        async with listening(site, alice) as again:
            assert again.status == 200


async def _read_until_cancelled(site: Site, who: Person) -> None:
    async with site.client(who) as client, client.stream("GET", "/v1/stream") as answer:
        async for _ in answer.aiter_lines():
            pass


async def test_a_logout_ends_the_stream_within_a_second(site: Site, alice: Person) -> None:
    async with listening(site, alice) as hers, site.client(alice) as client:
        assert (await client.post("/v1/auth/logout")).status_code == 204
        took = await until(lambda: hers.ended, 3)
        print(f"stream ended {took:.2f} s after the logout")
        assert took < 1.1
        assert (await client.get("/v1/stream")).status_code == 401


async def test_an_idle_staff_session_goes_on_hearing_until_it_ends(site: Site, dana: Person) -> None:
    async with listening(site, dana) as hers, site.client(dana) as client:
        await site.owner.execute("UPDATE identity.session SET last_seen_at = now() - interval '16 minutes'")
        await asyncio.sleep(1.2)  # sessions of open streams are looked at every half second
        await site.happen(dana)
        await until(lambda: len(hers.events) == 1)
        assert (await client.get("/v1/crisis/duty")).status_code == 401
        async with listening(site, dana) as again:
            assert again.status == 200
            await site.owner.execute("UPDATE identity.session SET ended_at = now()")
            await until(lambda: hers.ended and again.ended, 3)
        assert (await client.get("/v1/stream")).status_code == 401


async def test_nothing_is_lost_when_the_listening_connection_is_cut(site: Site, alice: Person) -> None:
    async with listening(site, alice) as hers:
        for _ in range(3):
            await site.happen(alice, 5)
            cut = await site.owner.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
            assert cut >= 1
            await site.happen(alice, 5)
            await asyncio.sleep(0.8)
        await until(lambda: len(hers.events) >= 30, 8)
        assert [int(e["id"]) for e in hers.events] == list(range(1, 31))


async def test_the_time_from_commit_to_client(site: Site, alice: Person, connect: Connect) -> None:
    ear = await connect(token(alice))
    async with listening(site, alice) as hers:
        await site.happen(alice, 3)
        await until(lambda: len(hers.events) == 3 and len(ear.heard) == 3)
        committed = []
        for _ in range(100):
            await site.happen(alice)
            committed.append(time.perf_counter())
            await asyncio.sleep(0.01)
        await until(lambda: len(hers.events) == 103 and len(ear.heard) == 103)
    for name, at in (("events", hers.at), ("socket", ear.at)):
        waits = sorted(got - sent for got, sent in zip(at[3:], committed, strict=True))
        print(f"{name}: p50 {waits[50] * 1000:.1f} ms, p95 {waits[95] * 1000:.1f} ms")
        assert waits[50] < 0.1


async def test_a_process_of_its_own_serves_and_stops_with_streams_open(
    database_url: str, parts: Edge, alice: Person
) -> None:
    waker, ear = Waker(parts.db), Ear()
    waker.start()
    owner = await asyncpg.connect(database_url)
    async with live.elsewhere(database_url) as url:
        site = Site(url, parts, owner)
        await ear.client.connect(url, auth=token(alice), transports=["websocket"])
        async with listening(site, alice) as hers:
            [ref] = await site.happen(alice)
            await until(lambda: len(hers.events) == 1 and len(ear.heard) == 1)
            assert ear.heard == [("test.happened", {"seq": 1, "ref": str(ref)})]
            stopping = time.perf_counter()
    assert time.perf_counter() - stopping < 10
    await ear.client.disconnect()
    await owner.close()
    await waker.stop()


# --- Socket.IO ---


async def test_a_socket_without_a_token_is_refused(connect: Connect) -> None:
    for auth in (None, {}, {"token": ""}, {"token": "x.y.z"}, {"token": 7}, "text", ["list"]):
        with pytest.raises(Refused, match="token_refused"):
            await connect(auth)


async def test_a_socket_with_a_made_up_cursor_is_refused(connect: Connect, alice: Person) -> None:
    for cursor in (-1, "3", True, 2**70, 1.5):
        with pytest.raises(Refused, match="cursor_invalid"):
            await connect(token(alice, cursor=cursor))


async def test_a_socket_of_an_ended_session_is_refused(site: Site, connect: Connect, alice: Person) -> None:
    async with site.client(alice) as client:
        await client.post("/v1/auth/logout")
    with pytest.raises(Refused, match="session_ended"):
        await connect(token(alice))


async def test_a_socket_of_another_site_is_refused(site: Site, connect: Connect, alice: Person) -> None:
    for origin in ("https://elsewhere.example", "null", "http://127.0.0.1:1"):
        with pytest.raises(Refused):
            await connect(token(alice), {"Origin": origin})
    await connect(token(alice), {"Origin": site.url})


async def test_polling_is_refused(site: Site) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{site.url}/socket.io/?EIO=4&transport=polling")
        assert answer.status_code == 400


async def test_alice_hears_what_is_hers_on_every_device(
    site: Site, connect: Connect, alice: Person, charlie: Person
) -> None:
    phone, laptop, his = await connect(token(alice)), await connect(token(alice)), await connect(token(charlie))
    [ref] = await site.happen(alice, topic="checkin.created")
    await until(lambda: bool(phone.heard and laptop.heard))
    assert phone.heard == laptop.heard == [("checkin.created", {"seq": 1, "ref": str(ref)})]
    assert his.heard == []


async def test_a_socket_catches_up_from_its_cursor(site: Site, connect: Connect, alice: Person) -> None:
    await site.happen(alice, 4)
    ear = await connect(token(alice, cursor=2))
    await until(lambda: len(ear.heard) == 2)
    assert [data["seq"] for _, data in ear.heard] == [3, 4]


async def test_the_eleventh_socket_is_refused(connect: Connect, alice: Person) -> None:
    for _ in range(10):
        await connect(token(alice))
    with pytest.raises(Refused, match="too_many_streams"):
        await connect(token(alice))


async def test_sockets_close_within_a_second_of_logout_role_change_and_expiry(
    site: Site, connect: Connect, circle: Circle, alice: Person, charlie: Person, bob: Person
) -> None:
    hers, his, staff = await connect(token(alice)), await connect(token(charlie)), await connect(token(bob))
    erin = await circle.staff("erin", Role.ADMIN)
    async with site.client(alice) as client:
        await client.post("/v1/auth/logout")
    took = [await until(lambda: not hers.client.connected, 3)]
    async with site.client(erin) as client:
        answer = await client.put(f"/v1/people/{bob.id}/roles", json={"roles": ["member"]})
        assert answer.status_code == 200
    took.append(await until(lambda: not staff.client.connected, 3))
    await site.owner.execute("UPDATE identity.session SET expires_at = now() WHERE person_id = $1", charlie.id)
    took.append(await until(lambda: not his.client.connected, 3))
    print("closed after", [f"{seconds:.2f} s" for seconds in took])
    assert max(took) < 1.1


async def test_sockets_of_a_suspended_person_close_within_a_second(
    site: Site, connect: Connect, circle: Circle, alice: Person
) -> None:
    hers, erin = await connect(token(alice)), await circle.staff("erin", Role.ADMIN)
    async with site.client(erin) as client:
        answer = await client.put(f"/v1/people/{alice.id}/status", json={"status": "suspended"})
        assert answer.status_code == 200
    assert await until(lambda: not hers.client.connected, 3) < 1.1


async def test_a_client_that_ignores_the_end_is_cut_off(site: Site, alice: Person) -> None:
    async with aiohttp.ClientSession() as session:
        url = site.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url) as ws:
            await ws.receive(timeout=2)
            await ws.send_str("40" + msgspec.json.encode(token(alice)).decode())
            joined = await ws.receive(timeout=2)
            assert str(joined.data).startswith("40{")
            async with site.client(alice) as client:
                await client.post("/v1/auth/logout")
            began = time.perf_counter()
            while (await ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert time.perf_counter() - began < 1.5


async def test_a_connection_that_never_says_who_it_is_is_closed(site: Site) -> None:
    async with aiohttp.ClientSession() as session:
        url = site.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url) as ws:
            opened = await ws.receive(timeout=2)
            assert str(opened.data).startswith("0{")
            began = time.perf_counter()
            while (message := await ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
            assert time.perf_counter() - began < 3
