"""Administrators and accounts: who may, what they see, what holds at once, and what nobody can do."""

import asyncio
import time
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psycopg
import pyotp
import pytest

from tests.support.people import NOWHERE, PASSWORD, Circle, Person
from wellspring.admin import jobs
from wellspring.identity import queries as q
from wellspring.identity import service
from wellspring.identity.errors import AccountClosed
from wellspring.identity.schemas import Login
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind

pytestmark = pytest.mark.anyio


async def rows(url: str, text: str, *args: object) -> list[Any]:
    conn = await asyncpg.connect(url)
    try:
        return await conn.fetch(text, *args)
    finally:
        await conn.close()


def of(person: Person, what: str) -> str:
    return f"/v1/people/{person.id}/{what}"


async def sign_in(client: httpx.AsyncClient, person: Person, **more: str) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD, **more})


async def next_code(person: Person, parts: Edge, url: str) -> str:
    """The code of the next half minute: the present one was used to sign in."""
    found = await rows(url, "SELECT totp_secret FROM identity.login WHERE person_id = $1", person.id)
    secret = service.totp_secret(parts.keys, person.id, found[0]["totp_secret"])
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)


async def test_nobody_else_finds_or_changes_an_account(
    alice: Person, charlie: Person, bob: Person, dana: Person, client: httpx.AsyncClient, database_url: str
) -> None:
    calls = [
        ("GET", "/v1/staff", None),
        ("POST", "/v1/people/find", {"email": alice.email}),
        ("GET", of(alice, "account"), None),
        ("PUT", of(alice, "roles"), {"roles": ["admin"]}),
        ("PUT", of(alice, "status"), {"status": "suspended"}),
        ("PUT", of(alice, "supervisor"), {"is_supervisor": True}),
        ("DELETE", of(alice, "sessions"), None),
        ("DELETE", of(alice, "second-factor"), None),
    ]
    for method, path, body in calls:
        assert (await client.request(method, path, json=body)).status_code == 401, path
        for who in (alice, charlie, bob, dana):
            answer = await who.request(method, path, json=body)
            assert answer.status_code == (404 if str(alice.id) in path else 403), (path, answer.text)
    assert (await alice.get("/v1/users/me")).json()["roles"] == ["member"]
    assert await rows(database_url, "SELECT 1 FROM safety.duty") == []


async def test_the_database_asks_for_an_administrator_too(
    alice: Person, bob: Person, erin: Person, parts: Edge, database_url: str
) -> None:
    calls = (
        "SELECT identity.change_roles($1, '{admin}', NULL)",
        "SELECT identity.change_status($1, 'suspended')",
        "SELECT identity.end_sessions($1)",
        "SELECT identity.take_factor_off($1)",
        "SELECT safety.change_supervisor($1, true)",
    )
    for actor in (bob.id, UUID(int=7)):
        conn = await asyncpg.connect(parts.db.dsn(DbRole.STAFF))
        await conn.execute("SELECT set_config('app.actor_id', $1, false)", str(actor))
        assert [await conn.fetchval(call, alice.id) for call in calls] == ["forbidden"] * len(calls)
        assert await conn.fetch("SELECT * FROM identity.account($1)", alice.id) == []
        assert (
            await conn.fetch("SELECT * FROM identity.staff_accounts('9999-01-01', $1, 9)", UUID(int=2**128 - 1)) == []
        )
        await conn.close()
    await rows(database_url, "UPDATE identity.login SET totp_secret = NULL WHERE person_id = $1", erin.id)
    assert (await erin.put(of(alice, "roles"), json={"roles": ["responder"]})).status_code == 403
    assert (await erin.get(of(alice, "account"))).status_code == 404


async def test_a_responder_does_not_make_themselves_supervisor(dana: Person, parts: Edge) -> None:
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    conn = await asyncpg.connect(parts.db.dsn(DbRole.STAFF))
    await conn.execute("SELECT set_config('app.actor_id', $1, false)", str(dana.id))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute("UPDATE safety.duty SET is_supervisor = true")
    await conn.close()


async def test_an_account_is_found_by_its_whole_address_and_shows_no_health(
    alice: Person, dana: Person, erin: Person, database_url: str
) -> None:
    await alice.patch("/v1/users/me", json={"bio": "quokkaberry", "has_adhd": True})
    assert (await erin.post("/v1/people/find", json={"email": alice.email[:-1]})).status_code == 404
    assert (await erin.post("/v1/people/find", json={"email": "\x00"})).status_code == 404
    found = await erin.post("/v1/people/find", json={"email": f" {alice.email.upper()} "})
    assert found.json() == {
        "id": str(alice.id),
        "email": alice.email,
        "display_name": None,
        "status": "active",
        "roles": ["member"],
        "second_factor": False,
        "is_supervisor": False,
    }
    assert (await erin.get(of(alice, "account"))).json() == found.json()
    staff = (await erin.get("/v1/staff")).json()["items"]
    assert {(one["id"], one["display_name"]) for one in staff} == {(str(dana.id), "Dana"), (str(erin.id), "Erin")}
    left = await rows(database_url, "SELECT * FROM kernel.audit WHERE actor_id = $1", erin.id)
    assert {row["action"] for row in left} >= {"identity:account:find", "identity:account:read", "identity:staff:list"}
    assert alice.email not in str(left)
    missed = [row for row in left if row["action"] == "identity:account:find" and row["outcome"] == "failed"]
    assert {(row["person_id"], row["count"]) for row in missed} == {(ids.NIL, 0)}


async def test_staff_are_paged(circle: Circle, erin: Person) -> None:
    made = {str((await circle.staff("dana", Role.RESPONDER)).id) for _ in range(3)} | {str(erin.id)}
    seen, cursor = list[str](), ""
    while True:
        answer = (await erin.get(f"/v1/staff?limit=2{cursor}")).json()
        seen += [one["id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert len(seen) == 4
    assert set(seen) == made


async def test_a_deleted_account_is_nowhere(alice: Person, erin: Person, database_url: str) -> None:
    await rows(database_url, "UPDATE identity.person SET status = 'deleted' WHERE person_id = $1", alice.id)
    assert (await erin.post("/v1/people/find", json={"email": alice.email})).status_code == 404
    for method, what, body in (
        ("GET", "account", None),
        ("PUT", "roles", {"roles": ["member"]}),
        ("PUT", "status", {"status": "active"}),
        ("PUT", "supervisor", {"is_supervisor": False}),
        ("DELETE", "sessions", None),
        ("DELETE", "second-factor", None),
    ):
        assert (await erin.request(method, of(alice, what), json=body)).status_code == 404, what
    assert (await alice.get("/v1/users/me")).status_code == 401


async def test_a_suspended_person_is_out_at_once_and_can_come_back(
    alice: Person, erin: Person, client: httpx.AsyncClient, database_url: str
) -> None:
    assert (await erin.put(of(alice, "status"), json={"status": "suspended"})).status_code == 200
    assert (await alice.get("/v1/users/me")).status_code == 401
    refresh = {"refresh_token": alice.tokens["refresh_token"]}
    assert (await client.post("/v1/auth/refresh", json=refresh)).status_code == 401
    refused = await sign_in(client, alice)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_closed")
    assert (await erin.get(of(alice, "account"))).json()["status"] == "suspended"
    assert (await erin.put(of(alice, "status"), json={"status": "active"})).status_code == 200
    assert (await alice.get("/v1/users/me")).status_code == 401
    assert (await sign_in(client, alice)).status_code == 200
    why = await rows(database_url, "SELECT ended_why FROM identity.session WHERE person_id = $1", alice.id)
    assert {row["ended_why"] for row in why} == {"suspended", None}
    left = await rows(database_url, "SELECT outcome FROM kernel.audit WHERE action = 'identity:status:write'")
    assert [row["outcome"] for row in left] == ["done", "done"]


async def test_no_sign_in_that_had_begun_slips_through(alice: Person, erin: Person, parts: Edge) -> None:
    """The password was right, and verifying it took its time: the account is looked at again as the session opens."""
    passwords = parts.ports["passwords"]

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(passwords, name)

        async def verify(self, given: str, stored: str | None) -> bool:
            right: bool = await passwords.verify(given, stored)
            assert (await erin.put(of(alice, "status"), json={"status": "suspended"})).status_code == 200
            return right

    accounts = service.Accounts(parts.db, parts.keys, Slow(), parts.settings)  # type: ignore[arg-type]
    with pytest.raises(AccountClosed):
        await service.sign_in(accounts, Login(email=alice.email, password=PASSWORD), NOWHERE, kind=TokenKind.WEB)


async def test_a_sign_in_that_is_committing_is_ended_too(
    alice: Person, erin: Person, parts: Edge, database_url: str
) -> None:
    async with parts.db.begin(DbRole.SIGNIN, actor=alice.id) as tx:
        assert await tx.maybe(q.SIGNED_IN, alice.id) == ["member"]
        suspending = asyncio.create_task(erin.put(of(alice, "status"), json={"status": "suspended"}))
        await asyncio.sleep(0.3)
        assert not suspending.done()
        await tx.do(q.ADD_SESSION, alice.id, ids.new(), "web", False, None, None, 3600.0)
    assert (await suspending).status_code == 200
    still = await rows(
        database_url, "SELECT 1 FROM identity.session WHERE person_id = $1 AND ended_at IS NULL", alice.id
    )
    assert still == []


async def test_an_account_that_the_owner_of_the_database_closes_has_no_sessions(
    alice: Person, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE identity.person SET status = 'inactive' WHERE person_id = %s", (alice.id,))
    assert (await alice.get("/v1/users/me")).status_code == 401


async def test_nobody_suspends_themselves(erin: Person, circle: Circle, database_url: str) -> None:
    await circle.staff("eve", Role.ADMIN)
    refused = await erin.put(of(erin, "status"), json={"status": "suspended"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yourself")
    assert (await erin.get("/v1/staff")).status_code == 200
    left = await rows(database_url, "SELECT outcome FROM kernel.audit WHERE action = 'identity:status:write'")
    assert [row["outcome"] for row in left] == ["refused"]
    assert (await erin.put(of(erin, "status"), json={"status": "deleted"})).status_code == 422


async def test_the_last_administrator_stays_one(
    erin: Person, circle: Circle, alice: Person, client: httpx.AsyncClient, database_url: str
) -> None:
    mine = {"roles": ["member"]}
    refused = await erin.put(of(erin, "roles"), json=mine)
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")
    assert (await erin.put(of(alice, "roles"), json={"roles": ["admin", "member"]})).status_code == 200
    assert (await erin.put(of(erin, "roles"), json=mine)).status_code == 409, "alice has no second factor"
    eve = await circle.staff("eve", Role.ADMIN)
    assert (await eve.put(of(erin, "status"), json={"status": "suspended"})).status_code == 200
    assert (await eve.put(of(eve, "roles"), json=mine)).status_code == 409, "erin is suspended"
    assert (await eve.put(of(erin, "status"), json={"status": "active"})).status_code == 200
    assert (await eve.put(of(eve, "roles"), json=mine)).status_code == 200
    assert (await eve.get("/v1/users/me")).status_code == 401


async def test_two_who_take_each_others_role_at_once_leave_one(erin: Person, circle: Circle, database_url: str) -> None:
    eve = await circle.staff("eve", Role.ADMIN)
    answers = await asyncio.gather(
        erin.put(of(eve, "roles"), json={"roles": ["member"]}), eve.put(of(erin, "roles"), json={"roles": ["member"]})
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert codes[1] in (401, 403)
    left = await rows(database_url, "SELECT 1 FROM identity.person WHERE 'admin' = ANY(roles)")
    assert len(left) == 1


async def test_two_who_suspend_each_other_at_once_leave_one(erin: Person, circle: Circle, database_url: str) -> None:
    eve = await circle.staff("eve", Role.ADMIN)
    body = {"status": "suspended"}
    answers = await asyncio.gather(erin.put(of(eve, "status"), json=body), eve.put(of(erin, "status"), json=body))
    assert sorted(answer.status_code for answer in answers)[0] == 200
    left = await rows(database_url, "SELECT 1 FROM identity.person WHERE 'admin' = ANY(roles) AND status = 'active'")
    assert len(left) == 1


async def test_roles_hold_at_once_and_the_person_is_told_once(
    alice: Person, erin: Person, parts: Edge, database_url: str
) -> None:
    wanted = {"roles": ["responder", "member", "responder"]}
    assert (await erin.put(of(alice, "roles"), json=wanted)).json() == {"roles": ["member", "responder"]}
    assert (await alice.get("/v1/users/me")).status_code == 401
    alice.tokens = (await sign_in(alice.client, alice)).json()
    await erin.put(of(alice, "roles"), json=wanted)
    assert (await alice.get("/v1/users/me")).status_code == 200, "the same roles end no sign-in"
    due = await rows(database_url, "SELECT payload FROM jobs.pgqueuer WHERE entrypoint = $1", jobs.TELL)
    assert len(due) == 1, "the second changed nothing"
    ctx, job = JobContext(parts.db, parts.settings, parts.keys, {}), JobPayload(alice.id, ids.new())
    await jobs.tell(ctx, job)
    await jobs.tell(ctx, job)
    made = await rows(database_url, "SELECT person_id, template FROM notify.delivery")
    assert [tuple(row) for row in made] == [(alice.id, "roles_changed")]
    await erin.put(of(alice, "status"), json={"status": "suspended"})
    await jobs.tell(ctx, JobPayload(alice.id, ids.new()))
    assert len(await rows(database_url, "SELECT 1 FROM notify.delivery")) == 1, "nobody to write to"


async def test_only_a_responder_supervises_and_a_supervisor_who_leaves_does_not_come_back_as_one(
    alice: Person, dana: Person, erin: Person, database_url: str
) -> None:
    yes, no = {"is_supervisor": True}, {"is_supervisor": False}
    refused = await erin.put(of(alice, "supervisor"), json=yes)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_responder")
    assert (await erin.put(of(dana, "supervisor"), json=yes)).status_code == 200
    assert (await dana.get("/v1/crisis/duty")).json()["is_supervisor"]
    assert not (await dana.get("/v1/crisis/duty")).json()["on_duty"]
    assert (await dana.put("/v1/crisis/duty", json={"on_duty": True})).json()["is_supervisor"]
    assert (await erin.get(of(dana, "account"))).json()["is_supervisor"]
    assert (await erin.put(of(dana, "supervisor"), json=no)).status_code == 200
    assert not (await dana.get("/v1/crisis/duty")).json()["is_supervisor"]
    await erin.put(of(dana, "supervisor"), json=yes)
    await erin.put(of(dana, "status"), json={"status": "suspended"})
    await erin.put(of(dana, "status"), json={"status": "active"})
    kept = "SELECT on_duty, is_supervisor FROM safety.duty WHERE person_id = $1"
    assert [tuple(row) for row in await rows(database_url, kept, dana.id)] == [(False, True)]
    await erin.put(of(dana, "roles"), json={"roles": ["member"]})
    await erin.put(of(dana, "roles"), json={"roles": ["member", "responder"]})
    assert [tuple(row) for row in await rows(database_url, kept, dana.id)] == [(False, False)]


async def test_somebody_is_signed_out_everywhere_and_can_sign_in_again(
    alice: Person, charlie: Person, erin: Person, client: httpx.AsyncClient
) -> None:
    assert (await erin.delete(of(alice, "sessions"))).status_code == 204
    assert (await alice.get("/v1/users/me")).status_code == 401
    assert (await charlie.get("/v1/users/me")).status_code == 200
    assert (await sign_in(client, alice)).status_code == 200
    assert (await erin.delete(f"/v1/people/{ids.new()}/sessions")).status_code == 404


async def test_an_administrator_who_leaves_leaves_the_desk_too(
    erin: Person, circle: Circle, parts: Edge, database_url: str
) -> None:
    eve = await circle.staff("eve", Role.ADMIN)
    await eve.put(of(erin, "roles"), json={"roles": ["admin", "responder"]})
    await eve.put(of(erin, "supervisor"), json={"is_supervisor": True})
    erin.tokens = (await sign_in(erin.client, erin, mfa_code=await next_code(erin, parts, database_url))).json()
    assert (await erin.put("/v1/crisis/duty", json={"on_duty": True})).json()["is_supervisor"]
    assert (await erin.put(of(erin, "roles"), json={"roles": ["member"]})).status_code == 200
    kept = "SELECT on_duty, is_supervisor FROM safety.duty WHERE person_id = $1"
    assert [tuple(row) for row in await rows(database_url, kept, erin.id)] == [(False, False)]


async def test_who_lost_phone_and_recovery_codes_gets_back_in(
    bob: Person, dana: Person, erin: Person, client: httpx.AsyncClient, parts: Edge, database_url: str
) -> None:
    code = await next_code(bob, parts, database_url)
    assert (await erin.delete(of(bob, "second-factor"))).status_code == 204
    assert (await bob.get("/v1/users/me")).status_code == 401
    refresh = {"refresh_token": bob.tokens["refresh_token"]}
    assert (await client.post("/v1/auth/refresh", json=refresh)).status_code == 401
    back = await sign_in(client, bob, mfa_code=code)
    assert back.json()["second_factor_needed"]
    bob.tokens = back.json()
    assert (await bob.get("/v1/caseload")).status_code == 403, "a member until there is a new one"
    assert (await dana.get("/v1/users/me")).status_code == 200
    kept = await rows(database_url, "SELECT totp_secret, recovery_digests FROM identity.login ORDER BY changed_at")
    assert [tuple(row) for row in kept][-1] == (None, [])
    told = await rows(database_url, "SELECT payload FROM jobs.pgqueuer WHERE entrypoint LIKE 'notify.second_factor%'")
    assert len(told) == 1
    again = await erin.delete(of(bob, "second-factor"))
    assert (again.status_code, again.json()["code"]) == (409, "second_factor_missing")
    left = await rows(
        database_url, "SELECT actor_id, outcome FROM kernel.audit WHERE action = 'identity:second_factor:remove'"
    )
    assert [tuple(row) for row in left] == [(erin.id, "done"), (erin.id, "refused")]


async def test_nobody_takes_off_their_own_second_factor(erin: Person) -> None:
    refused = await erin.delete(of(erin, "second-factor"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_yourself")
    assert (await erin.get("/v1/staff")).status_code == 200
    assert (await erin.delete(f"/v1/people/{ids.new()}/second-factor")).status_code == 404


async def test_two_administrators_who_take_off_each_others_leave_one(
    erin: Person, circle: Circle, database_url: str
) -> None:
    eve = await circle.staff("eve", Role.ADMIN)
    answers = await asyncio.gather(erin.delete(of(eve, "second-factor")), eve.delete(of(erin, "second-factor")))
    assert sorted(answer.status_code for answer in answers)[0] == 204
    assert len(await rows(database_url, "SELECT 1 FROM identity.login WHERE totp_secret IS NOT NULL")) == 1
