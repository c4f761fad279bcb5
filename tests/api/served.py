"""The program in a loop of its own, for tests that generate requests and cannot wait for each of them."""

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from tests.api.surface import RULES, Rule
from tests.support.database import KEYS
from tests.support.people import Circle, Person
from wellspring.app import make_app, make_edge
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings

T = TypeVar("T")
__all__ = ["RULES", "Rule", "Served", "serving"]


class Served:
    """Runs coroutines of the program's loop from a plain function."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self._loop = loop
        self.parts = make_edge(Settings(environment="test", pool_size=4), KEYS, url)
        program = Outermost(make_app(self.parts), self.parts.settings, self.parts.tokens)
        transport = httpx.ASGITransport(app=program, raise_app_exceptions=False)  # type: ignore[arg-type]
        self.client = httpx.AsyncClient(transport=transport, base_url="http://wellspring.test")
        self.circle = Circle(self.parts, self.client)
        self._names = itertools.count()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def member(self) -> Person:
        """Return a new member."""
        return self.run(self.circle.member(f"alice{next(self._names)}"))

    def staff(self, role: Role) -> Person:
        """Return a new staff member."""
        return self.run(self.circle.staff(f"dana{next(self._names)}", role))

    async def close(self) -> None:
        await self.client.aclose()
        await self.parts.db.close()


@contextmanager
def serving(url: str) -> Iterator[Served]:
    """Yield the program over a database."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = Served(loop, url)
    try:
        yield served
    finally:
        served.run(served.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
