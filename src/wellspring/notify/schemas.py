"""The wire of notify."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Struct

State = Literal["queued", "sending", "sent", "not_sent", "failed", "unknown"]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
CursorText = Annotated[str | None, QueryParameter(max_length=64)]


class OutboxItem(Struct, kw_only=True):
    """One message on its way out. `unknown` means that the mail server never said whether it took it."""

    id: UUID
    template: str
    channel: Literal["mail", "in_app"]
    state: State
    tries: int
    error_code: str | None
    created_at: datetime
    sent_at: datetime | None


class Outbox(Struct, kw_only=True):
    """Messages, newest first; `next_cursor` leads to older ones."""

    items: list[OutboxItem]
    next_cursor: str | None
