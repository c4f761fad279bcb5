"""Honouring the consent to keep data about one's health: while it is taken back nothing is stored, nothing is read.

What is stored stays with its owner, to see and to remove. Help in a crisis never asks for it. See decision 15.
"""

from typing import Final

from wellspring.checkins import queries as q
from wellspring.checkins.service import READ_LATER
from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import events, jobs
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, as_member, principal
from wellspring.language.ahead import NOTHING, TextRead, ahead
from wellspring.language.pool import Readers
from wellspring.privacy import consents
from wellspring.privacy.events import ConsentAnswered

KEPT_BY: Final[ConsentKind] = "health_data"


async def read_if_kept(request: Req, readers: Readers, text: object) -> TextRead:
    """Read a text before its transaction, unless its writer took back that such data is kept.

    Such a text counts as unread: if they agree again before it is stored, help is shown and a job reads it.
    """
    if not isinstance(text, str) or not text:
        return NOTHING
    async with as_member(request, read_only=True) as tx:
        refused = await consents.refused(tx, principal(request).person_id, KEPT_BY)
    return TextRead(failed=True) if refused else await ahead(readers, text)


@events.on(ConsentAnswered)
async def honour(tx: Tx, answered: ConsentAnswered) -> None:
    """Read on, once somebody agrees again, where reading was still to come when they took it back."""
    if answered.kind != KEPT_BY or not answered.given:
        return
    for row_id in await tx.all(q.WAITING, answered.person_id):
        await jobs.enqueue(tx, READ_LATER, answered.person_id, row_id)
