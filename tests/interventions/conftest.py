"""Each test begins with a process that has learned nothing."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from wellspring.interventions import model


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    model.hold(None)
    yield
    model.hold(None)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()
