"""Delivering: claim the row, send outside of any transaction, write down what happened."""

import asyncio
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity import contact, forgotten
from wellspring.identity.schemas import Language
from wellspring.kernel import jobs, logs, maintenance
from wellspring.kernel.crypto import Unreadable
from wellspring.kernel.db import DbRole
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify import queries as q
from wellspring.notify.ports import INTERRUPTED, Mail, MailPort, NotTakenError, RefusedError, UncertainError
from wellspring.notify.service import DELIVER
from wellspring.notify.smtp import WHOLE_S
from wellspring.notify.templates import KNOWN, PAGES, words

MOST_TRIES: Final = 5
AT_ONCE: Final = 25
"""Half of a worker's places: a mail server that hangs holds these, and pages and readings go on in the others."""
FIRST_WAIT_S: Final = 15.0
GIVE_UP_S: Final = 2 * WHOLE_S
"""A claim older than this belongs to a worker that died."""
OVERDUE_S: Final = 120.0
"""A message that should have been tried so long ago may have lost its job."""

LATE_S: Final = 30.0
"""A page that no worker took for so long is sent by whoever is there."""
LOOK_EVERY_S: Final = 10.0

log = logs.get("notify")


class _Result(Struct, frozen=True):
    """What became of one try: a state, and the provider's id or an error code."""

    state: str
    provider_id: str | None = None
    code: str | None = None


@jobs.register(DELIVER, at_once=AT_ONCE)
async def deliver(ctx: JobContext, job: JobPayload) -> None:
    """Send one message. May run twice: only the run that claims the row sends.

    One that this process has no words for stays queued: a newer worker wrote it, and the sweep hands it out again.
    """
    async with ctx.db.begin(DbRole.WORKER, subject=job.person_id) as tx:
        claimed = await tx.maybe(q.CLAIM, job.person_id, job.ref, KNOWN)
        if claimed is None:
            return
        try:
            address = await contact.email_of(tx, ctx.keys, job.person_id)
        except Unreadable:
            address = None
        path = await forgotten.link(tx, ctx.keys, job.person_id) if claimed.template == "password_link" else None
    result = await _send(ctx, job.ref, claimed, address, path)
    writing = asyncio.ensure_future(_write(ctx, job, claimed.tries, result))
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await writing
    log.info("delivery", id=job.ref, state=result.state, code=result.code, tries=claimed.tries)


async def _send(
    ctx: JobContext, delivery_id: UUID, claimed: q.Claimed, address: str | None, path: str | None
) -> _Result:
    """Send, and say what happened; only a message that was surely not taken goes back to the queue."""
    port: MailPort | None = ctx.ports.get("mail")
    if address is None:
        return _Result("failed", code="no_address")
    if port is None:
        return _Result("not_sent", code="mail_not_set_up")
    try:
        return _Result("sent", provider_id=await port.send(_mail(ctx, delivery_id, claimed, address, path)))
    except UncertainError as error:
        return _Result("unknown", code=error.code)
    except RefusedError as error:
        return _Result("failed", code=error.code)
    except NotTakenError as error:
        again = claimed.tries < MOST_TRIES or error.code == INTERRUPTED
        return _Result("queued" if again else "failed", code=error.code)


def _mail(ctx: JobContext, delivery_id: UUID, claimed: q.Claimed, address: str, path: str | None) -> Mail:
    language: Language = "fr" if claimed.language == "fr" else "en"
    found = words(claimed.template, language)
    text = f"{found.text}\n\n{ctx.settings.base_url}{path or found.path}\n"
    return Mail(str(delivery_id), address, found.subject, text)


async def _write(ctx: JobContext, job: JobPayload, tries: int, result: _Result) -> None:
    """Write down what happened to this try, and queue the next one after 15, 30, 60 and 120 seconds.

    What we broke off ourselves is tried again at once, by whoever works now.
    """
    row = (job.person_id, job.ref, tries)
    async with ctx.db.begin(DbRole.WORKER, subject=job.person_id) as tx:
        if result.state == "sent":
            await tx.do(q.SENT, *row, result.provider_id)
        elif result.state == "queued":
            wait = 0.0 if result.code == INTERRUPTED else FIRST_WAIT_S * 2 ** (tries - 1)
            if await tx.do(q.AGAIN, *row, result.code, wait):
                await jobs.enqueue(tx, DELIVER, job.person_id, job.ref, after_s=wait, priority=jobs.URGENT)
        else:
            await tx.do(q.ENDED, *row, result.state, result.code)


@jobs.every("* * * * * 0", "notify.sweep")
async def sweep(ctx: JobContext) -> None:
    """Each minute: messages of dead workers become unknown, and messages without a job get one."""
    async with ctx.db.begin(DbRole.MAINTENANCE) as tx:
        await tx.do(q.GIVE_UP, GIVE_UP_S)
        for lost in await tx.all(q.OVERDUE, OVERDUE_S):
            dedupe = f"{DELIVER}:{lost.id}"
            await jobs.enqueue(tx, DELIVER, lost.person_id, lost.id, dedupe=dedupe, priority=jobs.URGENT)


async def send_late(ctx: JobContext) -> int:
    """Send the pages whose job no worker has run, without the queue; return how many there were."""
    async with ctx.db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        late = await tx.all(q.LATE, PAGES, LATE_S, AT_ONCE)
    for page in late:
        log.warning("page_late", id=page.id)
    sent = await asyncio.gather(*(deliver(ctx, JobPayload(p.person_id, p.id)) for p in late), return_exceptions=True)
    for error in sent:
        if isinstance(error, Exception):
            log.error("page_failed", error=error)
    return len(late)


async def send_late_for_ever(ctx: JobContext) -> None:
    """Look for such pages every ten seconds: a web process does, so that pages leave while no worker runs."""
    while True:
        try:
            await send_late(ctx)
        except Exception as error:  # noqa: BLE001 - it is tried again
            log.error("page_failed", error=error)
        await asyncio.sleep(LOOK_EVERY_S)


@jobs.every("29 3 * * *", "notify.forget")
async def forget(ctx: JobContext) -> None:
    """Each night: what became of messages is forgotten after two quarters."""
    await maintenance.clean(ctx.db, (q.OLD,))
