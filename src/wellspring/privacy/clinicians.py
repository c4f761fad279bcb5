"""The clinicians of one person: what they are called, and what ends when they care no longer."""

from collections.abc import Iterable
from uuid import UUID

from wellspring.identity.people import name_in
from wellspring.kernel import stream
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import NotFound
from wellspring.privacy import grants
from wellspring.privacy import queries as q


async def names(tx: Tx, keys: Keyring, who: Iterable[UUID]) -> dict[UUID, str | None]:
    """Return what clinicians call themselves, None for one who gave no name; who is no clinician is left out.

    One who is a clinician no more is still named to the people who shared with them.
    """
    wanted = list(set(who))
    rows = await tx.all(q.CLINICIANS, wanted) if wanted else []
    return {row.person_id: name_in(keys.sealer(row.wrapped, row.person_id), row.person_id, row.details) for row in rows}


async def end_care(tx: Tx, person_id: UUID, team_id: UUID) -> None:
    """End a care relationship, and what is shared with that clinician unless they care in another role; or NotFound."""
    await tx.do(q.IN_TURN, person_id)
    clinician_id = await tx.maybe(q.END_TEAM, person_id, team_id)
    if clinician_id is None:
        raise NotFound
    await stream.publish(tx, person_id, "care_team.changed", team_id)
    for grant_id in await tx.all(q.REVOKE_AFTER_CARE, person_id, clinician_id):
        await stream.publish(tx, person_id, grants.TOPIC, grant_id)
