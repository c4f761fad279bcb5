"""The routes of check-ins."""

from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter

from wellspring.checkins import queries as q
from wellspring.checkins import search as searching
from wellspring.checkins import sending, service
from wellspring.checkins.schemas import (
    Checkin,
    CheckinChange,
    CheckinCreate,
    Checkins,
    Day,
    Days,
    Found,
    QuickCheck,
    Search,
)
from wellspring.checkins.service import CheckinCreated
from wellspring.checkins.wire import checkin, checkins, without_words
from wellspring.kernel import audit, clock, etags, idempotency
from wellspring.kernel.edge import Req, access, as_member, edge, header, principal
from wellspring.kernel.errors import Invalid, NotFound
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.routing import delete, get, patch, post
from wellspring.privacy import door

TAGS = ["check-ins"]
_USUAL = timedelta(days=90)
_LONGEST = timedelta(days=3 * 366)
Limit = Annotated[int, QueryParameter(ge=1, le=100)]


async def _key(request: Req) -> idempotency.Key | None:
    return idempotency.key(
        header(request, b"idempotency-key"), principal(request).person_id, "checkins", await request.body()
    )


@post("/v1/checkins", Access.SELF, tags=TAGS, summary="Check in")
async def create(request: Req, data: JSONBody[CheckinCreate]) -> CheckinCreated:
    """Store a check-in; the reply brings three micro-actions and, in danger, help first."""
    return await sending.send(request, data, await _key(request), is_quick=False)


@post("/v1/checkins/quick", Access.SELF, tags=TAGS, summary="Check in with one tap")
async def create_quick(request: Req, data: JSONBody[QuickCheck]) -> CheckinCreated:
    """Store a check-in that has only a mood."""
    full = CheckinCreate(mood_score=data.mood_score, id=data.id, timezone=data.timezone)
    return await sending.send(request, full, await _key(request), is_quick=True)


def check_range(start: date | None, end: date | None) -> None:
    """Raise Invalid for a range that ends before it starts."""
    if start and end and end < start:
        raise Invalid.of("end_date", "range_reversed", "The end lies before the start.")


@get("/v1/checkins", Access.SELF, tags=TAGS, summary="My check-ins")
async def list_checkins(
    request: Req,
    start_date: Annotated[date | None, QueryParameter(description="in the person's own time zone")] = None,
    end_date: Annotated[date | None, QueryParameter(description="inclusive")] = None,
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Limit = 30,
) -> Checkins:
    """List check-ins, newest first."""
    check_range(start_date, end_date)
    person_id, keys, place = principal(request).person_id, edge(request).keys, Cursor.decode(cursor)
    async with as_member(request) as tx:
        rows = await tx.all(q.LIST, person_id, place.at, place.id, start_date, end_date, limit + 1)
        await audit.record(tx, access(request, "checkins:checkin:list", "checkins", count=min(len(rows), limit)))
    items = checkins(rows[:limit], keys, person_id)
    following = Cursor(rows[limit - 1].occurred_at, rows[limit - 1].id).encode() if len(rows) > limit else None
    return Checkins(items=items, next_cursor=following)


@get("/v1/checkins/days", Access.SELF, tags=TAGS, summary="My days")
async def list_days(
    request: Req,
    start_date: Annotated[date | None, QueryParameter()] = None,
    end_date: Annotated[date | None, QueryParameter()] = None,
) -> Days:
    """Return one row for each local day that has check-ins; the last 90 days when no range is named."""
    end = end_date or (clock.now().date() + timedelta(days=1))
    start = start_date or end - min(_USUAL, end - date.min)
    check_range(start, end)
    if end - start > _LONGEST:
        raise Invalid.of("start_date", "range_too_long", "Ask for at most three years at a time.")
    async with as_member(request) as tx:
        rows = await tx.all(q.DAYS, principal(request).person_id, start, end)
        await audit.record(tx, access(request, "checkins:day:list", "checkins", count=len(rows)))
    return Days(items=[Day(**{f: getattr(r, f) for f in r.__struct_fields__}) for r in rows])


@post("/v1/checkins/search", Access.SELF, tags=TAGS, status_code=200, summary="Search my journal")
async def search(request: Req, data: JSONBody[Search]) -> Found:
    """Find check-ins whose words hold the text."""
    check_range(data.start_date, data.end_date)
    async with as_member(request) as tx:
        found = await searching.search(tx, edge(request).keys, principal(request).person_id, data)
        await audit.record(tx, access(request, "checkins:journal:search", "journals", count=len(found.items)))
    return found


@get("/v1/checkins/{checkin_id:uuid}", Access.SELF, tags=TAGS, summary="One check-in")
async def get_checkin(request: Req, checkin_id: FromPath[UUID]) -> Response[Checkin]:
    """Return one of the caller's check-ins."""
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        row = await tx.maybe(q.ONE, person_id, checkin_id)
        if row is None:
            raise NotFound
        await audit.record(tx, access(request, "checkins:checkin:read", "checkins"))
    return Response(checkin(row, edge(request).keys, person_id), headers=etags.of(row.version))


@patch("/v1/checkins/{checkin_id:uuid}", Access.SELF, tags=TAGS, summary="Change a check-in")
async def change_checkin(
    request: Req, checkin_id: FromPath[UUID], data: JSONBody[CheckinChange]
) -> Response[CheckinCreated]:
    """Change what is named; a changed journal is read again."""
    reply, version = await sending.change(request, checkin_id, data, etags.wanted(request))
    return Response(reply, headers=etags.of(version))


@delete("/v1/checkins/{checkin_id:uuid}", Access.SELF, tags=TAGS, summary="Remove a check-in")
async def remove_checkin(request: Req, checkin_id: FromPath[UUID]) -> None:
    """Remove a check-in for good; crisis events it opened stay."""
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        await service.remove(tx, person_id, checkin_id)
        await audit.record(tx, access(request, "checkins:checkin:remove", "checkins"))


@get("/v1/people/{person_id:uuid}/checkins", Permission.CHECKINS_SHARED_READ, tags=TAGS, summary="Shared check-ins")
async def list_shared(
    request: Req,
    person_id: FromPath[UUID],
    cursor: Annotated[str | None, QueryParameter(max_length=100)] = None,
    limit: Limit = 30,
) -> Checkins:
    """List the check-ins that a member shares with the caller; their words only if journals are shared too."""
    keys, place, action = edge(request).keys, Cursor.decode(cursor), "checkins:checkin:list"
    async with door.opening(request, person_id, "checkins", action) as (tx, opened):
        rows = await tx.all(q.SHARED, person_id, place.at, place.id, limit + 1)
        row = access(
            request, action, "checkins", person_id=person_id, count=len(rows[:limit]), consent_id=opened.consent_id
        )
        await audit.record(tx, row)
        journals = await door.also_shared(tx, principal(request), person_id, "journals")
    items = checkins(rows[:limit], keys, person_id)
    if not journals:
        items = [without_words(item) for item in items]
    following = Cursor(rows[limit - 1].occurred_at, rows[limit - 1].id).encode() if len(rows) > limit else None
    return Checkins(items=items, next_cursor=following)


ROUTES: list[Any] = [
    create,
    create_quick,
    list_checkins,
    list_days,
    search,
    get_checkin,
    change_checkin,
    remove_checkin,
    list_shared,
]
