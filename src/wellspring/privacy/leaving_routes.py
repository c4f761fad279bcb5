"""The routes with which people take a copy of everything and leave; both ask for the password once more."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, Final

from litestar import Response
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import Struct

from wellspring.identity import account
from wellspring.identity.asked import accounts, asking
from wellspring.identity.schemas import CurrentPassword
from wellspring.kernel import audit
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import NotFound
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import delete, get, post
from wellspring.privacy import leaving, own_copies
from wellspring.privacy.leaving import WaitsFor, Wish
from wellspring.privacy.own_copies import Copy, State

TAGS: Final = ["privacy"]
ZIP: Final = "application/zip"
COPY: Final = "privacy:copy:make"
LEAVE: Final = "privacy:leaving:ask"


class Confirmed(Struct, forbid_unknown_fields=True, kw_only=True):
    """The current password, once more: what is asked for cannot be undone."""

    current_password: CurrentPassword


class CopyState(Struct, kw_only=True):
    """A copy of everything: being made (`asked`), to be fetched until `expires_at` (`ready`), or `failed`.

    `here` is true in the sign-in in which it was asked for; no other one can fetch it. `size` is in bytes.
    """

    state: State
    size: int
    asked_at: datetime
    expires_at: datetime
    here: bool


class LeavingState(Struct, kw_only=True):
    """A wish to be erased. It is carried out within a minute, unless it waits for something.

    `in_crisis`: people on duty are looking for this person or helping them. `working`: they hold a crisis event of
    somebody else. `last_admin`: nobody else could give roles.
    """

    asked_at: datetime
    waits_for: WaitsFor | None


def _copy(found: Copy) -> CopyState:
    return CopyState(
        state=found.state, size=found.size, asked_at=found.asked_at, expires_at=found.expires_at, here=found.here
    )


def _leaving(found: Wish) -> LeavingState:
    return LeavingState(asked_at=found.asked_at, waits_for=found.waits_for)


async def ask_copy(request: Req, password: str) -> Copy:
    """Ask for a copy as its owner, for the API and the page; raises PasswordWrong, LockedOut."""
    who = principal(request)
    await account.confirm(accounts(request), asking(request, COPY), password)
    async with as_member(request) as tx:
        found = await own_copies.ask(tx, who.person_id, who.session_id)
        await audit.record(tx, access(request, COPY, "everything"))
    return found


async def ask_leaving(request: Req, password: str) -> Wish:
    """Ask to be erased as the owner of the account; raises PasswordWrong, LockedOut."""
    await account.confirm(accounts(request), asking(request, LEAVE), password)
    async with as_member(request) as tx:
        found = await leaving.ask(tx, principal(request).person_id)
        await audit.record(tx, access(request, LEAVE, "everything"))
    return found


async def take_back(request: Req) -> None:
    """Call the erasure off; raises NotLeaving."""
    async with as_member(request) as tx:
        await leaving.take_back(tx, principal(request).person_id)
        await audit.record(tx, access(request, "privacy:leaving:take_back", "everything"))


async def remove_copy(request: Req) -> None:
    """Remove the copy before its day is over; raises NotFound."""
    async with as_member(request) as tx:
        await own_copies.remove(tx, principal(request).person_id)
        await audit.record(tx, access(request, "privacy:copy:remove", "everything"))


async def file_of(request: Req) -> Stream:
    """Return the file as it is read; raises NotFound, CopyNotReady."""
    who = principal(request)
    async with as_member(request) as tx:
        found = await own_copies.ready(tx, who.person_id, who.session_id)
        await audit.record(tx, access(request, "privacy:copy:read", "everything"))

    def parts() -> AsyncGenerator[bytes]:
        begin = lambda: as_member(request, read_only=True)  # noqa: E731
        return own_copies.content(begin, edge(request).keys, found, who.person_id, who.session_id)

    name = f"wellspring-{found.asked_at:%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(found.size)}
    return Stream(parts, media_type=ZIP, headers=headers)


@post("/v1/export", Access.SELF, tags=TAGS, status_code=202, summary="Ask for a copy of everything about me")
async def start_copy(request: Req, data: JSONBody[Confirmed]) -> CopyState:
    """Start making a zip with everything that is stored about the caller; it can be fetched for a day."""
    return _copy(await ask_copy(request, data.current_password))


@get("/v1/export", Access.SELF, tags=TAGS, summary="How far my copy is")
async def copy_state(request: Req) -> CopyState:
    """Say whether a copy is being made or can be fetched."""
    who = principal(request)
    async with as_member(request, read_only=True) as tx:
        found = await own_copies.find(tx, who.person_id, who.session_id)
    if found is None:
        raise NotFound
    return _copy(found)


@get("/v1/export/all", Access.SELF, tags=TAGS, media_type=ZIP, summary="Fetch my copy")
async def fetch_copy(request: Req) -> Stream:
    """Stream the zip: one JSON document, and a table for a spreadsheet for each kind of row."""
    return await file_of(request)


@delete("/v1/export", Access.SELF, tags=TAGS, summary="Remove my copy")
async def delete_copy(request: Req) -> None:
    """Remove the copy before its day is over; nothing else goes."""
    await remove_copy(request)


@delete(
    "/v1/delete-account",
    Access.SELF,
    tags=TAGS,
    status_code=202,
    summary="Erase my account and everything about me",
)
async def delete_account(request: Req, data: JSONBody[Confirmed]) -> Response[LeavingState]:
    """Erase the caller within a minute: account, words, plan, contacts, and the key that opens them.

    Records of crises stay for seven years under a key of their own, the list of who looked for six. While people on
    duty look for the caller or help them, it waits. It cannot be undone once it has begun.
    """
    return Response(_leaving(await ask_leaving(request, data.current_password)), status_code=202)


@get("/v1/delete-account", Access.SELF, tags=TAGS, summary="Whether I am being erased")
async def leaving_state(request: Req) -> LeavingState:
    """Say what an erasure that was asked for waits for."""
    async with as_member(request, read_only=True) as tx:
        found = await leaving.wish(tx, principal(request).person_id)
    if found is None:
        raise NotFound
    return _leaving(found)


@post("/v1/delete-account/take-back", Access.SELF, tags=TAGS, status_code=204, summary="Call my erasure off")
async def keep_account(request: Req) -> None:
    """Keep the account after all, as long as the erasure has not begun."""
    await take_back(request)


ROUTES: list[Any] = [
    start_copy,
    copy_state,
    fetch_copy,
    delete_copy,
    delete_account,
    leaving_state,
    keep_account,
]
