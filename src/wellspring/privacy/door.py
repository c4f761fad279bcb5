"""The one door to another person's rows: a staff transaction opens one person, on a grant, for one section."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import audit
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_staff, principal
from wellspring.kernel.principal import Principal
from wellspring.privacy import queries as q
from wellspring.privacy.errors import NotShared
from wellspring.privacy.schemas import Section


class Opened(Struct, frozen=True):
    """The proof that queries of shared rows ask for: whose, which section, and on which grant it rests."""

    person_id: UUID
    section: Section
    consent_id: UUID


async def open_person(tx: Tx, actor: Principal, person_id: UUID, section: Section) -> Opened:
    """Open one person's rows to a staff transaction; raises NotShared (404) without a grant in force.

    The grant is read under `app.actor_id`, before any row of the person can be seen.
    """
    grant_id = await tx.maybe(q.OPEN, person_id, actor.person_id, section)
    if grant_id is None:
        raise NotShared
    await tx.set_subject(person_id)
    return Opened(person_id, section, grant_id)


async def also_shared(tx: Tx, actor: Principal, person_id: UUID, section: Section) -> bool:
    """Tell whether a grant in force covers another section too; opens nothing."""
    return await tx.maybe(q.OPEN, person_id, actor.person_id, section) is not None


@asynccontextmanager
async def opening(
    request: Req, person_id: UUID, section: Section, action: str
) -> AsyncGenerator[tuple[Tx, Opened], None]:
    """Open a person for this request; a refusal is written to the audit trail in a transaction of its own.

    The caller records what it read with `consent_id=opened.consent_id`. Raises NotShared.
    """
    try:
        async with as_staff(request) as tx:
            yield tx, await open_person(tx, principal(request), person_id, section)
    except NotShared:
        row = access(request, action, section, person_id=person_id, count=0, outcome=audit.Outcome.REFUSED)
        async with as_staff(request) as tx:
            await audit.record(tx, row)
        raise
