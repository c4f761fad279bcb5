"""Honouring the consent to keep data about one's health: while it is taken back nothing is stored, nothing is read.

What is stored stays with its owner, to see and to remove. Help in a crisis never asks for it. See decision 15.
"""

from wellspring.checkins import queries as q
from wellspring.checkins.service import READ_LATER
from wellspring.kernel import events, jobs
from wellspring.kernel.db import Tx
from wellspring.privacy.events import ConsentAnswered
from wellspring.privacy.reading import KEPT_BY


@events.on(ConsentAnswered)
async def honour(tx: Tx, answered: ConsentAnswered) -> None:
    """Read on, once somebody agrees again, where reading was still to come when they took it back."""
    if answered.kind != KEPT_BY or not answered.given:
        return
    for row_id in await tx.all(q.WAITING, answered.person_id):
        await jobs.enqueue(tx, READ_LATER, answered.person_id, row_id)
