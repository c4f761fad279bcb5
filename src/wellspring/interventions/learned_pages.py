"""What was learned from one's ratings: seeing it, forgetting it, and letting it help others or not."""

from typing import Any, Final

from babel.numbers import format_decimal
from litestar import Response

from wellspring.identity.fragments import about
from wellspring.identity.schemas import ConsentKind
from wellspring.interventions import queries as q
from wellspring.interventions import service
from wellspring.interventions.learn import POOLED_BY
from wellspring.interventions.schemas import LearnedOne
from wellspring.interventions.shelf import shipped
from wellspring.kernel import audit, forms, pages
from wellspring.kernel.edge import Req, access, as_member, principal
from wellspring.kernel.errors import Conflict
from wellspring.kernel.i18n import Local
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.privacy import asking

_KINDS: Final[tuple[ConsentKind, ...]] = (POOLED_BY,)


def _item(one: LearnedOne, here: Local, *, paid: bool) -> dict[str, Any]:
    shelf = shipped()
    facts = shelf.items[shelf.position[one.intervention_id]].facts
    mean = "" if one.mean_rating is None else format_decimal(one.mean_rating, "0.#", locale=here.locale)
    return {
        "name": one.name,
        "url": f"/actions/{one.intervention_id}" if facts.is_active and (paid or not facts.is_premium) else "",
        "ratings": one.ratings,
        "mean": mean,
        "skips": one.skips,
        "last": here.moment(one.last_at),
    }


@page("/learned", Access.SELF)
async def learned_page(request: Req) -> Response[str]:
    """Show what was learned, best first."""
    return await _show(request, {})


async def _show(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    here = await pages.local(request)
    async with as_member(request) as tx:
        found = await service.learned(tx, principal(request).person_id, here.language)
        await audit.record(tx, access(request, "interventions:learned:read", "interventions", count=len(found.items)))
        shown = await asking.asked(request, tx, _KINDS)
        paid = about((await tx.one(q.FOR_PERSON, principal(request).person_id)).person).is_premium
    return await pages.render(
        request,
        "learned.html",
        status=status,
        items=[_item(one, here, paid=paid) for one in found.items],
        paused=found.paused,
        consents=shown,
        errors=errors,
    )


@form("/learned/consents", Access.SELF)
async def agree(request: Req) -> Response[Any]:
    """Let ratings help others, or no more; a yes to words that have changed meanwhile shows the new ones."""
    try:
        return await asking.answer(request, _KINDS, "/learned")
    except Conflict as problem:
        return await _show(request, forms.errors_of(problem, (await pages.local(request)).language), problem.status)


@form("/learned/forget", Access.SELF)
async def forget(request: Req) -> Response[Any]:
    """Begin anew."""
    await forms.read(request)
    async with as_member(request) as tx:
        await service.unlearn(tx, principal(request).person_id)
        await audit.record(tx, access(request, "interventions:learned:reset", "interventions"))
    return pages.redirect(request, "/learned", note="saved")


PAGES: Final[list[Any]] = [learned_page, agree, forget]
