"""Upkeep of identity's tables."""

from typing import Final

from wellspring.kernel.db import Database, DbRole, Query
from wellspring.kernel.jobs import JobContext, every

BATCH: Final = 2000

OLD_SESSIONS: Final = Query(
    "DELETE FROM identity.session WHERE ctid = ANY(ARRAY(SELECT ctid FROM identity.session"
    f" WHERE coalesce(ended_at, expires_at) < now() - interval '90 days' LIMIT {BATCH}))",
    int,
    DbRole.MAINTENANCE,
    crosses_people=True,
)


async def forget_sessions(db: Database) -> int:
    """Delete sessions that ended 90 days ago, with their refresh tokens; return how many."""
    total = 0
    while True:
        async with db.begin(DbRole.MAINTENANCE) as tx:
            found = await tx.do(OLD_SESSIONS)
        total += found
        if found < BATCH:
            return total


@every("23 3 * * *", "identity.forget_sessions")
async def forget_sessions_tick(context: JobContext) -> None:
    """Delete sessions that ended long ago."""
    await forget_sessions(context.db)
