"""The routes of admin."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from wellspring.admin import acts, people
from wellspring.admin.schemas import (
    AccountView,
    CursorText,
    FindAccount,
    Limit,
    RolesWrite,
    StaffList,
    StatusWrite,
    SupervisorWrite,
)
from wellspring.kernel.edge import Req
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Permission
from wellspring.kernel.routing import delete, get, post, put

TAGS: Final = ["admin"]
_PERSON: Final = "/v1/people/{person_id:uuid}"


@get("/v1/staff", Permission.IDENTITY_PEOPLE_READ, tags=TAGS, summary="Who works here")
async def list_staff(request: Req, limit: Limit = 50, cursor: CursorText = None) -> StaffList:
    """List staff, suspended ones too. Members are never listed: who is a member is health data."""
    return await people.staff(request, Cursor.decode(cursor), limit)


@post(
    "/v1/people/find",
    Permission.IDENTITY_PEOPLE_READ,
    tags=TAGS,
    status_code=200,
    summary="Find an account by its address",
)
async def find(request: Req, data: JSONBody[FindAccount]) -> AccountView:
    """Return the account that signs in with exactly this address."""
    return await people.find(request, data.email)


@get(f"{_PERSON}/account", Permission.IDENTITY_PEOPLE_READ, tags=TAGS, summary="Somebody's account")
async def get_account(request: Req, person_id: FromPath[UUID]) -> AccountView:
    """Return what administrators see of an account."""
    return await people.account(request, person_id)


@put(f"{_PERSON}/roles", Permission.IDENTITY_ROLES_WRITE, tags=TAGS, summary="Set a person's roles")
async def set_roles(request: Req, person_id: FromPath[UUID], data: JSONBody[RolesWrite]) -> RolesWrite:
    """Set the roles; takes effect on that person's next request. The last administrator stays one."""
    await acts.set_roles(request, person_id, set(data.roles))
    return RolesWrite(roles=sorted(set(data.roles)))


@put(f"{_PERSON}/status", Permission.IDENTITY_ACCOUNT_WRITE, tags=TAGS, summary="Suspend an account, or open it again")
async def set_status(request: Req, person_id: FromPath[UUID], data: JSONBody[StatusWrite]) -> StatusWrite:
    """Suspend an account, which ends its sessions at once, or let it be used again. Nobody suspends themselves.

    What people shared with a clinician who is suspended ends for good, and they are told.
    """
    await acts.set_status(request, person_id, data.status)
    return data


@delete(f"{_PERSON}/sessions", Permission.IDENTITY_ACCOUNT_WRITE, tags=TAGS, summary="Sign a person out everywhere")
async def end_sessions(request: Req, person_id: FromPath[UUID]) -> None:
    """End every session of a person; they can sign in again."""
    await acts.end_sessions(request, person_id)


@delete(
    f"{_PERSON}/second-factor", Permission.IDENTITY_ACCOUNT_WRITE, tags=TAGS, summary="Take off a lost second factor"
)
async def take_factor_off(request: Req, person_id: FromPath[UUID]) -> None:
    """Take off the second factor of somebody who lost phone and recovery codes; every session of theirs ends.

    Be sure who asks: from then on the password alone lets somebody in. Nobody takes off their own.
    """
    await acts.take_factor_off(request, person_id)


@put(f"{_PERSON}/supervisor", Permission.SAFETY_SUPERVISOR_WRITE, tags=TAGS, summary="Say whether somebody supervises")
async def set_supervisor(request: Req, person_id: FromPath[UUID], data: JSONBody[SupervisorWrite]) -> SupervisorWrite:
    """Say whether a responder supervises the crisis desk: the last page goes to supervisors."""
    await acts.set_supervisor(request, person_id, supervises=data.is_supervisor)
    return data


ROUTES: Final[list[Any]] = [
    list_staff,
    find,
    get_account,
    set_roles,
    set_status,
    end_sessions,
    take_factor_off,
    set_supervisor,
]
