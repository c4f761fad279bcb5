"""A clinician is suspended, or is none any more: what was shared with them ends, for good, and each member is told."""

import asyncio
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.privacy.support import Owner, grant_body
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.audit import Access
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.kernel.policy import Role
from wellspring.privacy import closing

pytestmark = pytest.mark.anyio
PATH = "/v1/access-grants"
MAILS = "SELECT person_id FROM notify.delivery WHERE template = 'sharing_closed'"


@pytest.fixture
def worker(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {})


async def share(member: Person, clinician: Person) -> UUID:
    answer = await member.post(PATH, json=grant_body(clinician, "checkins", "journals"))
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


async def states(member: Person) -> list[str]:
    return [one["state"] for one in (await member.get(PATH)).json()["items"]]


async def set_status(erin: Person, who: Person, status: str) -> None:
    assert (await erin.put(f"/v1/people/{who.id}/status", json={"status": status})).status_code == 200


async def again(client: httpx.AsyncClient, bob: Person, owner: Owner) -> Person:
    """Return bob in a new session, as he had one before; codes of his second factor are not what this is about."""
    owner.do("UPDATE identity.session SET ended_at = NULL, ended_why = NULL WHERE person_id = %s", bob.id)
    return Person(client, bob.id, bob.email, bob.tokens)


async def test_a_suspended_clinician_who_returns_sees_nothing_of_what_was_shared(
    client: httpx.AsyncClient, alice: Person, charlie: Person, bob: Person, erin: Person, owner: Owner
) -> None:
    for member in (alice, charlie):
        await share(member, bob)
    path = f"/v1/people/{alice.id}/checkins"
    assert (await bob.get(path)).status_code == 200
    await set_status(erin, bob, "suspended")
    assert (await bob.get(path)).status_code == 401
    await set_status(erin, bob, "active")
    bob = await again(client, bob, owner)
    assert (await bob.get(path)).status_code == 404
    for member in (alice, charlie):
        assert await states(member) == ["closed"]
    assert (await alice.delete(f"{PATH}/{(await alice.get(PATH)).json()['items'][0]['id']}")).status_code == 404
    await share(alice, bob)  # she may begin anew
    assert await states(alice) == ["active", "closed"]
    assert (await bob.get(path)).status_code == 200


async def test_the_role_taken_ends_it_too_and_another_change_of_roles_does_not(
    alice: Person, bob: Person, erin: Person
) -> None:
    await share(alice, bob)
    for roles, state in (
        (["member", "clinician", "coordinator"], "active"),
        (["member", "coordinator"], "closed"),
        (["member", "clinician"], "closed"),
    ):
        assert (await erin.put(f"/v1/people/{bob.id}/roles", json={"roles": roles})).status_code == 200
        assert await states(alice) == [state]


async def test_what_ended_before_stays_what_it_was_and_others_keep_theirs(
    alice: Person, bob: Person, circle: Circle, erin: Person, owner: Owner
) -> None:
    blair = await circle.staff("blair", Role.CLINICIAN)
    first = await share(alice, bob)
    await alice.delete(f"{PATH}/{first}")
    await share(alice, blair)
    await share(alice, bob)
    owner.do(
        "UPDATE privacy.access_grant SET expires_at = now() WHERE revoked_at IS NULL AND clinician_id = %s", bob.id
    )
    await set_status(erin, bob, "suspended")
    assert await states(alice) == ["expired", "active", "revoked"]


async def test_each_member_is_told_once_and_it_is_in_the_audit_trail(
    alice: Person, charlie: Person, bob: Person, erin: Person, owner: Owner, worker: JobContext
) -> None:
    shared = {member.id: await share(member, bob) for member in (alice, charlie)}
    await closing.tell(worker)
    assert owner.rows(MAILS) == []
    await set_status(erin, bob, "suspended")
    for _ in range(2):
        await closing.tell(worker)
    assert sorted(owner.rows(MAILS)) == sorted((one,) for one in shared)
    for member in (alice, charlie):
        assert owner.audited(member.id)[-1] == (closing.ACTION, ids.NIL, "done", 1)
        changes = (await member.get("/v1/changes")).json()["items"]
        assert [one["ref"] for one in changes if one["topic"] == "access_grant.changed"] == [str(shared[member.id])] * 2
    looks = (await alice.get("/v1/users/me/looks")).json()["items"]
    assert [(one["action"], one["consent_id"]) for one in looks] == [(closing.ACTION, str(shared[alice.id]))]
    await set_status(erin, bob, "active")
    await closing.tell(worker)
    assert len(owner.rows(MAILS)) == 2


async def test_many_are_told_in_turns(
    alice: Person,
    charlie: Person,
    bob: Person,
    erin: Person,
    owner: Owner,
    worker: JobContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(closing, "AT_ONCE", 1)
    monkeypatch.setattr(closing.UNTOLD, "sql", closing.UNTOLD.sql.replace("LIMIT 200", "LIMIT 1"))
    for member in (alice, charlie):
        await share(member, bob)
    await set_status(erin, bob, "suspended")
    await closing.tell(worker)
    assert len(owner.rows(MAILS)) == 2


async def test_one_that_fails_holds_up_nobody(
    alice: Person,
    charlie: Person,
    bob: Person,
    erin: Person,
    owner: Owner,
    worker: JobContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for member in (alice, charlie):
        await share(member, bob)
    await set_status(erin, bob, "suspended")
    real, failing = closing.audit.record, min(alice.id, charlie.id)

    async def record(tx: Tx, row: Access) -> None:
        if row.person_id == failing:
            raise OSError("no space")
        await real(tx, row)

    monkeypatch.setattr(closing.audit, "record", record)
    await closing.tell(worker)
    assert owner.rows(MAILS) == [(max(alice.id, charlie.id),)]
    monkeypatch.setattr(closing.audit, "record", real)
    await closing.tell(worker)
    assert len(owner.rows(MAILS)) == 2


async def test_who_cannot_be_written_to_gets_no_mail_and_is_not_asked_about_for_ever(
    alice: Person, bob: Person, erin: Person, owner: Owner, worker: JobContext
) -> None:
    await share(alice, bob)
    await set_status(erin, alice, "suspended")
    await set_status(erin, bob, "suspended")
    await closing.tell(worker)
    assert owner.rows(MAILS) == []
    assert owner.rows("SELECT count(*) FROM privacy.access_grant WHERE told_at IS NULL") == [(0,)]


async def test_a_sharing_that_begins_as_the_account_is_closed_does_not_outlive_it(
    alice: Person, bob: Person, owner: Owner, database_url: str
) -> None:
    with psycopg.connect(database_url) as closer:
        closer.execute("UPDATE identity.person SET status = 'suspended' WHERE person_id = %s", (bob.id,))
        sharing = asyncio.create_task(alice.post(PATH, json=grant_body(bob)))
        await asyncio.sleep(0.5)
        assert not sharing.done(), "it waits for the one that closes the account"
        closer.commit()
    answer = await sharing
    assert (answer.status_code, answer.json()["code"]) == (422, "grant_refused")
    assert owner.rows("SELECT count(*) FROM privacy.access_grant") == [(0,)]
