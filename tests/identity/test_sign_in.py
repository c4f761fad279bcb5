"""Signing up and in."""

import asyncio

import httpx
import pytest
from tests.support.people import PASSWORD, Circle, Person

from wellspring.identity import lockout
from wellspring.identity.errors import LockedOut
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio


async def test_a_stranger_sees_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/v1/users/me", "/v1/users/me/preferences", "/v1/auth/sessions"):
        answer = await client.get(path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "unauthenticated"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_alice_registers_and_sees_herself(alice: Person) -> None:
    answer = await alice.get("/v1/users/me")
    assert answer.status_code == 200, answer.text
    assert answer.json()["email"] == alice.email
    assert answer.json()["display_name"] == "Alice"


async def test_an_address_is_taken_once(alice: Person, client: httpx.AsyncClient) -> None:
    body = {"email": alice.email.upper(), "password": PASSWORD}
    answer = await client.post("/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_logout_takes_effect_on_the_next_request(alice: Person) -> None:
    assert (await alice.post("/v1/auth/logout")).status_code == 204
    answer = await alice.get("/v1/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_refresh_rotates_and_reuse_ends_the_family(alice: Person, client: httpx.AsyncClient) -> None:
    first = alice.tokens["refresh_token"]
    second = (await client.post("/v1/auth/refresh", json={"refresh_token": first})).json()
    again = await client.post("/v1/auth/refresh", json={"refresh_token": first})
    assert (again.status_code, again.json()["code"]) == (401, "refresh_refused")
    family = await client.post("/v1/auth/refresh", json={"refresh_token": second["refresh_token"]})
    assert family.status_code == 401
    assert (await alice.get("/v1/users/me")).status_code == 401


async def test_staff_need_a_second_factor(circle: Circle, dana: Person, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/auth/login", json={"email": dana.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")


async def test_five_failures_lock_this_network_only(alice: Person, client: httpx.AsyncClient) -> None:
    wrong = {"email": alice.email, "password": "not the password"}
    for _ in range(5):
        assert (await client.post("/v1/auth/login", json=wrong)).json()["code"] == "wrong_credentials"
    answer = await client.post("/v1/auth/login", json={"email": alice.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "locked_out")
    assert int(answer.headers["retry-after"]) > 0


async def test_many_tries_at_once_are_still_five(alice: Person, client: httpx.AsyncClient) -> None:
    passwords = [f"not the password {n}" for n in range(20)] + [PASSWORD]
    bodies = [{"email": alice.email, "password": password} for password in passwords]
    answers = await asyncio.gather(*(client.post("/v1/auth/login", json=body) for body in bodies))
    assert [answer.status_code for answer in answers].count(401) == 5
    assert answers[-1].status_code == 429


PASS = Query(
    "UPDATE kernel.attempt SET last_at = last_at - make_interval(mins => $1), locked_until = NULL",
    int,
    DbRole.SIGNIN,
    register=False,
)


async def test_a_busy_network_is_not_locked_by_mistakes_of_many_days(parts: Edge) -> None:
    async with parts.db.begin(DbRole.SIGNIN) as tx:
        for day in range(200):
            await tx.do(PASS, 20)
            await lockout.failed(tx, lockout.scopes(parts.keys, f"person{day}@example.org", "192.0.2.1"))
        await lockout.refuse_if_locked(tx, lockout.scopes(parts.keys, "alice@example.org", "192.0.2.1"))


async def test_a_network_that_guesses_is_locked(parts: Edge) -> None:
    async with parts.db.begin(DbRole.SIGNIN) as tx:
        for number in range(lockout.FREE_PER_NETWORK):
            await lockout.refuse_if_locked(tx, lockout.scopes(parts.keys, f"{number}@example.org", "192.0.2.1"))
            await lockout.failed(tx, lockout.scopes(parts.keys, f"{number}@example.org", "192.0.2.1"))
        for minutes in (0, 7):
            await tx.do(PASS, minutes)
            await lockout.failed(tx, lockout.scopes(parts.keys, "x@example.org", "192.0.2.1"))
            with pytest.raises(LockedOut):
                await lockout.refuse_if_locked(tx, lockout.scopes(parts.keys, "alice@example.org", "192.0.2.1"))
        await lockout.refuse_if_locked(tx, lockout.scopes(parts.keys, "alice@example.org", "198.51.100.1"))


@pytest.mark.parametrize(
    ("made", "typed"),
    [
        ("zo\u00e9@exemple.org", "zoe\u0301@exemple.org"),
        ("zoe@ex\u00e9mple.org", "zoe@xn--exmple-cva.org"),
        ("zoe@xn--exmple-cva.org", "Zoe@XN--exmple-cva.org"),
        ("zoe@ex\u00e9mple.org", " ZOE@EX\u00c9MPLE.ORG "),
    ],
)
async def test_an_address_is_known_again_however_it_is_written(
    client: httpx.AsyncClient, made: str, typed: str
) -> None:
    body = {"email": made, "password": PASSWORD}
    assert (await client.post("/v1/auth/register", json=body)).status_code == 201
    for email in (made, typed):
        answer = await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, email


async def test_a_role_change_takes_effect_on_the_next_request(erin: Person, bob: Person) -> None:
    assert (await bob.get("/v1/users/me")).status_code == 200
    answer = await erin.put(f"/v1/people/{bob.id}/roles", json={"roles": ["member"]})
    assert answer.status_code == 200, answer.text
    assert (await bob.get("/v1/users/me")).status_code == 401


async def test_easy_passwords_are_refused(client: httpx.AsyncClient) -> None:
    for password in ("password1234", "wellspring2026", "qwertyuiopas", "aliceexample"):
        body = {"email": "alice@example.org", "password": password}
        answer = await client.post("/v1/auth/register", json=body)
        assert answer.status_code == 422, password
        assert answer.json()["errors"][0]["code"] == "password_easy_to_guess"


async def test_signing_up_does_not_tell_for_ever_who_is_here(
    alice: Person, charlie: Person, client: httpx.AsyncClient
) -> None:
    """That somebody has an account is health data, and signing up has to say that an address is taken."""

    async def join(email: str) -> int:
        answer = await client.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
        if answer.status_code == 429:
            assert answer.json()["code"] == "locked_out"
            assert int(answer.headers["retry-after"]) > 0
        return answer.status_code

    assert [await join(alice.email) for _ in range(6)] == [409] * 5 + [429]
    assert await join(charlie.email) == 409
    assert await join("zoe@example.org") == 201
    body = {"email": alice.email, "password": PASSWORD}
    assert (await client.post("/v1/auth/login", json=body)).status_code == 200, "signing in is counted apart"


async def test_whoever_tries_many_addresses_from_one_network_waits(
    alice: Person, parts: Edge, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockout, "FREE_PER_NETWORK", 3)
    emails = [(await Circle(parts, client).member(f"amy{n}")).email for n in range(3)]
    sent = [{"email": email, "password": PASSWORD} for email in (*emails, alice.email)]
    answers = [await client.post("/v1/auth/register", json=body) for body in sent]
    assert [answer.status_code for answer in answers] == [409, 409, 409, 429]
