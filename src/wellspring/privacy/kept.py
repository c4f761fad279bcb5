"""What is kept for a number of years goes when they are over, of those who were erased and of those who are here."""

from typing import Final

from msgspec import Struct

from wellspring.kernel import logs, seal
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.jobs import JobContext, every
from wellspring.kernel.tables import TABLES, Erase, Kind, Table
from wellspring.privacy.people import KEYS

log = logs.get("privacy")

AUDIT: Final = "kernel.audit"
_GONE: Final = "NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = t.person_id)"


class Over(Struct, frozen=True):
    """How many rows of a table are too old."""

    table: str
    rows: int


def _kept() -> list[Table]:
    """Return the tables with a number of years, parts before the rows that they are parts of."""
    found = [t for t in TABLES.values() if t.erase is Erase.KEEP and t.kind is Kind.PERSON and t.keep_years]
    return sorted(found, key=lambda table: table.part_of is None)


def _floor(table: Table) -> str:
    return f"kernel.uuid7_floor(now() - interval '{table.keep_years} years')"


def _over(table: Table, name: str) -> str:
    """Return the test of a row that is old enough, with which nobody works, and of which no part is younger."""
    tests = [f"{name}.{table.row_key} < {_floor(table)}"]
    if table.busy:
        tests.append(f"NOT ({table.busy})")
    for part in _kept():
        if part.part_of is not None and part.part_of[0] == table.name:
            tests.append(
                f"NOT EXISTS (SELECT 1 FROM {part.name} part WHERE part.person_id = {name}.person_id"
                f" AND part.{part.part_of[1]} = {name}.{table.row_key} AND part.{part.row_key} >= {_floor(part)})"
            )
    return " AND ".join(tests)


def _what() -> list[tuple[str, str]]:
    """Return tables and tests: rows whose years are over, then keys that open nothing any more."""
    used = [
        f"NOT EXISTS (SELECT 1 FROM {t.name} s WHERE s.person_id = t.person_id AND NOT ({_over(t, 's')}))"
        for t in _kept()
        if t.sealed
    ]
    return [*((table.name, _over(table, "t")) for table in _kept()), (KEYS, " AND ".join([_GONE, *used]))]


async def _each(db: Database, verb: str) -> list[Over]:
    found = []
    for table, test in _what():
        text = f"WITH gone AS ({verb} FROM {table} t WHERE {test} {'RETURNING 1' if verb == 'DELETE' else ''})"
        query = Query(f"{text} SELECT count(*) FROM gone", int, DbRole.MAINTENANCE, crosses_people=True, register=False)
        async with db.begin(DbRole.MAINTENANCE) as tx:
            found.append(Over(table, await tx.one(query)))
    return found


async def look(db: Database) -> list[Over]:
    """Return what `remove_old` would remove."""
    return [*await _each(db, "SELECT 1"), Over(AUDIT, await seal.count_old(db))]


async def remove_old(db: Database, keys: Keyring) -> list[Over]:
    """Delete the rows whose years are over, keys that open nothing any more, and the oldest part of the audit trail."""
    return [*await _each(db, "DELETE"), Over(AUDIT, await seal.forget(db, keys))]


@every("41 3 * * *", "privacy.kept")
async def remove_tonight(context: JobContext) -> None:
    """Every night."""
    total = sum(one.rows for one in await remove_old(context.db, context.keys))
    if total:
        log.info("kept_rows_removed", rows=total)
