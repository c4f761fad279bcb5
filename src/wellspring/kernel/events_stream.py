"""What changed for a person: as server-sent events while they watch, or as a list to catch up with.

Both speak of the same sequence: a cursor is the number of the last change a client has seen. No database connection is
held while a stream waits.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Struct

from wellspring.kernel import stream
from wellspring.kernel.edge import Req, as_member, edge, principal
from wellspring.kernel.errors import Invalid, TooMany
from wellspring.kernel.hub import MOST, Hub
from wellspring.kernel.policy import Access
from wellspring.kernel.principal import Principal
from wellspring.kernel.routing import get
from wellspring.kernel.stream import Change

BEAT_S: Final = 15.0
PAGE: Final = 200
_MOST_SEQ: Final = 2**63 - 1
_RETRY_MS: Final = 2000


class ChangeView(Struct, frozen=True):
    """One change: its place `seq`, what happened (`topic`), and the id of the row to load (`ref`)."""

    seq: int
    topic: str
    ref: UUID


class Changes(Struct, frozen=True):
    """Changes after a cursor, oldest first; ask again with `cursor` while there is `more`."""

    items: list[ChangeView]
    cursor: int
    more: bool


class TooManyStreams(TooMany):
    """Too many windows are listening for news at the same time. Close one of them."""

    code = "too_many_streams"


Cursor = Annotated[int | None, QueryParameter(ge=0, le=_MOST_SEQ, description="The last change already seen.")]


def _event(change: Change) -> bytes:
    view = msgspec.json.encode(ChangeView(change.seq, change.topic, change.ref))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (change.seq, change.topic.encode(), view)


async def _events(hub: Hub, who: Principal, cursor: int) -> AsyncGenerator[bytes, None]:
    """Yield what a new stream sends; it ends when the session does, or when its reader is too slow."""
    reader = hub.open(who, cursor)
    try:
        yield b"retry: %d\nid: %d\n\n" % (_RETRY_MS, cursor)
        while True:
            try:
                async with asyncio.timeout(BEAT_S):
                    change = await reader.queue.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if change is None:
                return
            yield _event(change)
    finally:
        hub.drop(reader)


def _resumed(request: Req) -> int | None:
    """Return the cursor a browser sends when it reconnects by itself; raises Invalid."""
    header = request.headers.get("last-event-id")
    if header is None or header == "":
        return None
    if not header.isascii() or not header.isdigit() or int(header) > _MOST_SEQ:
        raise Invalid.of("Last-Event-ID", "cursor_invalid", "This is not the id of an event of this stream.")
    return int(header)


@get(
    "/v1/stream",
    Access.SELF,
    opt={"cookie": True, "listens": True},
    tags=["stream"],
    media_type="text/event-stream",
    summary="Follow what changes",
)
async def follow(request: Req, cursor: Cursor = None) -> Stream:
    """Send each change as it is stored (`text/event-stream`), after `cursor` or from now on."""
    who, hub = principal(request), edge(request).hub
    resumed = _resumed(request)
    if hub.count(who.person_id) >= MOST:
        raise TooManyStreams(30)
    start = resumed if resumed is not None else cursor
    async with as_member(request, read_only=True) as tx:
        kept = await tx.one(stream.KEPT, who.person_id)
        if start is not None:
            kept.check(start)
    return Stream(
        _events(hub, who, kept.head if start is None else start),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@get("/v1/changes", Access.SELF, tags=["stream"], summary="Catch up with what changed")
async def changes(request: Req, cursor: Cursor = None) -> Changes:
    """Return changes after `cursor` (without one from the oldest that is kept), at most 200."""
    seen, person_id = cursor or 0, principal(request).person_id
    async with as_member(request, read_only=True) as tx:
        found = await tx.all(stream.SINCE, person_id, seen, PAGE + 1)
        if cursor is not None:
            (await tx.one(stream.KEPT, person_id)).check(cursor)
    items = [ChangeView(c.seq, c.topic, c.ref) for c in found[:PAGE]]
    return Changes(items, items[-1].seq if items else seen, len(found) > PAGE)


ROUTES: Final[list[Any]] = [follow, changes]
