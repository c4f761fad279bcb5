"""A forgotten password: a link by mail that tells nobody who is here, works once, and passes by no second factor."""

import asyncio
import base64
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pyotp
import pytest
from tests.support.people import PASSWORD, Person

from wellspring.identity import forgotten
from wellspring.kernel import clock, ids
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JOBS, JobContext, JobPayload
from wellspring.notify.ports import RecordingMail

pytestmark = pytest.mark.anyio

ASK, RESET, FACTOR = "/v1/auth/forgot-password", "/v1/auth/reset-password", "/v1/users/me/second-factor"
NEW = "seven slow boats at noon"
OTHER = "nine warm stones in a row"


async def rows(url: str, text: str, *args: object) -> list[Any]:
    conn = await asyncpg.connect(url)
    try:
        return await conn.fetch(text, *args)
    finally:
        await conn.close()


async def link(parts: Edge, person: Person) -> str:
    """The last part of a link, as the worker makes it for the mail."""
    async with parts.db.begin(DbRole.WORKER, subject=person.id) as tx:
        path = await forgotten.link(tx, parts.keys, person.id)
    assert path is not None
    return path.rpartition("/")[2]


async def sign_in(client: httpx.AsyncClient, person: Person, password: str, **more: str) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": person.email, "password": password, **more})


async def reset(client: httpx.AsyncClient, made: str, password: str = NEW, **more: str) -> httpx.Response:
    return await client.post(RESET, json={"link": made, "new_password": password, **more})


async def set_up(who: Person) -> tuple[str, list[str]]:
    secret = (await who.post(FACTOR)).json()["secret"]
    body = {"current_password": PASSWORD, "secret": secret, "code": pyotp.TOTP(secret).now()}
    return secret, (await who.put(FACTOR, json=body)).json()["recovery_codes"]


def next_code(secret: str) -> str:
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)


async def test_the_answer_does_not_say_who_is_here(
    client: httpx.AsyncClient, alice: Person, parts: Edge, database_url: str
) -> None:
    answers = [
        await client.post(ASK, json={"email": email}) for email in (alice.email, "nobody@example.org", "no \x00")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    due = await rows(database_url, "SELECT payload FROM jobs.pgqueuer WHERE entrypoint = 'notify.password_link'")
    assert len(due) == 3, "what is done for an address that nobody has is the same"
    left = await rows(database_url, "SELECT person_id, outcome FROM kernel.audit WHERE action = $1", forgotten.ASK)
    assert sorted(map(tuple, left)) == sorted([(alice.id, "done"), (ids.NIL, "done"), (ids.NIL, "done")])
    mail = RecordingMail()
    ctx = JobContext(parts.db, parts.settings, parts.keys, {"mail": mail})
    for _ in range(2):
        for person_id in (alice.id, ids.NIL):
            await JOBS["notify.password_link"](ctx, JobPayload(person_id, ids.new()))
    made = await rows(database_url, "SELECT person_id, id, template FROM notify.delivery")
    assert [(row["person_id"], row["template"]) for row in made] == [(alice.id, "password_link")]
    await JOBS["notify.deliver"](ctx, JobPayload(alice.id, made[0]["id"]))
    found = [word for word in mail.sent[0].text.split() if forgotten.PAGE in word]
    assert (mail.sent[0].to, len(found)) == (alice.email, 1)
    assert (await reset(client, found[0].rpartition("/")[2])).status_code == 204
    assert (await sign_in(client, alice, NEW)).status_code == 200


async def test_asking_is_limited_alike_for_everybody(client: httpx.AsyncClient, alice: Person) -> None:
    for email in (alice.email, "nobody@example.org"):
        answers = [await client.post(ASK, json={"email": email}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [204] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
    assert (await sign_in(client, alice, PASSWORD)).status_code == 200, "signing in is counted apart"


async def test_a_closed_account_gets_no_link(alice: Person, parts: Edge, database_url: str) -> None:
    made = await link(parts, alice)
    await rows(database_url, "UPDATE identity.person SET status = 'suspended' WHERE person_id = $1", alice.id)
    ctx = JobContext(parts.db, parts.settings, parts.keys, {})
    await JOBS["notify.password_link"](ctx, JobPayload(alice.id, ids.new()))
    assert await rows(database_url, "SELECT 1 FROM notify.delivery") == []
    assert (await reset(alice.client, made)).json()["code"] == "link_refused"


async def test_a_link_works_once_and_ends_every_session(alice: Person, parts: Edge, database_url: str) -> None:
    client, made = alice.client, await link(parts, alice)
    for easy in ("password1234", PASSWORD):
        assert (await reset(client, made, easy)).status_code == 422, "and the link can still be used"
    assert (await alice.get("/v1/users/me")).status_code == 200
    assert (await reset(client, made)).status_code == 204
    assert (await alice.get("/v1/users/me")).status_code == 401
    refresh = {"refresh_token": alice.tokens["refresh_token"]}
    assert (await client.post("/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await sign_in(client, alice, PASSWORD)).status_code == 401
    assert (await sign_in(client, alice, NEW)).status_code == 200
    again = await reset(client, made, OTHER)
    assert (again.status_code, again.json()["code"]) == (403, "link_refused")
    left = await rows(database_url, "SELECT outcome FROM kernel.audit WHERE action = $1", forgotten.RESET)
    assert [row["outcome"] for row in left] == ["done"]
    told = await rows(database_url, "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'notify.password'")
    assert len(told) == 1


async def test_of_two_uses_at_once_one_counts(alice: Person, parts: Edge) -> None:
    made = await link(parts, alice)
    answers = await asyncio.gather(reset(alice.client, made), reset(alice.client, made, OTHER))
    assert sorted(answer.status_code for answer in answers) == [204, 403]


async def test_another_change_of_the_sign_in_ends_a_link(alice: Person, charlie: Person, parts: Edge) -> None:
    made = await link(parts, alice)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert (await alice.put("/v1/users/me/password", json=body)).status_code == 204
    assert (await reset(alice.client, made, OTHER)).status_code == 403
    made = await link(parts, charlie)
    await set_up(charlie)
    assert (await reset(charlie.client, made, OTHER)).status_code == 403


async def test_a_link_runs_out(alice: Person, parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        then = datetime.now(UTC) - forgotten.TTL - timedelta(seconds=1)
        patched.setattr(clock, "now", lambda: then)
        made = await link(parts, alice)
    assert (await reset(alice.client, made)).status_code == 403


async def test_a_link_is_not_made_up(alice: Person, charlie: Person, parts: Edge) -> None:
    made = await link(parts, alice)
    raw = bytearray(base64.urlsafe_b64decode(made + "=" * (-len(made) % 4)))
    raw[:16] = charlie.id.bytes
    other = Keyring({1: b"k" * 32}, b"s" * 32)
    async with parts.db.begin(DbRole.WORKER, subject=charlie.id) as tx:
        foreign = (await forgotten.link(tx, other, charlie.id) or "").rpartition("/")[2]
        assert await forgotten.link(tx, parts.keys, alice.id) is None, "not the subject of this transaction"
    forged = [base64.urlsafe_b64encode(raw).decode().rstrip("="), foreign, made[:-4], "", "é", "A" * 86, made + "AAAA"]
    for text in forged:
        answer = await reset(alice.client, text)
        assert (answer.status_code, answer.json()["code"]) == (403, "link_refused"), text
    assert (await sign_in(charlie.client, charlie, PASSWORD)).status_code == 200


async def test_it_does_not_pass_by_the_second_factor(alice: Person, parts: Edge, database_url: str) -> None:
    secret, recovery = await set_up(alice)
    client, made = alice.client, await link(parts, alice)
    for more, code in (({}, "mfa_required"), ({"mfa_code": "000000"}, "mfa_wrong")):
        for password in (NEW, PASSWORD, "password1234"):
            answer = await reset(client, made, password, **more)
            assert (answer.status_code, answer.json()["code"]) == (401, code), "nor does it tell about passwords"
    assert (await reset(client, made, PASSWORD, mfa_code=recovery[0])).status_code == 422
    assert (await reset(client, made, mfa_code=recovery[0])).status_code == 204, "a refusal did not use the code up"
    assert (await sign_in(client, alice, NEW, mfa_code=recovery[0])).json()["code"] == "mfa_wrong"
    assert (await sign_in(client, alice, NEW, mfa_code=next_code(secret))).status_code == 200
    made = await link(parts, alice)
    used = await reset(client, made, OTHER, mfa_code=next_code(secret))
    assert used.json()["code"] == "mfa_wrong", "a code of the app works once, here too"
    left = await rows(
        database_url, "SELECT actor_id, outcome FROM kernel.audit WHERE action = $1 ORDER BY id", forgotten.RESET
    )
    assert [tuple(row) for row in left] == [*[(ids.NIL, "failed")] * 3, (alice.id, "done"), (ids.NIL, "failed")]


async def test_codes_cannot_be_guessed_with_a_link(alice: Person, parts: Edge) -> None:
    secret, _ = await set_up(alice)
    made = await link(parts, alice)
    codes = ["000000", "111111"] * 5 + [next_code(secret)]
    answers = await asyncio.gather(*(reset(alice.client, made, mfa_code=code) for code in codes))
    assert [answer.json().get("code") for answer in answers].count("mfa_wrong") == 5
    assert answers[-1].status_code == 429


async def test_who_failed_too_often_gets_in_with_a_new_password(alice: Person, parts: Edge) -> None:
    for _ in range(5):
        await sign_in(alice.client, alice, "not it at all")
    assert (await sign_in(alice.client, alice, PASSWORD)).status_code == 429
    assert (await reset(alice.client, await link(parts, alice))).status_code == 204
    assert (await sign_in(alice.client, alice, NEW)).status_code == 200
