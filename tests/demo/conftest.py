"""A filled database, made once, as every test of this folder reads it."""

import time
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from tests.conftest import WORKER
from tests.support import database
from wellspring.demo import fill

PEOPLE = 20
TODAY = date(2026, 11, 20)


@pytest.fixture(scope="session")
def seconds() -> list[float]:
    """How long `filled` took."""
    return []


@pytest.fixture(scope="session")
def filled(server_url: str, template: str, seconds: list[float]) -> Iterator[str]:
    """The owner's address of a database with 20 people whose year ended at noon of TODAY."""
    with database.clone(server_url, template, f"test_{WORKER}_filled") as url:
        began = time.monotonic()
        fill(url, database.KEYS, people=PEOPLE, today=TODAY, progress=lambda done, total: None)
        seconds.append(time.monotonic() - began)
        yield url


@pytest.fixture
def conn(filled: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(filled) as found:
        yield found
