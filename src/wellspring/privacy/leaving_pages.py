"""The pages on which people take a copy of everything about them, and on which they erase their account."""

from typing import Any, Final

from babel.numbers import format_decimal
from litestar import Response
from litestar.response import Stream

from wellspring.identity.errors import LockedOut, PasswordWrong
from wellspring.identity.pages import ON_THE_DEVICE, why_not
from wellspring.kernel import forms, pages
from wellspring.kernel.edge import Req, as_member, principal
from wellspring.kernel.errors import Conflict, Invalid, NotFound, Problem
from wellspring.kernel.i18n import Local
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.privacy import leaving, leaving_routes, own_copies
from wellspring.privacy.leaving_routes import Confirmed
from wellspring.privacy.own_copies import Copy

COPY: Final = "/copy"
LEAVE: Final = "/leave"
_MOST_ASKED: Final = 1000
_REFUSED: Final = (Invalid, LockedOut, PasswordWrong)


def _size(size: int, here: Local) -> str:
    """Return how large a file is, as people write it."""
    thousands = max(1, round(size / 1000))
    unit, number = ("MB", round(thousands / 1000, 1)) if thousands >= 1000 else ("kB", thousands)
    return f"{format_decimal(number, locale=here.locale)} {unit}"


def _shown(found: Copy | None, here: Local) -> dict[str, Any] | None:
    if found is None:
        return None
    until = here.moment(found.expires_at)
    return {"state": found.state, "here": found.here, "size": _size(found.size, here), "until": until}


async def _state(request: Req) -> dict[str, Any] | None:
    who, here = principal(request), await pages.local(request)
    async with as_member(request, read_only=True) as tx:
        found = await own_copies.find(tx, who.person_id, who.session_id)
    return _shown(found, here)


async def _errors(request: Req, problem: Problem) -> dict[str, str]:
    if problem.errors:
        return forms.errors_of(problem, (await pages.local(request)).language)
    return {"form": await why_not(request, problem)}


def _refused(answer: Response[str], problem: Problem) -> Response[str]:
    if "Retry-After" in problem.headers:
        answer.headers["Retry-After"] = problem.headers["Retry-After"]
    return answer


async def _show_copy(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    copy = await _state(request)
    return await pages.render(request, "copy.html", status=status, copy=copy, asked=0, values={}, errors=errors)


@page(COPY, Access.SELF)
async def copy_page(request: Req) -> Response[str]:
    """Show what a copy holds, how far one is, and the way to one."""
    return await _show_copy(request, {})


@page("/copy/state", Access.SELF, fragment=True)
async def copy_fragment(request: Req) -> Response[str]:
    """Show how far the copy is, to be fetched again while it is being made."""
    times = request.query_params.get("asked", "0")
    asked = min(int(times), _MOST_ASKED) if times.isdecimal() and len(times) < 5 else 0
    return await pages.render(request, "copy_state.html", copy=await _state(request), asked=asked)


@form(COPY, Access.SELF)
async def ask_copy(request: Req) -> Response[Any]:
    """Ask for a copy, with the password."""
    sent = await forms.read(request)
    try:
        await leaving_routes.ask_copy(request, sent.to(Confirmed).current_password)
    except _REFUSED as problem:
        return _refused(await _show_copy(request, await _errors(request, problem), problem.status), problem)
    return pages.redirect(request, COPY)


@page("/copy/file", Access.SELF)
async def copy_file(request: Req) -> Stream | Response[Any]:
    """Hand the file over; who comes too early or too late is led to the page."""
    try:
        return await leaving_routes.file_of(request)
    except (Conflict, NotFound):
        return pages.redirect(request, COPY)


@form("/copy/remove", Access.SELF)
async def remove_copy(request: Req) -> Response[Any]:
    """Remove the file before its day is over."""
    await forms.read(request)
    try:
        await leaving_routes.remove_copy(request)
    except NotFound:
        return pages.redirect(request, COPY)
    return pages.redirect(request, COPY, note="removed")


async def _show_leave(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    here = await pages.local(request)
    async with as_member(request, read_only=True) as tx:
        found = await leaving.wish(tx, principal(request).person_id)
    asked = None if found is None else {"when": here.moment(found.asked_at), "waits_for": found.waits_for}
    return await pages.render(request, "leave.html", status=status, asked=asked, values={}, errors=errors)


@page(LEAVE, Access.SELF)
async def leave_page(request: Req) -> Response[str]:
    """Show what goes and what stays, or what an erasure that was asked for waits for."""
    return await _show_leave(request, {})


@form(LEAVE, Access.SELF)
async def ask_leaving(request: Req) -> Response[Any]:
    """Ask to be erased, with the password; a draft that was kept on this device goes at once."""
    sent = await forms.read(request)
    try:
        await leaving_routes.ask_leaving(request, sent.to(Confirmed).current_password)
    except _REFUSED as problem:
        return _refused(await _show_leave(request, await _errors(request, problem), problem.status), problem)
    asked = pages.redirect(request, LEAVE)
    asked.headers["Clear-Site-Data"] = ON_THE_DEVICE
    return asked


@form("/leave/take-back", Access.SELF)
async def take_back(request: Req) -> Response[Any]:
    """Call the erasure off, as long as it has not begun."""
    await forms.read(request)
    try:
        await leaving_routes.take_back(request)
    except Conflict:
        return pages.redirect(request, LEAVE)
    return pages.redirect(request, LEAVE, note="kept")


PAGES: Final[list[Any]] = [
    copy_page,
    copy_fragment,
    ask_copy,
    copy_file,
    remove_copy,
    leave_page,
    ask_leaving,
    take_back,
]
