"""Writing to people: a delivery row and its job, in the caller's transaction."""

from typing import Final
from uuid import UUID

from wellspring.identity import contact
from wellspring.kernel import ids, jobs
from wellspring.kernel.db import Tx
from wellspring.notify import queries as q
from wellspring.notify.templates import PAGES, Template

DELIVER: Final = "notify.deliver"


async def queue(
    tx: Tx,
    recipient: UUID,
    template: Template,
    unique_key: str,
    ref: UUID,
    *,
    language: str | None = None,
) -> UUID | None:
    """Queue a mail to a person in a worker transaction whose subject is the recipient.

    `unique_key` names the occasion (`page:<event>:<step>`): the same key again returns None and sends nothing.
    `ref` is the row the message is about; a page takes the place of those about the same row that have not left yet.
    Without a language, the recipient's own is read. Return the delivery's id.
    """
    delivery_id = ids.new()
    spoken = language or await contact.language_of(tx, recipient)
    if not await tx.do(q.ADD, recipient, delivery_id, template, spoken, unique_key, ref):
        return None
    if template in PAGES:
        await tx.do(q.REPLACE, recipient, ref, delivery_id, PAGES)
    await jobs.enqueue(tx, DELIVER, recipient, delivery_id, priority=jobs.URGENT)
    return delivery_id
