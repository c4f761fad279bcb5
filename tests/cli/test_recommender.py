"""`wellspring recommender`: judging by the log, learning again, and saying politely when there is too little."""

import json

import psycopg
import pytest

from tests.cli.conftest import Run
from tests.interventions.test_evaluate import log
from tests.support.database import KEYS
from wellspring.cli.errors import TooLittleFeedback
from wellspring.demo.fill import fill
from wellspring.interventions import shared
from wellspring.interventions.evaluate import Rated
from wellspring.interventions.outcomes import Outcome
from wellspring.kernel.db import Database


@pytest.fixture
def rated_much(monkeypatch: pytest.MonkeyPatch) -> None:
    async def much(_: Database) -> tuple[list[Outcome], list[Rated]]:
        return log(40, 15)

    monkeypatch.setattr(shared, "history_to_judge", much)


def test_with_too_little_it_says_so_and_what_is_needed(installed: Run) -> None:
    refused = installed("recommender", "evaluate").exception
    assert isinstance(refused, TooLittleFeedback)
    assert refused.code == "too_little_feedback"
    assert "0 ratings of 0 people" in str(refused)
    assert "Nothing is wrong" in str(refused)


@pytest.mark.usefixtures("rated_much")
def test_evaluate_for_scripts(installed: Run) -> None:
    answer = installed("recommender", "evaluate", "--json")
    assert answer.exit_code == 0, answer.exception
    report = json.loads(answer.stdout)
    assert [one["policy"] for one in report["policies"]] == ["learned", "simple", "random"]
    for one in report["policies"]:
        for name in ("ips", "self_normalised_ips", "doubly_robust"):
            assert one[name]["low"] <= one[name]["value"] <= one[name]["high"]


@pytest.mark.usefixtures("rated_much")
def test_evaluate_for_people(installed: Run) -> None:
    answer = installed("recommender", "evaluate", "--policy", "learned", "--policy", "random")
    assert answer.exit_code == 0, answer.exception
    assert "stars" in answer.stdout
    assert "doubly robust" in answer.stdout
    assert "an interval that holds 0 shows no difference" in answer.stdout
    assert "random" in answer.stdout
    assert "simple" not in answer.stdout


def test_what_cannot_be_judged_says_why(installed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def narrow(_: Database) -> tuple[list[Outcome], list[Rated]]:
        return log(30, 12, curiosity=0.15)

    monkeypatch.setattr(shared, "history_to_judge", narrow)
    answer = installed("recommender", "evaluate", "--policy", "random")
    assert answer.exit_code == 0, answer.exception
    assert "cannot be judged: only" in answer.stdout


def test_an_unknown_policy_is_refused(installed: Run) -> None:
    assert installed("recommender", "evaluate", "--policy", "clever").exit_code == 2


def test_learning_again_from_a_year_of_people(installed: Run, database_url: str) -> None:
    """What the demo's people rated is learned by the command, and only of those who agreed."""
    fill(database_url, KEYS, people=6, progress=lambda _done, _total: None)
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM interventions.outcome WHERE pooled").fetchone()
    assert row is not None
    answer = installed("recommender", "relearn", "--json")
    assert answer.exit_code == 0, answer.exception
    assert json.loads(answer.stdout)["ratings"] == row[0]
    assert "Learned from" in installed("recommender", "relearn").stdout
