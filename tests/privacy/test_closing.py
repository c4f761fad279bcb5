"""A clinician is suspended, or is none any more: what was shared with them ends, for good, and each member is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import psycopg
import pytest

from tests.pages.support import Browser, text
from tests.privacy.support import Owner, grant_body
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.audit import Access
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.kernel.policy import Role
from wellspring.notify.jobs import deliver
from wellspring.notify.ports import Mail, RecordingMail
from wellspring.privacy import closing, erasure
from wellspring.privacy.erasure import NotErased, Why
from wellspring.privacy.leaving import own_connection
from wellspring.privacy.ledger import Ledger

pytestmark = pytest.mark.anyio
PATH = "/v1/access-grants"
MAILS = "SELECT person_id FROM notify.delivery WHERE template = 'sharing_closed'"


@pytest.fixture
def worker(parts: Edge) -> JobContext:
    return JobContext(parts.db, parts.settings, parts.keys, {})


@pytest.fixture(params=["owner", "worker"])
async def conn(request: pytest.FixtureRequest, parts: Edge, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Return a connection as a command has, or the worker, to erase somebody by."""
    if request.param == "worker":
        async with own_connection(parts.db) as made:
            yield made
        return
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


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


async def test_members_are_told_once_when_a_clinician_erases_their_account(
    alice: Person,
    charlie: Person,
    bob: Person,
    circle: Circle,
    erin: Person,
    owner: Owner,
    worker: JobContext,
    parts: Edge,
    conn: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    blair, ledger = await circle.staff("blair", Role.CLINICIAN), Ledger(tmp_path / "erased")
    shared = {member.id: await share(member, bob) for member in (alice, charlie)}
    await share(alice, blair)
    for _ in range(2):
        await erasure.erase(conn, parts.keys, ledger, bob.id)
        await closing.tell(worker)
    assert sorted(owner.rows(MAILS)) == sorted((one,) for one in shared)
    for member in (alice, charlie):
        assert owner.audited(member.id)[-1] == (closing.ACTION, ids.NIL, "done", 1)
        changes = (await member.get("/v1/changes")).json()["items"]
        assert [one["ref"] for one in changes].count(str(shared[member.id])) == 2
    assert await states(alice) == ["active"]
    assert await states(charlie) == []


async def test_what_was_not_told_yet_is_told_before_the_clinician_goes(
    alice: Person, bob: Person, erin: Person, owner: Owner, parts: Edge, conn: asyncpg.Connection, tmp_path: Path
) -> None:
    await share(alice, bob)
    await set_status(erin, bob, "suspended")
    await set_status(erin, bob, "active")
    await share(alice, bob)
    await erasure.erase(conn, parts.keys, Ledger(tmp_path / "erased"), bob.id)
    assert owner.rows(MAILS) == [(alice.id,)]


async def test_who_came_back_with_a_backup_and_is_erased_again_is_not_told_of_again(
    alice: Person, bob: Person, owner: Owner, parts: Edge, conn: asyncpg.Connection, tmp_path: Path
) -> None:
    await share(alice, bob)
    await erasure.erase(conn, parts.keys, Ledger(tmp_path / "erased"), bob.id, again=True)
    assert owner.rows(MAILS) == []
    assert await states(alice) == []


@pytest.mark.parametrize("status", ["active", "suspended"])
async def test_an_erasure_that_is_refused_at_last_ends_no_sharing(
    alice: Person,
    bob: Person,
    erin: Person,
    owner: Owner,
    worker: JobContext,
    parts: Edge,
    conn: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
) -> None:
    await share(alice, bob)
    if status != "active":
        await set_status(erin, bob, status)
        await closing.tell(worker)
    before, mails = await states(alice), owner.rows(MAILS)
    looked = 0

    async def refuse(*_: object, **__: object) -> None:
        nonlocal looked
        looked += 1
        if looked == 2:
            assert owner.rows("SELECT status FROM identity.person WHERE person_id = %s", bob.id) == [("deleted",)]
            raise NotErased(Why.WORKING)

    monkeypatch.setattr(erasure, "_refuse_busy", refuse)
    with pytest.raises(NotErased):
        await erasure.erase(conn, parts.keys, Ledger(tmp_path / "erased"), bob.id)
    await closing.tell(worker)
    assert owner.rows("SELECT status FROM identity.person WHERE person_id = %s", bob.id) == [(status,)]
    assert await states(alice) == before
    assert owner.rows(MAILS) == mails


async def test_the_role_taken_while_somebody_is_being_erased_ends_it_too(
    alice: Person, bob: Person, owner: Owner
) -> None:
    await share(alice, bob)
    owner.do("UPDATE identity.person SET status = 'deleted' WHERE person_id = %s", bob.id)
    assert await states(alice) == ["active"]
    owner.do("UPDATE identity.person SET roles = '{member}' WHERE person_id = %s", bob.id)
    assert await states(alice) == ["closed"]


async def test_who_shares_again_before_they_were_told_is_not_told_that_nothing_is_seen(
    alice: Person, bob: Person, erin: Person, owner: Owner, worker: JobContext
) -> None:
    await share(alice, bob)
    await set_status(erin, bob, "suspended")
    await set_status(erin, bob, "active")
    await share(alice, bob)
    await closing.tell(worker)
    assert owner.rows(MAILS) == []
    assert owner.rows("SELECT count(*) FROM privacy.access_grant WHERE closed AND told_at IS NULL") == [(0,)]
    await set_status(erin, bob, "suspended")
    await closing.tell(worker)
    assert owner.rows(MAILS) == [(alice.id,)]


async def _late_mail(owner: Owner, parts: Edge, member: Person) -> Mail:
    """Send what waits for a member, now."""
    port = RecordingMail()
    context = JobContext(parts.db, parts.settings, parts.keys, {"mail": port})
    [(delivery,)] = owner.rows("SELECT id FROM notify.delivery WHERE person_id = %s", member.id)
    await deliver(context, JobPayload(member.id, delivery))
    [mail] = port.sent
    return mail


@pytest.mark.parametrize(
    ("language", "untrue", "true"),
    [
        ("en", ["cannot use", "can no longer", "can see"], ["could no longer", "not even when they return"]),
        ("fr", ["ne peut plus", "ne voit plus"], ["ne pouvait plus", "même si elle revient"]),
    ],
)
async def test_what_is_told_late_is_still_true(
    circle: Circle,
    bob: Person,
    erin: Person,
    owner: Owner,
    worker: JobContext,
    parts: Edge,
    client: httpx.AsyncClient,
    language: str,
    untrue: list[str],
    true: list[str],
) -> None:
    """The clinician is back, and shared with again, before the mail leaves and before the member looks."""
    member = await circle.member("amelie", language=language)
    await share(member, bob)
    await set_status(erin, bob, "suspended")
    await closing.tell(worker)
    await set_status(erin, bob, "active")
    browser = Browser(client)
    await browser.sign_in(member)
    shown = [text((await browser.get(path)).text) for path in ("/sharing", "/looks")]
    await share(member, bob)
    mail = await _late_mail(owner, parts, member)
    shown.append(text((await browser.get("/sharing")).text))
    for told in (mail.text, *shown):
        assert true[0] in told
    assert not [words for words in untrue if words in mail.text + shown[1] + shown[2]]
    assert all(words in mail.text for words in true)
