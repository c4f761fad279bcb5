"""The second factor: what it takes to act as staff, codes that work once, and codes as people type them."""

import asyncio
import time
from uuid import UUID

import httpx
import pyotp
import pytest
from tests.support.people import NOWHERE, PASSWORD, Person

from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind
from wellspring.migrations.runner import Runner

pytestmark = pytest.mark.anyio

EMAIL = "fay@staff.example.org"
FACTOR = "/v1/users/me/second-factor"
AGE = Query(
    "UPDATE identity.session SET created_at = now() - make_interval(hours => $2) WHERE person_id = $1",
    int,
    DbRole.SIGNIN,
    register=False,
)


async def signed_in(client: httpx.AsyncClient, email: str = EMAIL, **more: str) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD, **more})


async def refreshed(client: httpx.AsyncClient, tokens: dict[str, str]) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


async def sees_the_desk(client: httpx.AsyncClient, tokens: dict[str, str]) -> int:
    answer = await client.get("/v1/crisis/desk", headers={"authorization": f"Bearer {tokens['access_token']}"})
    return answer.status_code


async def without_factor(parts: Edge) -> UUID:
    """A responder who has yet to set up a second factor."""
    accounts = service.Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)
    roles = frozenset({Role.RESPONDER, Role.MEMBER})
    wanted = Register(email=EMAIL, password=PASSWORD)
    return (await service.register(accounts, wanted, NOWHERE, kind=TokenKind.ACCESS, roles=roles)).who.person_id


async def set_up(client: httpx.AsyncClient, who: Person) -> tuple[str, list[str]]:
    """Set up a second factor; return its secret and the recovery codes."""
    secret = (await who.post(FACTOR)).json()["secret"]
    code = pyotp.TOTP(secret).now()
    answer = await who.put(FACTOR, json={"current_password": PASSWORD, "secret": secret, "code": code})
    assert answer.status_code == 200, answer.text
    return secret, answer.json()["recovery_codes"]


async def test_no_session_that_never_gave_a_code_becomes_a_staff_session(
    parts: Edge, client: httpx.AsyncClient
) -> None:
    person_id = await without_factor(parts)
    thief, hers = (await signed_in(client)).json(), (await signed_in(client)).json()
    assert hers["second_factor_needed"]
    secret, _ = await set_up(client, Person(client, person_id, EMAIL, hers))
    assert (await refreshed(client, thief)).status_code == 401
    here = (await refreshed(client, hers)).json()
    assert await sees_the_desk(client, here) == 403
    staff = (await signed_in(client, mfa_code=next_code(secret))).json()
    assert await sees_the_desk(client, staff) == 200
    assert await sees_the_desk(client, (await refreshed(client, staff)).json()) == 200


def next_code(secret: str) -> str:
    """The code of the next half minute, which is taken too: the present one was used to set up the factor."""
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)


async def test_of_two_who_set_one_up_at_once_one_does(alice: Person) -> None:
    secrets = [(await alice.post(FACTOR)).json()["secret"] for _ in range(2)]
    bodies = [{"current_password": PASSWORD, "secret": secret, "code": pyotp.TOTP(secret).now()} for secret in secrets]
    answers = await asyncio.gather(*(alice.put(FACTOR, json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    kept = secrets[[answer.status_code for answer in answers].index(200)]
    assert (await signed_in(alice.client, alice.email, mfa_code=next_code(kept))).status_code == 200


async def test_who_is_given_a_role_signs_in_again_and_no_session_of_before_becomes_one_of_staff(
    alice: Person, erin: Person
) -> None:
    thief = (await signed_in(alice.client, alice.email)).json()
    assert (await erin.put(f"/v1/people/{alice.id}/roles", json={"roles": ["member", "responder"]})).status_code == 200
    for tokens in (thief, alice.tokens):
        assert (await refreshed(alice.client, tokens)).status_code == 401
    assert (await alice.put(FACTOR, json={})).status_code in (401, 422)
    alice.tokens = (await signed_in(alice.client, alice.email)).json()
    secret, _ = await set_up(alice.client, alice)
    here = (await refreshed(alice.client, alice.tokens)).json()
    assert await sees_the_desk(alice.client, here) == 403, "it never gave a code as it was opened"
    staff = (await signed_in(alice.client, alice.email, mfa_code=next_code(secret))).json()
    assert await sees_the_desk(alice.client, staff) == 200


async def test_sessions_that_an_earlier_version_raised_to_staff_end_with_the_migration(
    alice: Person, erin: Person, database_url: str
) -> None:
    """They had never given a code, and became staff sessions by a refresh once a second factor was set up."""
    runner = Runner(database_url)
    steps = sum(state.version >= "20261123090000" for state in runner.status())
    await asyncio.to_thread(runner.down, steps)
    await erin.put(f"/v1/people/{alice.id}/roles", json={"roles": ["member", "responder"]})
    raised = await refreshed(alice.client, alice.tokens)
    assert raised.status_code == 200
    await asyncio.to_thread(runner.up)
    assert (await refreshed(alice.client, raised.json())).status_code == 401
    assert (await refreshed(erin.client, erin.tokens)).status_code == 200


async def test_a_member_stays_signed_in_for_longer_than_a_day(parts: Edge, alice: Person) -> None:
    async with parts.db.begin(DbRole.SIGNIN, actor=alice.id) as tx:
        await tx.do(AGE, alice.id, 25)
    assert (await refreshed(alice.client, alice.tokens)).status_code == 200


async def test_codes_work_once(alice: Person) -> None:
    secret, recovery = await set_up(alice.client, alice)
    assert len(set(recovery)) == 10
    for code in (next_code(secret), recovery[3]):
        assert (await signed_in(alice.client, alice.email, mfa_code=code)).status_code == 200
        again = await signed_in(alice.client, alice.email, mfa_code=code)
        assert (again.status_code, again.json()["code"]) == (401, "mfa_wrong")


async def test_many_codes_at_once_are_still_five_tries(alice: Person) -> None:
    secret, _ = await set_up(alice.client, alice)
    codes = ["000000", "111111"] * 10 + [next_code(secret)]
    answers = await asyncio.gather(*(signed_in(alice.client, alice.email, mfa_code=code) for code in codes))
    assert [answer.json().get("code") for answer in answers].count("mfa_wrong") == 5
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("how", ["{0}{1} ", " {0} {1}", "{0}-{1}"])
async def test_a_code_may_be_typed_as_apps_show_it(alice: Person, how: str) -> None:
    secret, recovery = await set_up(alice.client, alice)
    for code in (next_code(secret), recovery[0].upper().replace("-", "")):
        half = len(code) // 2
        typed = how.format(code[:half], code[half:])
        assert (await signed_in(alice.client, alice.email, mfa_code=typed)).status_code == 200, typed


async def test_digits_of_another_keyboard_are_digits(alice: Person) -> None:
    secret, _ = await set_up(alice.client, alice)
    typed = "".join(chr(0x660 + int(digit)) for digit in next_code(secret))
    assert (await signed_in(alice.client, alice.email, mfa_code=typed)).status_code == 200


@pytest.mark.parametrize("code", ["éééééé", "¹²³⁴⁵⁶", "12345\0", "😀😀😀😀😀😀"])
async def test_a_code_of_other_characters_is_wrong_and_counted(alice: Person, code: str) -> None:
    await set_up(alice.client, alice)
    for _ in range(5):
        answer = await signed_in(alice.client, alice.email, mfa_code=code)
        assert (answer.status_code, answer.json()["code"]) == (401, "mfa_wrong")
    assert (await signed_in(alice.client, alice.email, mfa_code=code)).status_code == 429
