"""Access grants: a member lets one clinician see named sections until a date."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from wellspring.kernel import events, ids, stream
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import NotFound, PreconditionFailed
from wellspring.kernel.paging import Cursor
from wellspring.privacy import consents
from wellspring.privacy import queries as q
from wellspring.privacy.errors import GrantEnded, GrantExists, GrantRefused, SharingRefused
from wellspring.privacy.events import ConsentAnswered
from wellspring.privacy.schemas import Grant, GrantChange, Grants, GrantWrite, Section

USUAL: Final = timedelta(days=90)
LONGEST: Final = timedelta(days=365)
TOPIC: Final = "access_grant.changed"


def _until(now: datetime, wanted: datetime | None) -> datetime:
    """Return when a grant ends; raises GrantRefused for the past and for more than 365 days."""
    until = wanted or now + USUAL
    if until <= now:
        raise GrantRefused.of("expires_at", "in_the_past", "Choose a time that is still to come.")
    if until > now + LONGEST:
        raise GrantRefused.of("expires_at", "too_far_ahead", "Choose a time within the next 365 days.")
    return until


def view(row: q.GrantRow) -> Grant:
    """Return the wire form of a grant."""
    return msgspec.convert({f: getattr(row, f) for f in Grant.__struct_fields__}, Grant)


async def check_clinician(tx: Tx, person_id: UUID, clinician_id: UUID) -> datetime:
    """Return the database's time; raises GrantRefused unless this is another person and an active clinician."""
    asked = await tx.one(q.ASK, clinician_id)
    if not asked.is_clinician or clinician_id == person_id:
        raise GrantRefused.of("clinician_id", "clinician_unknown", "There is no other clinician with this id.")
    return asked.now


async def add(tx: Tx, person_id: UUID, wanted: GrantWrite) -> UUID:
    """Share with a clinician; raises GrantRefused, GrantExists, and SharingRefused while their last word is no."""
    await tx.do(q.IN_TURN, person_id)
    if await consents.refused(tx, person_id, "data_sharing"):
        raise SharingRefused
    until = _until(await check_clinician(tx, person_id, wanted.clinician_id), wanted.expires_at)
    grant_id = ids.new()
    await tx.do(q.CLOSE_EXPIRED, person_id, wanted.clinician_id)
    if not await tx.do(q.ADD_GRANT, person_id, grant_id, wanted.clinician_id, sorted(set(wanted.sections)), until):
        await check_clinician(tx, person_id, wanted.clinician_id)  # none any more, since a moment ago
        raise GrantExists
    await stream.publish(tx, person_id, TOPIC, grant_id)
    return grant_id


async def one(tx: Tx, person_id: UUID, grant_id: UUID) -> q.GrantRow:
    """Return one of a person's own grants; raises NotFound."""
    row = await tx.maybe(q.GRANT, person_id, grant_id)
    if row is None:
        raise NotFound
    return row


async def listed(tx: Tx, person_id: UUID, cursor: Cursor, limit: int) -> Grants:
    """Return a page of a person's grants, newest first."""
    rows = await tx.all(q.GRANTS, person_id, cursor.at, cursor.id, limit + 1)
    more = Cursor(rows[limit - 1].granted_at, rows[limit - 1].id).encode() if len(rows) > limit else None
    return Grants(items=[view(row) for row in rows[:limit]], next_cursor=more)


async def shared_with(tx: Tx, person_id: UUID, section: Section) -> int:
    """Return how many clinicians may see a section of one's own data now."""
    return await tx.one(q.SHARED_WITH, person_id, section)


async def change(tx: Tx, person_id: UUID, grant_id: UUID, wanted: GrantChange, seen: int | None) -> q.GrantRow:
    """Change sections or date; raises NotFound, PreconditionFailed, GrantEnded, GrantRefused."""
    row = await one(tx, person_id, grant_id)
    if seen is not None and seen != row.version:
        raise PreconditionFailed
    if row.state != "active":
        raise GrantEnded
    until = row.expires_at
    if wanted.expires_at is not UNSET:
        until = _until(await tx.one(q.NOW), wanted.expires_at)
    sections = row.sections if wanted.sections is UNSET else sorted(set(wanted.sections))
    if not await tx.do(q.CHANGE_GRANT, person_id, grant_id, row.version, sections, until):
        raise PreconditionFailed
    await stream.publish(tx, person_id, TOPIC, grant_id)
    return await one(tx, person_id, grant_id)


async def revoke(tx: Tx, person_id: UUID, grant_id: UUID) -> None:
    """End a grant at once; raises NotFound when there is none or it has ended."""
    if not await tx.do(q.REVOKE, person_id, grant_id):
        raise NotFound
    await stream.publish(tx, person_id, TOPIC, grant_id)


@events.on(ConsentAnswered)
async def honour(tx: Tx, answered: ConsentAnswered) -> None:
    """End every sharing of somebody who takes back that they share at all."""
    if answered.kind != "data_sharing" or answered.given:
        return
    for grant_id in await tx.all(q.REVOKE_ALL, answered.person_id):
        await stream.publish(tx, answered.person_id, TOPIC, grant_id)
