"""The pages of administrators: finding an account, who works here, and what may be changed about an account."""

from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from wellspring.admin import acts, people
from wellspring.admin.errors import LastAdministrator, NotResponder, NotYourself
from wellspring.admin.schemas import AccountView, FindAccount, RolesWrite, StatusWrite
from wellspring.identity.errors import FactorMissing
from wellspring.kernel import forms, pages
from wellspring.kernel.edge import Req, edge, principal
from wellspring.kernel.errors import Invalid, NotFound, PreconditionFailed, Problem
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import STAFF, Permission, Role
from wellspring.kernel.routing import form, page

_ON_A_PAGE: Final = 50
_PEOPLE: Final = "/admin/people"
_PERSON: Final = "/admin/people/{person_id:uuid}"
_OFFERED: Final = (Role.MEMBER, Role.RESPONDER, Role.CLINICIAN, Role.ADMIN)
"""Roles that have something to do in this version; others are shown to whom has them."""


def _shown(request: Req, one: AccountView) -> dict[str, Any]:
    return {
        "url": f"{_PEOPLE}/{one.id}",
        "name": one.display_name or "",
        "email": one.email or "",
        "roles": [role.value for role in one.roles],
        "suspended": one.status != "active",
        "second_factor": one.second_factor,
        "no_factor": not one.second_factor and bool(STAFF.intersection(one.roles)),
        "responder": Role.RESPONDER in one.roles,
        "supervises": one.is_supervisor,
        "me": one.id == principal(request).person_id,
    }


async def _show_people(
    request: Req, values: dict[str, Any], errors: dict[str, str], status: int = 200
) -> Response[str]:
    text = request.query_params.get("cursor")
    found = await people.staff(request, Cursor.decode(text), _ON_A_PAGE)
    return await pages.render(
        request,
        "people.html",
        status=status,
        staff=[_shown(request, one) for one in found.items],
        values=values,
        errors=errors,
        older=f"{_PEOPLE}?cursor={found.next_cursor}" if found.next_cursor else None,
        newer=_PEOPLE if text else None,
    )


@page(_PEOPLE, Permission.IDENTITY_PEOPLE_READ)
async def people_page(request: Req) -> Response[str]:
    """Show a way to find an account, and who works here."""
    return await _show_people(request, {}, {})


@form(f"{_PEOPLE}/find", Permission.IDENTITY_PEOPLE_READ)
async def find(request: Req) -> Response[Any]:
    """Lead to the account with exactly this address; the address itself is in no URL."""
    sent = await forms.read(request)
    try:
        found = await people.find(request, sent.to(FindAccount).email)
    except (Invalid, NotFound) as problem:
        unknown = Invalid.of("email", "account_unknown", "Nobody signs in with this address here.")
        said = problem if isinstance(problem, Invalid) else unknown
        errors = forms.errors_of(said, (await pages.local(request)).language)
        return await _show_people(request, {"email": sent.one("email")}, errors, problem.status)
    return pages.redirect(request, f"{_PEOPLE}/{found.id}")


async def _show_person(
    request: Req, person_id: UUID, roles: list[str] | None = None, problem: Problem | None = None
) -> Response[str]:
    found = await people.account(request, person_id)
    held = [role.value for role in found.roles]
    language = (await pages.local(request)).language
    return await pages.render(
        request,
        "person.html",
        status=200 if problem is None else problem.status,
        account=_shown(request, found),
        offered=list(dict.fromkeys([*(role.value for role in _OFFERED), *held])),
        values={"roles": held if roles is None else roles},
        errors={} if problem is None else forms.errors_of(problem, language),
        mail_configured=edge(request).settings.smtp_url is not None,
    )


@page(_PERSON, Permission.IDENTITY_PEOPLE_READ)
async def person_page(request: Req, person_id: FromPath[UUID]) -> Response[str]:
    """Show one account."""
    return await _show_person(request, person_id)


@form(f"{_PERSON}/roles", Permission.IDENTITY_ROLES_WRITE)
async def save_roles(request: Req, person_id: FromPath[UUID]) -> Response[Any]:
    """Set what somebody may do, unless it was changed since the page was shown."""
    sent = await forms.read(request)
    try:
        wanted, seen = set(sent.to(RolesWrite).roles), sent.to(RolesWrite, roles=sent.every("seen")).roles
        if wanted == set(seen):
            return pages.redirect(request, f"{_PEOPLE}/{person_id}", note="roles_same")
        await acts.set_roles(request, person_id, wanted, set(seen))
    except PreconditionFailed as problem:
        return await _show_person(request, person_id, problem=problem)
    except (Invalid, LastAdministrator) as problem:
        return await _show_person(request, person_id, sent.every("roles"), problem)
    if person_id == principal(request).person_id:
        return pages.redirect(request, "/sign-in", note="saved")
    return pages.redirect(request, f"{_PEOPLE}/{person_id}", note="roles_saved")


@form(f"{_PERSON}/supervisor", Permission.SAFETY_SUPERVISOR_WRITE)
async def save_supervisor(request: Req, person_id: FromPath[UUID]) -> Response[Any]:
    """Say whether a responder supervises."""
    sent = await forms.read(request)
    try:
        await acts.set_supervisor(request, person_id, supervises=sent.one("on") == "true")
    except NotResponder as problem:
        return await _show_person(request, person_id, problem=problem)
    return pages.redirect(request, f"{_PEOPLE}/{person_id}", note="saved")


@form(f"{_PERSON}/status", Permission.IDENTITY_ACCOUNT_WRITE)
async def save_status(request: Req, person_id: FromPath[UUID]) -> Response[Any]:
    """Suspend an account or open it again."""
    sent = await forms.read(request)
    try:
        status = sent.to(StatusWrite).status
        await acts.set_status(request, person_id, status)
    except (Invalid, NotYourself) as problem:
        return await _show_person(request, person_id, problem=problem)
    note: pages.Note = "account_suspended" if status == "suspended" else "account_open"
    return pages.redirect(request, f"{_PEOPLE}/{person_id}", note=note)


@form(f"{_PERSON}/end-sessions", Permission.IDENTITY_ACCOUNT_WRITE)
async def end_sessions(request: Req, person_id: FromPath[UUID]) -> Response[Any]:
    """Sign somebody out everywhere."""
    await forms.read(request)
    await acts.end_sessions(request, person_id)
    return pages.redirect(request, f"{_PEOPLE}/{person_id}", note="sign_ins_ended")


@form(f"{_PERSON}/second-factor/remove", Permission.IDENTITY_ACCOUNT_WRITE)
async def take_factor_off(request: Req, person_id: FromPath[UUID]) -> Response[Any]:
    """Take off a second factor that was lost."""
    await forms.read(request)
    try:
        await acts.take_factor_off(request, person_id)
    except (FactorMissing, NotYourself) as problem:
        return await _show_person(request, person_id, problem=problem)
    return pages.redirect(request, f"{_PEOPLE}/{person_id}", note="factor_off")


PAGES: Final[list[Any]] = [
    people_page,
    find,
    person_page,
    save_roles,
    save_supervisor,
    save_status,
    end_sessions,
    take_factor_off,
]
