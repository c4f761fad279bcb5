"""Sharing that ended because a clinician is none any more here: the database ends it, and each member is told once.

A trigger on the account ends every grant in the transaction that suspends it or takes the role, by whatever way. An
erasure ends them, and tells of it, in the transaction that takes the clinician: until then it may be refused.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import audit, events, logs, stream
from wellspring.kernel.audit import Access
from wellspring.kernel.db import DbRole, Query, Tx
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
    f" ORDER BY person_id, id LIMIT {AT_ONCE}",
    Untold,
    DbRole.MAINTENANCE,
    crosses_people=True,
)
TOLD: Final = Query(
    """UPDATE privacy.access_grant g SET told_at = now() WHERE g.person_id = $1 AND g.id = $2 AND g.told_at IS NULL
    RETURNING NOT EXISTS (SELECT FROM privacy.access_grant n
        WHERE n.person_id = g.person_id AND n.clinician_id = g.clinician_id AND n.id <> g.id
        AND (n.revoked_at IS NULL AND n.expires_at > now() OR n.closed AND n.told_at IS NULL AND n.id > g.id))""",
    bool,
    DbRole.WORKER,
)
"""Whether that clinician sees nothing now, and no later sharing with them is still to be told of."""
END: Final = Query("SELECT person_id, id FROM privacy.end_sharing_of($1)", Untold, DbRole.WORKER, crosses_people=True)


async def _tell(tx: Tx, one: Untold) -> Access | None:
    """Tell of one, where its person is the subject; return what the audit trail says of it, None if that was done."""
    over = await tx.maybe(TOLD, one.person_id, one.id)
    if over is None:
        return None
    await stream.publish(tx, one.person_id, grants.TOPIC, one.id)
    if over:
        await events.publish(tx, SharingClosed(person_id=one.person_id, grant_id=one.id))
    return Access(
        action=ACTION, section="access_grants", person_id=one.person_id, actor_id=NIL, count=1, consent_id=one.id
    )


async def end(tx: Tx, clinician_id: UUID) -> None:
    """End what is shared with the subject, who is being erased, and tell each member in this very transaction."""
    for one in await tx.all(END, clinician_id):
        await tx.set_subject(one.person_id)
        if said := await _tell(tx, one):
            await tx.do(audit.RECORD, *said.args())
    await tx.set_subject(clinician_id)


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
                async with context.db.begin(DbRole.WORKER, subject=one.person_id) as tx:
                    if said := await _tell(tx, one):
                        await audit.record(tx, said)
                done += 1
            except Exception as error:  # noqa: BLE001 - one who cannot be told must not keep others waiting
                log.error("sharing_end_untold", grant_id=one.id, error=error)
