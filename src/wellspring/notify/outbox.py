"""The operator's outbox: what became of messages, neither to whom nor about what."""

import msgspec

from wellspring.kernel.db import Duty, Tx
from wellspring.kernel.paging import Cursor
from wellspring.notify import queries as q
from wellspring.notify.schemas import Outbox, OutboxItem, State


async def page(tx: Tx, cursor: Cursor, limit: int, state: State | None = None) -> Outbox:
    """Return a page of messages; the caller has proved `notify:outbox:read`."""
    await tx.set_duty(Duty.OUTBOX)
    rows = await tx.all(q.OUTBOX, cursor.at, cursor.id, state, limit + 1)
    more = Cursor(rows[limit - 1].created_at, rows[limit - 1].id).encode() if len(rows) > limit else None
    items = [msgspec.convert(msgspec.structs.asdict(row), OutboxItem) for row in rows[:limit]]
    return Outbox(items=items, next_cursor=more)
