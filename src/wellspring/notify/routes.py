"""The routes of notify."""

from typing import Annotated, Any

from litestar.params import QueryParameter

from wellspring.kernel import audit
from wellspring.kernel.edge import Req, access, as_staff
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Permission
from wellspring.kernel.routing import get
from wellspring.notify import outbox
from wellspring.notify.schemas import CursorText, Limit, Outbox, State


@get("/v1/outbox", Permission.NOTIFY_OUTBOX_READ, tags=["notify"], summary="Messages on their way out")
async def list_outbox(
    request: Req,
    limit: Limit = 30,
    cursor: CursorText = None,
    only: Annotated[State | None, QueryParameter(name="state")] = None,
) -> Outbox:
    """List messages, newest first, without a word of content."""
    after = Cursor.decode(cursor)
    async with as_staff(request) as tx:
        found = await outbox.page(tx, after, limit, only)
        await audit.record(tx, access(request, "notify:outbox:read", "outbox", count=len(found.items)))
    return found


ROUTES: list[Any] = [list_outbox]
