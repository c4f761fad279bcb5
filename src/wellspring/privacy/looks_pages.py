"""The page on which people see who looked at what is theirs."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Response

from wellspring.kernel import i18n, pages
from wellspring.kernel.edge import Req, as_member, edge, principal
from wellspring.kernel.i18n import Local
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import page
from wellspring.privacy import clinicians, looks
from wellspring.privacy.looks import Look

_ON_A_PAGE: Final = 30


def _said(one: Look, name: str | None, here: Local) -> dict[str, Any]:
    text = i18n.say(here.language, "look", one.action, one.outcome, one.count, name)
    return {"when": here.moment(one.at), "text": text}


@page("/looks", Access.SELF)
async def looks_page(request: Req) -> Response[str]:
    """Show what others did with what is one's own, newest first; one's own looks are not listed."""
    here, place = await pages.local(request), Cursor.decode(request.query_params.get("cursor"))
    async with as_member(request, read_only=True) as tx:
        found = await looks.listed(tx, principal(request).person_id, place, _ON_A_PAGE, mine=False)
        who = {one.clinician_id for one in found.items if one.clinician_id is not None}
        called = await clinicians.names(tx, edge(request).keys, who)
    more = found.next_cursor
    return await pages.render(
        request,
        "looks.html",
        looks=[_said(one, called.get(one.clinician_id) if one.clinician_id else None, here) for one in found.items],
        older="/looks?" + urlencode({"cursor": more}) if more else None,
        newer="/looks" if request.query_params.get("cursor") else None,
    )


PAGES: Final[list[Any]] = [looks_page]
