"""What the tests of privacy need beside the shared fixtures: the consent texts, and the owner's connection."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.privacy.support import Owner
from wellspring import slices
from wellspring.privacy import routes, texts

slices.ROUTES.extend(route for route in routes.ROUTES if route not in slices.ROUTES)


@pytest.fixture
def owner(database_url: str) -> Iterator[Owner]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield Owner(conn)


@pytest.fixture(autouse=True)
def consent_texts(owner: Owner) -> None:
    texts.seed(owner.conn)
