"""The whole program on a folder: it starts, serves, survives what can be survived, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pyotp
import pytest

from tests.cli.program import Program, alive, environment, free_port, listens, self_signed, wait_until
from wellspring.postgres import hold

pytestmark = pytest.mark.slow
ALICE = {"email": "alice@example.org", "password": "a quiet lamp by the river"}

Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Program] = []

    def make(data: Path | None = None, **extra: str) -> Program:
        started.append(Program(data or tmp_path / "data", **extra))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for program in started:
        program.stop(signal.SIGKILL)
    for name in ("data", "demo"):
        if (tmp_path / name / "postgres").exists():
            with hold(tmp_path / name / "postgres"):
                pass  # the last one out stops the server that a killed program left


def test_it_serves_a_person_and_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    bystander = os.getpid()
    program = start().await_ready()
    assert program.printed == [f"ready {program.base}"]
    assert program.call("/readyz")[0] == 200
    assert program.call("/v1/auth/register", ALICE)[0] == 201
    status, answer = program.call("/v1/auth/login", ALICE)
    assert status == 200
    assert answer["access_token"]
    assert len(program.pids) >= 5
    assert program.stop() < 10
    assert program.process.returncode == 0
    assert program.gone()
    assert alive(bystander)
    assert not listens(program.port)
    data = tmp_path / "data"
    assert (data / "keys.json").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o066 == 0
    again = start().await_ready()
    assert again.call("/v1/auth/login", ALICE)[0] == 200
    assert again.stop(signal.SIGINT) < 10
    assert again.gone()


def test_nobody_listens_after_it_was_killed_and_it_starts_again(start: Start) -> None:
    program = start().await_ready()
    program.call("/v1/auth/register", ALICE)
    program.process.kill()
    program.process.wait()
    wait_until(lambda: not listens(program.port), 2, "somebody still listens on the port")
    again = start(port=program.port).await_ready()  # type: ignore[arg-type]
    assert again.call("/v1/auth/login", ALICE)[0] == 200
    again.stop()
    assert again.gone()
    assert program.gone()


def test_a_job_that_nobody_does_keeps_nobody_from_starting(start: Start, tmp_path: Path) -> None:
    start().await_ready().stop()
    with hold(tmp_path / "data" / "postgres") as cluster, psycopg.connect(cluster.dsn("wellspring")) as conn:
        conn.execute(
            "INSERT INTO jobs.pgqueuer (priority, entrypoint, status, execute_after)"
            " VALUES (0, 'gone.job', 'queued', now() - interval '20 minutes')"
        )
    again = start().await_ready()
    assert again.call("/livez")[0] == 200
    assert again.call("/readyz")[0] == 200


def test_a_taken_port_is_told_before_anything_is_made(start: Start, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        program = start(port=other.getsockname()[1])
        assert program.process.wait(20) == 1
    assert "port_taken" in program.log.read_text()
    assert not (tmp_path / "data").exists()


def test_two_programs_share_one_folder(start: Start) -> None:
    first = start().await_ready()
    second = start().await_ready()
    assert first.call("/v1/auth/register", ALICE)[0] == 201
    assert first.stop() < 10
    assert second.call("/v1/auth/login", ALICE)[0] == 200
    second.stop()
    assert second.gone()
    assert first.gone()


def test_a_command_beside_it_names_the_port_that_it_was_given(start: Start, tmp_path: Path) -> None:
    program = start().await_ready()
    assert program.call("/v1/auth/register", ALICE)[0] == 201
    words = (sys.executable, "-m", "wellspring", "people", "password-link", ALICE["email"])
    command = [*words, "--data", str(tmp_path / "data"), "--json"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["link"].startswith(f"{program.base}/")
    program.stop()
    assert not (tmp_path / "data" / "address").exists()


def test_what_dies_is_started_again(start: Start) -> None:
    program = start().await_ready()
    program.call("/v1/auth/register", ALICE)
    for words in ("wellspring.cli.web", "wellspring.cli.work", "postgres"):
        victim = program.find(words)
        assert victim
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda victim=victim: not alive(victim), 5, f"{words} did not die")
        wait_until(lambda: program.call("/readyz")[0] == 200, 20, f"not ready after {words} died")
        wait_until(lambda words=words, old=victim: program.find(words) not in (0, old), 20, f"{words} stays away")
    assert program.call("/v1/auth/login", ALICE)[0] == 200
    assert program.process.poll() is None
    program.stop()
    assert program.gone()


@pytest.mark.parametrize("seconds", [0.0, 0.8, 2.0])
def test_it_stops_while_it_is_still_starting(start: Start, tmp_path: Path, seconds: float) -> None:
    """The folder is the first thing it makes; before that a signal finds only imports, and nothing to stop."""
    program = start()
    wait_until((tmp_path / "data").exists, 30, "it does not start")
    time.sleep(seconds)
    assert program.stop() < 10
    assert program.process.returncode == 0
    assert program.gone()
    assert not listens(program.port)


def test_the_demo_prints_sign_ins_that_work_each_time(start: Start, tmp_path: Path) -> None:
    for _ in range(2):
        program = start(tmp_path / "demo", command="demo").await_ready()
        people = json.loads(program.printed[0])
        assert {one["role"] for one in people} >= {"member", "clinician", "responder", "admin"}
        admin = next(one for one in people if one["role"] == "admin")
        body = {"email": admin["email"], "password": admin["password"]}
        assert program.call("/v1/auth/login", body)[0] == 401
        code = {"mfa_code": pyotp.TOTP(admin["totp_secret"]).now()}
        assert program.call("/v1/auth/login", body | code)[0] in (200, 401)  # 401: used in the round before
        program.stop()
    real = start(tmp_path / "demo")
    assert real.process.wait(30) == 1
    assert "demo_data" in real.log.read_text()


def test_a_demo_that_was_stopped_half_way_is_begun_again(start: Start, tmp_path: Path) -> None:
    program = start(tmp_path / "demo", command="demo", people=30)
    wait_until(lambda: "synthetic people" in program.log.read_text(), 30, "it does not fill")
    time.sleep(1.0)
    assert program.stop() < 10
    wait_until(program.gone, 5, "something of it still runs")
    again = start(tmp_path / "demo", command="demo").await_ready()
    assert len(json.loads(again.printed[0])) >= 4


def test_lost_keys_are_not_made_anew(start: Start, tmp_path: Path) -> None:
    start().await_ready().stop()
    (tmp_path / "data" / "keys.json").rename(tmp_path / "keys.json")
    program = start()
    assert program.process.wait(20) == 1
    assert "keys_gone" in program.log.read_text()
    (tmp_path / "keys.json").rename(tmp_path / "data" / "keys.json")
    start().await_ready()


def test_it_serves_tls_itself(start: Start, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    program = start(WELLSPRING_TLS_CERT=str(certificate), WELLSPRING_TLS_KEY=str(key)).await_ready()
    assert program.printed == [f"ready https://127.0.0.1:{program.port}"]
    assert program.call("/readyz")[0] == 0
    program.stop()


def test_keys_rotate_without_closing_anything(start: Start, tmp_path: Path) -> None:
    def keys(command: str) -> dict[str, object]:
        argv = [sys.executable, "-m", "wellspring", "keys", command, "--json", "--data", str(tmp_path / "data")]
        found = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=True)
        return dict(json.loads(found.stdout))

    def reads_own_name(program: Program) -> bool:
        token = program.call("/v1/auth/login", ALICE)[1]["access_token"]
        status, me = program.call("/v1/users/me", token=token)
        return status == 200 and me["display_name"] == "Alice"

    program = start().await_ready()
    program.call("/v1/auth/register", ALICE | {"display_name": "Alice"})
    assert reads_own_name(program)
    assert keys("rotate") == {"current": 2, "rewrapped": 0, "unreadable": []}
    assert reads_own_name(program)
    program.stop()
    program = start().await_ready()
    assert keys("rewrap") == {"current": 2, "rewrapped": 1, "unreadable": []}
    assert reads_own_name(program)
    program.stop()
    assert keys("rotate") == {"current": 3, "rewrapped": 1, "unreadable": []}


def test_a_stranger_on_the_port_is_not_mistaken_for_us(start: Start) -> None:
    port = free_port()
    first = start(port=port).await_ready()  # type: ignore[arg-type]
    second = start(port=port)  # type: ignore[arg-type]
    assert second.process.wait(20) == 1
    assert first.call("/readyz")[0] == 200
