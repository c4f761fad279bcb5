"""A new key on two hosts that are restarted one by one, as the guide for operators says: nobody is shut out."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Run, key_text
from tests.cli.program import Program, environment
from wellspring.kernel import keys
from wellspring.kernel.keys import PINNED, KeysMissing
from wellspring.kernel.settings import Settings

pytestmark = pytest.mark.slow
PASSWORD = "a quiet lamp by the river"

Host = Callable[..., Program]


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    """Start the program as on a host of its own, on the one database."""
    started: list[Program] = []

    def make(*keks: int, **settings: str) -> Program:
        data = tmp_path / f"host-{len(started)}" / "data"
        data.parent.mkdir()
        more = {"DATABASE_URL": database_url, "WELLSPRING_KEYS": key_text(*keks), "WELLSPRING_ENVIRONMENT": "test"}
        started.append(Program(data, **more, **settings))
        return started[-1].await_ready()

    yield make
    for program in started:
        program.stop(signal.SIGKILL)


def joins(program: Program, name: str) -> dict[str, str]:
    who = {"email": f"{name}@example.org", "password": PASSWORD}
    status, answer = program.call("/v1/auth/register", who | {"display_name": name})
    assert status == 201, answer
    return who


def reads_own_name(program: Program, who: dict[str, str]) -> bool:
    token = program.call("/v1/auth/login", who)[1]["access_token"]
    status, me = program.call("/v1/users/me", token=token)
    return status == 200 and f"{me['display_name']}@example.org" == who["email"]


def command(database_url: str, keks: str, *words: str, **more: str) -> dict[str, object]:
    argv = [sys.executable, "-m", "wellspring", *words, "--json"]
    given = environment(DATABASE_URL=database_url, WELLSPRING_KEYS=keks, WELLSPRING_ENVIRONMENT="test", **more)
    found = subprocess.run(argv, env=given, capture_output=True, text=True, check=False)
    return {"status": found.returncode, "said": found.stderr} if found.returncode else dict(json.loads(found.stdout))


def wrapped_under(database_url: str) -> list[int]:
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT get_byte(wrapped, 1) FROM kernel.person_key ORDER BY created_at, 1").fetchall()
    return [int(row[0]) for row in rows]


def test_two_hosts_are_restarted_one_by_one_and_nobody_is_shut_out(host: Host, database_url: str) -> None:
    both = key_text(1, 2)
    first, second = host(1), host(1)
    alice = joins(first, "alice")
    # Step 1: the new key on every host, and the old one named.
    first.stop()
    first = host(1, 2, **{PINNED: "1"})
    bob = joins(first, "bob")
    assert reads_own_name(second, bob), "the second host has not read the new key"
    refused = command(database_url, both, "keys", "rewrap")
    assert "not_restarted" in str(refused["said"])
    # Step 2: the name taken away, once every host has read the key.
    second.stop()
    second = host(1, 2)
    charlie = joins(second, "charlie")
    dana = joins(first, "dana")
    assert wrapped_under(database_url) == [1, 1, 2, 1]
    assert reads_own_name(first, charlie)
    # Step 3: what is under the old key, also where the name is still set for whoever runs the command.
    done = command(database_url, both, "keys", "rewrap", **{PINNED: "1"})
    assert done == {"current": 2, "rewrapped": 3, "unreadable": []}
    assert wrapped_under(database_url) == [2, 2, 2, 2]
    for program in (first, second):
        assert all(reads_own_name(program, who) for who in (alice, bob, charlie, dana))


@pytest.mark.parametrize("named", ["3", "one", "1.0", "-1"])
def test_a_name_of_no_key_is_refused(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("WELLSPRING_KEYS", key_text(1, 2))
    monkeypatch.setenv(PINNED, named)
    with pytest.raises(KeysMissing, match="and the keys have 1, 2"):
        keys.load(Settings())
    monkeypatch.setenv(PINNED, "")
    assert keys.load(Settings()).current == 2


def test_a_command_seals_under_the_oldest_key_that_it_knows_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs has read one key, and the operator names another: everybody must be able to open what is made."""
    monkeypatch.setenv("WELLSPRING_KEYS", key_text(1, 2))
    for named, running, current in (("2", 1, 1), ("1", 2, 1), ("", 1, 1), ("2", None, 2), ("", None, 2)):
        monkeypatch.setenv(PINNED, named)
        assert keys.load(Settings(), running).current == current


def test_doctor_says_that_an_old_key_is_still_in_use(
    installed: Run, clean: pytest.MonkeyPatch, database_url: str
) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO kernel.person_key VALUES (gen_random_uuid(), '\\x0101')")
    for keks, state in ((key_text(1), "ok"), (key_text(1, 2), "warning")):
        clean.setenv("WELLSPRING_KEYS", keks)
        found = json.loads(installed("doctor", "--json").stdout)
        assert {one["code"]: one["state"] for one in found}["WS022"] == state
