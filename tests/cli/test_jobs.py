"""`wellspring jobs`: what was set aside is seen, tried again or dropped; nobody is named."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.cli.conftest import Run
from wellspring.cli.errors import JobUnknown
from wellspring.kernel import ids, jobs

WHO = ids.new()


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


def add(owner: psycopg.Connection, name: str, status: str, *, dedupe: str | None = None) -> int:
    row = owner.execute(
        "INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status, dedupe_key, attempts, execute_after)"
        " VALUES (0, %s, %s, %s, %s, 7, now() - interval '1 hour') RETURNING id",
        (name, jobs.encode(WHO, WHO), status, dedupe),
    ).fetchone()
    assert row is not None
    return int(row[0])


def left(owner: psycopg.Connection) -> dict[int, tuple[str, int]]:
    rows = owner.execute("SELECT id, status::text, attempts FROM jobs.pgqueuer").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def listed(installed: Run) -> Any:
    return json.loads(installed("jobs", "list", "--json").stdout)


def test_an_empty_queue_is_said_to_be_empty(installed: Run) -> None:
    assert installed("jobs", "list").stdout == "Nothing was set aside, and nothing waits.\n"
    assert json.loads(installed("jobs", "retry", "--all", "--json").stdout) == {"retried": 0}


def test_what_was_set_aside_and_what_waits_is_listed_without_naming_anybody(
    installed: Run, owner: psycopg.Connection
) -> None:
    one = add(owner, "notify.send", "failed")
    add(owner, "safety.page", "queued")
    add(owner, "safety.page", "queued")
    add(owner, "checkins.read", "picked")
    found = listed(installed)
    assert [(job["id"], job["name"]) for job in found["held"]] == [(one, "notify.send")]
    assert [(name["name"], name["jobs"]) for name in found["waiting"]] == [("safety.page", 2)]
    said = installed("jobs", "list").stdout
    assert said.startswith(f"{one}  notify.send  set aside ")
    assert "2 due  safety.page  since " in said
    assert str(WHO) not in said + json.dumps(found)


def test_what_was_set_aside_goes_back_into_the_queue(installed: Run, owner: psycopg.Connection) -> None:
    one, other = add(owner, "notify.send", "failed"), add(owner, "notify.send", "failed")
    assert installed("jobs", "retry", str(one)).stdout == "1 retried.\n"
    assert left(owner) == {one: ("queued", 0), other: ("failed", 7)}
    assert json.loads(installed("jobs", "retry", "--all", "--json").stdout) == {"retried": 1}
    assert left(owner) == {one: ("queued", 0), other: ("queued", 0)}


def test_work_that_waits_already_is_not_queued_twice(installed: Run, owner: psycopg.Connection) -> None:
    waits = add(owner, "notify.send", "queued", dedupe="same")
    add(owner, "notify.send", "failed", dedupe="same")
    twins = [add(owner, "notify.send", "failed", dedupe="other") for _ in range(2)]
    assert installed("jobs", "retry", "--all").exit_code == 0
    assert left(owner) == {waits: ("queued", 7), twins[0]: ("queued", 0)}


def test_what_was_set_aside_can_be_dropped_and_nothing_else(installed: Run, owner: psycopg.Connection) -> None:
    held, waits = add(owner, "notify.send", "failed"), add(owner, "notify.send", "queued")
    for verb in ("drop", "retry"):
        for wrong in ((str(waits),), (str(held), "999999"), ()):
            assert isinstance(installed("jobs", verb, *wrong).exception, JobUnknown), wrong
    assert set(left(owner)) == {held, waits}
    assert installed("jobs", "drop", str(held)).stdout == "1 dropped.\n"
    assert set(left(owner)) == {waits}


def test_the_doctor_says_that_something_was_set_aside(installed: Run, owner: psycopg.Connection) -> None:
    add(owner, "notify.send", "failed")
    [found] = [report for report in json.loads(installed("doctor", "--json").stdout) if report["code"] == "WS027"]
    assert found["state"] == "warning"
    assert "wellspring jobs list" in found["words"]


def test_the_doctor_tells_jobs_of_another_version_from_a_worker_that_rests(
    installed: Run, owner: psycopg.Connection
) -> None:
    for name, words in (("notify.deliver", "1 have waited"), ("another_version.job", "No worker of this version does")):
        add(owner, name, "queued")
        [found] = [report for report in json.loads(installed("doctor", "--json").stdout) if report["code"] == "WS027"]
        assert found["words"].startswith(words)
