"""What stays of people who were erased goes when its years are over."""

from typing import Final

from wellspring.kernel import logs
from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.jobs import JobContext, every
from wellspring.kernel.tables import TABLES, Erase, Kind, Table
from wellspring.privacy.people import KEYS

log = logs.get("privacy")

_GONE: Final = "NOT EXISTS (SELECT 1 FROM identity.person p WHERE p.person_id = t.person_id)"


def _kept() -> list[Table]:
    return [t for t in TABLES.values() if t.erase is Erase.KEEP and t.kind is Kind.PERSON and t.keep_years]


def _over(table: Table) -> str:
    floor = f"kernel.uuid7_floor(now() - interval '{table.keep_years} years')"
    return f"DELETE FROM {table.name} t WHERE t.{table.row_key} < {floor} AND {_GONE}"


def _keys() -> str:
    used = [f"NOT EXISTS (SELECT 1 FROM {t.name} s WHERE s.person_id = t.person_id)" for t in _kept() if t.sealed]
    return f"DELETE FROM {KEYS} t WHERE {' AND '.join([_GONE, *used])}"


async def remove_old(db: Database) -> int:
    """Delete the rows of erased people whose years are over, then keys that open nothing any more; return how many."""
    total = 0
    for text in (*map(_over, _kept()), _keys()):
        query = Query(text, int, DbRole.MAINTENANCE, crosses_people=True, register=False)
        async with db.begin(DbRole.MAINTENANCE) as tx:
            total += await tx.do(query)
    if total:
        log.info("kept_rows_removed", rows=total)
    return total


@every("41 3 * * *", "privacy.kept")
async def remove_tonight(context: JobContext) -> None:
    """Every night."""
    await remove_old(context.db)
