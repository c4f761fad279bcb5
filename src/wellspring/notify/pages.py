"""The operator's outbox as a page."""

from typing import Any, Final

from litestar import Response

from wellspring.kernel import audit, pages
from wellspring.kernel.edge import Req, access, as_staff, edge
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Permission
from wellspring.kernel.routing import page
from wellspring.notify import outbox

_ON_A_PAGE: Final = 50


@page("/outbox", Permission.NOTIFY_OUTBOX_READ)
async def outbox_page(request: Req) -> Response[str]:
    """Show what became of messages, newest first, without a word of content."""
    text = request.query_params.get("cursor")
    after, here = Cursor.decode(text), await pages.local(request)
    async with as_staff(request) as tx:
        found = await outbox.page(tx, after, _ON_A_PAGE)
        await audit.record(tx, access(request, "notify:outbox:read", "outbox", count=len(found.items)))
    messages = [
        {
            "template": one.template,
            "state": one.state,
            "tries": one.tries,
            "error": one.error_code or "",
            "made": here.stamp(one.created_at),
            "sent": here.stamp(one.sent_at) if one.sent_at else None,
        }
        for one in found.items
    ]
    return await pages.render(
        request,
        "outbox.html",
        messages=messages,
        mail_configured=edge(request).settings.smtp_url is not None,
        older=f"/outbox?cursor={found.next_cursor}" if found.next_cursor else None,
        newer="/outbox" if text else None,
    )


PAGES: Final[list[Any]] = [outbox_page]
