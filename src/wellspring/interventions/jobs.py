"""Learning on a schedule: what is new every ten minutes, everything at night. Importing it also honours consents.

The ticks only enqueue: a body that computes for seconds would hold up the scheduler.
"""

from wellspring.interventions import consent, shared
from wellspring.kernel import jobs, logs
from wellspring.kernel.db import DbRole
from wellspring.kernel.ids import NIL
from wellspring.kernel.jobs import JobContext, JobPayload, every

__all__ = ["consent"]

log = logs.get("recommender")
FOLD = "interventions.fold"
RELEARN = "interventions.relearn"


async def _enqueue(context: JobContext, name: str) -> None:
    async with context.db.begin(DbRole.MAINTENANCE) as tx:
        await jobs.enqueue(tx, name, NIL, NIL, dedupe=name)


@jobs.register(FOLD)
async def fold(context: JobContext, _: JobPayload) -> None:
    """Add what was rated lately to the shared state."""
    await shared.fold_new(context.db)


@jobs.register(RELEARN)
async def relearn(context: JobContext, _: JobPayload) -> None:
    """Learn everything again, which also forgets who was erased and who withdrew; drop what serves nothing any more."""
    await shared.drop_asked(context.db)
    learned = await shared.relearn_all(context.db)
    log.info("relearned", ratings=learned.ratings, people=len(learned.kept))


@every("*/10 * * * *", FOLD)
async def fold_soon(context: JobContext) -> None:
    """Every ten minutes."""
    await _enqueue(context, FOLD)


@every("37 2 * * *", RELEARN)
async def relearn_tonight(context: JobContext) -> None:
    """Every night, before most people wake up."""
    await _enqueue(context, RELEARN)
