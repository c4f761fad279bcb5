"""Sending and changing a check-in, by the API or a page: once for each key, whoever wins a race."""

from typing import cast
from uuid import UUID

import asyncpg

from wellspring.checkins import changing, service
from wellspring.checkins.schemas import CheckinChange, CheckinCreate
from wellspring.checkins.service import CheckinCreated, CheckinExists
from wellspring.kernel import idempotency
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.language.pool import READERS, Readers
from wellspring.privacy.reading import read_if_kept


def readers(request: Req) -> Readers:
    """Return what reads texts in this process."""
    return cast("Readers", edge(request).ports[READERS])


async def change(request: Req, row_id: UUID, wanted: CheckinChange, seen: int | None) -> tuple[CheckinCreated, int]:
    """Change a check-in in a transaction of its own; return the reply and the new version.

    Raises NotFound, PreconditionFailed, HealthDataRefused, Invalid.
    """
    who = principal(request)
    row = access(request, "checkins:checkin:change", "checkins")
    made = service.Request(who.person_id, row, None, edge(request).keys)
    found = await read_if_kept(request, readers(request), wanted.journal_text)
    async with as_member(request) as tx:
        return await changing.change(tx, made, row_id, wanted, found, seen)


async def send(request: Req, data: CheckinCreate, key: idempotency.Key | None, *, is_quick: bool) -> CheckinCreated:
    """Store a check-in in a transaction of its own; raises CheckinExists, HealthDataRefused, InFlight,
    KeyReused, Invalid.

    Its text is read first, so that no connection waits for a model.
    """
    who = principal(request)
    made = service.Request(
        who.person_id, access(request, "checkins:checkin:create", "checkins"), key, edge(request).keys
    )
    found = await read_if_kept(request, readers(request), data.journal_text)
    try:
        async with as_member(request) as tx:
            reply = await service.create(tx, made, data, found, is_quick=is_quick)
            return await service.again(tx, made, reply) if isinstance(reply, UUID) else reply
    except asyncpg.UniqueViolationError as error:
        return await _lost_race(request, made, error)


async def _lost_race(request: Req, made: service.Request, error: asyncpg.UniqueViolationError) -> CheckinCreated:
    """An equal request committed between our look and our write: answer as it was answered."""
    if made.key is not None:
        async with as_member(request) as tx:
            found = await idempotency.begin(tx, made.person_id, made.key)
            if found is not None:
                return await service.again(tx, made, found.ref)
    raise CheckinExists from error
