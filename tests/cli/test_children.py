"""Processes that `serve` looks after."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import alive, wait_until
from wellspring.cli.children import Child, stop_all

_TIED = """
import os, sys, time
from wellspring.cli import tether
tether.tie_if_child()
print(os.getpid(), flush=True)
time.sleep(60)
"""
_PARENT = """
import os, subprocess, sys, time
env = {**os.environ, "WELLSPRING_PARENT": str(os.getpid())}
subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=env)
time.sleep(60)
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    """A child that sleeps, and with a file called `stubborn` beside it does not hear SIGTERM."""
    (tmp_path / "sleeper.py").write_text(
        "import pathlib, signal, time\n"
        "if pathlib.Path(__file__).with_name('stubborn').exists():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(__file__).with_name('started').touch()\n"
        "time.sleep(60)\n"
    )
    child = Child("sleeper", "sleeper", {**os.environ, "PYTHONPATH": str(tmp_path)})
    yield child
    stop_all([child], 0)


def _started(child: Child, folder: Path) -> int:
    child.start()
    wait_until((folder / "started").exists, 10, "it did not start")
    assert child.pid is not None
    return child.pid


def test_a_child_that_dies_is_started_again_later_each_time(sleeper: Child, tmp_path: Path) -> None:
    first = _started(sleeper, tmp_path)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not alive(first), 5, "it did not die")
    sleeper.tend()
    assert sleeper.deaths == 1
    sleeper.tend()
    assert sleeper.pid is None, "not at once"
    began = time.monotonic()
    wait_until(lambda: sleeper.tend() or sleeper.pid is not None, 5, "it was not started again")
    assert time.monotonic() - began > 0.5
    assert sleeper.pid != first


def test_a_child_that_lives_is_left_alone(sleeper: Child, tmp_path: Path) -> None:
    first = _started(sleeper, tmp_path)
    sleeper.tend()
    assert sleeper.pid == first
    assert sleeper.deaths == 0
    assert sleeper.status() is None


def test_stopping_is_asked_for_first(sleeper: Child, tmp_path: Path) -> None:
    pid = _started(sleeper, tmp_path)
    began = time.monotonic()
    stop_all([sleeper], 5)
    assert time.monotonic() - began < 3
    assert not alive(pid)
    stop_all([sleeper], 5)


def test_who_does_not_hear_is_killed_in_time(sleeper: Child, tmp_path: Path) -> None:
    (tmp_path / "stubborn").touch()
    pid = _started(sleeper, tmp_path)
    began = time.monotonic()
    stop_all([sleeper], 0.5)
    assert 0.4 < time.monotonic() - began < 3
    assert not alive(pid)


def test_a_tied_child_dies_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT, _TIED], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        wait_until(lambda: not alive(child), 3, "it outlived its parent")


def test_a_child_whose_parent_is_gone_ends_at_once() -> None:
    env = {**os.environ, "WELLSPRING_PARENT": "1"}
    found = subprocess.run([sys.executable, "-c", _TIED], env=env, capture_output=True, timeout=10, check=False)
    assert found.returncode == 1
    assert found.stdout == b""


def test_a_program_started_by_itself_is_tied_to_nobody() -> None:
    code = "from wellspring.cli import tether; tether.tie_if_child(); print('on')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=True)
    assert found.stdout == "on\n"
