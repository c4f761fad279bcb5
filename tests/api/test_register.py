"""The register of tables: what is exported, what is erased, and why anything stays."""

import pytest

from tests.api.owner import Owner
from wellspring import slices
from wellspring.kernel.tables import TABLES, Erase, Kind, Table

assert slices.TABLES, "importing the slices declares their tables"
ABOUT_PEOPLE = sorted((t for t in TABLES.values() if t.kind is Kind.PERSON), key=lambda t: t.name)
NOT_EXPORTED = {"identity.refresh_token", "kernel.person_key", "privacy.copy_part"}
KEPT = {"kernel.audit", "safety.crisis_event", "safety.event_step", "safety.page"}


def test_what_people_cannot_take_with_them_is_a_short_list() -> None:
    assert {t.name for t in ABOUT_PEOPLE if not t.exported} == NOT_EXPORTED


def test_what_stays_after_a_person_left_is_a_short_list_with_reasons() -> None:
    assert {t.name for t in ABOUT_PEOPLE if t.erase is Erase.KEEP} == KEPT
    assert all(t.keep_reason for t in TABLES.values() if t.erase is Erase.KEEP)


@pytest.mark.parametrize("table", ABOUT_PEOPLE, ids=lambda t: t.name)
def test_each_table_about_people_says_how_it_is_kept(table: Table) -> None:
    assert len(table.retention) > 5
    assert not set(table.sealed) & set(table.hidden), "sealed words belong to the person and are exported"


def test_the_register_names_columns_that_are_there(owner: Owner) -> None:
    wrong = []
    for table in TABLES.values():
        rows = owner.rows(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped",
            table.name,
        )
        kinds = dict(rows)
        wrong += [(table.name, c) for c in (*table.sealed, *table.hidden) if c not in kinds]
        wrong += [(table.name, c, kinds[c]) for c in table.sealed if c in kinds and kinds[c] != "bytea"]
        if table.kind is Kind.PERSON:
            wrong += [(table.name, c) for c in ("person_id", table.row_key) if c not in kinds]
            unsaid = {c for c, kind in kinds.items() if kind == "bytea"} - {*table.sealed, *table.hidden}
            wrong += [(table.name, c, "bytes that are neither sealed nor hidden") for c in unsaid]
    assert not wrong


def test_erasing_a_person_leaves_no_row_of_theirs_but_what_is_kept(owner: Owner) -> None:
    """Every table about people goes with the person, by foreign keys, or is erased by name, or is kept on purpose."""
    rows = owner.rows(
        "WITH RECURSIVE gone(name) AS (SELECT 'identity.person'::regclass::oid UNION SELECT c.conrelid"
        " FROM pg_constraint c JOIN gone g ON c.confrelid = g.name WHERE c.contype = 'f' AND c.confdeltype = 'c')"
        " SELECT n.nspname || '.' || r.relname FROM gone JOIN pg_class r ON r.oid = gone.name"
        " JOIN pg_namespace n ON n.oid = r.relnamespace"
    )
    by_hand = {t.name for t in ABOUT_PEOPLE if t.erase is Erase.DELETE} - {str(row[0]) for row in rows}
    assert by_hand == {"kernel.stream", "kernel.person_key", "safety.desk"}
