"""Sending a check-in, by the API or a page: once for each key, whoever wins a race."""

from uuid import UUID

import asyncpg

from wellspring.checkins import service
from wellspring.checkins.schemas import CheckinCreate
from wellspring.checkins.service import CheckinCreated, CheckinExists
from wellspring.kernel import idempotency
from wellspring.kernel.edge import Req, access, as_member, edge, principal


async def send(request: Req, data: CheckinCreate, key: idempotency.Key | None, *, is_quick: bool) -> CheckinCreated:
    """Store a check-in in a transaction of its own; raises CheckinExists, InFlight, KeyReused, Invalid."""
    who = principal(request)
    made = service.Request(
        who.person_id, access(request, "checkins:checkin:create", "checkins"), key, edge(request).keys
    )
    try:
        async with as_member(request) as tx:
            reply = await service.create(tx, made, data, is_quick=is_quick)
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
