"""Who looked at what: a member's own view of the audit trail."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Struct

from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.edge import Req, as_member, principal
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import get


class Look(Struct, kw_only=True):
    """One access: when, what was done with which section, how many rows, how it ended, and on which grant it rests.

    `clinician_id` says who it was where that is a clinician the caller shared with, or one of their care team.
    """

    id: UUID
    at: datetime
    action: str
    section: str
    count: int
    outcome: str
    by_me: bool
    consent_id: UUID | None
    clinician_id: UUID | None


class Looks(Struct, kw_only=True):
    """A page of accesses to what is mine, newest first."""

    items: list[Look]
    next_cursor: str | None


class LookRow(Struct, frozen=True):
    """An audit row as a member sees it."""

    id: UUID
    at: datetime
    action: str
    section: str
    count: int
    outcome: str
    by_me: bool
    consent_id: UUID | None
    clinician_id: UUID | None


# Who acted on duty is not named: see the decision on sharing.
_LOOKS: Final = (
    "SELECT id, at, action, section, count, outcome, actor_id = $1, consent_id,"
    " CASE WHEN actor_id <> $1 AND action NOT LIKE 'safety:%' AND ("
    "   EXISTS (SELECT 1 FROM privacy.access_grant g WHERE g.person_id = $1 AND g.clinician_id = actor_id)"
    "   OR EXISTS (SELECT 1 FROM privacy.care_team t WHERE t.person_id = $1 AND t.clinician_id = actor_id)"
    " ) THEN actor_id END"
    " FROM kernel.audit WHERE person_id = $1 AND id < $2 {only} ORDER BY id DESC LIMIT $3"
)
BY_ALL: Final = Query(_LOOKS.format(only=""), LookRow, DbRole.MEMBER)
BY_OTHERS: Final = Query(_LOOKS.format(only="AND actor_id <> person_id"), LookRow, DbRole.MEMBER)


async def listed(tx: Tx, person_id: UUID, place: Cursor, limit: int, *, mine: bool) -> Looks:
    """Return a page of accesses to a person's data, newest first; their own only with `mine`."""
    rows = await tx.all(BY_ALL if mine else BY_OTHERS, person_id, place.id, limit + 1)
    items = [Look(**{f: getattr(r, f) for f in r.__struct_fields__}) for r in rows[:limit]]
    return Looks(items=items, next_cursor=Cursor(items[-1].at, items[-1].id).encode() if len(rows) > limit else None)


@get("/v1/users/me/looks", Access.SELF, tags=["privacy"], summary="Who looked at what is mine")
async def list_looks(
    request: Req,
    mine: Annotated[bool, QueryParameter(description="show my own accesses too")] = False,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 30,
) -> Looks:
    """List accesses to the caller's data by others, refused ones included; only their own clinicians are named."""
    place = Cursor.decode(cursor)
    async with as_member(request, read_only=True) as tx:
        return await listed(tx, principal(request).person_id, place, limit, mine=mine)


ROUTES: Final[list[Any]] = [list_looks]
