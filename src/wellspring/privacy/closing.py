"""Sharing that ended because a clinician is none any more here: the database ends it, and each member is told once.

A trigger on the account ends every grant in the transaction that suspends it or takes the role, by whatever way.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import audit, events, logs, stream
from wellspring.kernel.audit import Access
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JobContext, every
from wellspring.privacy import grants
from wellspring.privacy.events import SharingClosed

log = logs.get("privacy")

AT_ONCE: Final = 200
ACTION: Final = "privacy:access_grant:close"


class Untold(Struct, frozen=True):
    """A grant that ended with its clinician's account, and whose it is."""

    person_id: UUID
    id: UUID


UNTOLD: Final = Query(
    "SELECT person_id, id FROM privacy.access_grant WHERE closed AND told_at IS NULL"
    f" ORDER BY person_id LIMIT {AT_ONCE}",
    Untold,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
TOLD: Final = Query(
    "UPDATE privacy.access_grant SET told_at = now() WHERE person_id = $1 AND id = $2 AND told_at IS NULL",
    int,
    DbRole.WORKER,
)


async def _tell(context: JobContext, one: Untold) -> None:
    async with context.db.begin(DbRole.WORKER, subject=one.person_id) as tx:
        if not await tx.do(TOLD, one.person_id, one.id):
            return
        await stream.publish(tx, one.person_id, grants.TOPIC, one.id)
        await events.publish(tx, SharingClosed(person_id=one.person_id, grant_id=one.id))
        row = Access(
            action=ACTION,
            section="access_grants",
            person_id=one.person_id,
            actor_id=NIL,
            count=1,
            consent_id=one.id,
        )
        await audit.record(tx, row)


@every("* * * * * */10", "privacy.closing")
async def tell(context: JobContext) -> None:
    """Tell those whose sharing ended with a clinician's account; killed and run again, it tells nobody twice."""
    done = AT_ONCE
    while done == AT_ONCE:
        async with context.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
            untold = await tx.all(UNTOLD)
        done = 0
        for one in untold:
            try:
                await _tell(context, one)
                done += 1
            except Exception as error:  # noqa: BLE001 - one who cannot be told must not keep others waiting
                log.error("sharing_end_untold", grant_id=one.id, error=error)
