"""The routes of what was read in a check-in, and of what its writer says about that."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from wellspring.checkins import corrections
from wellspring.checkins.schemas import CorrectionWrite, TextReading
from wellspring.kernel import audit
from wellspring.kernel.edge import Req, access, as_member, principal
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import delete, get, post

_TAGS: Final = ["check-ins"]
_READING: Final = "/v1/checkins/{checkin_id:uuid}/reading"


@get(_READING, Access.SELF, tags=_TAGS, summary="What was read in a check-in")
async def get_reading(request: Req, checkin_id: FromPath[UUID]) -> TextReading:
    """Return the feelings that were read in one of the caller's check-ins, and what the caller said about that."""
    async with as_member(request) as tx:
        found = await corrections.reading_of(tx, principal(request).person_id, checkin_id)
        await audit.record(tx, access(request, "checkins:reading:read", "checkins"))
    return found


@post(f"{_READING}/correction", Access.SELF, tags=_TAGS, status_code=200, summary="Say whether a reading is right")
async def correct(request: Req, checkin_id: FromPath[UUID], data: JSONBody[CorrectionWrite]) -> TextReading:
    """Keep what the caller says of a reading; the last answer counts."""
    async with as_member(request) as tx:
        found = await corrections.correct(tx, principal(request).person_id, checkin_id, data)
        await audit.record(tx, access(request, "checkins:correction:write", "checkins"))
    return found


@delete(f"{_READING}/correction", Access.SELF, tags=_TAGS, summary="Take back what I said of a reading")
async def take_back(request: Req, checkin_id: FromPath[UUID]) -> None:
    """Remove what the caller said of a reading."""
    async with as_member(request) as tx:
        await corrections.take_back(tx, principal(request).person_id, checkin_id)
        await audit.record(tx, access(request, "checkins:correction:remove", "checkins"))


ROUTES: Final[list[Any]] = [get_reading, correct, take_back]
