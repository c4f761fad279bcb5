"""Each migration leaves, on the way back, every grant and policy of the version before it as they were."""

from collections.abc import Iterator
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg import sql

from tests.conftest import WORKER
from wellspring.migrations.bootstrap import ensure_database
from wellspring.migrations.runner import Runner

FIRST = "20261122152000"
_RIGHTS: Final[tuple[LiteralString, ...]] = (
    "SELECT grantee, table_schema, table_name, '', privilege_type FROM information_schema.role_table_grants"
    r" WHERE grantee LIKE 'wellspring\_%'",
    "SELECT grantee, table_schema, table_name, column_name, privilege_type FROM information_schema.role_column_grants"
    r" WHERE grantee LIKE 'wellspring\_%'",
    "SELECT roles::text, schemaname, tablename, policyname, concat_ws(' ', cmd, qual, with_check) FROM pg_policies",
    "SELECT coalesce(proacl::text, ''), pronamespace::regnamespace::text, oid::regprocedure::text, '', '' FROM pg_proc"
    " WHERE pronamespace::regnamespace::text <> ALL ('{pg_catalog,information_schema}')",
)


def rights(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return {tuple(map(str, row)) for query in _RIGHTS for row in conn.execute(query)}


@pytest.fixture
def empty(server_url: str, template: str) -> Iterator[str]:
    """A database without any table, where the roles are (they came with the template)."""
    assert template
    name = f"test_{WORKER}_steps_back"
    yield ensure_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_what_a_version_may_do_is_the_same_after_a_step_up_and_back(empty: str) -> None:
    runner = Runner(empty)
    versions = [state.version for state in runner.status() if state.version >= FIRST]
    before = []
    for version in versions:
        runner.up(version)
        before.append(rights(empty))
    for version, had in list(zip(versions, before, strict=True))[-2::-1]:
        runner.down(1)
        has = rights(empty)
        assert (version, had - has, has - had) == (version, set(), set())
