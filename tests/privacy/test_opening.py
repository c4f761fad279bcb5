"""The door as a request meets it: a route of these tests that reads a shared person's row."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from tests.privacy.support import Owner, grant_body
from tests.support.people import Person
from wellspring.kernel import audit, ids, problems
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge, Req, access, guard
from wellspring.kernel.errors import Conflict
from wellspring.kernel.policy import Permission
from wellspring.kernel.routing import get
from wellspring.privacy.door import opening

pytestmark = pytest.mark.anyio
PEOPLE = Query("SELECT person_id FROM identity.person", UUID, DbRole.STAFF, register=False)
ACTION = "tests:person:read"


@get("/people/{person_id:uuid}", Permission.CHECKINS_SHARED_READ)
async def read(request: Req, person_id: FromPath[UUID], fail: FromQuery[bool] = False) -> list[UUID]:
    async with opening(request, person_id, "checkins", ACTION) as (tx, opened):
        if fail:
            raise Conflict
        found = await tx.all(PEOPLE)
        row = access(request, ACTION, "checkins", person_id=person_id, consent_id=opened.consent_id)
        await audit.record(tx, row)
    return found


@pytest.fixture
async def door(parts: Edge) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar(
        [read], guards=[guard], exception_handlers=problems.HANDLERS, state=State({"edge": parts}), openapi_config=None
    )
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as made:
        yield made


async def ask(door: httpx.AsyncClient, who: Person, whose: UUID, query: str = "") -> httpx.Response:
    return await door.get(f"/people/{whose}{query}", headers=who.headers)


async def test_a_stranger_is_asked_to_sign_in(door: httpx.AsyncClient, alice: Person) -> None:
    assert (await door.get(f"/people/{alice.id}")).status_code == 401


async def test_nobody_without_the_permission_learns_anything(
    door: httpx.AsyncClient, alice: Person, charlie: Person, dana: Person, erin: Person
) -> None:
    for who in (alice, charlie, dana, erin):
        known, unknown = await ask(door, who, alice.id), await ask(door, who, ids.new())
        assert (known.status_code, known.json()["title"]) == (404, unknown.json()["title"])


async def test_what_is_shared_is_read_and_both_outcomes_are_audited(
    door: httpx.AsyncClient, alice: Person, bob: Person, owner: Owner
) -> None:
    assert (await ask(door, bob, alice.id)).status_code == 404
    made = (await alice.post("/v1/access-grants", json=grant_body(bob))).json()
    answer = await ask(door, bob, alice.id)
    assert (answer.status_code, answer.json()) == (200, [str(alice.id)])
    await alice.delete(f"/v1/access-grants/{made['id']}")
    assert (await ask(door, bob, alice.id)).status_code == 404
    rows = owner.rows(
        "SELECT outcome, count, actor_id, consent_id::text FROM kernel.audit WHERE action = %s ORDER BY id", ACTION
    )
    assert rows == [
        ("refused", 0, bob.id, None),
        ("done", 1, bob.id, made["id"]),
        ("refused", 0, bob.id, None),
    ]


async def test_not_shared_and_not_there_look_the_same(door: httpx.AsyncClient, alice: Person, bob: Person) -> None:
    bodies = [(await ask(door, bob, whose)).json() for whose in (alice.id, ids.new())]
    assert bodies[0] == bodies[1]
    assert (bodies[0]["code"], bodies[0]["status"]) == ("not_found", 404)


async def test_another_failure_inside_is_no_refusal(
    door: httpx.AsyncClient, alice: Person, bob: Person, owner: Owner
) -> None:
    await alice.post("/v1/access-grants", json=grant_body(bob))
    assert (await ask(door, bob, alice.id, "?fail=true")).status_code == 409
    assert owner.rows("SELECT 1 FROM kernel.audit WHERE action = %s", ACTION) == []
    assert owner.rows("SELECT last_accessed_at FROM privacy.access_grant") == [(None,)]
