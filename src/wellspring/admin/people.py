"""Accounts as administrators see them."""

from collections.abc import Sequence
from uuid import UUID

from wellspring.admin.schemas import AccountView, StaffList
from wellspring.identity import administer
from wellspring.identity.administer import Account
from wellspring.kernel import audit
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_staff, edge
from wellspring.kernel.errors import NotFound
from wellspring.kernel.ids import NIL
from wellspring.kernel.paging import Cursor
from wellspring.safety import supervisors


async def _views(tx: Tx, found: Sequence[Account]) -> list[AccountView]:
    supervising = await supervisors.among(tx, [one.person_id for one in found])
    return [
        AccountView(
            id=one.person_id,
            email=one.email,
            display_name=one.display_name,
            status=one.status,
            roles=sorted(one.roles),
            second_factor=one.second_factor,
            is_supervisor=one.person_id in supervising,
        )
        for one in found
    ]


async def staff(request: Req, after: Cursor, limit: int) -> StaffList:
    """Return staff, newest accounts first."""
    async with as_staff(request) as tx:
        found, more = await administer.staff(tx, edge(request).keys, after, limit)
        items = await _views(tx, found)
        await audit.record(tx, access(request, "identity:staff:list", "account", count=len(items)))
    return StaffList(items=items, next_cursor=more)


async def _view(request: Req, tx: Tx, person_id: UUID | None, action: str) -> AccountView | None:
    """Return an account, and record that it was looked at, or that nobody was found."""
    found = None if person_id is None else await administer.account(tx, edge(request).keys, person_id)
    if found is None:
        row = access(request, action, "account", person_id=person_id or NIL, count=0, outcome=audit.Outcome.FAILED)
        await audit.record(tx, row)
        return None
    await audit.record(tx, access(request, action, "account", person_id=person_id))
    return (await _views(tx, [found]))[0]


async def find(request: Req, email: str) -> AccountView:
    """Return the account with exactly this address; raises NotFound."""
    async with as_staff(request) as tx:
        person_id = await administer.find(tx, edge(request).keys, email)
        found = await _view(request, tx, person_id, "identity:account:find")
    if found is None:
        raise NotFound
    return found


async def account(request: Req, person_id: UUID) -> AccountView:
    """Return one account; raises NotFound."""
    async with as_staff(request) as tx:
        found = await _view(request, tx, person_id, "identity:account:read")
    if found is None:
        raise NotFound
    return found
