"""How to reach a person: their language and e-mail address, for slices that write to people."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity.schemas import Language
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole, Query, Tx


class _Address(Struct, frozen=True):
    wrapped: bytes
    email: bytes


LANGUAGE: Final = Query(
    "SELECT language FROM identity.person WHERE person_id = $1", str, DbRole.MEMBER, DbRole.STAFF, DbRole.WORKER
)
ADDRESS: Final = Query(
    "SELECT k.wrapped, p.email FROM identity.person p JOIN kernel.person_key k USING (person_id)"
    " WHERE p.person_id = $1 AND p.email IS NOT NULL AND p.status = 'active'",
    _Address,
    DbRole.WORKER,
)


async def language_of(tx: Tx, person_id: UUID) -> Language:
    """Return the language of a person whose row this transaction may see, English when it may not."""
    return "fr" if await tx.maybe(LANGUAGE, person_id) == "fr" else "en"


async def email_of(tx: Tx, keys: Keyring, person_id: UUID) -> str | None:
    """Return the address of an active person, or None: no account, no address, or the key was destroyed.

    Raises Unreadable when the stored address was changed outside Wellspring.
    """
    row = await tx.maybe(ADDRESS, person_id)
    if row is None:
        return None
    return keys.sealer(row.wrapped, person_id).open(row.email, "identity.person.email", person_id).decode()
