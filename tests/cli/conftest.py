"""Commands against a database of the test, without starting processes."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from wellspring.cli.commands import app

Run = Callable[..., Result]


def key_text(*keks: int) -> str:
    """Return the keys of the test database, with these key-encryption keys."""
    letters = {1: b"k", 2: b"n"}
    wrapped = {str(number): base64.b64encode(letters[number] * 32).decode() for number in keks}
    return json.dumps({"root": base64.b64encode(b"r" * 32).decode(), "keks": wrapped})


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """No setting from outside; a data folder of the test."""
    for name in ("DATABASE_URL", "WELLSPRING_PORT", "WELLSPRING_HOST", "WELLSPRING_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WELLSPRING_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WELLSPRING_ENVIRONMENT", "test")
    return monkeypatch


@pytest.fixture
def run(clean: pytest.MonkeyPatch) -> Run:
    """Run a command; what it refuses is the result's exception."""

    def call(*args: str, **extra: str) -> Result:
        return CliRunner().invoke(app, list(args), **extra)  # type: ignore[arg-type]

    return call


@pytest.fixture
def installed(run: Run, clean: pytest.MonkeyPatch, database_url: str) -> Run:
    """As `run`, on the test's own database and keys."""
    clean.setenv("DATABASE_URL", database_url)
    clean.setenv("WELLSPRING_KEYS", key_text(1))
    return run
