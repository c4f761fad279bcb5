"""Data folders for the tests of the embedded database."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wellspring.postgres import Cluster, hold

from .support import Program, become_subreaper, end_server


@pytest.fixture(scope="session")
def short() -> Iterator[Path]:
    """A folder with a short path that any account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="ws-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def pristine(short: Path) -> Path:
    """A database that was made, and stopped again."""
    with hold(short / "pristine") as cluster:
        return cluster.data


@pytest.fixture
def fresh(short: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A path for a data folder that does not exist yet; its server, if any, ends with the test."""
    become_subreaper()
    folder = Path(tempfile.mkdtemp(dir=short))
    folder.chmod(0o755)
    data = folder / "d"
    yield data
    end_server(data)
    shutil.rmtree(folder)


@pytest.fixture
def data(pristine: Path, fresh: Path) -> Path:
    """A data folder with a database in it that does not run."""
    shutil.copytree(pristine, fresh)
    return fresh


@pytest.fixture(scope="session")
def running(pristine: Path) -> Iterator[Cluster]:
    """A running database for tests that only look."""
    copy = pristine.with_name("running")
    shutil.copytree(pristine, copy)
    with hold(copy) as cluster:
        yield cluster


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    """Starts other programs on a data folder."""
    started: list[Program] = []

    def start(data: Path, *more: str, cwd: Path | None = None) -> Program:
        started.append(Program(data, *more, cwd=cwd))
        return started[-1]

    yield start
    for one in started:
        one.close()
