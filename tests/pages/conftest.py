"""Browsers of the people of the tests."""

import httpx
import pytest

from tests.pages.support import Browser, staff
from tests.support.people import Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role


@pytest.fixture
def visitor(client: httpx.AsyncClient) -> Browser:
    return Browser(client)


@pytest.fixture
async def at_home(client: httpx.AsyncClient, alice: Person) -> Browser:
    """Alice's browser, signed in."""
    made = Browser(client)
    answer = await made.sign_in(alice)
    assert answer.status_code == 303, answer.text
    return made


@pytest.fixture
async def stranger(client: httpx.AsyncClient, charlie: Person) -> Browser:
    """Charlie's browser, signed in."""
    made = Browser(client)
    assert (await made.sign_in(charlie)).status_code == 303
    return made


@pytest.fixture
async def at_desk(client: httpx.AsyncClient, parts: Edge) -> Browser:
    """Dana's browser, signed in; she is a responder."""
    made = Browser(client)
    await made.sign_in_staff(*await staff(parts, "dana", Role.RESPONDER))
    return made
