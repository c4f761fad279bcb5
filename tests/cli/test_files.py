"""Files that commands write: whole under their name, or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wellspring.cli import files
from wellspring.cli.errors import FileRefused, FileThere

HALF = (
    "import sys, time; from pathlib import Path; from wellspring.cli.files import new_file\n"
    "with new_file(Path(sys.argv[1])) as file:\n"
    "    file.write(b'half'); file.flush(); print('written', flush=True); time.sleep(60)\n"
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "copy.zip"


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.parent.iterdir())


def test_a_file_bears_its_name_once_it_is_whole(out: Path) -> None:
    with files.new_file(out) as file:
        file.write(b"words")
        assert left(out) == ["copy.zip.part"]
    assert (out.read_bytes(), left(out)) == (b"words", ["copy.zip"])
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_nothing(out: Path) -> None:
    with pytest.raises(KeyError), files.new_file(out):
        raise KeyError
    assert left(out) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_stop_leaves_nothing(out: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", HALF, str(out)], stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == "written\n"
        assert left(out) == ["copy.zip.part"]
        writing.send_signal(number)
        assert writing.wait(30) == 128 + number
    assert left(out) == []


def test_signals_mean_afterwards_what_they_meant_before(out: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with files.new_file(out):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_nothing_is_written_over(out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(FileThere), files.new_file(out):
        pass
    out.unlink()
    with pytest.raises(FileThere), files.new_file(out):
        out.write_text("of somebody else, meanwhile")
    assert (out.read_text(), left(out)) == ("of somebody else, meanwhile", ["copy.zip"])
    out.rename(out.with_name("copy.zip.part"))
    with pytest.raises(FileThere, match="Delete it first"), files.new_file(out):
        pass
    assert left(out) == ["copy.zip.part"]


def test_a_link_to_nowhere_is_not_followed(out: Path) -> None:
    out.symlink_to(out.with_name("elsewhere"))
    with pytest.raises(FileThere), files.new_file(out):
        pass
    assert left(out) == ["copy.zip"]


def _fill(out: Path) -> None:
    with Path("/dev/full").open("wb") as full, files.new_file(out) as file:
        os.dup2(full.fileno(), file.fileno())
        file.write(b"x" * 100_000)


def test_a_full_disk_is_said_and_leaves_nothing(out: Path) -> None:
    with pytest.raises(FileRefused, match="No space left"):
        _fill(out)
    assert left(out) == []
