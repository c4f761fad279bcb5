"""A copy of everything about alice, and alice erased: every declared table is in the one and after the other empty.

Her word is planted wherever words are taken; afterwards it and her ids are searched for in the whole database.
"""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.api.owner import Owner
from tests.api.test_canary import CANARY, Flight, found_in
from tests.api.world import WORD, World, on_duty
from tests.support.people import PASSWORD, Circle, Person
from wellspring.identity import leaving
from wellspring.kernel import dsn, ids
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.kernel.policy import Role
from wellspring.kernel.tables import TABLES, Erase, Kind, Named
from wellspring.notify.ports import RecordingMail
from wellspring.privacy import copies, erasure
from wellspring.privacy.erasure import NotErased, Why
from wellspring.privacy.leaving import own_connection
from wellspring.privacy.ledger import Ledger
from wellspring.safety import paging

pytestmark = pytest.mark.anyio
ABOUT = sorted(t.name for t in TABLES.values() if t.kind is Kind.PERSON)
COPIED = [name for name in ABOUT if TABLES[name].exported]
STAYS = [name for name in ABOUT if TABLES[name].erase is Erase.KEEP]


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(database_url)
    yield made
    await made.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "erased.jsonl")


class Full:
    """Alice with a row in every declared table about people, and dana, who helped her."""

    def __init__(self, world: World, dana: Person) -> None:
        self.world = world
        self.alice = world.alice
        self.dana = dana
        self.owner = world.owner

    async def fill(self) -> "Full":
        world, alice, owner = self.world, self.world.alice, self.owner
        context = JobContext(
            world.circle.parts.db, world.circle.parts.settings, world.circle.parts.keys, {"mail": RecordingMail()}
        )
        for row in owner.rows("SELECT id FROM safety.crisis_event"):
            await paging.page(context, JobPayload(alice.id, row[0]))
        await Flight(world, self.dana).everywhere()
        owner.conn.execute(
            "INSERT INTO checkins.correction (person_id, id, answer, read_primary, read_confidence, read_scores,"
            " read_versions) VALUES (%s, %s, 'no', 'calm', 1, '{}', '{}')",
            (alice.id, world.ids["checkin_id"]),
        )
        owner.conn.execute(
            "INSERT INTO checkins.day (person_id, day, count, mood_avg, mood_min, mood_max)"
            " VALUES (%s, '2026-11-01', 1, 5, 5, 5)",
            (alice.id,),
        )
        copy_id = ids.new()
        owner.conn.execute(
            "INSERT INTO privacy.copy (person_id, id, session_id) VALUES (%s, %s, %s)", (alice.id, copy_id, copy_id)
        )
        owner.conn.execute(
            "INSERT INTO privacy.copy_part (person_id, id, copy_id, n, sealed) VALUES (%s, %s, %s, 0, 'x')",
            (alice.id, ids.new(), copy_id),
        )
        owner.conn.execute("INSERT INTO safety.duty (person_id, on_duty, until) VALUES (%s, false, now())", (alice.id,))
        owner.conn.execute(
            "INSERT INTO notify.delivery (person_id, id, channel, template, language, unique_key, ref)"
            " VALUES (%s, %s, 'mail', 'x', 'en', %s, %s)",
            (alice.id, ids.new(), f"x:{alice.id}", alice.id),
        )
        return self

    async def resolve(self) -> None:
        """Bring every event to its end, so that nobody waits for alice."""
        for event_id in self.owner.rows("SELECT id FROM safety.crisis_event WHERE person_id = %s", self.alice.id):
            path = f"/v1/people/{self.alice.id}/crisis-events/{event_id[0]}"
            await self.dana.post(f"{path}/claim")
            for body in (
                {"step": "contact"},
                {"step": "resolve", "note": f"{CANARY} note", "outcome": "safe_with_plan"},
            ):
                answer = await self.dana.post(f"{path}/steps", json=body)
        open_now = self.owner.one(
            "SELECT count(*) FROM safety.crisis_event WHERE state IN ('paged', 'acknowledged', 'contacted')"
        )
        assert open_now == 0, answer.text

    def count(self, table: str) -> int:
        return int(self.owner.one(f"SELECT count(*) FROM {table} WHERE person_id = %s", self.alice.id))


@pytest.fixture
async def full(world: World) -> Full:
    return await Full(world, await on_duty(world)).fill()


async def test_alice_has_a_row_in_every_table(full: Full) -> None:
    assert [name for name in ABOUT if not full.count(name)] == []


async def _copy(conn: asyncpg.Connection, parts: Edge, person_id: UUID) -> tuple[dict[str, Any], str]:
    file = io.BytesIO()
    done = await copies.write_json(conn, parts.keys, person_id, file)
    text = file.getvalue().decode()
    found = json.loads(text)
    assert found["unreadable"] == done.unreadable == []
    assert sum(map(len, found["tables"].values())) == done.rows
    return found["tables"], text


async def test_a_copy_holds_every_table_with_the_words_opened(
    full: Full, conn: asyncpg.Connection, parts: Edge
) -> None:
    before = {name: full.count(name) for name in COPIED}
    tables, text = await _copy(conn, parts, full.alice.id)
    assert {name: len(rows) for name, rows in tables.items()} == before
    assert all(before.values())
    for name in COPIED:
        seen = {column for row in tables[name] for column in row}
        assert not seen & set(TABLES[name].hidden), name
        assert set(TABLES[name].sealed) <= seen, name
    assert CANARY in json.dumps(tables["checkins.checkin"])
    assert "kill myself" in json.dumps(tables["safety.crisis_event"])
    assert CANARY in json.dumps([tables["identity.person"], tables["interventions.session"]])
    assert tables["identity.person"][0]["email"] == full.alice.email
    assert CANARY in json.dumps(tables["safety.event_step"])
    assert any(row["care_due_at"] for row in tables["safety.desk"]), "what is planned is theirs to know"
    assert PASSWORD not in text
    last = full.owner.rows("SELECT action, person_id, actor_id FROM kernel.audit ORDER BY id DESC LIMIT 1")[0]
    assert last == ("privacy:person:export", full.alice.id, ids.NIL)


async def test_a_copy_does_not_say_who_was_on_duty(full: Full, conn: asyncpg.Connection, parts: Edge) -> None:
    """Dana is a clinician too: whoever knows her id finds her name. That somebody did something stays in the copy."""
    await full.resolve()
    full.owner.conn.execute("UPDATE safety.page SET responder_id = %s", (full.dana.id,))
    tables, text = await _copy(conn, parts, full.alice.id)
    assert str(full.dana.id) not in text
    assert {row["actor_id"] for row in tables["safety.event_step"]} <= {None, str(full.alice.id)}
    actors = {row["actor_id"] for row in tables["kernel.audit"]}
    assert actors == {None, str(full.alice.id)}
    assert tables["privacy.care_team"][0]["clinician_id"] == str(full.world.bob.id), "she chose him"


async def test_a_copy_holds_nobody_else(full: Full, conn: asyncpg.Connection, parts: Edge) -> None:
    charlie = await full.world.circle.member("charlie")
    _, text = await _copy(conn, parts, charlie.id)
    assert not [mark for mark in (*full.world.marks(), str(full.alice.id), CANARY) if mark in text]


async def test_an_archive_has_a_table_for_a_spreadsheet(full: Full, conn: asyncpg.Connection, parts: Edge) -> None:
    file = io.BytesIO()
    done = await copies.write_archive(conn, parts.keys, full.alice.id, file)
    with zipfile.ZipFile(file) as archive:
        assert sorted(archive.namelist()) == sorted(["everything.json", *(f"csv/{name}.csv" for name in COPIED)])
        assert CANARY in archive.read("csv/checkins.checkin.csv").decode()
        whole = json.loads(archive.read("everything.json"))
    assert sum(map(len, whole["tables"].values())) == done.rows
    assert done.unreadable == []


def test_a_spreadsheet_takes_no_word_for_a_formula() -> None:
    assert [copies.cell(value) for value in ("=1+1", "@x", "plain", None, -3, ["=1"])] == [
        "'=1+1",
        "'@x",
        "plain",
        "",
        "-3",
        '["=1"]',
    ]


async def test_what_does_not_open_is_named_and_the_rest_is_copied(
    full: Full, conn: asyncpg.Connection, parts: Edge
) -> None:
    full.owner.conn.execute("UPDATE safety.safety_plan SET steps = 'xx' WHERE person_id = %s", (full.alice.id,))
    file = io.BytesIO()
    done = await copies.write_archive(conn, parts.keys, full.alice.id, file)
    assert len(done.unreadable) == full.count("safety.safety_plan")
    assert done.unreadable[0].startswith("safety.safety_plan.steps ")


async def test_nobody_is_erased_while_people_look_for_them(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    held = "UPDATE safety.crisis_event SET state = 'contacted' WHERE claimed_by = %s"
    assert full.owner.conn.execute(held, (full.dana.id,)).rowcount == 1
    before = full.owner.prints_of(full.alice.id)
    for person, why in ((full.alice, Why.IN_CRISIS), (full.dana, Why.WORKING)):
        for call in (erasure.plan(conn, person.id), erasure.erase(conn, parts.keys, ledger, person.id)):
            with pytest.raises(NotErased) as refused:
                await call
            assert refused.value.why is why
    assert full.owner.prints_of(full.alice.id) == before
    assert (await full.alice.get("/v1/users/me")).status_code == 200


async def test_after_erasing_nothing_is_left_but_what_is_declared(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await full.resolve()
    owner, alice = full.owner, full.alice
    owner.conn.execute(
        "INSERT INTO jobs.pgqueuer_log (job_id, status, priority, entrypoint, traceback)"
        " VALUES (1, 'exception', 0, 'x', %s)",
        (json.dumps({"text": f"person {alice.id}"}),),
    )
    wrapped = owner.one("SELECT wrapped FROM kernel.person_key WHERE person_id = %s", alice.id)
    evidence = owner.rows("SELECT evidence FROM safety.crisis_event WHERE person_id = %s", alice.id)
    kept_before = {name: full.count(name) for name in STAYS}
    planned = await erasure.plan(conn, alice.id)
    done = await erasure.erase(conn, parts.keys, ledger, alice.id)
    assert (done.deleted, done.cleared, done.kept, done.jobs) == (
        planned.deleted,
        planned.cleared,
        planned.kept,
        planned.jobs,
    )
    assert {row.table for row in done.deleted} >= set(ABOUT) - set(STAYS)
    assert {name: full.count(name) for name in STAYS} == {
        **kept_before,
        "kernel.audit": kept_before["kernel.audit"] + 1,
    }
    holding = {"kernel.audit_link", "kernel.person_key", *STAYS}
    for table in owner.tables():
        text = "\n".join(str(row) for row in owner.rows(f"SELECT t::text FROM {table} t"))
        assert str(alice.id) not in text or table in holding, table
        assert alice.id.hex not in text, table
        assert not found_in(text), table
        assert WORD not in text, table
        own = [full.world.ids[name] for name in ("contact_id", "grant_id", "team_id", "to_complete", "second_session")]
        assert not [one for one in own if one in text] or table in holding, table
    everything = owner.everything()
    assert wrapped.hex() not in everything
    assert wrapped.decode("latin-1") not in everything, "the key that opened her words is gone"
    assert not [row for row in evidence if row[0].decode("latin-1") in everything]
    answer = await alice.get("/v1/users/me")
    assert answer.status_code == 401
    body = {"email": alice.email, "password": PASSWORD}
    assert (await alice.client.post("/v1/auth/login", json=body)).status_code == 401


async def _nothing() -> None:
    """Leave what was written where it is."""


async def test_a_worker_copies_and_erases_as_the_owner_does(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    """It sees one person, and none of the rows of others that name her."""
    await full.resolve()
    owned, _ = await _copy(conn, parts, full.alice.id)
    async with own_connection(parts.db) as theirs:
        said = await theirs.fetchval("SELECT current_setting('application_name')")
        assert said == dsn.name("worker", parts.keys), "a command beside it must see which keys it has read"
        await theirs.execute("SELECT set_config('app.subject_id', $1, false)", str(full.alice.id))
        file = io.BytesIO()
        await copies.write_archive(theirs, parts.keys, full.alice.id, file, drain=_nothing)
        with zipfile.ZipFile(file) as archive:
            seen = json.loads(archive.read("everything.json"))["tables"]
        assert {name: len(rows) for name, rows in seen.items()} == {
            **{name: len(rows) for name, rows in owned.items()},
            "kernel.audit": len(owned["kernel.audit"]) + 1,
        }
        planned = await erasure.plan(conn, full.alice.id)
        done = await erasure.erase(theirs, parts.keys, ledger, full.alice.id)
    assert done is not None
    assert done.deleted == planned.deleted
    assert {name for name in ABOUT if full.count(name)} == {*STAYS, "kernel.person_key"}
    assert (await erasure.plan(conn, full.alice.id)).total == 0
    after, _ = await _copy(conn, parts, full.alice.id)
    assert after["safety.event_step"] == owned["safety.event_step"]
    assert "kill myself" in json.dumps(after["safety.crisis_event"])


async def test_what_is_kept_opens_under_a_key_of_its_own(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await full.resolve()
    before, _ = await _copy(conn, parts, full.alice.id)
    await erasure.erase(conn, parts.keys, ledger, full.alice.id)
    after, _ = await _copy(conn, parts, full.alice.id)
    for name in ("safety.crisis_event", "safety.event_step", "safety.page"):
        assert after[name] == before[name], name
    assert {name for name, rows in after.items() if rows} == set(STAYS)
    assert "kill myself" in json.dumps(after["safety.crisis_event"])


async def test_erasing_again_finds_nothing_more(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await full.resolve()
    await erasure.erase(conn, parts.keys, ledger, full.alice.id)
    again = await erasure.plan(conn, full.alice.id)
    assert again.total == 0
    before = full.owner.one("SELECT wrapped FROM kernel.person_key WHERE person_id = %s", full.alice.id)
    await erasure.erase(conn, parts.keys, ledger, full.alice.id)
    after, _ = await _copy(conn, parts, full.alice.id)
    assert "kill myself" in json.dumps(after["safety.crisis_event"])
    assert full.owner.one("SELECT wrapped FROM kernel.person_key WHERE person_id = %s", full.alice.id) == before


async def test_who_was_never_in_danger_leaves_no_key(
    circle: Circle, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    charlie = await circle.member("charlie")
    done = await erasure.erase(conn, parts.keys, ledger, charlie.id)
    assert [row.table for row in done.kept] in ([], ["kernel.audit"])
    assert await conn.fetchval("SELECT count(*) FROM kernel.person_key WHERE person_id = $1", charlie.id) == 0
    again = await circle.client.post(
        "/v1/auth/register", json={"email": charlie.email, "password": PASSWORD, "display_name": "Charlie"}
    )
    assert again.status_code == 201, "the address is free again"


async def test_a_responder_who_helped_can_leave(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await full.resolve()
    full.owner.conn.execute("UPDATE safety.page SET responder_id = %s", (full.dana.id,))
    events = full.count("safety.crisis_event")
    done = await erasure.erase(conn, parts.keys, ledger, full.dana.id)
    assert {row.table for row in done.cleared} == {"safety.crisis_event", "safety.desk", "safety.page"}
    assert full.count("safety.crisis_event") == events
    named = [
        f"{name}.{column}"
        for name in ABOUT
        for column in {"person_id": 0, **dict(TABLES[name].names)}
        if full.owner.one(f"SELECT count(*) FROM {name} WHERE {column} = %s", full.dana.id)
    ]
    assert set(named) <= {"kernel.audit.person_id", "kernel.audit.actor_id", "safety.event_step.actor_id"}
    for table in full.owner.tables():
        text = "\n".join(str(row) for row in full.owner.rows(f"SELECT t::text FROM {table} t"))
        assert str(full.dana.id) not in text or table in {"kernel.audit", "kernel.audit_link", "safety.event_step"}


async def test_a_clinician_who_leaves_ends_what_was_shared(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await erasure.erase(conn, parts.keys, ledger, full.world.bob.id)
    assert full.count("privacy.care_team") == full.count("privacy.access_grant") == 0
    assert full.count("checkins.checkin")


async def test_the_last_administrator_stays(
    erin: Person, circle: Circle, conn: asyncpg.Connection, parts: Edge, database_url: str, ledger: Ledger
) -> None:
    with pytest.raises(NotErased) as refused:
        await erasure.erase(conn, parts.keys, ledger, erin.id)
    assert refused.value.why is Why.LAST_ADMIN
    second = await circle.staff("emma", Role.ADMIN)
    other = await asyncpg.connect(database_url)
    try:
        outcomes = await asyncio.gather(
            erasure.erase(conn, parts.keys, ledger, erin.id),
            erasure.erase(other, parts.keys, ledger, second.id),
            return_exceptions=True,
        )
    finally:
        await other.close()
    assert [isinstance(one, NotErased) for one in outcomes].count(True) == 1
    assert await conn.fetchval("SELECT count(*) FROM identity.person WHERE 'admin' = ANY(roles)") == 1


async def test_who_cannot_act_as_an_administrator_is_no_other_one(
    erin: Person, circle: Circle, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    emma = await circle.staff("emma", Role.ADMIN)
    await conn.execute("UPDATE identity.login SET totp_secret = NULL WHERE person_id = $1", emma.id)
    with pytest.raises(NotErased) as refused:
        await erasure.erase(conn, parts.keys, ledger, erin.id)
    assert refused.value.why is Why.LAST_ADMIN
    await erasure.erase(conn, parts.keys, ledger, emma.id)


async def test_who_is_being_erased_suspends_nobody(
    erin: Person, circle: Circle, conn: asyncpg.Connection, parts: Edge
) -> None:
    emma = await circle.staff("emma", Role.ADMIN)
    async with conn.transaction():
        assert not await leaving.is_last_admin(conn, erin.id)
        suspending = asyncio.create_task(erin.put(f"/v1/people/{emma.id}/status", json={"status": "suspended"}))
        await asyncio.sleep(0.3)
        await leaving.close(conn, erin.id)
    assert (await suspending).status_code in (401, 403)
    assert await conn.fetchval("SELECT status FROM identity.person WHERE person_id = $1", emma.id) == "active"


async def test_what_was_under_way_is_erased_too(
    alice: Person, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        erasing = asyncio.create_task(erasure.erase(conn, parts.keys, ledger, alice.id))
        await asyncio.sleep(0.3)
        assert not erasing.done()
        await tx.do(
            Query("INSERT INTO kernel.idempotency VALUES ($1, 'k', 'b', 201, $1)", int, DbRole.MEMBER, register=False),
            alice.id,
        )
    await erasing
    assert await conn.fetchval("SELECT count(*) FROM kernel.idempotency WHERE person_id = $1", alice.id) == 0


async def test_danger_that_was_under_way_keeps_the_account(
    full: Full, conn: asyncpg.Connection, parts: Edge, ledger: Ledger
) -> None:
    await full.resolve()
    async with parts.db.begin(DbRole.WORKER, subject=full.alice.id) as tx:
        erasing = asyncio.create_task(erasure.erase(conn, parts.keys, ledger, full.alice.id))
        await asyncio.sleep(0.3)
        await tx.do(
            Query(
                "UPDATE safety.crisis_event SET state = 'paged' WHERE person_id = $1",
                int,
                DbRole.WORKER,
                register=False,
            ),
            full.alice.id,
        )
    with pytest.raises(NotErased):
        await erasing
    assert full.owner.one("SELECT status FROM identity.person WHERE person_id = %s", full.alice.id) == "active"
    assert full.count("checkins.checkin")


def test_every_key_to_a_person_is_declared_and_nothing_kept_goes_with_one(owner: Owner) -> None:
    keys = owner.rows(
        "SELECT n.nspname || '.' || r.relname, a.attname, c.confdeltype FROM pg_constraint c"
        " JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)"
        " WHERE c.contype = 'f' AND c.confrelid = 'identity.person'::regclass"
    )
    assert keys
    for table, column, then in keys:
        if column == "person_id":
            assert TABLES[table].erase is Erase.DELETE, table
        else:
            assert column in dict(TABLES[table].names), (table, column)
            wanted = "c" if dict(TABLES[table].names)[column] is Named.REMOVE else "n"
            assert then in (wanted, wanted.encode()), (table, column)
    tied = {(table, column) for table, column, _ in keys}
    named = {(t.name, column) for t in TABLES.values() for column, then in t.names if then is not Named.KEEP}
    assert named <= tied, "erasing leaves these names to the keys"


def test_what_is_declared_of_columns_is_there(owner: Owner) -> None:
    for table in TABLES.values():
        columns = {
            row[0] for row in owner.rows("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass", table.name)
        }
        assert {name for name, _ in table.names} <= columns
        assert set(table.texts) <= set(table.sealed)
        assert bool(table.busy) is bool(table.ends)
        if table.part_of is not None:
            assert table.part_of[0] in TABLES
            assert table.part_of[1] in columns
        if table.busy:
            assert owner.rows(f"SELECT 1 FROM {table.name} WHERE {table.busy} LIMIT 1") is not None
