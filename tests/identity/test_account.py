"""Changing how one signs in: strangers and stolen tokens first, then the owner, odd input, and everything at once."""

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise

import httpx
import psycopg
import pyotp
import pytest
from tests.support.people import NOWHERE, PASSWORD, Circle, Person

from wellspring.identity import service
from wellspring.identity.passwords import Passwords
from wellspring.identity.schemas import Login
from wellspring.kernel.edge import Edge
from wellspring.kernel.errors import Problem
from wellspring.kernel.tokens import TokenKind

pytestmark = pytest.mark.anyio

NEW = "seven slow boats at noon"
FACTOR = "/v1/users/me/second-factor"
RECOVERY = f"{FACTOR}/recovery-codes"
CHANGE = "/v1/users/me/password"


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


async def sign_in(client: httpx.AsyncClient, who: Person, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": who.email, "password": password, **more})


async def change(who: Person, current: str = PASSWORD, new: str = NEW) -> httpx.Response:
    return await who.put(CHANGE, json={"current_password": current, "new_password": new})


async def confirm(who: Person, secret: str, code: str = "", password: str = PASSWORD) -> httpx.Response:
    body = {"current_password": password, "secret": secret, "code": code or pyotp.TOTP(secret).now()}
    return await who.put(FACTOR, json=body)


async def set_up(who: Person) -> tuple[str, list[str]]:
    secret = (await who.post(FACTOR)).json()["secret"]
    answer = await confirm(who, secret)
    assert answer.status_code == 200, answer.text
    return secret, answer.json()["recovery_codes"]


async def new_codes(who: Person, code: str, password: str = PASSWORD) -> httpx.Response:
    return await who.post(RECOVERY, json={"current_password": password, "mfa_code": code})


def next_code(secret: str) -> str:
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def another_session(who: Person) -> Person:
    answer = await sign_in(who.client, who)
    assert answer.status_code == 200, answer.text
    return Person(who.client, who.id, who.email, answer.json())


async def test_a_stranger_changes_nothing(client: httpx.AsyncClient) -> None:
    for method, path in (("PUT", CHANGE), ("PUT", FACTOR), ("POST", RECOVERY), ("GET", FACTOR)):
        answer = await client.request(method, path, json={})
        assert told(answer) == (401, "unauthenticated"), path


async def test_a_stolen_token_locks_nobody_out(alice: Person, client: httpx.AsyncClient) -> None:
    secret = (await alice.post(FACTOR)).json()["secret"]
    for answer in (
        await change(alice, current="not it at all"),
        await change(alice, current=""),
        await confirm(alice, secret, password="not it at all"),
        await new_codes(alice, "000000", password="not it at all"),
    ):
        assert told(answer) == (403, "password_wrong")
        assert answer.json()["errors"][0]["path"] == "current_password"
    assert (await alice.get(FACTOR)).json() == {"set_up": False, "recovery_codes_left": 0}
    assert (await sign_in(client, alice)).status_code == 200


async def test_tries_at_the_current_password_are_five_however_they_are_made(
    alice: Person, client: httpx.AsyncClient
) -> None:
    secret = (await alice.post(FACTOR)).json()["secret"]
    tries = [change(alice, current=f"not it at all {n}") for n in range(8)]
    tries += [confirm(alice, secret, password=f"not it either {n}") for n in range(8)]
    answers = [told(answer) for answer in await asyncio.gather(*tries)]
    assert answers.count((403, "password_wrong")) == 5
    assert answers.count((429, "locked_out")) == 11
    assert told(await change(alice)) == (429, "locked_out")
    assert told(await sign_in(client, alice)) == (429, "locked_out")


async def test_failures_are_in_the_audit_trail(alice: Person, owner: psycopg.Connection[tuple[object, ...]]) -> None:
    await change(alice, current="not it at all")
    rows = owner.execute(
        "SELECT action, outcome, actor_id = person_id FROM kernel.audit WHERE person_id = %s"
        " AND action LIKE 'identity:password%%'",
        (alice.id,),
    ).fetchall()
    assert rows == [("identity:password:change", "failed", True)]


async def test_a_session_that_has_ended_changes_nothing(alice: Person) -> None:
    old = await another_session(alice)
    await old.post("/v1/auth/logout")
    assert told(await change(old)) == (401, "session_ended")
    assert told(await confirm(old, "A" * 32)) == (401, "session_ended")
    assert told(await new_codes(old, "000000")) == (401, "session_ended")


async def test_the_new_password_counts_and_every_other_session_ends(alice: Person, client: httpx.AsyncClient) -> None:
    other = await another_session(alice)
    assert (await change(alice)).status_code == 204
    assert told(await sign_in(client, alice)) == (401, "wrong_credentials")
    assert (await sign_in(client, alice, NEW)).status_code == 200
    assert told(await other.get("/v1/users/me")) == (401, "session_ended")
    refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": other.tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await alice.get("/v1/users/me")).status_code == 200


async def test_the_rules_of_signing_up_hold(circle: Circle) -> None:
    alice = await circle.member("marguerite", display_name="Marguerite Petit")
    for new in ("password1234", "Marguerite Petit", f"{alice.email}", "wellspring123"):
        answer = await change(alice, new=new)
        assert told(answer) == (422, "password_refused"), new
        assert answer.json()["errors"][0]["path"] == "new_password"
    for new in ("short", "x" * 257, ""):
        assert told(await change(alice, new=new)) == (422, "invalid")


async def test_the_last_five_passwords_are_not_taken_again(alice: Person) -> None:
    used = [PASSWORD] + [f"boat number {n} on a quiet lake" for n in "abcde"]
    for current, new in pairwise(used):
        for old in used[max(0, used.index(current) - 4) : used.index(current) + 1]:
            answer = await change(alice, current, old)
            assert answer.status_code == 422, (current, old)
            assert answer.json()["errors"][0]["code"] == "password_used_before"
        assert (await change(alice, current, new)).status_code == 204
    assert (await change(alice, used[-1], PASSWORD)).status_code == 204


async def test_a_change_that_is_sent_again_is_made_once(
    alice: Person, owner: psycopg.Connection[tuple[object, ...]]
) -> None:
    answers = await asyncio.gather(*(change(alice) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [204] * 4
    assert (await change(alice)).status_code == 204
    rows = owner.execute("SELECT previous_hashes FROM identity.login WHERE person_id = %s", (alice.id,)).fetchall()
    assert len(rows[0][0]) == 1  # type: ignore[arg-type]
    mails = owner.execute("SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'notify.password'").fetchall()
    assert mails == [(1,)]


async def test_of_two_changes_at_once_one_counts(alice: Person, client: httpx.AsyncClient) -> None:
    wanted = [NEW, "nine tall trees behind"]
    answers = await asyncio.gather(*(change(alice, new=new) for new in wanted))
    assert sorted(answer.status_code for answer in answers) == [204, 403]
    kept = wanted[[answer.status_code for answer in answers].index(204)]
    assert (await sign_in(client, alice, kept)).status_code == 200


class _SlowPasswords(Passwords):
    """Hashes as ever; something happens right after a password was found right."""

    def __init__(self, meanwhile: list[httpx.Response], who: Person) -> None:
        super().__init__(cheap=True)
        self.meanwhile = meanwhile
        self.who = who

    async def verify(self, password: str, stored: str | None) -> bool:
        right = await super().verify(password, stored)
        if right and not self.meanwhile:
            self.meanwhile.append(await change(self.who))
        return right


async def test_a_sign_in_that_was_under_way_does_not_survive_the_change(alice: Person, parts: Edge) -> None:
    """The old password was right when it was checked; the session would begin after all others were ended."""
    meanwhile: list[httpx.Response] = []
    accounts = service.Accounts(parts.db, parts.keys, _SlowPasswords(meanwhile, alice), parts.settings)
    with pytest.raises(Problem) as refused:
        await service.sign_in(accounts, Login(email=alice.email, password=PASSWORD), NOWHERE, kind=TokenKind.WEB)
    assert refused.value.code == "wrong_credentials"
    assert meanwhile[0].status_code == 204
    assert len((await alice.get("/v1/auth/sessions")).json()["items"]) == 1


async def test_setting_a_factor_up_ends_other_sessions_and_tells_how_it_stands(alice: Person) -> None:
    other = await another_session(alice)
    _, codes = await set_up(alice)
    assert (await other.get("/v1/users/me")).status_code == 401
    assert (await alice.get(FACTOR)).json() == {"set_up": True, "recovery_codes_left": 10}
    assert len(codes) == 10


async def test_a_wrong_code_or_a_second_secret_sets_nothing_up(alice: Person) -> None:
    secret = (await alice.post(FACTOR)).json()["secret"]
    for code in ("000000", "12345", "éééééé", "words"):
        assert told(await confirm(alice, secret, code)) == (401, "mfa_wrong")
    await set_up(alice)
    assert told(await confirm(alice, secret)) == (409, "second_factor_exists")


async def test_the_confirming_code_may_be_typed_in_groups(alice: Person) -> None:
    secret = (await alice.post(FACTOR)).json()["secret"]
    code = pyotp.TOTP(secret).now()
    assert (await confirm(alice, secret, f"{code[:3]} {code[3:]}")).status_code == 200


async def test_a_set_up_that_is_sent_twice_shows_codes_that_work(alice: Person, client: httpx.AsyncClient) -> None:
    secret = (await alice.post(FACTOR)).json()["secret"]
    answers = [await confirm(alice, secret) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    first, last = (answer.json()["recovery_codes"] for answer in answers)
    assert (await sign_in(client, alice, mfa_code=first[0])).status_code == 401
    assert (await sign_in(client, alice, mfa_code=last[0])).status_code == 200


async def test_new_recovery_codes_take_the_place_of_the_old(alice: Person, client: httpx.AsyncClient) -> None:
    secret, old = await set_up(alice)
    made = await new_codes(alice, next_code(secret))
    assert made.status_code == 200, made.text
    codes = made.json()["recovery_codes"]
    assert len(codes) == 10
    assert not set(codes) & set(old)
    assert told(await sign_in(client, alice, mfa_code=old[0])) == (401, "mfa_wrong")
    assert (await sign_in(client, alice, mfa_code=codes[0])).status_code == 200
    assert (await alice.get(FACTOR)).json()["recovery_codes_left"] == 9
    again = await new_codes(alice, codes[1])
    assert again.status_code == 200
    assert (await alice.get(FACTOR)).json()["recovery_codes_left"] == 10


async def test_without_a_code_there_are_no_new_recovery_codes(alice: Person) -> None:
    assert told(await new_codes(alice, "000000")) == (409, "second_factor_missing")
    secret, _ = await set_up(alice)
    used = next_code(secret)
    assert (await new_codes(alice, used)).status_code == 200
    for code in (used, "000000", "", "\0", "😀" * 5):
        assert told(await new_codes(alice, code)) == (401, "mfa_wrong"), code
    assert told(await new_codes(alice, next_code(secret))) == (429, "locked_out")


async def test_a_change_of_password_forgives_no_wrong_codes(alice: Person) -> None:
    secret, _ = await set_up(alice)
    for _ in range(4):
        assert told(await new_codes(alice, "000000")) == (401, "mfa_wrong")
    assert (await change(alice)).status_code == 204
    assert told(await new_codes(alice, "000000", NEW)) == (401, "mfa_wrong")
    assert told(await new_codes(alice, next_code(secret), NEW)) == (429, "locked_out")


async def test_of_two_who_use_one_code_one_gets_new_ones(alice: Person) -> None:
    _, codes = await set_up(alice)
    answers = await asyncio.gather(*(new_codes(alice, codes[0]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
