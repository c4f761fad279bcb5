"""Commands in a folder that holds no installation, or one whose keys are lost."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from wellspring.cli.errors import KeysGone, NothingHere


@pytest.mark.parametrize(
    "words",
    [
        ("pg", "pg_dump"),
        ("psql", "-c", "SELECT 1"),
        ("audit", "verify"),
        ("doctor", "--invariants"),
        ("keys", "rotate"),
        ("migrate", "status"),
        ("recommender", "relearn"),
    ],
)
def test_nothing_is_said_or_saved_of_a_database_that_is_not_there(run: Run, tmp_path: Path, words: list[str]) -> None:
    found = run(*words).exception
    assert isinstance(found, NothingHere)
    assert str(tmp_path / "data") in str(found)
    assert not (tmp_path / "data").exists()


def test_doctor_says_it_beside_its_other_findings(run: Run, tmp_path: Path) -> None:
    states = {line["code"]: line["state"] for line in json.loads(run("doctor", "--json").stdout)}
    assert states["WS001"] == "ok"
    assert states["WS020"] == "failed"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [("create-admin", "erin@example.org"), ("keys", "rotate"), ("keys", "rewrap")])
def test_lost_keys_are_not_replaced(run: Run, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    assert isinstance(run(*words, input="a quiet lamp by the river\n").exception, KeysGone)
    assert not (tmp_path / "data" / "keys.json").exists()
    states = {line["code"]: line["state"] for line in json.loads(run("doctor", "--json").stdout)}
    assert states["WS003"] == states["WS020"] == "failed"
