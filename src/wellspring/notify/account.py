"""Mails about how somebody signs in and what they share: queued in the transaction of the change, sent by a worker."""

from wellspring.identity import contact
from wellspring.identity.events import PasswordForgotten, SignInChanged
from wellspring.kernel import events, ids, jobs
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify import queries as q
from wellspring.notify import service
from wellspring.notify.templates import Template
from wellspring.privacy.events import SharingClosed


def _name(what: str) -> str:
    return f"notify.{what}"


@events.on(SignInChanged)
async def tell(tx: Tx, changed: SignInChanged) -> None:
    """Queue the job that tells the owner of an account; it commits with the change."""
    await jobs.enqueue(tx, _name(changed.what), changed.person_id, ids.new())


@events.on(PasswordForgotten)
async def tell_forgotten(tx: Tx, forgotten: PasswordForgotten) -> None:
    """Queue the job of a link, for an address that nobody has too: the time it takes must not tell."""
    await jobs.enqueue(tx, _name("password_link"), forgotten.person_id, ids.new())


@events.on(SharingClosed)
async def tell_closed(tx: Tx, closed: SharingClosed) -> None:
    """Queue the mail about a sharing that ended with a clinician's account, where the worker tells it."""
    if await tx.maybe(contact.ADDRESS, closed.person_id) is not None:
        await service.queue(tx, closed.person_id, "sharing_closed", f"sharing:{closed.grant_id}", closed.grant_id)


async def _write(ctx: JobContext, job: JobPayload, template: Template) -> None:
    async with ctx.db.begin(DbRole.WORKER, subject=job.person_id) as tx:
        await service.queue(tx, job.person_id, template, f"account:{job.ref}", job.ref)


@jobs.register(_name("password"))
async def password_changed(ctx: JobContext, job: JobPayload) -> None:
    """Write the mail about a changed password; running twice writes one."""
    await _write(ctx, job, "password_changed")


@jobs.register(_name("second_factor"))
async def second_factor_set(ctx: JobContext, job: JobPayload) -> None:
    """Write the mail about a second factor that was set up; running twice writes one."""
    await _write(ctx, job, "second_factor_set")


@jobs.register(_name("recovery_codes"))
async def recovery_codes_made(ctx: JobContext, job: JobPayload) -> None:
    """Write the mail about new recovery codes; running twice writes one."""
    await _write(ctx, job, "recovery_codes_made")


@jobs.register(_name("second_factor_removed"))
async def second_factor_removed(ctx: JobContext, job: JobPayload) -> None:
    """Write the mail about a second factor that was taken off; running twice writes one."""
    await _write(ctx, job, "second_factor_removed")


@jobs.register(_name("password_link"))
async def password_link(ctx: JobContext, job: JobPayload) -> None:
    """Write the mail with a link for a new password, one in ten minutes however many asked; nobody gets none."""
    async with ctx.db.begin(DbRole.WORKER, subject=job.person_id) as tx:
        if await tx.maybe(contact.ADDRESS, job.person_id) is not None:
            window: int = await tx.one(q.TEN_MINUTES)
            await service.queue(tx, job.person_id, "password_link", f"link:{window}", job.ref)
