"""What other slices may know of a person whose rows their transaction has opened."""

from uuid import UUID

import msgspec
from msgspec import Struct

from wellspring.identity import queries as q
from wellspring.identity.service import Details
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import NotFound


class Face(Struct, frozen=True, kw_only=True):
    """Who somebody is and how to reach them."""

    display_name: str | None
    email: str
    phone: str | None
    age_range: str | None
    country: str
    language: str
    timezone: str


def _details(sealer: Sealer, person_id: UUID, details: bytes | None) -> Details:
    if details is None:
        return Details()
    return msgspec.json.decode(sealer.open(details, "identity.person.details", person_id), type=Details)


def name_in(sealer: Sealer, person_id: UUID, details: bytes | None) -> str | None:
    """Return what somebody calls themselves, from the sealed part of their row."""
    return _details(sealer, person_id, details).display_name


async def public_face(tx: Tx, keys: Keyring, person_id: UUID) -> Face:
    """Return who a person is; raises NotFound when this transaction may not see them."""
    row = await tx.maybe(q.FACE, person_id)
    if row is None:
        raise NotFound
    sealer = keys.sealer(row.wrapped, person_id)
    details = _details(sealer, person_id, row.details)
    return Face(
        display_name=details.display_name,
        phone=details.phone,
        age_range=row.age_range,
        email=sealer.open(row.email, "identity.person.email", person_id).decode(),
        country=row.country,
        language=row.language,
        timezone=row.timezone,
    )
