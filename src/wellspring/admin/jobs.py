"""Telling people that what they may do has changed."""

from typing import Final

from wellspring.identity import contact
from wellspring.kernel import jobs
from wellspring.kernel.db import DbRole
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify import service as notify

TELL: Final = "admin.tell"


@jobs.register(TELL)
async def tell(ctx: JobContext, job: JobPayload) -> None:
    """Queue the mail of one change; run twice, it queues one. Who cannot be written to gets none."""
    async with ctx.db.begin(DbRole.WORKER, subject=job.person_id) as tx:
        if await tx.maybe(contact.ADDRESS, job.person_id) is None:
            return
        await notify.queue(tx, job.person_id, "roles_changed", f"roles:{job.ref}", job.ref)
