"""What the tests of notify need beside the shared fixtures."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.notify.support import Desk, Owner
from wellspring.kernel.edge import Edge


@pytest.fixture
def owner(database_url: str) -> Iterator[Owner]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield Owner(conn)


@pytest.fixture
def desk(parts: Edge, owner: Owner) -> Desk:
    return Desk(parts, owner)
