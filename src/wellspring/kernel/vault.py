"""Data keys of people: one row each, wrapped; destroying the row makes every sealed word of that person unreadable."""

from typing import Final
from uuid import UUID

from wellspring.kernel.crypto import Keyring, Sealer, Unreadable
from wellspring.kernel.db import DbRole, Query, Tx

WRAPPED: Final = "(SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = {person})"
"""The wrapped key as an SQL expression, for statements that read it on their way."""

FIND: Final = Query(
    "SELECT wrapped FROM kernel.person_key WHERE person_id = $1",
    bytes,
    DbRole.MEMBER,
    DbRole.STAFF,
    DbRole.WORKER,
    DbRole.SIGNIN,
)
ADD: Final = Query("INSERT INTO kernel.person_key (person_id, wrapped) VALUES ($1, $2)", int, DbRole.SIGNIN)


async def sealer(tx: Tx, keys: Keyring, person_id: UUID) -> Sealer:
    """Return the sealer of a person whose rows this transaction may see; raises Unreadable when the key is gone."""
    wrapped = await tx.maybe(FIND, person_id)
    if wrapped is None:
        raise Unreadable("no data key")
    return keys.sealer(wrapped, person_id)


async def create(tx: Tx, keys: Keyring, person_id: UUID) -> Sealer:
    """Make the data key of a new person."""
    made, wrapped = keys.new_key(person_id)
    await tx.do(ADD, person_id, wrapped)
    return made
