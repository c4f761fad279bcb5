"""A world with alice in it, and the owner's connection."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.api.owner import Owner
from tests.api.world import World
from tests.support.people import Circle


@pytest.fixture
def owner(database_url: str) -> Iterator[Owner]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield Owner(conn)


@pytest.fixture
async def world(circle: Circle, owner: Owner) -> World:
    return await World(circle, owner).fill()
