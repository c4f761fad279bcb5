"""The program's parts for one command that works with the database as the program's own roles do."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from wellspring.app import make_edge
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.edge import Edge
from wellspring.kernel.settings import Settings
from wellspring.language.pool import READERS


@asynccontextmanager
async def opened(settings: Settings, ring: Keyring, url: str) -> AsyncGenerator[Edge]:
    """Yield the parts; their pools are closed afterwards."""
    parts = make_edge(settings, ring, url)
    try:
        yield parts
    finally:
        parts.ports[READERS].close()
        await parts.db.close()
