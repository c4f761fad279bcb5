"""The audit trail: one row for each request that touches health data, sealed into an HMAC chain by a job."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query, Tx


class Outcome(StrEnum):
    """How the access ended."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


class Access(Struct, frozen=True, kw_only=True):
    """Who (`actor_id`, `session_id`, `ip`) did what (`action`) to whose (`person_id`) which `section`, `count` rows.

    `consent_id` names the consent or grant it rests on. The nil UUID stands for a person nobody knows.
    """

    action: str
    section: str
    person_id: UUID = ids.NIL
    actor_id: UUID = ids.NIL
    session_id: UUID | None = None
    ip: str | None = None
    request_id: str | None = None
    outcome: Outcome = Outcome.DONE
    count: int = 1
    consent_id: UUID | None = None

    def args(self) -> tuple[object, ...]:
        """Return the values for `insert`, in its order."""
        return (
            self.person_id,
            ids.new(),
            self.actor_id,
            self.session_id,
            self.action,
            self.section,
            self.outcome.value,
            self.count,
            self.ip,
            self.request_id,
            self.consent_id,
        )


WIDTH: Final = 11


def insert(first: int) -> str:
    """Return the INSERT for parameters `$first`… (11 of them)."""
    p = [f"${n}" for n in range(first, first + WIDTH)]
    return (
        "INSERT INTO kernel.audit (person_id, id, actor_id, session_id, action, section, outcome, count, ip,"
        " request_id, consent_id) "
        f"SELECT {p[0]}::uuid, {p[1]}::uuid, {p[2]}::uuid, {p[3]}::uuid, {p[4]}::text, {p[5]}::text, {p[6]}::text,"
        f" {p[7]}::int, {p[8]}::text, {p[9]}::text, {p[10]}::uuid"
    )


RECORD: Final = Query(insert(1), int, DbRole.MEMBER, DbRole.STAFF, DbRole.WORKER, DbRole.SIGNIN, name="audit_record")


async def record(tx: Tx, access: Access) -> None:
    """Write one row in the caller's transaction, as its last statement."""
    await tx.at_commit(RECORD, *access.args())
