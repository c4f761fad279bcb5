"""What the tests of privacy need beside the shared fixtures: the owner's connection."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.privacy.support import Owner


@pytest.fixture
def owner(database_url: str) -> Iterator[Owner]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield Owner(conn)
