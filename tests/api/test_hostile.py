"""Hostile requests: each gets a problem with a code, says nothing about our insides, and writes nothing."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from tests.api.described import operations
from tests.api.hostile import BROKEN, FORBIDDEN, STRANGE, VALUES, Attack, complaints, with_bodies
from tests.api.owner import Owner
from tests.api.surface import ENDLESS, RULES
from tests.api.world import World, on_duty
from tests.conftest import application
from tests.support.people import PASSWORD, Circle, Person
from wellspring.identity.passwords import Passwords
from wellspring.kernel import clock
from wellspring.kernel.edge import Edge
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind

pytestmark = pytest.mark.anyio
ON_ROUTES = ("/v1/users/me", "/v1/checkins", "/v1/crisis/desk", "/v1/crisis/safety-plan")


@pytest.fixture
async def attack(world: World, owner: Owner) -> Attack:
    world.ids["other_clinician"] = str((await world.circle.staff("ivan", Role.CLINICIAN)).id)
    people = {
        "responder": await on_duty(world),
        "admin": await world.circle.staff("erin", Role.ADMIN),
        "clinician": world.bob,
    }
    return Attack(world, owner, people)


def _forged(token: str, key: bytes) -> dict[str, str]:
    """Return tokens that nobody may accept, by what is wrong with them."""
    header, body, mark = token.split(".")
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})

    def packed(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(clock.now().timestamp())
    signed = {
        "expired": {**claims, "exp": now - 1},
        "of pages": {**claims, "typ": TokenKind.WEB.value},
        "of another session": {**claims, "sid": str(uuid4())},
        "of somebody else": {**claims, "sub": str(uuid4())},
        "of another version": {**claims, "ver": claims["ver"] + 1},
        "with a version that is no number": {**claims, "ver": "one"},
        "with an unknown role": {**claims, "roles": ["god"]},
        "of nobody": {k: v for k, v in claims.items() if k != "sub"},
        "without an end": {k: v for k, v in claims.items() if k != "exp"},
    }
    made = {name: jwt.encode(c, key, algorithm="HS256") for name, c in signed.items()}
    return made | {
        "signed with nothing": f"{packed({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "None by another spelling": f"{packed({'alg': 'nOnE'})}.{body}.",
        "signed with another key": jwt.encode(claims, b"x" * 32, algorithm="HS256"),
        "signed with an empty key id": jwt.encode(claims, b"y" * 32, algorithm="HS256", headers={"kid": "/dev/null"}),
        "signed with another method": jwt.encode(claims, key + key, algorithm="HS512"),
        "with a role written in": f"{header}.{packed({**claims, 'roles': ['admin', 'responder']})}.{mark}",
        "cut short": token[:-3],
        "with one letter changed": token[:-12] + ("A" if token[-12] != "A" else "B") + token[-11:],
        "with a fourth part": token + ".AAAA",
        "empty": "",
        "huge": "A" * 100_000,
        "not base64": "....",
        "three parts of nothing": "..",
    }


async def test_forged_tokens_open_nothing(world: World, owner: Owner, parts: Edge) -> None:
    tokens = _forged(world.alice.tokens["access_token"], parts.keys.derive("token-signing"))
    before, wrong = owner.counts(), []
    for name, token in tokens.items():
        for path in ON_ROUTES:
            answer = await world.circle.client.get(path, headers={"authorization": f"Bearer {token}"})
            if answer.status_code not in ({401} if path != "/v1/crisis/desk" else {401, 403}) or complaints(answer):
                wrong.append((name, path, answer.status_code, answer.text[:200]))
    for header in ("Basic YWxpY2U6eA==", "Bearer", "bearer\t", f"Token {tokens['cut short']}", "é"):
        answer = await world.circle.client.get(ON_ROUTES[0], headers={"authorization": header.encode()})
        if answer.status_code != 401 or complaints(answer):
            wrong.append((header, answer.status_code))
    by_address = await world.circle.client.get(
        ON_ROUTES[0], params={"access_token": world.alice.tokens["access_token"]}
    )
    assert by_address.status_code == 401
    assert not wrong
    assert owner.counts() == before


async def test_the_cookie_of_pages_is_no_key_to_the_api(world: World, parts: Edge) -> None:
    who = parts.tokens.verify(world.alice.tokens["access_token"], TokenKind.ACCESS)
    cookie = parts.tokens.issue(who, TokenKind.WEB, timedelta(hours=1))
    for name in ("ws_session", "__Host-ws_session"):
        answer = await world.circle.client.get("/v1/users/me", headers={"cookie": f"{name}={cookie}"})
        assert answer.status_code == 401


MEANT = {
    ("POST /v1/checkins", "id"),
    ("POST /v1/checkins/quick", "id"),
    ("POST /v1/interventions/{intervention_id:uuid}/start", "id"),
    ("PUT /v1/consents/{kind:str}", "version"),
}
"""Fields of these names that a body has, with a meaning of their own."""


async def test_nobody_assigns_themselves_more_than_a_body_has(attack: Attack) -> None:
    for route in with_bodies():
        body = RULES[route].body(attack.world)  # type: ignore[misc]
        for name, value in FORBIDDEN.items():
            if name in body or (route, name) in MEANT:
                continue
            answer = await attack.send(route, name, json={**body, name: value})
            if answer.status_code != 422 or answer.json()["errors"][0]["code"] != "unknown_field":
                attack.wrong.append((route, name, answer.status_code))
    assert not attack.wrong
    assert attack.nothing_was_written()
    row = attack.owner.rows(
        "SELECT roles, subscription_tier, email_verified FROM identity.person WHERE person_id = %s",
        attack.world.alice.id,
    )
    assert row == [(["member"], "free", False)]


async def test_signing_up_takes_nothing_but_what_it_names(client: httpx.AsyncClient, owner: Owner) -> None:
    for name, value in FORBIDDEN.items():
        body = {"email": "zoe@example.org", "password": PASSWORD, name: value}
        answer = await client.post("/v1/auth/register", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_field")
    assert owner.one("SELECT count(*) FROM identity.person") == 0


async def test_what_is_no_json_is_refused_everywhere(attack: Attack) -> None:
    json_type = {"content-type": "application/json"}
    for route in with_bodies():
        for number, content in enumerate(BROKEN):
            answer = await attack.send(route, number, content=content, headers=json_type)
            if answer.status_code not in (400, 422):
                attack.wrong.append((route, content[:40], answer.status_code))
    assert not attack.wrong
    assert attack.nothing_was_written()


async def test_values_of_any_kind_never_break_a_route(attack: Attack) -> None:
    for route in with_bodies():
        body = RULES[route].body(attack.world)  # type: ignore[misc]
        for name in body:
            for value in VALUES:
                attack.start_again()
                answer = await attack.send(route, (name, str(value)[:30]), json={**body, name: value})
                if answer.status_code >= 400 and not attack.nothing_was_written():
                    attack.wrong.append((route, name, value, "was written"))
    assert not attack.wrong


LINES = [
    ("PATCH /v1/users/me", {"country": "FR\n"}),
    ("PATCH /v1/users/me", {"display_name": "Alice\n"}),
    ("PATCH /v1/users/me", {"timezone": "UTC\n"}),
    ("PATCH /v1/users/me", {"contraindications": ["asthma\n"]}),
    ("PUT /v1/users/me/preferences", {"quiet_hours_start": "22:00\n"}),
    ("POST /v1/users/me/emergency-contacts", {"name": "Sam\n", "relationship": "friend", "phone": "+1 555 0100"}),
    ("POST /v1/users/me/emergency-contacts", {"name": "Sam", "relationship": "friend", "phone": "+1 555 0100\n"}),
    ("POST /v1/checkins", {"mood_score": 5, "context_activity": "a walk\n"}),
    ("POST /v1/checkins", {"mood_score": 5, "emotion_tags": ["joy\n"]}),
]


async def test_a_line_break_at_the_end_is_one_too(alice: Person, owner: Owner) -> None:
    before = owner.counts()
    for route, body in LINES:
        method, path = route.split(" ")
        answer = await alice.request(method, path, json=body)
        assert answer.status_code == 422, (route, body, answer.text)
        assert not complaints(answer)
    assert owner.counts() == before


async def test_questions_of_any_kind_are_answered(attack: Attack) -> None:
    asked = 0
    for route, _, operation in operations():
        for parameter in operation.get("parameters", ()):
            for value in STRANGE if parameter["in"] == "query" and route not in ENDLESS else ():
                await attack.send(route, (parameter["name"], value), params={parameter["name"]: value})
                asked += 1
    assert asked > 300
    assert not attack.wrong


async def test_a_forged_cursor_shows_nobody_elses_rows(world: World, charlie: Person) -> None:
    for number in range(3):
        assert (await world.alice.post("/v1/checkins", json={"mood_score": number + 3})).status_code == 201
    cursor = (await world.alice.get("/v1/checkins", params={"limit": 1})).json()["next_cursor"]
    answer = await charlie.get("/v1/checkins", params={"cursor": cursor})
    assert answer.json() == {"items": [], "next_cursor": None}


async def _in_pieces() -> AsyncIterator[bytes]:
    yield b'{"mood_score": 5, "journal_text": "'
    for _ in range(80):
        yield b"x" * 4096
    yield b'"}'


async def test_what_is_too_large_is_refused(attack: Attack) -> None:
    for route in with_bodies():
        large = b'{"journal_text": "' + b"x" * 300_000 + b'"}'
        answer = await attack.send(route, "large", content=large, headers={"content-type": "application/json"})
        if answer.status_code != 413:
            attack.wrong.append((route, answer.status_code))
    answer = await attack.send(
        "POST /v1/checkins", "in pieces", content=_in_pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert not attack.wrong
    assert attack.nothing_was_written()


KINDS = [
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "x",
]


async def test_only_json_is_taken(attack: Attack) -> None:
    for route in with_bodies():
        body = json.dumps(RULES[route].body(attack.world)).encode()  # type: ignore[misc]
        for kind in KINDS:
            answer = await attack.send(route, kind, content=body, headers={"content-type": kind})
            if answer.status_code != 415:
                attack.wrong.append((route, kind, answer.status_code))
    assert not attack.wrong
    assert attack.nothing_was_written()


async def test_methods_that_a_route_does_not_have(attack: Attack) -> None:
    known: dict[str, set[str]] = {}
    for route in RULES:
        method, template = route.split(" ", 1)
        known.setdefault(template, set()).add(method)
    for template, methods in known.items():
        if "GET" in methods and template != "/v1/stream":
            methods.add("HEAD")
        for method in {"TRACE", "CONNECT", "HEAD", "PROPFIND", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = await attack.world.alice.request(method, attack.world.path(template))
            attack.judge(template, method, answer)
            if answer.status_code < 400:
                attack.wrong.append((template, method, answer.status_code))
    overridden = await attack.world.alice.get(
        f"/v1/checkins/{attack.world.ids['checkin_id']}", headers={"x-http-method-override": "DELETE"}
    )
    assert overridden.status_code == 200
    assert not attack.wrong
    assert attack.nothing_was_written()


PATHS = [
    "/v1/../v1/users/me/../../../etc/passwd",
    "/v1/users/me/%2e%2e/me",
    "/v1/checkins/%00",
    "/v1/checkins/" + "a" * 8000,
    "/v1/checkins/..%2f..%2fetc%2fpasswd",
    "/v1/checkins/%ff%fe",
    "/v1/checkins/00000000-0000-0000-0000-000000000000",
    "/v1/checkins/{checkin_id}",
    "/static/../../../../etc/passwd",
    "/static/..%2f..%2f..%2fapp.py",
    "/static/%2e%2e/%2e%2e/app.py",
    "/static//etc/passwd",
    "/static/%00",
    "/openapi",
    "/openapi/swagger",
    "/schema",
    "/.env",
    "/.git/config",
    "/docs",
]


async def test_paths_lead_nowhere_else(alice: Person) -> None:
    for path in PATHS:
        request = alice.client.build_request("GET", "http://wellspring.test/", headers=alice.headers)
        request.url = httpx.URL("http://wellspring.test", raw_path=path.encode())
        answer = await alice.client.send(request)
        assert answer.status_code in (404, 405, 422), (path, answer.status_code, answer.text[:100])
        assert "root:" not in answer.text


async def test_a_key_is_used_for_one_request_of_one_person(alice: Person, charlie: Person, owner: Owner) -> None:
    body, key = {"mood_score": 5}, {"idempotency-key": "a-key-of-alice-1"}
    first = await alice.post("/v1/checkins", json=body, headers=key)
    again = await alice.post("/v1/checkins", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["checkin"]["id"] == again.json()["checkin"]["id"]
    other = await alice.post("/v1/checkins", json={"mood_score": 6}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    hers = await charlie.post("/v1/checkins", json=body, headers=key)
    assert hers.json()["checkin"]["id"] != first.json()["checkin"]["id"]
    for bad in ("short", "x" * 201, "with a space", "é" * 10, ""):
        answer = await alice.post("/v1/checkins", json=body, headers={"idempotency-key": bad.encode()})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key_invalid")
    assert owner.one("SELECT count(*) FROM checkins.checkin WHERE person_id = %s", alice.id) == 1


CREATING = [
    ("/v1/checkins", {"mood_score": 5}, "checkins.checkin"),
    ("/v1/users/me/emergency-contacts", {"name": "Sam", "relationship": "friend", "phone": "+1 555 0100"}, None),
    ("/v1/crisis/report", {"note": "Please call."}, "safety.crisis_event"),
]


@pytest.mark.parametrize(("path", "body", "table"), CREATING)
async def test_twenty_equal_requests_make_one(
    alice: Person, owner: Owner, path: str, body: dict[str, Any], table: str | None
) -> None:
    key = {"idempotency-key": "twenty-at-once"}
    answers = await asyncio.gather(*(alice.post(path, json=body, headers=key) for _ in range(20)))
    assert {a.status_code for a in answers} <= {201, 409, 503}, {a.status_code for a in answers}
    assert 201 in {a.status_code for a in answers}
    table = table or "identity.emergency_contact"
    assert owner.one(f"SELECT count(*) FROM {table} WHERE person_id = %s", alice.id) == 1


async def test_one_id_sent_by_many_at_once_makes_one(alice: Person, owner: Owner, world: World) -> None:
    same = "01a1fbbc-0ea0-70dc-86d7-35f497b767bf"
    start = f"/v1/interventions/{world.ids['intervention_id']}/start"
    for path, body, table in (
        ("/v1/checkins", {"mood_score": 5, "id": same}, "checkins.checkin"),
        (start, {"id": same}, "interventions.session"),
    ):
        answers = await asyncio.gather(*(alice.post(path, json=body) for _ in range(12)))
        assert {a.status_code for a in answers} <= {201, 409}, (path, [a.status_code for a in answers])
        assert owner.one(f"SELECT count(*) FROM {table} WHERE person_id = %s", alice.id) == 1


async def test_limits_hold_for_many_at_once(alice: Person, owner: Owner) -> None:
    body = {"name": "Sam", "relationship": "friend", "phone": "+1 555 0100", "is_primary": True}
    answers = await asyncio.gather(
        *(alice.post("/v1/users/me/emergency-contacts", json=body) for _ in range(16)), return_exceptions=False
    )
    assert {a.status_code for a in answers} <= {201, 409}, {a.status_code for a in answers}
    mine = "SELECT count(*), count(*) FILTER (WHERE is_primary) FROM identity.emergency_contact WHERE person_id = %s"
    assert owner.rows(mine, alice.id) == [(10, 1)]


VERSIONED = [
    ("/v1/users/me", "PATCH", {"bio": "Hello"}),
    ("/v1/users/me/preferences", "PUT", {"theme": "dark"}),
    ("/v1/crisis/safety-plan", "PUT", {"professionals": ["Doctor"]}),
]


@pytest.mark.parametrize(("path", "method", "body"), VERSIONED)
async def test_of_many_who_change_what_they_saw_one_wins(
    alice: Person, path: str, method: str, body: dict[str, Any]
) -> None:
    await alice.request(method, path, json=body)
    seen = (await alice.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(alice.request(method, path, json=body, headers={"if-match": seen}) for _ in range(8))
    )
    assert sorted(a.status_code for a in answers) == [200] + [412] * 7
    for bad in ('"-1"', "7", '"x"', '"99999999999999"', '"1", "2"', "W/", "é"):
        answer = await alice.request(method, path, json=body, headers={"if-match": bad.encode()})
        assert answer.status_code in (412, 422), (bad, answer.status_code)
        assert not complaints(answer)


IDS = {
    "00000000-0000-0000-0000-000000000000": "id_not_version_7",
    "ffffffff-ffff-ffff-ffff-ffffffffffff": "id_not_version_7",
    "6ba7b810-9dad-41d1-80b4-00c04fd430c8": "id_not_version_7",
    "00000000-0000-7000-8000-000000000000": "id_too_old",
    "ffffffff-ffff-7fff-bfff-ffffffffffff": "id_in_future",
    "0400a0c2-5f00-7000-8000-0123456789ab": "id_in_future",
}


async def test_ids_of_another_time_are_refused(world: World, owner: Owner) -> None:
    before = owner.counts()
    start = f"/v1/interventions/{world.ids['intervention_id']}/start"
    bodies = (("/v1/checkins", {"mood_score": 5}), ("/v1/checkins/quick", {"mood_score": 5}), (start, {}))
    for path, body in bodies:
        for made, code in IDS.items():
            answer = await world.alice.post(path, json={**body, "id": made})
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code), answer.text
    assert owner.counts() == before


async def test_times_of_another_age_are_refused(alice: Person, owner: Owner) -> None:
    before = owner.counts()
    for at in ("0001-01-01T00:00:00+14:00", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"):
        answer = await alice.post("/v1/checkins", json={"mood_score": 5, "occurred_at": at})
        assert answer.status_code == 422, (at, answer.text)
    assert owner.counts() == before


async def test_a_request_id_is_ours_unless_it_is_one(alice: Person) -> None:
    for bad in (b"x\r\nSet-Cookie: a=b", b"\xff\xfe", b"a" * 5000, b"{}", b"<script>", b"", b"7" * 32 + b"\n"):
        answer = await alice.get("/v1/users/me", headers={"x-request-id": bad})
        assert str(UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]
        assert "set-cookie" not in answer.headers
    mine = str(uuid4())
    assert (await alice.get("/v1/users/me", headers={"x-request-id": mine})).headers["x-request-id"] == mine


MONSTERS = ["fr;q=" + "9" * 5000, "," * 9000, "xx-" * 3000, "*;q=NaN", "fr;q=-1,en;q=1e309", "\x00", "é", "fr" * 4000]


async def test_any_accept_language_is_answered(client: httpx.AsyncClient) -> None:
    for monster in MONSTERS:
        headers = {"accept-language": monster.encode(), "accept": "text/html"}
        for path in ("/v1/crisis/resources", "/", "/help", "/sign-in", "/no-such-page"):
            answer = await client.get(path, headers=headers)
            expected = 404 if path == "/no-such-page" else 200
            assert answer.status_code == expected, (monster[:20], path, answer.text[:200])


async def test_of_a_hundred_claims_one_wins(world: World, circle: Circle, owner: Owner) -> None:
    responders = [await circle.staff(f"dana{n}", Role.RESPONDER) for n in range(20)]
    for responder in responders:
        assert (await responder.put("/v1/crisis/duty", json={"on_duty": True})).status_code == 200
    path = world.path("/v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}/claim")
    tries = [responder for _ in range(5) for responder in responders]
    answers = await asyncio.gather(*(who.post(path) for who in tries))
    won = {who.id for who, answer in zip(tries, answers, strict=True) if answer.status_code == 200}
    assert len(won) == 1
    assert {a.status_code for a in answers} <= {200, 409, 503}
    assert owner.one("SELECT claimed_by FROM safety.crisis_event") in won
    assert owner.one("SELECT count(*) FROM safety.event_step WHERE to_state = 'acknowledged'") == 1


class CountingPasswords(Passwords):
    """The real thing, which also counts how often it hashes."""

    verified = 0

    def _verify(self, password: str, stored: str) -> bool:
        CountingPasswords.verified += 1
        return super()._verify(password, stored)


async def test_an_unknown_address_costs_as_much_as_a_wrong_password(
    parts: Edge, alice: Person, client: httpx.AsyncClient, owner: Owner
) -> None:
    parts.ports["passwords"] = CountingPasswords(cheap=True)
    seen = []
    for email in (alice.email, "nobody@example.org"):
        CountingPasswords.verified, before = 0, owner.one("SELECT count(*) FROM kernel.attempt")
        answer = await client.post("/v1/auth/login", json={"email": email, "password": "not the right one"})
        body = {k: v for k, v in answer.json().items() if k != "request_id"}
        written = owner.one("SELECT count(*) FROM kernel.attempt") - before
        seen.append((answer.status_code, body, CountingPasswords.verified, written > 0))
    assert seen[0] == seen[1]
    assert seen[0][2] == 1


def _from(parts: Edge, address: str) -> httpx.AsyncClient:
    program = Outermost(application(parts), parts.settings, parts.tokens)
    transport = httpx.ASGITransport(app=program, client=(address, 1))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://wellspring.test")


async def test_guessing_locks_the_guesser_and_not_the_victim(parts: Edge, alice: Person) -> None:
    right = {"email": alice.email, "password": PASSWORD}
    async with _from(parts, "198.51.100.7") as there, _from(parts, "203.0.113.9") as home:
        codes = []
        for _ in range(8):
            guess = await there.post("/v1/auth/login", json={**right, "password": "a wrong guess"})
            codes.append(guess.status_code)
        assert codes[0] == 401
        assert codes[-1] == 429
        locked = await there.post("/v1/auth/login", json=right)
        assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
        assert int(locked.headers["retry-after"]) > 0
        spelled = await there.post("/v1/auth/login", json={**right, "email": alice.email.upper()})
        assert spelled.status_code == 429
        assert (await home.post("/v1/auth/login", json=right)).status_code == 200


async def test_a_forwarded_address_counts_only_from_the_proxy(parts: Edge, alice: Person) -> None:
    async with _from(parts, "198.51.100.8") as there:
        for number in range(8):
            last = await there.post(
                "/v1/auth/login",
                json={"email": alice.email, "password": "a wrong guess"},
                headers={"x-forwarded-for": f"203.0.113.{number}"},
            )
    assert last.status_code == 429


async def test_words_that_are_sql_are_words(world: World, owner: Owner) -> None:
    before = owner.prints_of(world.alice.id)
    for words in ("' OR '1'='1", "'; DROP TABLE checkins.checkin; --", "%' AND pg_sleep(5) --", "\\", "$$", "{}"):
        found = await world.alice.post("/v1/checkins/search", json={"text": words + "  "})
        assert found.json() == {"items": [], "more": False}
        assert (await world.alice.get("/v1/interventions", params={"q": words + "  "})).status_code == 200
    assert owner.prints_of(world.alice.id) == before
