"""The whole program behind a real server on loopback: in this process, or in one of its own."""

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
from granian.constants import Interfaces
from granian.server.embed import Server

from tests.support import database
from wellspring.app import asgi_app, make_edge
from wellspring.kernel.settings import Settings


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def here(database_url: str) -> AsyncIterator[str]:
    """Yield the address of a server in this process, on connections of its own."""
    settings = Settings(environment="test", pool_size=2)
    app, port = asgi_app(make_edge(settings, database.KEYS, database_url)), free_port()
    served = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
    task = asyncio.create_task(served.serve())
    try:
        await _until_up(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        await _until_closed()
        served.stop()
        await asyncio.wait_for(task, 15)


@asynccontextmanager
async def elsewhere(database_url: str) -> AsyncIterator[str]:
    """Yield the address of a server in a process of its own."""
    encoded = [base64.b64encode(key).decode() for key in (b"r" * 32, b"k" * 32)]
    text = msgspec.json.encode({"root": encoded[0], "keks": {"1": encoded[1]}}).decode()
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": database_url, "WELLSPRING_KEYS": text, "WELLSPRING_PORT": str(port)}
    environment["WELLSPRING_ENVIRONMENT"] = "test"
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--port", str(port)]
    process = subprocess.Popen([*command, "wellspring.app:from_environment"], env=environment)
    try:
        await _until_up(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)


async def _until_closed() -> None:
    """Let sockets end that are being closed: a server that is gone never answers them, and they wait for ever."""
    for _ in range(100):
        if not any("AsyncSocket" in getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()):
            return
        await asyncio.sleep(0.02)


async def _until_up(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(600):
            try:
                if (await client.get(f"{url}/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError("the server did not come up")
