"""The one door to another person's rows, in raw transactions of the staff role."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.privacy.support import Owner, grant_body, principal_of, session_of
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.privacy.door import Opened, open_person
from wellspring.privacy.errors import NotShared
from wellspring.privacy.schemas import Section

pytestmark = pytest.mark.anyio
PEOPLE = Query("SELECT person_id FROM identity.person", UUID, register=False)
CONSENTS = Query("SELECT person_id FROM privacy.consent", UUID, register=False)
GRANTS = Query("SELECT person_id FROM privacy.access_grant", UUID, register=False)
TEAMS = Query("SELECT person_id FROM privacy.care_team", UUID, register=False)
LAST = "SELECT last_accessed_at FROM privacy.access_grant WHERE person_id = %s"


async def share(member: Person, clinician: Person, *sections: str) -> UUID:
    answer = await member.post("/v1/access-grants", json=grant_body(clinician, *sections))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


class Door:
    """Opens people for one staff member, each time in a transaction of its own."""

    def __init__(self, parts: Edge, staff: Person) -> None:
        self.parts = parts
        self.who = principal_of(parts, staff)

    async def open(self, person_id: UUID, section: Section = "checkins") -> Opened:
        async with self.parts.db.begin(DbRole.STAFF, actor=self.who.person_id, session=session_of(self.who)) as tx:
            return await open_person(tx, self.who, person_id, section)

    async def refuses(self, person_id: UUID, section: Section = "checkins") -> bool:
        try:
            await self.open(person_id, section)
        except NotShared as error:
            return (error.status, error.code) == (404, "not_found")
        return False


async def everything(tx: Tx) -> dict[str, set[UUID]]:
    queries = {"people": PEOPLE, "consents": CONSENTS, "grants": GRANTS, "teams": TEAMS}
    return {name: set(await tx.all(query)) for name, query in queries.items()}


async def test_without_the_door_staff_see_nobody(
    alice: Person, charlie: Person, bob: Person, dana: Person, erin: Person, parts: Edge, owner: Owner
) -> None:
    await alice.put("/v1/consents/voice", json={"given": True})
    await share(alice, bob)
    owner.team(alice, bob)
    for staff in (bob, dana, erin):
        async with parts.db.begin(DbRole.STAFF, actor=staff.id) as tx:
            seen = await everything(tx)
        mine = {alice.id} if staff is bob else set()
        assert seen == {"people": set(), "consents": set(), "grants": mine, "teams": mine}


async def test_without_an_actor_nobody_sees_anything(alice: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob)
    for role in (DbRole.STAFF, DbRole.MEMBER, DbRole.WORKER):
        async with parts.db.begin(role) as tx:
            assert await tx.all(PEOPLE) == []


async def test_bob_opens_alice_and_nobody_else(alice: Person, charlie: Person, bob: Person, parts: Edge) -> None:
    grant_id = await share(alice, bob, "checkins")
    await charlie.put("/v1/consents/voice", json={"given": True})
    async with parts.db.begin(DbRole.STAFF, actor=bob.id) as tx:
        opened = await open_person(tx, principal_of(parts, bob), alice.id, "checkins")
        seen = await everything(tx)
    assert opened == Opened(alice.id, "checkins", grant_id)
    assert seen["people"] == {alice.id}
    assert seen["consents"] == set()


async def test_the_door_closes_with_the_transaction(alice: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob)
    await Door(parts, bob).open(alice.id)
    for _ in range(5):
        async with parts.db.begin(DbRole.STAFF, actor=bob.id) as tx:
            assert await tx.all(PEOPLE) == []


async def test_each_section_is_shared_on_its_own(alice: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob, "checkins", "goals")
    door = Door(parts, bob)
    assert (await door.open(alice.id, "goals")).section == "goals"
    assert await door.refuses(alice.id, "journals")
    assert await door.refuses(alice.id, "conversations")


async def test_other_people_stay_closed(
    circle: Circle, alice: Person, charlie: Person, bob: Person, dana: Person, parts: Edge, owner: Owner
) -> None:
    await share(alice, bob)
    blair = await circle.staff("blair", Role.CLINICIAN)
    owner.team(alice, blair)
    assert await Door(parts, bob).refuses(charlie.id)
    assert await Door(parts, bob).refuses(ids.new())
    assert await Door(parts, bob).refuses(ids.NIL)
    assert await Door(parts, bob).refuses(bob.id)
    for other in (blair, dana):
        assert await Door(parts, other).refuses(alice.id)


async def test_a_principal_of_somebody_else_opens_nothing(
    circle: Circle, alice: Person, bob: Person, parts: Edge
) -> None:
    await share(alice, bob)
    blair = await circle.staff("blair", Role.CLINICIAN)
    async with parts.db.begin(DbRole.STAFF, actor=blair.id) as tx:
        with pytest.raises(NotShared):
            await open_person(tx, principal_of(parts, bob), alice.id, "checkins")
        assert await tx.all(PEOPLE) == []


async def test_a_refusal_leaves_the_person_closed(alice: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob, "goals")
    async with parts.db.begin(DbRole.STAFF, actor=bob.id) as tx:
        with pytest.raises(NotShared):
            await open_person(tx, principal_of(parts, bob), alice.id, "checkins")
        assert await tx.all(PEOPLE) == []


async def test_revoked_expired_and_narrowed_at_once(alice: Person, bob: Person, parts: Edge, owner: Owner) -> None:
    door = Door(parts, bob)
    grant_id = await share(alice, bob, "checkins", "goals")
    await door.open(alice.id)
    await alice.patch(f"/v1/access-grants/{grant_id}", json={"sections": ["goals"]})
    assert await door.refuses(alice.id)
    await alice.delete(f"/v1/access-grants/{grant_id}")
    assert await door.refuses(alice.id, "goals")
    await share(alice, bob)
    await door.open(alice.id)
    owner.do("UPDATE privacy.access_grant SET expires_at = now() WHERE revoked_at IS NULL")
    assert await door.refuses(alice.id)


async def test_an_ended_sign_in_opens_nothing(alice: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob)
    door = Door(parts, bob)
    await bob.post("/v1/auth/logout")
    with pytest.raises(Exception, match="sign-in has ended"):
        await door.open(alice.id)


async def test_the_last_look_is_noted_once_a_minute(alice: Person, bob: Person, parts: Edge, owner: Owner) -> None:
    await share(alice, bob)
    door = Door(parts, bob)
    assert owner.rows(LAST, alice.id) == [(None,)]
    await door.open(alice.id)
    first = owner.rows(LAST, alice.id)[0][0]
    assert first is not None
    await door.open(alice.id)
    assert owner.rows(LAST, alice.id) == [(first,)]
    owner.do("UPDATE privacy.access_grant SET last_accessed_at = now() - interval '61 seconds'")
    before = owner.rows(LAST, alice.id)[0][0]
    await door.open(alice.id)
    assert owner.rows(LAST, alice.id)[0][0] > before
    shown = (await alice.get("/v1/access-grants")).json()["items"][0]
    assert shown["last_accessed_at"] is not None


async def test_looking_does_not_count_as_a_change(alice: Person, bob: Person, parts: Edge) -> None:
    grant_id = await share(alice, bob)
    await Door(parts, bob).open(alice.id)
    answer = await alice.patch(
        f"/v1/access-grants/{grant_id}", json={"sections": ["goals"]}, headers={"if-match": '"1"'}
    )
    assert answer.status_code == 200


async def test_many_looks_at_once_do_not_hinder_each_other(alice: Person, bob: Person, parts: Edge) -> None:
    grant_id = await share(alice, bob)
    door = Door(parts, bob)
    opened = await asyncio.gather(*(door.open(alice.id) for _ in range(12)))
    assert {one.consent_id for one in opened} == {grant_id}


async def test_a_revocation_waits_for_who_is_inside(alice: Person, bob: Person, parts: Edge) -> None:
    """Once a revocation is answered, no transaction that rests on the old grant is still reading."""
    grant_id = await share(alice, bob)
    await Door(parts, bob).open(alice.id)
    async with parts.db.begin(DbRole.STAFF, actor=bob.id) as tx:
        await open_person(tx, principal_of(parts, bob), alice.id, "checkins")
        revoking = asyncio.create_task(alice.delete(f"/v1/access-grants/{grant_id}"))
        await asyncio.sleep(0.3)
        assert not revoking.done()
        assert await tx.all(PEOPLE) == [alice.id]
    assert (await revoking).status_code == 204
    assert await Door(parts, bob).refuses(alice.id)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE privacy.access_grant SET expires_at = now() + interval '1 year'",
        "UPDATE privacy.access_grant SET sections = ARRAY['journals']",
        "UPDATE privacy.access_grant SET revoked_at = NULL",
        "DELETE FROM privacy.access_grant",
        "UPDATE privacy.care_team SET ended_at = NULL",
        "INSERT INTO privacy.consent (person_id, id, kind, text_version, given)"
        " SELECT person_id, id, 'voice', 1, true FROM privacy.access_grant",
        "UPDATE privacy.consent_text SET body = 'mine'",
        "SELECT privacy.is_clinician(gen_random_uuid())",
    ],
)
async def test_staff_cannot_widen_what_they_were_given(alice: Person, bob: Person, parts: Edge, sql: str) -> None:
    await share(alice, bob)
    async with parts.db.begin(DbRole.STAFF, actor=bob.id) as tx:
        await open_person(tx, principal_of(parts, bob), alice.id, "checkins")
        await tx.savepoint()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.do(Query(sql, int, register=False))
        await tx.undo()


async def test_members_cannot_reach_each_other(alice: Person, charlie: Person, bob: Person, parts: Edge) -> None:
    await share(alice, bob)
    statement = Query("UPDATE privacy.access_grant SET revoked_at = now()", int, register=False)
    async with parts.db.begin(DbRole.MEMBER, actor=charlie.id, subject=alice.id) as tx:
        assert await tx.all(GRANTS) == []
        assert await tx.do(statement) == 0
        forged = Query(
            "INSERT INTO privacy.consent (person_id, id, kind, text_version, given) VALUES ($1, $2, 'voice', 1, true)",
            int,
            register=False,
        )
        await tx.savepoint()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.do(forged, alice.id, ids.new())
        await tx.undo()
