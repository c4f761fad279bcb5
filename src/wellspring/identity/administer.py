"""What administrators see of accounts, and change: roles, whether an account is open, its sessions. No health data.

The database itself asks for an administrator with a second factor as the actor, whatever the program says.
"""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.identity.service import Details, as_registered
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Role

Status = Literal["active", "inactive", "suspended"]


class AccountRow(Struct, frozen=True):
    """An account as stored; `details` of staff only."""

    person_id: UUID
    wrapped: bytes | None
    email: bytes | None
    details: bytes | None
    status: Status
    roles: list[str]
    second_factor: bool
    created_at: datetime


class Account(Struct, frozen=True, kw_only=True):
    """An account as administrators see it; the name of staff only."""

    person_id: UUID
    email: str | None
    display_name: str | None
    status: Status
    roles: frozenset[Role]
    second_factor: bool


_S: Final = DbRole.STAFF
FIND: Final = Query("SELECT identity.account_with($1)", UUID, _S, crosses_people=True)
ACCOUNT: Final = Query("SELECT * FROM identity.account($1)", AccountRow, _S)
STAFF_ACCOUNTS: Final = Query("SELECT * FROM identity.staff_accounts($1, $2, $3)", AccountRow, _S, crosses_people=True)
CHANGE_ROLES: Final = Query("SELECT identity.change_roles($1, $2, $3)", str, _S)
CHANGE_STATUS: Final = Query("SELECT identity.change_status($1, $2)", str, _S)
END_SESSIONS: Final = Query("SELECT identity.end_sessions($1)", str, _S)
TAKE_FACTOR_OFF: Final = Query("SELECT identity.take_factor_off($1)", str, _S)


def _opened(keys: Keyring, row: AccountRow) -> Account:
    email, details = None, Details()
    if row.wrapped is not None and row.email is not None:
        sealer = keys.sealer(row.wrapped, row.person_id)
        email = sealer.open(row.email, "identity.person.email", row.person_id).decode()
        if row.details is not None:
            words = sealer.open(row.details, "identity.person.details", row.person_id)
            details = msgspec.json.decode(words, type=Details)
    return Account(
        person_id=row.person_id,
        email=email,
        display_name=details.display_name,
        status=row.status,
        roles=frozenset(Role(role) for role in row.roles),
        second_factor=row.second_factor,
    )


async def find(tx: Tx, keys: Keyring, email: str) -> UUID | None:
    """Return whose account has exactly this address, None when nobody's has."""
    return await tx.maybe(FIND, keys.digest("email", as_registered(email)))


async def account(tx: Tx, keys: Keyring, person_id: UUID) -> Account | None:
    """Return an account, None when there is none."""
    row = await tx.maybe(ACCOUNT, person_id)
    return None if row is None else _opened(keys, row)


async def staff(tx: Tx, keys: Keyring, after: Cursor, limit: int) -> tuple[list[Account], str | None]:
    """Return staff, whose accounts are newest first, and the cursor of those who follow."""
    rows = await tx.all(STAFF_ACCOUNTS, after.at, after.id, limit + 1)
    more = Cursor(rows[limit - 1].created_at, rows[limit - 1].person_id).encode() if len(rows) > limit else None
    return [_opened(keys, row) for row in rows[:limit]], more
