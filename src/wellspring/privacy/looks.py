"""Who looked at what: a member's own view of the audit trail."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Struct

from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Req, as_member, principal
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import get


class Look(Struct, kw_only=True):
    """One access: when, what was done with which section, how many rows, how it ended, and on which grant it rests."""

    id: UUID
    at: datetime
    action: str
    section: str
    count: int
    outcome: str
    by_me: bool
    consent_id: UUID | None


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


LOOKS: Final = Query(
    "SELECT id, at, action, section, count, outcome, actor_id = $1, consent_id FROM kernel.audit"
    " WHERE person_id = $1 AND id < $2 AND ($3::boolean OR actor_id <> $1) ORDER BY id DESC LIMIT $4",
    LookRow,
    DbRole.MEMBER,
)


@get("/v1/users/me/looks", Access.SELF, tags=["privacy"], summary="Who looked at what is mine")
async def list_looks(
    request: Req,
    mine: Annotated[bool, QueryParameter(description="show my own accesses too")] = False,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = 30,
) -> Looks:
    """List accesses to the caller's data by others, refused ones included; names of staff are not shown."""
    place = Cursor.decode(cursor)
    async with as_member(request, read_only=True) as tx:
        rows = await tx.all(LOOKS, principal(request).person_id, place.id, mine, limit + 1)
    items = [Look(**{f: getattr(r, f) for f in r.__struct_fields__}) for r in rows[:limit]]
    following = Cursor(items[-1].at, items[-1].id).encode() if len(rows) > limit else None
    return Looks(items=items, next_cursor=following)


ROUTES: Final[list[Any]] = [list_looks]
