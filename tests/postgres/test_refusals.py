"""Folders and accounts that do not fit: each refusal is clear, and changes nothing."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wellspring.postgres import (
    ClusterError,
    DiskFullError,
    NotOursError,
    NotWritableError,
    StartFailedError,
    VersionMismatchError,
    hold,
)

from .support import NOBODY, Program, end_server, query, server_of

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to play several accounts")


def _refused(data: Path, kind: type[ClusterError]) -> str:
    with pytest.raises(kind) as refusal, hold(data):
        pass
    assert server_of(data) is None
    return str(refusal.value)


def test_another_version_is_refused(data: Path) -> None:
    (data / "cluster" / "PG_VERSION").write_text("16\n")
    message = _refused(data, VersionMismatchError)
    assert "version 16" in message
    assert "version 18" in message


def test_a_folder_with_other_files_is_refused_and_untouched(fresh: Path) -> None:
    fresh.mkdir(mode=0o755)
    (fresh / "thesis.txt").write_text("mine")
    assert "other files" in _refused(fresh, NotOursError)
    assert [path.name for path in fresh.iterdir()] == ["thesis.txt"]
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o755


def test_a_file_is_no_folder(fresh: Path) -> None:
    fresh.write_text("words")
    _refused(fresh, NotOursError)
    _refused(fresh / "below", NotWritableError)
    assert fresh.read_text() == "words"


def test_a_broken_setting_is_told(data: Path) -> None:
    with (data / "cluster" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a few'\n")
    assert "shared_buffers" in _refused(data, StartFailedError)


def test_a_lost_password_is_told(data: Path) -> None:
    (data / "password").unlink()
    with pytest.raises(NotOursError, match="password is missing"), hold(data):
        pass


def test_a_planted_link_is_not_followed(fresh: Path) -> None:
    target = fresh.parent / "target"
    fresh.mkdir(mode=0o700)
    (fresh / "change.lock").symlink_to(target)
    _refused(fresh, NotWritableError)
    assert not target.exists()


@pytest.fixture
def deep(fresh: Path) -> Iterator[Path]:
    """A data folder whose path is too long for a socket."""
    folder = fresh / ("long-" * 20) / ("longer-" * 8)
    yield folder
    end_server(folder)


def _far_sockets(deep: Path) -> Path:
    with hold(deep) as cluster:
        assert query(cluster.dsn(), "select 1") == "1"
        far = Path(cluster.host)
        assert stat.S_IMODE(far.stat().st_mode) == 0o700
    return far


def test_a_long_path_gets_a_short_private_socket_folder(deep: Path) -> None:
    far = _far_sockets(deep)
    assert deep not in far.parents
    assert not far.exists()


def test_an_odd_path_is_no_obstacle(fresh: Path) -> None:
    odd = fresh.parent / "é, 'two' \"%d\" $HOME"
    with hold(odd) as cluster:
        assert query(cluster.dsn(), "select 1") == "1"
        assert list((odd / "log").glob("postgres-*.log"))
    assert server_of(odd) is None


@root_only
def test_a_socket_folder_of_someone_else_is_refused(deep: Path) -> None:
    far = _far_sockets(deep)
    far.mkdir(mode=0o700)
    try:
        os.chown(far, NOBODY, NOBODY)
        assert str(far) in _refused(deep, NotOursError)
        os.chown(far, 0, 0)
        far.chmod(0o755)
        assert "0700" in _refused(deep, NotOursError)
    finally:
        far.rmdir()


@root_only
def test_a_full_disk_is_told(fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=0700", "none", fresh], check=False)
    if mounted.returncode != 0:
        pytest.skip("may not mount a small disk here")
    try:
        _refused(fresh / "d", DiskFullError)
    finally:
        subprocess.run(["umount", fresh], check=True)


@root_only
@pytest.mark.slow
def test_root_runs_it_below_a_closed_folder_without_touching_modes(fresh: Path) -> None:
    closed = fresh.parent / "closed"
    closed.mkdir(mode=0o700)
    with hold(closed / "d") as cluster:
        assert query(cluster.dsn(), "select 1") == "1"
        uid_map = Path(f"/proc/{server_of(closed / 'd')}/uid_map").read_text().split()
        assert uid_map == ["1", "0", "1"]
        caps = Path(f"/proc/{server_of(closed / 'd')}/status").read_text()
        assert "CapEff:\t0000000000000000" in caps
    seen = closed.stat()
    assert (stat.S_IMODE(seen.st_mode), seen.st_uid) == (0o700, 0)


@root_only
@pytest.mark.slow
def test_an_ordinary_user_runs_it(fresh: Path, program: Callable[..., Program]) -> None:
    os.chown(fresh.parent, NOBODY, NOBODY)
    one, two = (program(fresh, "--user", str(NOBODY)) for _ in range(2))
    assert one.server == two.server
    assert Path(f"/proc/{one.server}").stat().st_uid == NOBODY
    assert one.leave() == two.leave() == 0
    assert server_of(fresh) is None
    assert {path.lstat().st_uid for path in [fresh, *fresh.rglob("*")]} == {NOBODY}


@root_only
@pytest.mark.slow
def test_root_and_the_owner_share(fresh: Path, program: Callable[..., Program]) -> None:
    fresh.mkdir(mode=0o700)
    os.chown(fresh, NOBODY, NOBODY)
    with hold(fresh) as cluster:
        assert Path(f"/proc/{server_of(fresh)}").stat().st_uid == NOBODY
        owner = program(fresh, "--user", str(NOBODY))
        assert owner.server == server_of(fresh)
        assert query(cluster.dsn(), "select 1") == "1"
        assert owner.leave() == 0
    assert {path.lstat().st_uid for path in [fresh, *fresh.rglob("*")]} == {NOBODY}


@root_only
@pytest.mark.slow
def test_an_ordinary_user_is_refused_where_it_may_not_write(
    fresh: Path, data: Path, program: Callable[..., Program]
) -> None:
    foreign = program(data, "--user", str(NOBODY))
    assert foreign.said["code"] == "not_ours"
    closed = program(fresh.parent / "new" / "d", "--user", str(NOBODY))
    assert closed.said["code"] == "not_writable"


@pytest.fixture
def without_unshare(fresh: Path) -> Path:
    """A PATH on which `unshare` is missing, as where user namespaces are not to be had."""
    folder = fresh.parent / "bin"
    folder.mkdir()
    wanted = shutil.which("test")
    assert wanted is not None
    (folder / "test").symlink_to(wanted)
    return folder


@root_only
@pytest.mark.slow
def test_without_namespaces_root_drops_to_an_ordinary_account(
    fresh: Path, without_unshare: Path, program: Callable[..., Program]
) -> None:
    closed = fresh.parent / "closed"
    closed.mkdir(mode=0o700)
    one = program(fresh, "--path", str(without_unshare), cwd=closed)
    assert "pid" in one.said, one.said
    owner = Path(f"/proc/{one.server}").stat().st_uid
    assert owner != 0
    assert fresh.stat().st_uid == owner
    assert query(str(one.said["dsn"]), "select 1") == "1"
    assert one.leave() == 0
    assert server_of(fresh) is None


@root_only
@pytest.mark.slow
def test_without_namespaces_a_closed_or_owned_folder_is_refused(
    data: Path, without_unshare: Path, program: Callable[..., Program]
) -> None:
    owned = program(data, "--path", str(without_unshare))
    assert owned.said["code"] == "root_refused"
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    refused = program(closed / "d", "--path", str(without_unshare))
    assert refused.said["code"] == "root_refused"
    assert list(closed.iterdir()) == []
