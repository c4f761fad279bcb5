"""Honouring consents: what was learned of a person stops acting when they take back what it rested on.

Learning for oneself rests on keeping data about one's health; teaching what is shared, on a consent of its own. Both
act with the answer. What the shared state had learned goes when it is learned again, at
night.
"""

from wellspring.interventions import queries as q
from wellspring.interventions.learn import POOLED_BY
from wellspring.kernel import events
from wellspring.kernel.db import Tx
from wellspring.privacy import consents
from wellspring.privacy.events import ConsentAnswered


@events.on(ConsentAnswered)
async def honour(tx: Tx, answered: ConsentAnswered) -> None:
    """Pause or resume what rests on a consent that was just answered."""
    if answered.kind not in ("health_data", POOLED_BY):
        return
    person_id = answered.person_id
    if answered.kind == "health_data":
        await tx.do(q.PAUSE, person_id, not answered.given)
    agreed = await consents.has_consent(tx, person_id, POOLED_BY) is not None
    paused = (await tx.one(q.EFFECTS_LOCKED, person_id)).paused
    await tx.do(q.POOL, person_id, agreed and not paused)
