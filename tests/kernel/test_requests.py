"""What any request meets: problems, idempotency keys, versions, health, request ids, and logs without a word of it."""

import asyncio
import io
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import structlog
from litestar import get as plain_get
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from tests.support.people import PASSWORD, Person
from wellspring.app import asgi_app, make_app
from wellspring.kernel import idempotency, ids, logs, problems
from wellspring.kernel.db import DatabaseDown, DbRole
from wellspring.kernel.edge import Edge, Req
from wellspring.kernel.errors import Broken, InFlight, Invalid, KeyReused, Malformed, NotFound, Unauthenticated
from wellspring.kernel.middleware import Outermost, same_origin
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import get, post
from wellspring.kernel.settings import Settings

pytestmark = pytest.mark.anyio

CONTACTS = "/v1/users/me/emergency-contacts"
CANARY = "heronquill"
CONTACT = {"name": "Rosa", "relationship": "sibling", "phone": "+15550100"}


# --- idempotency ---


async def add(who: Person, key: str | None, **changes: Any) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return await who.post(CONTACTS, json={**CONTACT, **changes}, headers=headers)


async def count(who: Person) -> int:
    return len((await who.get(CONTACTS)).json()["items"])


async def test_the_same_request_twice_stores_once_and_answers_the_same(alice: Person) -> None:
    first, second = await add(alice, "key-000001"), await add(alice, "key-000001")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert await count(alice) == 1
    assert (await add(alice, "key-000002")).json()["id"] != first.json()["id"]
    assert (await add(alice, None)).status_code == 201
    assert await count(alice) == 3


async def test_a_key_with_another_body_is_refused(alice: Person) -> None:
    await add(alice, "key-000001")
    answer = await add(alice, "key-000001", name="Ines")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await count(alice) == 1


async def test_a_key_belongs_to_one_person(alice: Person, charlie: Person) -> None:
    hers, his = await add(alice, "key-000001"), await add(charlie, "key-000001")
    assert hers.json()["id"] != his.json()["id"]


@pytest.mark.parametrize("key", ["short", "x" * 201, "with space here", "", "näme-000001"])
async def test_an_unusable_key_is_refused(alice: Person, key: str) -> None:
    answer = await alice.post(CONTACTS, json=CONTACT, headers={"idempotency-key": key.encode()})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key_invalid")
    assert await count(alice) == 0


async def test_requests_at_once_store_once(alice: Person) -> None:
    answers = await asyncio.gather(*(add(alice, "key-000001") for _ in range(4)))
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert await count(alice) == 1


async def test_a_request_in_flight_is_told_to_wait(parts: Edge, alice: Person) -> None:
    body = msgspec.json.encode(CONTACT)
    key = idempotency.key("key-000001", alice.id, "emergency-contacts", body)
    assert key is not None
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        assert await idempotency.begin(tx, alice.id, key) is None
        headers = {"idempotency-key": "key-000001", "content-type": "application/json"}
        answer = await alice.post(CONTACTS, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_flight")
        assert answer.headers["retry-after"] == "1"
    assert (await add(alice, "key-000001")).status_code == 201


async def test_a_rival_that_was_there_first_is_told_to_wait(parts: Edge, alice: Person) -> None:
    """It committed between our look and our write: the statement of the look had not seen its row yet."""
    key = idempotency.key("key-000001", alice.id, "emergency-contacts", b"{}")
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await idempotency.keep(tx, alice.id, key, 201, ids.new())
    with pytest.raises(InFlight):
        async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
            await idempotency.keep(tx, alice.id, key, 201, ids.new())


async def test_a_request_that_failed_may_be_sent_again(alice: Person) -> None:
    refused = await add(alice, "key-000001", phone=None)
    assert refused.status_code == 422
    assert (await add(alice, "key-000001")).status_code == 201


def test_what_a_key_is_judged_by() -> None:
    key = idempotency.key("key-000001", ids.NIL, "route", b"{}")
    assert key is not None
    with pytest.raises(InFlight):
        idempotency.judge(idempotency.Found(False, None), key)
    assert idempotency.judge(idempotency.Found(True, None), key) is None
    stored = ["\\x" + key.body.hex(), "201", "00000000-0000-0000-0000-000000000007"]
    found = idempotency.judge(idempotency.Found(True, stored), key)
    assert found is not None
    assert (found.status, found.ref.int) == (201, 7)
    with pytest.raises(KeyReused):
        idempotency.judge(idempotency.Found(True, ["\\x00", *stored[1:]]), key)


# --- versions ---


async def test_whoever_changes_a_row_says_which_version_they_saw(alice: Person) -> None:
    seen = (await alice.get("/v1/users/me")).headers["etag"]
    change = {"bio": "a"}
    assert (await alice.patch("/v1/users/me", json=change, headers={"if-match": seen})).status_code == 200
    late = await alice.patch("/v1/users/me", json=change, headers={"if-match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await alice.patch("/v1/users/me", json=change, headers={"if-match": "*"})).status_code == 200
    now = (await alice.get("/v1/users/me")).headers["etag"]
    assert (await alice.patch("/v1/users/me", json=change, headers={"if-match": now})).status_code == 200
    for bad in ("x", '"x"', '"1', '"-1"', '"1234567890"', '"1", "2"'):
        answer = await alice.patch("/v1/users/me", json=change, headers={"if-match": bad})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "etag_invalid")


async def test_preferences_have_a_version_too(alice: Person) -> None:
    first = await alice.put("/v1/users/me/preferences", json={}, headers={"if-match": '"0"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"1"')
    late = await alice.put("/v1/users/me/preferences", json={}, headers={"if-match": 'W/"0"'})
    assert late.status_code == 412


async def test_the_preferred_language_is_that_of_the_profile(alice: Person) -> None:
    async def languages() -> tuple[str, str]:
        profile, chosen = await alice.get("/v1/users/me"), await alice.get("/v1/users/me/preferences")
        return profile.json()["language"], chosen.json()["preferred_language"]

    assert await languages() == ("en", "en")
    answer = await alice.put("/v1/users/me/preferences", json={"preferred_language": "fr"})
    assert (answer.status_code, answer.json()["preferred_language"]) == (200, "fr")
    assert await languages() == ("fr", "fr")
    kept = await alice.put("/v1/users/me/preferences", json={"theme": "dark"})
    assert (kept.json()["theme"], kept.json()["preferred_language"]) == ("dark", "fr")
    await alice.patch("/v1/users/me", json={"language": "en"})
    assert await languages() == ("en", "en")
    refused = await alice.put("/v1/users/me/preferences", json={"preferred_language": "xx"})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "preferred_language")


# --- problems ---


class Thing(Struct, forbid_unknown_fields=True):
    """A body."""

    mood: int
    name: str = ""


@post("/test/things/{n:int}", Access.PUBLIC)
async def make(n: FromPath[int], data: JSONBody[Thing]) -> Thing:
    """Answer what was sent."""
    return data


@get("/test/raise/{kind:str}", Access.PUBLIC)
async def fail(kind: FromPath[str]) -> None:
    """Raise what is asked for."""
    raise RAISED[kind]


@plain_get("/test/undeclared")
async def undeclared() -> None:
    """A route that forgot to say who may use it."""


@get("/test/mine", Access.SELF)
async def mine(request: Req) -> None:
    """A route for signed-in people."""


RAISED: dict[str, Exception] = {
    "value": ValueError(CANARY),
    "data": asyncpg.DataError(CANARY),
    "nul": asyncpg.CharacterNotInRepertoireError(CANARY),
    "sql": asyncpg.UndefinedTableError(CANARY),
    "teapot": HTTPException(CANARY, status_code=418),
    "large": HTTPException(CANARY, status_code=413),
    "media": HTTPException(CANARY, status_code=415),
    "forbidden": HTTPException(CANARY, status_code=403),
    "signin": NotAuthorizedException(CANARY),
    "validation": msgspec.ValidationError("Expected `int`, got `str` - at `$.mood`"),
    "decode": msgspec.DecodeError(CANARY),
    "unauthenticated": Unauthenticated(),
    "caused": Invalid("the detail"),
}


@pytest.fixture
async def probe(parts: Edge) -> httpx.AsyncClient:
    app = make_app(parts)
    for handler in (make, fail, undeclared, mine):
        app.register(handler)
    transport = httpx.ASGITransport(app=Outermost(app, parts.settings, parts.tokens))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://wellspring.test")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("value", 500, "internal_error"),
        ("data", 422, "invalid"),
        ("nul", 422, "invalid"),
        ("sql", 500, "internal_error"),
        ("teapot", 500, "internal_error"),
        ("large", 413, "too_large"),
        ("media", 415, "unsupported_media_type"),
        ("forbidden", 403, "forbidden"),
        ("signin", 401, "unauthenticated"),
        ("validation", 422, "invalid"),
        ("decode", 400, "malformed"),
        ("unauthenticated", 401, "unauthenticated"),
        ("caused", 422, "invalid"),
    ],
)
async def test_any_error_leaves_as_a_problem(
    probe: httpx.AsyncClient, kind: str, status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await probe.get(f"/test/raise/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "path", "code"),
    [
        ("{}", 422, "mood", "missing"),
        ('{"mood": "x"}', 422, "mood", "wrong_type"),
        ('{"mood": 1, "other": 2}', 422, "other", "unknown_field"),
        ("[]", 422, "body", "wrong_type"),
        ("{", 400, "body", "invalid"),
        ("nul\0", 400, "body", "invalid"),
    ],
)
async def test_a_body_that_does_not_fit_is_named(
    probe: httpx.AsyncClient, body: str, status: int, path: str, code: str
) -> None:
    answer = await probe.post("/test/things/1", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    [error] = answer.json()["errors"]
    assert error["path"] == path
    assert error["code"] == code or status == 400


@pytest.mark.parametrize(
    ("length", "pieces", "status"),
    [
        (None, [b'{"mo', b'od": 1}'], 201),
        (None, [b'{"mood": 1}', None], 400),
        (b"3", [b'{"mood": 1}'], 201),
        (b"1_0", [b'{"mood": 1}'], 400),
        (b"-1", [b'{"mood": 1}'], 400),
        (b"262145", [], 413),
        (None, [b" " * 200_000, b" " * 62_144, b'{"mood": 1}'], 413),
        (None, [b" " * 262_133, b'{"mood": 1}'], 201),
    ],
)
async def test_a_body_is_read_whole_and_never_beyond_the_most(
    parts: Edge, length: bytes | None, pieces: list[bytes | None], status: int
) -> None:
    """An ASGI server gives a body in as many messages as it likes; None stands for a client that has left."""
    headers = [(b"content-type", b"application/json")] + ([(b"content-length", length)] if length else [])
    waiting = [
        {"type": "http.disconnect"} if p is None else {"type": "http.request", "body": p, "more_body": n < len(pieces)}
        for n, p in enumerate(pieces, 1)
    ]
    if None in pieces:
        waiting[0]["more_body"] = True
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/test/things/1",
        "raw_path": b"/test/things/1",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    app: Any = make_app(parts)
    app.register(make)
    await app(scope, receive, send)
    assert sent[0]["status"] == status, sent


async def test_an_empty_body_is_a_missing_one(probe: httpx.AsyncClient) -> None:
    answer = await probe.post("/test/things/1", headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_addresses_and_methods_that_are_not_there(probe: httpx.AsyncClient) -> None:
    for path in ("/test/nothing", "/test/things/x", "/v1/users/me/"):
        answer = await probe.post(path, json={})
        assert answer.status_code in (401, 404, 405)
        assert answer.headers["content-type"] == "application/problem+json"
    answer = await probe.delete("/livez")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


async def test_a_route_that_declares_nothing_is_closed(probe: httpx.AsyncClient, alice: Person) -> None:
    assert (await probe.get("/test/undeclared", headers=alice.headers)).status_code == 403
    assert (await probe.get("/test/mine")).status_code == 401
    assert (await probe.get("/test/mine", headers=alice.headers)).status_code == 200


def test_messages_of_the_decoder_become_field_errors() -> None:
    for message, path, code in (
        ("Object missing required field `mood` - at `$.a[0]`", "a[0].mood", "missing"),
        ("Object contains unknown field `x`", "x", "unknown_field"),
        ("Expected `int` >= 1 - at `$.mood`", "mood", "out_of_range"),
        ("Expected `str` of length <= 5 - at `$.name`", "name", "out_of_range"),
        ("Expected `int`, got `str` - at `$.mood`", "mood", "wrong_type"),
        ("Something new", "body", None),
    ):
        found = problems.field_error(message)
        assert found.path == path, message
        assert code is None or found.code == code, message
    assert problems.field_error("Expected `int`, got `str`", "limit").path == "limit"


def test_any_exception_has_its_problem() -> None:
    assert isinstance(problems.to_problem(HTTPException(status_code=404)), NotFound)
    assert isinstance(problems.to_problem(RuntimeError()), Broken)
    assert isinstance(problems.to_problem(UnicodeDecodeError("utf-8", b"x", 0, 1, "x")), Malformed)


# --- health, limits, headers ---


async def test_health_is_answered(parts: Edge, client: httpx.AsyncClient, database_url: str) -> None:
    assert (await client.get("/livez")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"database": "ok", "jobs": "ok", "status": "ok"}
    assert b"http_requests_total" in (await client.get("/metrics")).content
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")
    conn = await asyncpg.connect(database_url)
    late = (
        "INSERT INTO jobs.pgqueuer (priority, entrypoint, status, execute_after)"
        " VALUES (0, $1, 'queued', now() - interval '11 minutes')"
    )
    await conn.execute(late, "another_version.job")
    assert (await client.get("/readyz")).json()["jobs"] == "ok", "no worker of this version would take it"
    await conn.execute(late, "notify.deliver")
    await conn.close()
    waits = await client.get("/readyz")
    assert waits.json() == {"database": "ok", "jobs": "late", "status": "degraded"}
    assert waits.status_code == 200, "a worker that rests must not take the help pages away"


async def test_a_request_id_is_kept_when_it_is_one(client: httpx.AsyncClient) -> None:
    given = "0b8e3c1e-8a52-4d7e-9f53-0a6c9a7e2f10"
    assert (await client.get("/livez", headers={"x-request-id": given})).headers["x-request-id"] == given
    for bad in ("x", CANARY, "\xff"):
        answer = await client.get("/livez", headers={"x-request-id": bad.encode("latin-1")})
        assert answer.headers["x-request-id"] not in (bad, "")
        assert len(answer.headers["x-request-id"]) == 36


async def test_too_many_requests_are_refused_with_the_time_to_wait(parts: Edge, alice: Person) -> None:
    settings = Settings(environment="development", requests_per_minute=3, trusted_proxy="127.0.0.1")
    transport = httpx.ASGITransport(app=Outermost(make_app(parts), settings, parts.tokens))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
        for who in (alice.headers, {}, {"x-forwarded-for": "192.0.2.1, 198.51.100.7"}):
            answers = [await client.get("/livez", headers=who) for _ in range(4)]
            assert [a.status_code for a in answers] == [200, 200, 200, 429]
            assert answers[3].json()["code"] == "too_many_requests"
            assert int(answers[3].headers["retry-after"]) >= 1
            assert answers[0].headers["ratelimit"].startswith('"minute";r=2')
        for number in range(4):
            made_up = {"authorization": f"Bearer {number}{alice.tokens['access_token']}"}
            assert (await client.get("/livez", headers=made_up)).status_code == 429
        again = await client.post("/v1/auth/refresh", json={"refresh_token": alice.tokens["refresh_token"]})
        assert again.status_code == 429


async def test_a_network_of_ipv6_counts_as_one_caller_and_ipv4_is_known_behind_both(
    parts: Edge,
) -> None:
    settings = Settings(environment="development", requests_per_minute=3, trusted_proxy="192.0.2.1")
    program = Outermost(make_app(parts), settings, parts.tokens)

    async def ask(address: str, forwarded: str = "") -> int:
        transport = httpx.ASGITransport(app=program, client=(address, 1234))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
            headers = {"x-forwarded-for": forwarded} if forwarded else {}
            return (await client.get("/livez", headers=headers)).status_code

    assert [await ask(f"2001:db8:0:1::{n}") for n in range(1, 5)] == [200, 200, 200, 429]
    assert await ask("2001:db8:0:2::1") == 200
    assert [await ask("192.0.2.1", f"2001:db8:0:3::{n}") for n in range(1, 5)] == [200, 200, 200, 429]
    # A server that listens on `::` sees IPv4 like this.
    assert [await ask(f"::ffff:198.51.100.{n}") for n in range(1, 6)] == [200] * 5
    assert [await ask("::ffff:192.0.2.1", f"198.51.100.{n}") for n in range(11, 16)] == [200] * 5


async def test_the_audit_trail_and_the_proxy_know_ipv4_behind_ipv6(parts: Edge, database_url: str) -> None:
    parts.settings = parts.settings.model_copy(update={"trusted_proxy": "192.0.2.1"})
    conn = await asyncpg.connect(database_url)
    for address, forwarded, noted in (
        ("::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::7", "203.0.113.9", "2001:db8::7"),
    ):
        transport = httpx.ASGITransport(app=asgi_app(parts), client=(address, 1234))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
            headers = {"x-forwarded-for": forwarded}
            answer = await client.post("/v1/auth/login", json={"email": "x", "password": "y"}, headers=headers)
        found = "SELECT ip FROM kernel.audit WHERE request_id = $1"
        assert await conn.fetchval(found, answer.headers["x-request-id"]) == noted
    await conn.close()


async def test_who_asks_is_what_the_trusted_proxy_adds_last(parts: Edge, database_url: str) -> None:
    """Proxies add to the caller's own header, or add a header of their own after it."""
    parts.settings = parts.settings.model_copy(update={"trusted_proxy": "127.0.0.1"})
    transport = httpx.ASGITransport(app=asgi_app(parts))  # type: ignore[arg-type]
    conn = await asyncpg.connect(database_url)
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
        for forwarded in (["203.0.113.9, 198.51.100.7"], ["203.0.113.9", "198.51.100.7"]):
            headers = [("x-forwarded-for", value) for value in forwarded]
            answer = await client.post("/v1/auth/login", json={"email": "x", "password": "y"}, headers=headers)
            noted = "SELECT ip FROM kernel.audit WHERE request_id = $1"
            assert await conn.fetchval(noted, answer.headers["x-request-id"]) == "198.51.100.7"
    await conn.close()


async def test_headers_that_protect(parts: Edge) -> None:
    settings = Settings(environment="test", public_url="https://care.example")
    transport = httpx.ASGITransport(app=Outermost(make_app(parts), settings, parts.tokens))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as client:
        headers = (await client.get("/livez")).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "max-age" in headers["strict-transport-security"]


def test_which_origins_are_this_site() -> None:
    here = Settings(public_url="https://care.example")
    for origin, host, same in (
        (None, "care.example", True),
        ("https://care.example", "care.example", True),
        ("https://care.example", "inner:8000", True),
        ("http://inner:8000", "inner:8000", True),
        ("https://elsewhere.example", "care.example", False),
        ("https://care.example.elsewhere.example", "care.example", False),
        ("null", "care.example", False),
        ("http://[", "care.example", False),
        ("https://care]example", "care.example", False),
        ("", "care.example", False),
    ):
        assert same_origin(here, origin, host) is same, origin


async def test_the_head_of_an_answer_is_that_of_get_without_its_body(client: httpx.AsyncClient, alice: Person) -> None:
    assert (await client.head("/v1/users/me")).status_code == 401
    for path, who in (("/livez", {}), ("/help", {}), ("/static/app.css", {}), ("/v1/users/me", alice.headers)):
        got, head = await client.get(path, headers=who), await client.head(path, headers=who)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-length"] == got.headers["content-length"], path
        assert head.headers["content-type"] == got.headers["content-type"], path
    assert (await client.head("/v1/auth/login")).status_code == 405
    endless = await client.head("/v1/stream", headers=alice.headers)
    assert endless.status_code == 405
    assert "HEAD" not in endless.headers["allow"]


async def test_an_address_tells_what_it_takes(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/livez", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/auth/login", {"POST", "OPTIONS"}),
        ("/v1/checkins", {"GET", "HEAD", "POST", "OPTIONS"}),
    ):
        answer = await client.options(path)
        assert (answer.status_code, answer.content) == (204, b""), path
        assert set(answer.headers["allow"].split(", ")) == allowed
    assert (await client.options("/v1/nothing")).status_code == 404
    refused = await client.put("/livez")
    assert (refused.status_code, "HEAD" in refused.headers["allow"]) == (405, True)


# --- nothing that people write is logged ---

CHECKIN = {
    "mood_score": 3,
    "journal_text": f"Today {CANARY} was here",
    "triggers": [CANARY],
    "context_activity": CANARY,
}


@pytest.fixture
def configured(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Logs as the program writes them, for one test: loggers must not keep a stream that is closed afterwards."""
    logs.configure("debug")
    structlog.configure(cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


class Full(io.BytesIO):
    """A disk without room."""

    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


async def test_a_log_that_cannot_be_written_fails_no_request(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.BytesIO()
    closed.close()
    for broken in (Full(), closed):
        monkeypatch.setattr(sys, "stderr", type("Broken", (), {"buffer": broken})())
        logs.configure("debug")
        structlog.configure(cache_logger_on_first_use=False)
        assert (await client.get("/livez")).status_code == 200
    structlog.reset_defaults()


@pytest.mark.usefixtures("configured")
async def test_what_people_write_never_reaches_the_logs(
    parts: Edge, alice: Person, probe: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=asgi_app(parts)),  # type: ignore[arg-type]
        base_url="http://wellspring.test",
    )
    register = {"email": f"{CANARY}@example.org", "password": PASSWORD, "display_name": CANARY}
    answers = [
        await client.post("/v1/auth/register", json=register),
        await client.post("/v1/auth/register", json={**register, "timezone": CANARY}),
        await client.post("/v1/auth/register", json={**register, "password": CANARY}),
        await client.post("/v1/auth/login", json={"email": f"{CANARY}@example.org", "password": CANARY}),
        await alice.patch("/v1/users/me", json={"bio": CANARY, "primary_goals": [CANARY]}),
        await alice.patch("/v1/users/me", json={"bio": f"{CANARY}\0"}),
        await alice.patch("/v1/users/me", json={CANARY: 1}),
        await alice.post(CONTACTS, json={**CONTACT, "name": CANARY}),
        await alice.post(CONTACTS, json={**CONTACT, "name": [CANARY]}),
        await alice.post("/v1/checkins", json=CHECKIN),
        await alice.post("/v1/checkins", json={**CHECKIN, "journal_text": f"{CANARY} I want to kill myself tonight"}),
        await alice.post("/v1/checkins", json={**CHECKIN, "mood_score": CANARY}),
        await alice.post("/v1/checkins", json={**CHECKIN, CANARY: CANARY}),
        await alice.get(f"/v1/checkins?cursor={CANARY}"),
        await client.get(f"/{CANARY}"),
        await client.get("/v1/users/me", headers={"authorization": f"Bearer {CANARY}"}),
        *[await probe.get(f"/test/raise/{kind}") for kind in RAISED],
    ]
    assert [a.status_code for a in answers[9:13]] == [201, 201, 422, 422], [a.text for a in answers[9:13]]
    assert {a.status_code for a in answers} >= {201, 200, 401, 404, 422, 500}
    written = capfd.readouterr()
    sys.stderr.flush()
    assert "request" in written.err + written.out, "the log is really captured"
    assert CANARY not in written.err + written.out


def test_an_exception_is_logged_by_kind_and_place(capfd: pytest.CaptureFixture[str]) -> None:
    for error in (ValueError(CANARY), None, "words"):
        event: dict[str, Any] = {"event": "x", "error": error}
        assert CANARY not in logs._line(None, "info", event).decode()
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        found = msgspec.json.decode(logs._line(None, "info", {"event": "x", "error": error}))
    assert found["error"] == "ValueError"
    assert "cause" not in found
    try:
        raise DatabaseDown from OSError(CANARY)
    except DatabaseDown as error:
        line = logs._line(None, "info", {"event": "x", "error": error})
    assert CANARY not in line.decode()
    assert (msgspec.json.decode(line)["error"], msgspec.json.decode(line)["cause"]) == ("DatabaseDown", "OSError")
    assert "test_requests.py" in found["at"]
    assert found["level"] == "info"
    assert datetime.fromisoformat(found["timestamp"]).tzinfo is not None
