"""Jobs of check-ins: days rolled up for charts, and entries read that could not be read, or not fully, at once."""

from wellspring.checkins import consent
from wellspring.checkins import queries as q
from wellspring.checkins.read_later import read_on
from wellspring.checkins.service import READ_LATER, ROLL_DAY
from wellspring.kernel import jobs
from wellspring.kernel.db import DbRole
from wellspring.kernel.jobs import JobContext, JobPayload


@jobs.register(ROLL_DAY)
async def roll_day(context: JobContext, payload: JobPayload) -> None:
    """Compute the local day of one check-in again from its rows."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id, flush=False) as tx:
        await tx.at_commit(q.ROLL_IN_TURN, payload.person_id)
        await tx.at_commit(q.ROLL_DAY, payload.person_id, payload.ref)


@jobs.register("checkins.roll_all")
async def roll_all(context: JobContext, payload: JobPayload) -> None:
    """Compute all days of a person again, after a change or a removal."""
    async with context.db.begin(DbRole.WORKER, subject=payload.person_id, flush=False) as tx:
        await tx.at_commit(q.ROLL_IN_TURN, payload.person_id)
        await tx.at_commit(q.ROLL_ALL, payload.person_id)


@jobs.register(READ_LATER)
async def read_later(context: JobContext, payload: JobPayload) -> None:
    """Compute the day of an entry, then read on in it, and open an event if that asks for one."""
    await roll_day(context, payload)
    await read_on(context, payload.person_id, payload.ref)


__all__ = ["consent", "read_later", "roll_all", "roll_day"]
