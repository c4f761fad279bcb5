"""Who supervises the crisis desk: administrators say it, and the database asks for one as the actor."""

from typing import Final
from uuid import UUID

from wellspring.kernel.db import DbRole, Query, Tx

SUPERVISORS: Final = Query("SELECT safety.supervisors($1::uuid[])", UUID, DbRole.STAFF, crosses_people=True)
CHANGE: Final = Query("SELECT safety.change_supervisor($1, $2)", str, DbRole.STAFF)
LEAVE: Final = Query("SELECT safety.leave_duty($1)", bool, DbRole.STAFF)


async def among(tx: Tx, people: list[UUID]) -> frozenset[UUID]:
    """Return those of some people who supervise."""
    return frozenset(await tx.all(SUPERVISORS, people))


async def change(tx: Tx, person_id: UUID, *, supervises: bool) -> str:
    """Say whether somebody supervises: `changed`, `same`, or why not (`unknown`, `not_responder`, `forbidden`)."""
    return await tx.one(CHANGE, person_id, supervises)


async def leave(tx: Tx, person_id: UUID) -> None:
    """End the duty of somebody whose account was suspended or who is no responder any more."""
    await tx.maybe(LEAVE, person_id)
