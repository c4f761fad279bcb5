"""Row-level security in raw SQL: what each login role can do, table by table, whatever the program asks for."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import asyncpg
import psycopg
import pytest

import wellspring
from tests.conftest import WORKER
from tests.support import database
from wellspring import slices
from wellspring.kernel import dsn, ids, tables
from wellspring.kernel.db import REGISTRY, DbRole, Query
from wellspring.kernel.edge import Edge
from wellspring.kernel.tables import Erase, Kind

pytestmark = pytest.mark.anyio

assert slices.TABLES, "importing the slices declares their tables"
OTHERS = ("wellspring.migrations.", "wellspring.__main__", "wellspring.cli", "wellspring.language.training.")
for found in pkgutil.walk_packages(wellspring.__path__, "wellspring."):
    if not found.name.startswith(OTHERS):
        importlib.import_module(found.name)

OUTSIDE = ("pg_catalog", "information_schema", "pg_toast", "jobs", "public")
PEOPLE = sorted(name for name, table in tables.TABLES.items() if table.kind is Kind.PERSON)
ROLES = [role for role in DbRole if role is not DbRole.MAINTENANCE]
ADA, BEN = UUID(int=1), UUID(int=2)


@pytest.fixture(scope="module")
def catalogue(server_url: str, template: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A copy of the migrated template, read as its owner (a connection to the template itself would block its use)."""
    with (
        database.clone(server_url, template, f"test_{WORKER}_catalogue") as url,
        psycopg.connect(url, autocommit=True) as conn,
    ):
        yield conn


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


def tables_of(catalogue: "psycopg.Connection[tuple[object, ...]]") -> dict[str, tuple[bool, bool]]:
    rows = catalogue.execute(
        "SELECT n.nspname || '.' || c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND n.nspname <> ALL(%s)",
        (list(OUTSIDE),),
    ).fetchall()
    return {str(name): (bool(secured), bool(forced)) for name, secured, forced in rows}


def columns_of(catalogue: "psycopg.Connection[tuple[object, ...]]", table: str) -> list[str]:
    rows = catalogue.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        (table,),
    ).fetchall()
    return [str(row[0]) for row in rows]


def test_every_table_is_declared_and_every_declared_table_exists(
    catalogue: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    assert set(tables_of(catalogue)) == set(tables.TABLES)


@pytest.mark.parametrize("name", sorted(tables.TABLES))
def test_a_table_has_the_shape_of_its_kind(catalogue: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    table, columns = tables.TABLES[name], columns_of(catalogue, name)
    key = catalogue.execute(
        "SELECT array_agg(a.attname ORDER BY k.n) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)"
        " JOIN pg_attribute a ON a.attnum = k.attnum WHERE i.indrelid = %s::regclass AND i.indisprimary"
        " AND a.attrelid = i.indrelid",
        (name,),
    ).fetchone()
    assert key is not None
    assert key[0], "every table has a primary key"
    if table.kind is Kind.PERSON:
        secured, forced = tables_of(catalogue)[name]
        assert columns[0] == "person_id"
        assert key[0][0] == "person_id"  # type: ignore[index]
        assert (secured, forced) == (True, False)
    assert set(table.sealed) | set(table.hidden) <= set(columns)
    assert table.kind is not Kind.PERSON or table.row_key in columns
    assert table.retention
    assert table.erase is Erase.DELETE or table.keep_reason


def test_every_foreign_key_is_indexed(catalogue: "psycopg.Connection[tuple[object, ...]]") -> None:
    bare = catalogue.execute(
        "SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
        " JOIN pg_namespace n ON n.oid = t.relnamespace WHERE c.contype = 'f' AND NOT t.relispartition"
        " AND n.nspname <> ALL(%s) AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid"
        " AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)",
        (list(OUTSIDE),),
    ).fetchall()
    assert bare == []


def test_person_tables_reference_people_tables_by_person(catalogue: "psycopg.Connection[tuple[object, ...]]") -> None:
    """A key to a row of a person carries their person_id, so that rows of two people can never be tied together."""
    rows = catalogue.execute(
        "SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,"
        " (SELECT array_agg(attname::text) FROM pg_attribute a WHERE a.attrelid = c.conrelid"
        " AND a.attnum = ANY(c.conkey))"
        " FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype = 'f' AND NOT t.relispartition"
    ).fetchall()
    wrong = [
        name
        for name, source, target, columns in rows
        if source in PEOPLE and target in PEOPLE and target != "identity.person" and "person_id" not in columns  # type: ignore[operator]
    ]
    assert wrong == []


def test_no_role_owns_or_bypasses_anything(catalogue: "psycopg.Connection[tuple[object, ...]]") -> None:
    rows = catalogue.execute(
        "SELECT rolname FROM pg_roles r WHERE rolname LIKE 'wellspring%%' AND (rolsuper OR rolbypassrls OR rolcreatedb"
        " OR rolcreaterole OR EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid)"
        " OR EXISTS (SELECT 1 FROM pg_auth_members WHERE member = r.oid))"
    ).fetchall()
    assert rows == []


def test_a_policy_compares_a_column_with_a_setting_and_nothing_else(
    catalogue: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    """Citus refuses subqueries in policies, and a function for each row is slow anywhere."""
    rows = catalogue.execute(
        "SELECT policyname, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies"
    ).fetchall()
    assert rows
    assert [name for name, text in rows if "SELECT" in str(text).upper()] == []


def test_definer_functions_fix_their_search_path_and_are_closed_to_others(
    catalogue: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    rows = catalogue.execute(
        "SELECT p.oid::regproc::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef"
        " AND n.nspname <> ALL(%s) AND (NOT coalesce(p.proconfig::text LIKE '%%search_path=%%', false)"
        " OR has_function_privilege('public', p.oid, 'EXECUTE'))",
        (list(OUTSIDE),),
    ).fetchall()
    assert rows == []


def test_the_public_may_do_nothing(catalogue: "psycopg.Connection[tuple[object, ...]]") -> None:
    rows = catalogue.execute(
        "SELECT table_schema, table_name FROM information_schema.table_privileges WHERE grantee = 'PUBLIC'"
        " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert rows == []


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("kernel.audit.outcome", "'maybe'"),
        ("checkins.checkin.mood_score", "0"),
        ("checkins.checkin.mood_score", "11"),
        ("checkins.checkin.energy_level", "11"),
        ("checkins.checkin.anxiety_level", "11"),
        ("checkins.checkin.stress_level", "11"),
        ("checkins.checkin.sensory_load_score", "11"),
        ("checkins.checkin.executive_function_score", "11"),
        ("checkins.checkin.masking_level", "11"),
        ("checkins.checkin.sleep", "6"),
        ("checkins.checkin.reading_state", "'maybe'"),
        ("checkins.checkin.journal_sentiment_score", "1.1"),
        ("checkins.checkin.emotion_scores", "'{1}'"),
        ("checkins.checkin.crisis_probability", "-0.1"),
    ],
)
def test_columns_of_a_domain_refuse_what_it_does_not_hold(
    catalogue: "psycopg.Connection[tuple[object, ...]]", column: str, wrong: str
) -> None:
    table, _, name = column.rpartition(".")
    kind = catalogue.execute(
        "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
        (table, name),
    ).fetchone()
    assert kind is not None
    with pytest.raises(psycopg.errors.CheckViolation):
        catalogue.execute(f"SELECT CAST({wrong} AS {kind[0]})")  # type: ignore[arg-type]


# --- what the roles see: rows of ADA exist in every person table ---


async def fill(owner: asyncpg.Connection, table: str) -> None:
    """Put one row of ADA into a table, past constraints and triggers: only policies are under test."""
    columns = await owner.fetch(
        "SELECT a.attname, format_type(a.atttypid, NULL) AS type FROM pg_attribute a"
        " WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND a.attnotnull"
        " AND NOT a.attisdropped AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = ''",
        table,
    )
    for check in await owner.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'c'", table
    ):
        await owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{check["conname"]}"')
    names = [row["attname"] for row in columns]
    values = ", ".join(_value(row["attname"], row["type"]) for row in columns)
    await owner.execute(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})")


def _value(name: str, kind: str) -> str:
    if name == "person_id":
        return f"'{ADA}'"
    samples = {
        "uuid": f"'{ids.new()}'",
        "bytea": "'\\x00'",
        "jsonb": "'{}'",
        "boolean": "false",
        "date": "current_date",
        "timestamp with time zone": "now()",
        "xid8": "'1'",
        "interval": "'1 s'",
        "kernel.outcome": "'done'",
        "checkins.reading": "'none'",
    }
    if kind.endswith("[]"):
        return "'{}'"
    return samples.get(kind, "'1'")


@pytest.fixture
async def filled(owner: asyncpg.Connection) -> None:
    await owner.execute("SET session_replication_role = replica")
    for table in PEOPLE:
        await fill(owner, table)
    await owner.execute("SET session_replication_role = origin")


async def login(database_url: str, parts: Edge, role: DbRole) -> asyncpg.Connection:
    return await asyncpg.connect(dsn.for_role(database_url, parts.keys, role))


async def seen(conn: asyncpg.Connection, table: str) -> int:
    """Return how many rows the role sees; a table it may not read counts as 0."""
    try:
        return int(await conn.fetchval(f"SELECT count(*) FROM {table}"))
    except asyncpg.InsufficientPrivilegeError:
        return 0


async def touched(conn: asyncpg.Connection, table: str) -> int:
    """Return how many rows an update and a delete reach in all."""
    total = 0
    for sql in (f"UPDATE {table} SET person_id = person_id", f"DELETE FROM {table}"):
        change = conn.transaction()
        await change.start()
        try:
            total += int((await conn.execute(sql)).rsplit(" ", 1)[-1])
        except (asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError):
            pass
        finally:
            await change.rollback()
    return total


async def column_updates(conn: asyncpg.Connection, table: str, role: DbRole) -> int:
    """Return how many rows an update of a column reaches that the role may update on its own."""
    granted = await conn.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
        " AND has_column_privilege($2, attrelid, attnum, 'UPDATE') LIMIT 1",
        table,
        role.login,
    )
    if granted is None:
        return 0
    return int((await conn.execute(f"UPDATE {table} SET {granted} = {granted}")).rsplit(" ", 1)[-1])


async def inserts(conn: asyncpg.Connection, table: str) -> bool:
    """Tell whether the role can write a row of ADA. Only the policy decides: other columns are left to fail later."""
    change = conn.transaction()
    await change.start()
    try:
        await conn.execute(f"INSERT INTO {table} (person_id) VALUES ('{ADA}')")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError):
        return False
    except asyncpg.IntegrityConstraintViolationError:
        return True
    finally:
        await change.rollback()
    return True


WRITES_FOR_OTHERS = {("kernel.audit", DbRole.WORKER)}
"""Jobs write audit rows of many people; a row can be added and never changed."""


async def as_settings(conn: asyncpg.Connection, **settings: object) -> None:
    for name, value in settings.items():
        await conn.execute("SELECT set_config($1, $2, false)", f"app.{name}", str(value))


READS_FOR_OTHERS = {("safety.duty", DbRole.WORKER)}
"""Paging chooses among the responders on duty; no row is about anybody's health."""


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"actor_id": BEN},
        {"actor_id": BEN, "subject_id": BEN},
        {"actor_id": "", "subject_id": ""},
    ],
)
async def test_a_role_reaches_nobody_elses_rows(
    parts: Edge, database_url: str, role: DbRole, settings: dict[str, object]
) -> None:
    conn = await login(database_url, parts, role)
    await as_settings(conn, **settings)
    try:
        for table in PEOPLE:
            if (table, role) not in READS_FOR_OTHERS:
                assert await seen(conn, table) == 0, f"{role} sees {table}"
            assert await touched(conn, table) == 0, f"{role} changes {table}"
            assert await column_updates(conn, table, role) == 0, f"{role} changes columns of {table}"
            allowed = (table, role) in WRITES_FOR_OTHERS
            assert await inserts(conn, table) in ({True, False} if allowed else {False}), f"{role} writes {table}"
    finally:
        await conn.close()


@pytest.mark.usefixtures("filled")
async def test_the_rows_are_really_there(parts: Edge, database_url: str, owner: asyncpg.Connection) -> None:
    """The matrix above would pass on empty tables; its rows are seen by the owner, and by ADA where she may."""
    for table in PEOPLE:
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 1, table
    conn = await login(database_url, parts, DbRole.MEMBER)
    await as_settings(conn, actor_id=ADA)
    readable = [t for t in PEOPLE if await conn.fetchval("SELECT has_table_privilege($1, 'SELECT')", t)]
    assert [t for t in readable if await seen(conn, t) != 1] == []
    assert "identity.person" in readable
    await as_settings(conn, actor_id=BEN, subject_id=ADA)
    assert [t for t in PEOPLE if await seen(conn, t)] == []
    await conn.close()


@pytest.mark.usefixtures("filled")
async def test_staff_see_the_opened_person_and_not_their_own_subject_by_actor_alone(
    parts: Edge, database_url: str
) -> None:
    conn = await login(database_url, parts, DbRole.STAFF)
    await as_settings(conn, actor_id=BEN, subject_id=ADA)
    assert await seen(conn, "identity.person") == 1
    await as_settings(conn, actor_id=ADA, subject_id="")
    assert await seen(conn, "identity.person") == 0
    await conn.close()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("role", ROLES)
async def test_nobody_but_sign_in_reads_keys_of_others_and_logins(parts: Edge, database_url: str, role: DbRole) -> None:
    conn = await login(database_url, parts, role)
    await as_settings(conn, actor_id=BEN, subject_id=BEN)
    assert await seen(conn, "kernel.person_key") == 0
    assert await seen(conn, "identity.login") == 0
    await conn.close()


HIDDEN = sorted((t.name, column) for t in tables.TABLES.values() for column in t.hidden)
MAY_READ_HIDDEN = {
    ("kernel.person_key", "wrapped"): {*DbRole},  # opens nothing without the key of the installation
    **{("identity.login", name): {DbRole.SIGNIN} for name in ("email_digest", "password_hash", "previous_hashes")},
    **{("identity.login", name): {DbRole.SIGNIN, DbRole.MEMBER} for name in ("recovery_digests", "totp_secret")},
    ("identity.refresh_token", "digest"): {DbRole.SIGNIN},
    ("interventions.person_effects", "state"): {DbRole.MEMBER, DbRole.MAINTENANCE},
    **{("kernel.audit", name): {DbRole.MAINTENANCE} for name in ("ip", "xid")},  # seals the trail
}
"""What is never copied is read by those who work with it, and by nobody whose policy happens to open the row."""


@pytest.mark.parametrize(("table", "column"), HIDDEN)
def test_a_hidden_column_is_read_by_whoever_needs_it(
    catalogue: "psycopg.Connection[tuple[object, ...]]", table: str, column: str
) -> None:
    granted = {
        role
        for role in DbRole
        if catalogue.execute(
            "SELECT has_column_privilege(%s, %s::text, %s::text, 'SELECT')", (role.login, table, column)
        ).fetchone()
        == (True,)
    }
    assert granted == MAY_READ_HIDDEN[table, column]


async def test_whoever_copies_and_erases_a_person_is_refused_how_they_sign_in(
    owner: asyncpg.Connection, parts: Edge, database_url: str
) -> None:
    """The worker has opened ADA, as for her copy, and maintenance opens everybody."""
    await owner.execute("SET session_replication_role = replica")
    for table in ("identity.login", "identity.refresh_token"):
        await fill(owner, table)
    secrets = [(table, column) for table, column in HIDDEN if table in ("identity.login", "identity.refresh_token")]
    assert len(secrets) == 6
    for role in (DbRole.WORKER, DbRole.MAINTENANCE):
        conn = await login(database_url, parts, role)
        await as_settings(conn, subject_id=ADA)
        for table, column in (*secrets, *((table, "*") for table, _ in secrets)):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.fetch(f"SELECT {column} FROM {table}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):  # nor by what a change gives back
                await conn.fetch(f"DELETE FROM {table} RETURNING {column}")
        await conn.close()
    worker = await login(database_url, parts, DbRole.WORKER)
    await as_settings(worker, subject_id=ADA)
    for table in ("identity.login", "identity.refresh_token"):
        assert await worker.fetchval(f"SELECT count(*) FROM {table} WHERE person_id = $1", ADA) == 1
        assert await worker.execute(f"DELETE FROM {table} WHERE person_id = $1", ADA) == "DELETE 1"
    await worker.close()


async def test_every_query_prepares_under_each_of_its_roles(parts: Edge) -> None:
    wrong = []
    for role in DbRole:
        async with parts.db.connection(role) as conn:
            for query in REGISTRY:
                if role in query.roles and (why := await refusal(conn, query)):
                    wrong.append(f"{role}: {why}: {query.sql[:90]}")
    assert wrong == []
    assert [query.sql[:90] for query in REGISTRY if not query.roles] == []


async def refusal(conn: asyncpg.Connection, query: "Query[object]") -> str | None:
    """Return why a role cannot run a query: it does not parse, or a right is missing."""
    try:
        prepared = await conn.prepare(query.sql)
    except asyncpg.PostgresError as error:
        return f"{type(error).__name__} {error}"
    await conn.execute(f"PREPARE checked AS {query.sql}")
    arguments = ", ".join(["NULL"] * len(prepared.get_parameters()))
    try:
        await conn.execute(f"EXPLAIN EXECUTE checked{f'({arguments})' if arguments else ''}")
    except asyncpg.InsufficientPrivilegeError as error:
        return str(error)
    except asyncpg.PostgresError:
        return None
    finally:
        await conn.execute("DEALLOCATE checked")
    return None


def test_a_query_that_crosses_people_says_so() -> None:
    """Maintenance reads every person's rows, so each of its statements on their tables is marked."""
    silent = [
        query.sql[:90]
        for query in REGISTRY
        if query.roles == (DbRole.MAINTENANCE,)
        and not query.crosses_people
        and any(f" {table} " in f" {query.sql} " for table in PEOPLE)
    ]
    assert silent == []
