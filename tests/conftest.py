"""Fixtures that every test may use. The database is real, always."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count

import httpx
import pytest
from litestar import Litestar

from tests.support import database
from tests.support.people import Circle, Person
from wellspring.app import make_app, make_edge
from wellspring.kernel.edge import Edge
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings

_CLONES = count(1)
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "solo")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the run's database server's folder, once every worker has left it."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(database.shared_folder(), ignore_errors=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with database.server() as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    name = f"template_{WORKER}"
    database.make_template(server_url, name)
    return name


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    with database.clone(server_url, template, f"test_{WORKER}_{next(_CLONES)}") as url:
        yield url


@pytest.fixture
async def parts(database_url: str, tmp_path: object) -> AsyncIterator[Edge]:
    settings = Settings(environment="test", pool_size=4)
    made = make_edge(settings, database.KEYS, database_url)
    yield made
    await made.db.close()


_APPLICATION: list[Litestar] = []


def application(parts: Edge) -> Litestar:
    """Return the program for these parts; it is built once, since building takes half a second."""
    if not _APPLICATION:
        _APPLICATION.append(make_app(parts))
    _APPLICATION[0].state.edge = parts
    return _APPLICATION[0]


@pytest.fixture
async def client(parts: Edge) -> AsyncIterator[httpx.AsyncClient]:
    program = Outermost(application(parts), parts.settings, parts.tokens)
    transport = httpx.ASGITransport(app=program)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as made:
        yield made


@pytest.fixture
def circle(parts: Edge, client: httpx.AsyncClient) -> Circle:
    return Circle(parts, client)


@pytest.fixture
async def alice(circle: Circle) -> Person:
    return await circle.member("alice")


@pytest.fixture
async def charlie(circle: Circle) -> Person:
    return await circle.member("charlie")


@pytest.fixture
async def bob(circle: Circle) -> Person:
    return await circle.staff("bob", Role.CLINICIAN)


@pytest.fixture
async def dana(circle: Circle) -> Person:
    return await circle.staff("dana", Role.RESPONDER)


@pytest.fixture
async def erin(circle: Circle) -> Person:
    return await circle.staff("erin", Role.ADMIN)
