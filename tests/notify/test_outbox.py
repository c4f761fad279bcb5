"""The operator's outbox."""

import asyncpg
import httpx
import pytest

from tests.notify.support import Desk, Owner
from tests.support.people import Person
from wellspring.kernel.db import DbRole, Duty, Query
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio


async def test_a_stranger_sees_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/outbox")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_it_is_for_the_operator(alice: Person, bob: Person, dana: Person) -> None:
    for other in (alice, bob, dana):
        answer = await other.get("/v1/outbox")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_erin_sees_what_became_of_messages_and_no_more(erin: Person, dana: Person, desk: Desk) -> None:
    first = await desk.queued(dana, "page:1:0")
    second = await desk.queued(dana, "page:1:1")
    await desk.deliver(dana, first, None)
    answer = await erin.get("/v1/outbox")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [(i["id"], i["state"], i["error_code"]) for i in items] == [
        (str(second), "queued", None),
        (str(first), "not_sent", "mail_not_set_up"),
    ]
    assert set(items[0]) == {
        "id", "template", "channel", "state", "tries", "error_code", "created_at", "sent_at",
    }  # fmt: skip
    for word in (str(dana.id), dana.email, "page:1", "Someone", dana.email.split("@")[0]):
        assert word not in answer.text


async def test_one_state_at_a_time(erin: Person, dana: Person, desk: Desk) -> None:
    first = await desk.queued(dana, "page:1:0")
    await desk.queued(dana, "page:1:1")
    await desk.deliver(dana, first, None)
    for state, count in (("not_sent", 1), ("queued", 1), ("failed", 0)):
        items = (await erin.get(f"/v1/outbox?state={state}")).json()["items"]
        assert [item["state"] for item in items] == [state] * count


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=a", "cursor=a", "state=lost"])
async def test_wrong_questions_are_problems(erin: Person, query: str) -> None:
    answer = await erin.get(f"/v1/outbox?{query}")
    assert answer.status_code == 422, answer.text


async def test_pages_meet_without_gap_or_overlap(erin: Person, dana: Person, desk: Desk) -> None:
    made = [str(await desk.queued(dana, f"page:{n}")) for n in range(5)]
    seen: list[str] = []
    query = "limit=2"
    while query:
        page = (await erin.get(f"/v1/outbox?{query}")).json()
        seen += [item["id"] for item in page["items"]]
        query = f"limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert seen == made[::-1]


async def test_reading_it_is_audited(erin: Person, dana: Person, desk: Desk, owner: Owner) -> None:
    await desk.queued(dana)
    await erin.get("/v1/outbox")
    rows = owner.rows(
        "SELECT person_id, actor_id, section, count FROM kernel.audit WHERE action = 'notify:outbox:read'"
    )
    assert rows == [(erin.id, erin.id, "outbox", 1)]


async def test_the_database_keeps_recipients_from_staff(erin: Person, dana: Person, desk: Desk, parts: Edge) -> None:
    await desk.queued(dana)
    count = Query("SELECT count(id) FROM notify.delivery", int, register=False)
    async with parts.db.begin(DbRole.STAFF, actor=erin.id) as tx:
        assert await tx.one(count) == 0
        await tx.set_duty(Duty.CRISIS)
        assert await tx.one(count) == 0
        await tx.set_duty(Duty.OUTBOX)
        assert await tx.one(count) == 1
        for column in ("person_id", "ref", "unique_key", "provider_id"):
            await tx.savepoint()
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await tx.all(Query(f"SELECT {column} FROM notify.delivery", str, register=False))
            await tx.undo()
