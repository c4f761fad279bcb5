"""The files of one data folder: names, modes and owners.

data/             0700
  cluster/        PostgreSQL's own data directory
  log/            start.log and the server's log files
  run/            the socket, unless the path is too long or odd for one
  password        0600, the superuser's
  use.lock        held shared by every program that uses the database
  change.lock     held alone while the server is started or stopped
  server.lock     held by the server's processes themselves, for as long as one of them lives
"""

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from wellspring.postgres.account import Account
from wellspring.postgres.binaries import major_version
from wellspring.postgres.errors import NotOursError, VersionMismatchError, explained

_LONGEST_SOCKET = 107  # bytes of sun_path in Linux, less the closing zero
_SOCKET_NAME = ".s.PGSQL.65535"
_KEPT_LOGS = 5
_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600


class Folder(msgspec.Struct, frozen=True):
    """One data folder (absolute path) and the account that owns it."""

    data: Path
    account: Account

    @property
    def pgdata(self) -> Path:
        return self.data / "cluster"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def password_file(self) -> Path:
        return self.data / "password"

    def sockets(self) -> Path:
        """Return the private folder for the socket.

        A fixed place for long paths, not TMPDIR: two programs with different TMPDIRs must agree on it.
        """
        near = self.data / "run"
        if len(os.fsencode(near / _SOCKET_NAME)) <= _LONGEST_SOCKET and "," not in str(near):
            return near  # clients split a host at commas
        mark = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"wellspring-{mark}"  # noqa: S108  owner and mode are checked before use

    def prepare(self) -> None:
        """Make the folder, tighten its mode to 0700 and check that it is ours."""
        with explained(self.data):
            names = {path.name for path in self.data.iterdir()} if self.data.is_dir() else set[str]()
            if names and "change.lock" not in names:
                raise NotOursError(f"{self.data} already holds other files. Choose an empty folder.")
            self._private_folder(self.data, may_be_wider=True)

    def prepare_for_start(self) -> None:
        """Make what a start needs. The change lock must be held."""
        with explained(self.data):
            self._private_folder(self.logs)
            self._private_folder(self.sockets())
            self._drop_old_logs()

    def forget_sockets(self) -> None:
        """Remove the socket folder if it lies outside the data folder. For after a stop."""
        if self.sockets().parent != self.data:
            with suppress(OSError):  # not empty, or gone already: nothing that matters now
                self.sockets().rmdir()

    def password(self) -> str:
        """Return the superuser's password; made on first use. The change lock must be held."""
        with explained(self.password_file):
            descriptor = self.open("password")
            with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
                known = file.read().strip()
                if known:
                    return known
                if self.pgdata.exists():
                    raise NotOursError(f"{self.password_file} is missing, and the database has another password.")
                made = secrets.token_urlsafe(32)
                file.write(made + "\n")
                file.flush()
                os.fsync(descriptor)
                return made

    def open(self, name: str) -> int:
        """Open (or make, 0600) a file of the folder for reading and writing; never through a link.

        The owner of the folder may be an account with fewer rights than ours and could have planted one.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.data / name, flags, _PRIVATE_FILE)
        if os.fstat(descriptor).st_uid != self.account.uid:
            os.fchown(descriptor, self.account.uid, self.account.gid)
        return descriptor

    def check_version(self) -> None:
        """Raise VersionMismatchError unless the data is of our major version."""
        with explained(self.pgdata):
            written = (self.pgdata / "PG_VERSION").read_text(encoding="utf-8").strip()
        if written != str(major_version()):
            raise VersionMismatchError(
                f"{self.pgdata} is version {written}, the programs are version {major_version()}. "
                "Move the data over with pg_dump and pg_restore, or with pg_upgrade."
            )

    def _private_folder(self, path: Path, *, may_be_wider: bool = False) -> None:
        try:
            path.mkdir(mode=_PRIVATE_FOLDER)
        except FileExistsError:
            pass
        else:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        seen = path.lstat()
        if not stat.S_ISDIR(seen.st_mode):
            raise NotOursError(f"{path} is not a folder.")
        if seen.st_uid == os.geteuid() != self.account.uid and not any(path.iterdir()):
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)
        elif seen.st_uid != self.account.uid:
            raise NotOursError(f"{path} is owned by user {seen.st_uid}, not by user {self.account.uid}.")
        if stat.S_IMODE(seen.st_mode) != _PRIVATE_FOLDER:
            if not may_be_wider:
                raise NotOursError(f"{path} is open to other accounts. Its mode must be 0700.")
            path.chmod(_PRIVATE_FOLDER)

    def _drop_old_logs(self) -> None:
        for path in sorted(self.logs.glob("postgres-*.log"))[:-_KEPT_LOGS]:
            path.unlink(missing_ok=True)
