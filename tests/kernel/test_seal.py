"""The audit trail is sealed in batches, misses nobody who commits late, and shows the first row that was touched."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from wellspring.kernel import audit, ids, seal
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


OWN_XID = Query("SELECT pg_current_xact_id()::text::bigint", int, DbRole.WORKER, register=False)


def row(person_id: UUID | None = None) -> audit.Access:
    return audit.Access(action="test:thing:read", section="test", person_id=person_id or ids.new())


async def write(parts: Edge, count: int = 1) -> list[UUID]:
    """Write audit rows, each in a transaction of its own, and return the people in their order."""
    people = [ids.new() for _ in range(count)]
    for person_id in people:
        async with parts.db.begin(DbRole.WORKER) as tx:
            await audit.record(tx, row(person_id))
    return people


async def tamper(owner: asyncpg.Connection, sql: str, *args: object) -> None:
    """Do what only an owner of the tables can."""
    async with owner.transaction():
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute(sql, *args)


async def sealed(parts: Edge, limit: int = seal.BATCH) -> int:
    """Seal once every earlier transaction has ended: a server shared with other tests has theirs, too."""
    async with parts.db.begin(DbRole.WORKER) as tx:
        newest = await tx.one(OWN_XID)
    await passed(parts, newest)
    return await seal.seal(parts.db, parts.keys, limit)


async def passed(parts: Edge, xid: int) -> None:
    """Wait until no transaction before `xid` is open."""
    for _ in range(1200):
        async with parts.db.begin(DbRole.MAINTENANCE) as tx:
            if (await tx.one(seal.HORIZON)).xmin >= xid:
                return
        await asyncio.sleep(0.05)
    raise AssertionError("a transaction elsewhere on this server stays open")


async def verdict(parts: Edge, anchor: str | None = None) -> seal.Verdict:
    return await seal.verify(parts.db, parts.keys, anchor)


async def test_the_proof_reads_in_batches(parts: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    await write(parts, 6)
    await sealed(parts)
    await write(parts, 1)
    for batch in (1, 2, 3, 7, 100):
        monkeypatch.setattr(seal, "BATCH", batch)
        found = await verdict(parts)
        assert (found.rows, found.links, found.unsealed, found.first_broken) == (7, 6, 1, None)


async def test_an_empty_trail_is_whole(parts: Edge) -> None:
    assert await sealed(parts) == 0
    found = await verdict(parts)
    assert (found.rows, found.links, found.unsealed, found.first_broken) == (0, 0, 0, None)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_every_row_gets_one_link_whatever_the_batch(parts: Edge, limit: int) -> None:
    await write(parts, 7)
    assert (await verdict(parts)).unsealed == 7
    assert await sealed(parts, limit) == 7
    assert await sealed(parts, limit) == 0
    await write(parts, 2)
    assert await sealed(parts, limit) == 2
    found = await verdict(parts)
    assert (found.rows, found.links, found.unsealed, found.first_broken) == (9, 9, 0, None)
    assert found.head.startswith("9:")


async def test_rows_of_one_transaction_are_all_sealed_though_the_batch_ends_between_them(parts: Edge) -> None:
    async with parts.db.begin(DbRole.WORKER) as tx:
        for _ in range(5):
            await audit.record(tx, row())
    assert await sealed(parts, 2) == 5
    assert (await verdict(parts)).first_broken is None


async def test_who_starts_first_and_commits_last_is_sealed_too(parts: Edge) -> None:
    async with parts.db.begin(DbRole.WORKER) as late:
        await late.do(audit.RECORD, *row().args())  # written already, as by a statement of its own
        await write(parts, 3)
        found = await seal.seal(parts.db, parts.keys)
        assert found == 0, "nothing may be sealed above a transaction that can still commit"
    assert await sealed(parts) == 4
    found = await verdict(parts)
    assert (found.rows, found.unsealed, found.first_broken) == (4, 0, None)


async def test_rows_before_an_open_transaction_are_sealed_at_once(parts: Edge) -> None:
    await write(parts, 2)
    async with parts.db.begin(DbRole.WORKER) as late:
        await late.do(audit.RECORD, *row().args())  # written already, as by a statement of its own
        await passed(parts, await late.one(OWN_XID))
        await write(parts, 2)
        assert await seal.seal(parts.db, parts.keys) == 2
    assert await sealed(parts) == 3


async def test_sealers_at_once_do_not_fork_the_chain(parts: Edge) -> None:
    await write(parts, 40)
    await asyncio.gather(*(sealed(parts, 5) for _ in range(4)))
    await sealed(parts)
    found = await verdict(parts)
    assert (found.rows, found.links, found.first_broken) == (40, 40, None)


async def test_the_tick_seals(parts: Edge) -> None:
    await write(parts)
    await sealed(parts)
    await write(parts)
    async with parts.db.begin(DbRole.WORKER) as tx:
        newest = await tx.one(OWN_XID)
    await passed(parts, newest)
    await seal.seal_tick(JobContext(parts.db, parts.settings, parts.keys, {}))
    assert (await verdict(parts)).links == 2


async def test_other_keys_do_not_verify(parts: Edge) -> None:
    await write(parts, 2)
    await sealed(parts)
    other = type(parts.keys)({1: b"k" * 32}, b"x" * 32)
    assert (await seal.verify(parts.db, other)).first_broken is not None


async def test_the_trail_is_append_only_even_for_the_owner(parts: Edge, owner: asyncpg.Connection) -> None:
    await write(parts)
    await sealed(parts)
    for sql in ("UPDATE kernel.audit SET action = 'x'", "DELETE FROM kernel.audit", "TRUNCATE kernel.audit"):
        with pytest.raises(asyncpg.RaiseError):
            await owner.execute(sql)
    for sql in ("UPDATE kernel.audit_link SET n = 9", "DELETE FROM kernel.audit_link"):
        with pytest.raises(asyncpg.RaiseError):
            await owner.execute(sql)


@pytest.mark.parametrize(
    "change",
    [
        "action = 'x'",
        "section = 'x'",
        "outcome = 'refused'",
        "count = 2",
        "ip = '192.0.2.1'",
        "request_id = 'x'",
        "session_id = gen_random_uuid()",
        "actor_id = gen_random_uuid()",
        "consent_id = gen_random_uuid()",
        "at = at + interval '1 microsecond'",
        "xid = (xid::text::bigint + 1)::text::xid8",
    ],
)
async def test_a_changed_row_is_named(parts: Edge, owner: asyncpg.Connection, change: str) -> None:
    people = await write(parts, 5)
    await sealed(parts)
    changed = await owner.fetchval("SELECT id FROM kernel.audit WHERE person_id = $1", people[2])
    await tamper(owner, f"UPDATE kernel.audit SET {change} WHERE person_id = $1", people[2])
    assert (await verdict(parts)).first_broken == f"row {changed}, which link 3 seals, was changed"


async def test_a_row_given_to_another_person_or_deleted_is_named(parts: Edge, owner: asyncpg.Connection) -> None:
    people = await write(parts, 5)
    await sealed(parts)
    gone = await owner.fetchval("SELECT id FROM kernel.audit WHERE person_id = $1", people[3])
    await tamper(owner, "UPDATE kernel.audit SET person_id = $1 WHERE person_id = $2", people[0], people[3])
    assert (await verdict(parts)).first_broken == f"row {gone}, which link 4 seals, is gone"
    await tamper(owner, "DELETE FROM kernel.audit WHERE id = $1", gone)
    assert (await verdict(parts)).first_broken == f"row {gone}, which link 4 seals, is gone"


async def test_a_row_put_behind_the_chain_is_named(parts: Edge, owner: asyncpg.Connection) -> None:
    await write(parts, 3)
    await sealed(parts)
    forged = ids.new()
    await tamper(
        owner,
        "INSERT INTO kernel.audit (person_id, id, actor_id, action, section, outcome, count, xid)"
        " SELECT person_id, $1, actor_id, action, section, outcome, count, xid FROM kernel.audit LIMIT 1",
        forged,
    )
    broken = (await verdict(parts)).first_broken
    assert broken == f"row {forged} was put into a part that was sealed without it"
    assert await sealed(parts) == 0


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE kernel.audit_link SET mac = sha256('x') WHERE n = 2", "link 2 was changed"),
        ("DELETE FROM kernel.audit_link WHERE n = 2", "link 2 is missing"),
        ("DELETE FROM kernel.audit_link WHERE n = 1", "link 1 is missing"),
        ("UPDATE kernel.audit_link SET n = n + 1 WHERE n = 4", "link 4 is missing"),
        ("UPDATE kernel.audit_link SET xid_below = '99' WHERE n = 2", "which link 2 seals, was changed"),
        ("UPDATE kernel.audit_link SET mac = sha256('x') WHERE n = 4", "link 4, the last one, was changed"),
        ("UPDATE kernel.audit_link SET audit_id = gen_random_uuid() WHERE n = 1", "link 1 seals, is gone"),
        ("UPDATE kernel.audit SET count = 9", "which link 1 seals, was changed"),
    ],
)
async def test_a_touched_link_is_named(parts: Edge, owner: asyncpg.Connection, sql: str, words: str) -> None:
    await write(parts, 4)
    await sealed(parts)
    await tamper(owner, sql)
    assert words in str((await verdict(parts)).first_broken)


async def test_a_cut_end_shows_against_a_noted_head(parts: Edge, owner: asyncpg.Connection) -> None:
    await write(parts, 4)
    await sealed(parts)
    noted = (await verdict(parts)).head
    await write(parts, 1)
    await sealed(parts)
    assert (await verdict(parts, noted)).first_broken is None
    assert (await verdict(parts, "4:" + "0" * 64)).first_broken == "link 4 is not the one that was noted"
    await tamper(owner, "DELETE FROM kernel.audit USING kernel.audit_link l WHERE audit_id = id AND n > 2")
    await tamper(owner, "DELETE FROM kernel.audit_link WHERE n > 2")
    assert (await verdict(parts)).first_broken is None
    assert (await verdict(parts, noted)).first_broken == "the links after 2 are missing"


async def test_a_trail_restored_into_another_cluster_goes_on(parts: Edge, owner: asyncpg.Connection) -> None:
    """Transaction numbers begin anew there: sealed and unsealed rows carry numbers nobody has reached yet."""
    await tamper(
        owner,
        "INSERT INTO kernel.audit (person_id, id, actor_id, action, section, outcome, count, xid)"
        " SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'a', 's', 'done', 1, n::text::xid8"
        " FROM generate_series(900000000, 900000004) n",
    )
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        rows = await tx.all(seal.UNLINKED, "0", "900000003", str(2**64 - 1), 100)
        await seal._link(tx, parts.keys, seal.Head(0, b"\0" * 32, 0), rows, 900000003)
    await write(parts, 2)
    assert (await verdict(parts)).unsealed == 4
    assert await sealed(parts, 2) == 4
    await write(parts, 1)
    assert await sealed(parts) == 1
    found = await verdict(parts)
    assert (found.rows, found.links, found.unsealed, found.first_broken) == (8, 8, 0, None)


AGES = ("8 years", "6 years 1 day", "6 years 1 minute", "5 years 11 months", "1 second")


async def old_trail(parts: Edge, owner: asyncpg.Connection, ages: tuple[str, ...] = AGES) -> None:
    """Write and seal rows of these ages, in this order."""
    for age in ages:
        await owner.execute(
            "INSERT INTO kernel.audit (person_id, id, actor_id, action, section, outcome, count, at) SELECT $1, i, $1,"
            " 'test:thing:read', 'test', 'done', 1, now() - $2::text::interval FROM (SELECT (left(kernel.uuid7_floor("
            "now() - $2::text::interval)::text, 20) || right($1::uuid::text, 16))::uuid AS i) AS made",
            ids.new(),
            age,
        )
    await sealed(parts)


async def test_rows_go_after_six_years_and_the_rest_is_still_proved(parts: Edge, owner: asyncpg.Connection) -> None:
    await old_trail(parts, owner)
    before = await verdict(parts)
    assert (before.rows, before.links, before.first_broken) == (5, 5, None)
    assert await seal.count_old(parts.db) == 3
    assert await seal.forget(parts.db, parts.keys) == 3
    assert await seal.forget(parts.db, parts.keys) == 0
    after = await verdict(parts, before.head)
    assert (after.rows, after.links, after.first_broken, after.head) == (2, 2, None, before.head)
    await write(parts)
    await sealed(parts)
    assert (await verdict(parts, before.head)).links == 3


async def test_forgetting_goes_on_from_where_it_stopped(
    parts: Edge, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await old_trail(parts, owner)
    monkeypatch.setattr(seal, "BATCH", 1)
    assert await seal.forget(parts.db, parts.keys) == 3
    assert (await verdict(parts)).first_broken is None


async def test_an_old_row_that_was_sealed_late_waits_for_those_before_it(
    parts: Edge, owner: asyncpg.Connection
) -> None:
    await old_trail(parts, owner, ("8 years", "1 second", "8 years", "1 second"))
    assert await seal.forget(parts.db, parts.keys) == 1
    assert (await verdict(parts)).first_broken is None


async def test_the_newest_link_stays_however_old(parts: Edge, owner: asyncpg.Connection) -> None:
    await old_trail(parts, owner, ("8 years", "7 years"))
    assert await seal.forget(parts.db, parts.keys) == 1
    await write(parts)
    await sealed(parts)
    found = await verdict(parts)
    assert (found.links, found.first_broken) == (2, None)


async def test_who_cuts_the_beginning_by_hand_is_found(parts: Edge, owner: asyncpg.Connection) -> None:
    await old_trail(parts, owner)
    await seal.forget(parts.db, parts.keys)
    await tamper(owner, "DELETE FROM kernel.audit WHERE at < now() - interval '1 year'")
    await tamper(owner, "DELETE FROM kernel.audit_link WHERE n = 4")
    assert (await verdict(parts)).first_broken == "link 4 is missing"
    await tamper(owner, "UPDATE kernel.audit_anchor SET n = 4")
    assert (await verdict(parts)).first_broken == "the anchor after link 4 was changed"
    await tamper(owner, "DELETE FROM kernel.audit_anchor")
    assert (await verdict(parts)).first_broken == "link 1 is missing"


async def test_nobody_can_remove_what_is_younger(parts: Edge, owner: asyncpg.Connection) -> None:
    await old_trail(parts, owner)
    async with parts.db.begin(DbRole.MAINTENANCE) as tx:
        assert await tx.one(seal.FORGET, 4, b"x") == 0
        assert await tx.one(seal.FORGET, 5, b"x") == 0
    for table, key in (("audit", "id"), ("audit_link", "audit_id")):
        with pytest.raises(asyncpg.RaiseError):
            await owner.execute(f"DELETE FROM kernel.{table} WHERE {key} >= kernel.uuid7_floor(now() - interval '1 d')")
    with pytest.raises(asyncpg.RaiseError):
        await owner.execute("UPDATE kernel.audit SET count = 2")
