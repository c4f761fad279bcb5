"""The page on which somebody says what must not be offered to them."""

from typing import Annotated, Any, Final

from litestar import Response
from msgspec import Meta, Struct

from wellspring.identity import me
from wellspring.identity.schemas import Contraindication, ProfileChange
from wellspring.kernel import audit, forms, pages
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Invalid
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page

HERE: Final = "/leave-out"
SHOWN: Final[tuple[Contraindication, ...]] = (
    *("breathing_problem", "heart_condition", "dizziness", "epilepsy", "pregnancy", "injury", "limited_mobility"),
    *("hearing_loss", "low_vision", "driving", "dissociation", "trauma_body_focus", "psychosis", "eating_disorder"),
    "unsafe_situation",
)
"""In the order of the page: the body, the senses, the moment, the mind, other people."""


class _Ticked(Struct):
    contraindications: Annotated[list[Contraindication], Meta(max_length=len(SHOWN))] = []


async def _show(request: Req, chosen: list[str], errors: dict[str, str], status: int = 200) -> Response[str]:
    return await pages.render(request, "leave_out.html", status=status, every=SHOWN, chosen=chosen, errors=errors)


@page(HERE, Access.SELF)
async def leave_out_page(request: Req) -> Response[str]:
    """Show what must not be offered to the person."""
    async with as_member(request) as tx:
        row = await me.load(tx, principal(request).person_id)
        await audit.record(tx, access(request, "identity:profile:read", "profile"))
    return await _show(request, row.contraindications, {})


@form(HERE, Access.SELF)
async def save_leave_out(request: Req) -> Response[Any]:
    """Store what must not be offered; what is not ticked is no longer left out."""
    sent = await forms.read(request)
    ticked = list(dict.fromkeys(sent.every("contraindications")))
    try:
        wanted = ProfileChange(contraindications=sent.to(_Ticked, contraindications=ticked).contraindications)
        async with as_member(request) as tx:
            await me.change(tx, edge(request).keys, principal(request).person_id, wanted, None)
            await audit.record(tx, access(request, "identity:profile:change", "profile"))
    except Invalid as problem:
        errors = forms.errors_of(problem, (await pages.local(request)).language)
        return await _show(request, ticked, errors, problem.status)
    return pages.redirect(request, HERE, note="saved")


PAGES: Final[list[Any]] = [leave_out_page, save_leave_out]
