"""The whole program behind a real server on loopback, in a process of its own."""

import asyncio
import base64
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
from litestar.types import ASGIApp

from wellspring import app as program
from wellspring.kernel import events_stream, keys, logs, sockets
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.settings import Settings


def serve() -> ASGIApp:
    """Return the program with short waits (the server's entry)."""
    settings = Settings(environment="test", pool_size=2)
    logs.configure("warning")
    assert settings.database_url is not None
    events_stream.BEAT_S = 0.3  # type: ignore[misc]
    sockets.SIGN_IN_S = 1.0  # type: ignore[misc]
    parts = program.make_edge(settings, keys.load(settings), settings.database_url.get_secret_value())
    app = program.make_app(parts)
    if "/v1/stream" not in {route.path for route in app.routes}:
        for handler in events_stream.ROUTES:
            app.register(handler)
    if "/socket.io" not in {route.path for route in app.routes}:
        sockets.attach(app, parts)
    return Outermost(app, settings)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def key_text() -> str:
    encode = lambda raw: base64.b64encode(raw).decode()  # noqa: E731
    return msgspec.json.encode({"root": encode(b"r" * 32), "keks": {"1": encode(b"k" * 32)}}).decode()


@asynccontextmanager
async def server(database_url: str) -> AsyncIterator[str]:
    """Yield the address of a running server."""
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": database_url, "WELLSPRING_KEYS": key_text()}
    environment["WELLSPRING_PORT"] = str(port)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--port", str(port)]
    process = subprocess.Popen([*command, "tests.kernel.live:serve"], env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        await _until_up(url)
        yield url
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)


async def _until_up(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(300):
            try:
                if (await client.get(f"{url}/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError("the server did not come up")
