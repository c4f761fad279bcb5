"""Socket.IO: the protocol of the sources' clients, at /socket.io, over WebSocket.

A client connects with `auth = {"token": access token, "cursor": last change seen}`; it then receives an event named
by the topic of each change, with `{"seq", "ref"}`. The session is verified in the database, and a socket is closed
within a second after it ends. Polling is refused: its requests would have to reach the same process each time.
"""

import asyncio
from typing import Any, Final, cast

import socketio  # type: ignore[import-untyped]
from litestar import Litestar, asgi
from litestar.types import Receive, Scope, Send
from socketio.exceptions import ConnectionRefusedError as Refused  # type: ignore[import-untyped]

from wellspring.kernel import logs, stream
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge, session_of
from wellspring.kernel.errors import Problem
from wellspring.kernel.hub import MOST, Reader
from wellspring.kernel.middleware import same_origin
from wellspring.kernel.policy import Access
from wellspring.kernel.principal import Principal
from wellspring.kernel.tokens import TokenKind

log = logs.get("sockets")
SIGN_IN_S: Final = 10.0
"""A connection that has not said who it is by then is closed."""
_MOST_BYTES: Final = 16 * 1024
_MOST_SEQ: Final = 2**63 - 1


_ENDED: Final = "wellspring.ended"


def _until(ended: asyncio.Event, receive: Receive) -> Receive:
    """Return a `receive` that reports the client gone once `ended` is set."""

    async def next_message() -> Any:
        message, over = asyncio.ensure_future(receive()), asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait({message, over}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "websocket.disconnect", "code": 1008}
        finally:
            message.cancel()
            over.cancel()

    return next_message


class _Server(socketio.AsyncServer):  # type: ignore[misc]
    """Closes connections that never sign in: the transport is open before Socket.IO asks who is there."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._waiting: set[asyncio.Task[None]] = set()

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        task = asyncio.create_task(self._expect_sign_in(eio_sid))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _expect_sign_in(self, eio_sid: str) -> None:
        await asyncio.sleep(SIGN_IN_S)
        if self.manager.sid_from_eio_sid(eio_sid, "/") is None:
            await self.hang_up(eio_sid)

    async def hang_up(self, eio_sid: str | None) -> None:
        """Close a connection here: by itself, Engine.IO asks the client to close it and waits."""
        environ = self.environ.get(eio_sid)
        if environ is not None:
            await self.eio.disconnect(eio_sid)
            environ["asgi.scope"][_ENDED].set()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection until its client or `hang_up` ends it."""
        ended = asyncio.Event()
        cast("dict[str, Any]", scope)[_ENDED] = ended
        await self.handle_request(scope, _until(ended, receive), send)

    async def stop(self) -> None:
        """Close every socket and end the background tasks."""
        for task in self._waiting:
            task.cancel()
        if self.eio.sockets:
            await self.eio.disconnect()
        await self.shutdown()


def _cursor(auth: dict[str, Any]) -> int | None:
    cursor = auth.get("cursor")
    if cursor is None:
        return None
    if type(cursor) is not int or not 0 <= cursor <= _MOST_SEQ:
        raise Refused("cursor_invalid")
    return cursor


class Sockets:
    """The sockets of this process, each fed by a reader of the hub."""

    def __init__(self, parts: Edge) -> None:
        self._parts = parts
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self.server = _Server(
            async_mode="asgi",
            transports=["websocket"],
            cors_allowed_origins=self._origin,
            max_http_buffer_size=_MOST_BYTES,
            namespaces=["/"],
        )
        self.server.on("connect", self._connect)
        self.server.on("disconnect", self._disconnect)

    def _origin(self, origin: str, environ: dict[str, Any]) -> bool:
        return same_origin(self._parts.settings, origin, environ.get("HTTP_HOST"))

    async def _connect(self, sid: str, _: dict[str, Any], auth: object = None) -> None:
        said = auth if isinstance(auth, dict) else {}
        wanted = _cursor(said)
        try:
            who = self._parts.tokens.verify(str(said.get("token", "")), TokenKind.ACCESS)
            start = await self._start(who, wanted)
        except Problem as problem:
            raise Refused(problem.code) from None
        if self._parts.hub.count(who.person_id) >= MOST:
            raise Refused("too_many_streams")
        reader = self._parts.hub.open(who, start)
        self._pumps[sid] = asyncio.create_task(self._pump(sid, reader))

    async def _start(self, who: Principal, wanted: int | None) -> int:
        """Verify the session; return the place after which this socket hears. Raises Problem."""
        begin = self._parts.db.begin(DbRole.MEMBER, actor=who.person_id, session=session_of(who), read_only=True)
        async with begin as tx:
            kept = await tx.one(stream.KEPT, who.person_id)
            if wanted is None:
                return kept.head
            kept.check(wanted)
            return wanted

    async def _pump(self, sid: str, reader: Reader) -> None:
        try:
            while (change := await reader.queue.get()) is not None:
                await self.server.emit(change.topic, {"seq": change.seq, "ref": str(change.ref)}, to=sid)
        finally:
            self._parts.hub.drop(reader)
        self._pumps.pop(sid, None)
        eio_sid = self.server.manager.eio_sid_from_sid(sid, "/")
        await self.server.disconnect(sid)
        await self.server.hang_up(eio_sid)

    async def _disconnect(self, sid: str, _: str = "") -> None:
        pump = self._pumps.pop(sid, None)
        if pump is not None:
            pump.cancel()

    async def stop(self) -> None:
        """Close every socket."""
        await self.server.stop()
        for pump in list(self._pumps.values()):
            pump.cancel()


def attach(app: Litestar, parts: Edge) -> Sockets:
    """Mount the sockets on the program; they stop with it."""
    sockets = Sockets(parts)

    @asgi("/socket.io", is_mount=True, copy_scope=True, opt={"access": Access.PUBLIC})
    async def mount(scope: Scope, receive: Receive, send: Send) -> None:
        await sockets.server.answer(scope, receive, send)

    app.register(mount)
    app.on_shutdown.append(sockets.stop)
    return sockets
