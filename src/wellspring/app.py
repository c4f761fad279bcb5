"""The web program: slices, edge and lifespan in one ASGI application."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp

from wellspring import __version__
from wellspring.identity import queries as identity_queries
from wellspring.identity.passwords import Passwords
from wellspring.interventions.shared import follow_for_ever
from wellspring.kernel import dsn, events_stream, keys, logs, openapi, operations, problems, routing, sockets
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Database, DbRole
from wellspring.kernel.edge import Edge, guard
from wellspring.kernel.hub import Hub
from wellspring.kernel.jobs import JobContext
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.settings import Settings
from wellspring.kernel.wake import Waker
from wellspring.language.model import installed
from wellspring.language.pool import READERS, Readers
from wellspring.notify.jobs import send_late_for_ever
from wellspring.notify.smtp import mail_port
from wellspring.safety.paging import sweep_for_ever
from wellspring.slices import ROUTES

MOST_BYTES = 256 * 1024
ENCODER_AFTER_S = 1.0
"""The encoder is opened when the process already answers; a text that comes earlier opens it."""


def make_edge(settings: Settings, ring: Keyring, url: str) -> Edge:
    """Return the process's parts for a database address (user and password in it do not matter)."""
    dsns = dsn.all_roles(url, ring)
    checked: dict[DbRole, tuple[str, ...]] = {
        DbRole.MEMBER: (identity_queries.SESSION_CHECK, identity_queries.SESSION_LISTEN),
        DbRole.STAFF: (identity_queries.STAFF_SESSION_CHECK, identity_queries.SESSION_LISTEN),
        DbRole.SIGNIN: (identity_queries.SESSION_CHECK, identity_queries.SESSION_LISTEN),
    }
    db = Database(dsns, size=settings.pool_size, prepare=checked)
    hub = Hub(db, dsns[DbRole.SIGNIN], identity_queries.LIVE_SESSIONS)
    ports: dict[str, Any] = {
        "passwords": Passwords(cheap=settings.environment == "test"),
        "mail": mail_port(settings),
        READERS: Readers(partial(installed, settings.models)),
    }
    return Edge(settings, ring, db, hub, ports)


def make_app(parts: Edge) -> Litestar:
    """Return the Litestar application for these parts."""
    waker = Waker(parts.db)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        waker.start()
        parts.hub.start()
        context = JobContext(parts.db, parts.settings, parts.keys, parts.ports)
        beside = [
            asyncio.create_task(sweep_for_ever(context), name="sweep"),
            asyncio.create_task(send_late_for_ever(context), name="late pages"),
            asyncio.create_task(follow_for_ever(parts.db), name="follow"),
        ]
        readers: Readers = parts.ports[READERS]
        opening = asyncio.get_running_loop().call_later(ENCODER_AFTER_S, readers.start)
        gc.collect()
        gc.freeze()  # what lives as long as the process is not looked through again at each collection
        gc.set_threshold(25_000, 20, 50)  # a request makes some thousand objects, nearly all freed by counting
        try:
            yield
        finally:
            opening.cancel()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            readers.close()
            await parts.hub.stop()
            await waker.stop()
            await parts.db.close()

    program = Litestar(
        route_handlers=[*ROUTES, *events_stream.ROUTES, *operations.ROUTES],
        guards=[guard],
        request_class=routing.StrictRequest,
        exception_handlers=problems.HANDLERS,
        lifespan=[lifespan],
        state=State({"edge": parts}),
        openapi_config=openapi.config(__version__),
        request_max_body_size=MOST_BYTES,
        logging_config=None,
        debug=False,
    )
    sockets.attach(program, parts)
    return program


def asgi_app(parts: Edge) -> ASGIApp:
    """Return the whole program as one ASGI application."""
    return Outermost(make_app(parts), parts.settings, parts.tokens)


def from_environment() -> ASGIApp:
    """Return the program for the settings of this process (granian's entry)."""
    settings = Settings()
    logs.configure(settings.log_level)
    assert settings.database_url is not None
    return asgi_app(make_edge(settings, keys.load(settings), settings.database_url.get_secret_value()))
