"""Killed servers, stale pid files, strangers with the same number."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from wellspring.postgres import StartFailedError, StillInUseError, StopFailedError, Supervisor, hold, server
from wellspring.postgres.process import is_postmaster, signal_and_wait

from .support import Program, alive, query, server_of, state, wait_for


@pytest.fixture
def sleeper(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An innocent process that even stands in the database's own folder."""
    process = subprocess.Popen(["sleep", "60"], cwd=data / "cluster")
    yield process
    process.kill()
    process.wait()


def _kill_server(data: Path) -> int:
    pid = server_of(data)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))
    return pid


def test_a_killed_server_comes_back_with_every_commit(data: Path) -> None:
    supervisor = Supervisor(data)
    cluster = supervisor.start()
    try:
        query(cluster.dsn(), "create table kept (n int)")
        for round_ in range(3):
            query(cluster.dsn(), f"insert into kept values ({round_})")
            killed = _kill_server(data)
            begun = time.monotonic()
            wait_for(lambda: _answers(cluster.dsn()))
            assert server_of(data) != killed
            assert time.monotonic() - begun < 5
        assert query(cluster.dsn(), "select count(*) from kept") == "3"
        assert supervisor.problem is None
    finally:
        supervisor.stop()
    assert server_of(data) is None


def _answers(dsn: str) -> bool:
    try:
        return query(dsn, "select 1") == "1"
    except psycopg.OperationalError:
        return False


def test_check_restarts_only_when_needed(data: Path) -> None:
    supervisor = Supervisor(data)
    cluster = supervisor.start(watch=False)
    assert not supervisor.check()
    _kill_server(data)
    assert supervisor.check()
    assert query(cluster.dsn(), "select 1") == "1"
    assert not supervisor.check()
    supervisor.stop()
    assert not supervisor.check()
    assert server_of(data) is None


def test_two_supervisors_restart_one_server(data: Path) -> None:
    first, second = Supervisor(data), Supervisor(data)
    cluster = first.start()
    second.start()
    try:
        killed = _kill_server(data)
        wait_for(lambda: server_of(data) not in (None, killed))
        wait_for(lambda: _answers(cluster.dsn()))
        now = server_of(data)
        time.sleep(0.5)
        assert server_of(data) == now
    finally:
        first.stop()
        second.stop()
    assert server_of(data) is None


@pytest.mark.slow
def test_a_zombie_of_a_paused_program_does_not_block_the_restart(data: Path, program: Callable[..., Program]) -> None:
    other = program(data)
    pid = other.server
    supervisor = Supervisor(data)
    cluster = supervisor.start(watch=False)
    os.kill(other.process.pid, signal.SIGSTOP)
    try:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: state(pid) == "Z")
        assert supervisor.check()
        assert state(pid) == "Z"
        assert query(cluster.dsn(), "select 1") == "1"
    finally:
        os.kill(other.process.pid, signal.SIGCONT)
        supervisor.stop()
    assert server_of(data) not in (None, pid)
    assert other.leave() == 0
    assert server_of(data) is None


def test_a_stale_pid_file_harms_no_stranger(data: Path, sleeper: subprocess.Popen[bytes]) -> None:
    lines = [str(sleeper.pid), str(data / "cluster"), "1", "5432", str(data / "run"), "", "1 1", "ready"]
    (data / "cluster" / "postmaster.pid").write_text("\n".join(lines) + "\n")
    (data / "run" / ".s.PGSQL.5432.lock").write_text("\n".join(lines) + "\n")
    with hold(data) as cluster:
        assert server_of(data) not in (None, sleeper.pid)
        assert query(cluster.dsn(), "select 1") == "1"
    assert sleeper.poll() is None


def test_a_server_of_other_data_is_never_taken_for_ours(data: Path, pristine: Path) -> None:
    with hold(pristine):
        foreign = server_of(pristine)
        assert foreign is not None
        lines = (pristine / "cluster" / "postmaster.pid").read_text()
        (data / "cluster" / "postmaster.pid").write_text(lines)
        assert not is_postmaster(foreign, data / "cluster")
        with hold(data):
            assert server_of(data) != foreign
        assert alive(foreign)


def test_only_the_proven_server_is_signalled(data: Path, sleeper: subprocess.Popen[bytes]) -> None:
    assert signal_and_wait(sleeper.pid, data / "cluster", signal.SIGKILL, 1)
    assert sleeper.poll() is None
    with hold(data):
        leader = server_of(data)
        children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
        assert children
        assert not any(is_postmaster(int(child), data / "cluster") for child in children)


def test_half_a_pid_file_is_stale(data: Path) -> None:
    for text in ("", "12", "not a number\n", f"{os.getpid()}\n{data}\n"):
        (data / "cluster" / "postmaster.pid").write_text(text)
        assert server_of(data) is None
    with hold(data):
        assert server_of(data) is not None


def test_a_start_waits_for_the_last_process_of_a_killed_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LAST_PROCESSES_SECONDS", 0.3)
    supervisor = Supervisor(data)
    cluster = supervisor.start(watch=False)
    with psycopg.connect(cluster.dsn()) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            _kill_server(data)
            with pytest.raises(StillInUseError, match=r"still using this data.*server.lock"):
                supervisor.check()
        finally:
            os.kill(backend, signal.SIGCONT)
        wait_for(lambda: not alive(backend))
    monkeypatch.setattr(server, "_LAST_PROCESSES_SECONDS", 10.0)
    assert supervisor.check()
    supervisor.stop()


def test_the_watch_tells_its_problem_and_goes_on(data: Path) -> None:
    supervisor = Supervisor(data, interval=0.02)
    cluster = supervisor.start()
    settings = data / "cluster" / "postgresql.conf"
    right = settings.read_text()
    try:
        settings.write_text(right + "\nnonsense = yes\n")
        _kill_server(data)
        wait_for(lambda: isinstance(supervisor.problem, StartFailedError))
        settings.write_text(right)
        wait_for(lambda: supervisor.problem is None)
        assert query(cluster.dsn(), "select 1") == "1"
    finally:
        settings.write_text(right)
        supervisor.stop()


def test_an_interrupted_first_start_is_made_good(fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    (fresh / "change.lock").touch(mode=0o600)
    (fresh / "cluster.new").mkdir()
    (fresh / "cluster.new" / "PG_VERSION").write_text("18\n")
    with hold(fresh) as cluster:
        assert query(cluster.dsn(), "select 1") == "1"
    assert not (fresh / "cluster.new").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.4, 0.7])
def test_a_program_killed_during_the_first_start_does_no_harm(
    seconds: float, fresh: Path, program: Callable[..., Program]
) -> None:
    other = program(fresh)
    time.sleep(seconds)
    other.kill()
    with hold(fresh) as cluster:
        assert query(cluster.dsn(), "select 1") == "1"
        assert query(cluster.dsn(), "show log_min_messages") == "log"
    assert server_of(fresh) is None


def test_a_server_that_is_paused_is_reported_and_left(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_STOP_SECONDS", 0.2)
    monkeypatch.setattr(server, "_ABORT_SECONDS", 0.2)
    holder = hold(data)
    holder.__enter__()
    pid = server_of(data)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StopFailedError, match=f"process {pid}"):
            holder.__exit__(None, None, None)
        assert alive(pid)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not alive(pid))


def test_a_stop_right_after_a_backend_crashed_is_quick(data: Path) -> None:
    for pause in (0.0, 0.05, 0.1):
        with hold(data) as cluster, psycopg.connect(cluster.dsn()) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            time.sleep(pause)  # where in its recovery the server is asked to stop is what matters
            begun = time.monotonic()
        assert time.monotonic() - begun < 8


def test_a_program_that_lost_its_server_by_hand_still_leaves_in_peace(data: Path) -> None:
    with hold(data):
        _kill_server(data)
    assert server_of(data) is None
