"""Which account the server runs as.

PostgreSQL refuses root. Root therefore runs it in a user namespace, where the same owner of files
bears another number and no privilege is left; or as an ordinary account; or not at all.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from wellspring.postgres.binaries import binaries
from wellspring.postgres.errors import NotOursError, RootRefusedError, explained

_ROOT = 0
# A number that nearly every list of accounts knows: initdb looks up the name of its own account. Not 65534,
# which is also how a namespace shows the files of all other people.
_NAMESPACE_UID = 1
_ORDINARY_ACCOUNTS = ("wellspring", "nobody")


Argv = Sequence[str | Path]


class Account(msgspec.Struct, frozen=True):
    """Owner of the files (host numbers `uid`, `gid`) and how a program gets to run as that owner."""

    uid: int
    gid: int
    how: Literal["self", "namespace", "drop"]

    def command(self, argv: Argv) -> list[str]:
        """Return `argv` with what must stand before it. `unshare` execs, so the process id stays the same."""
        plain = [os.fspath(part) for part in argv]
        if self.how != "namespace":
            return plain
        number = str(_NAMESPACE_UID)
        return ["unshare", "--user", f"--map-user={number}", f"--map-group={number}", "--", *plain]

    def run(self, argv: Argv, words: str = "", keep: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as this account; standard output and error come back together.

        It reads `words`, and the descriptors `keep` stay open in it.
        """
        return subprocess.run(
            self.command(argv),
            input=words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            env=environment(),
            umask=0o077,
            pass_fds=keep,
            user=self._user,
            group=self._group,
            extra_groups=self._more_groups,
        )

    def spawn(self, argv: Argv, output: BinaryIO, keep: int) -> subprocess.Popen[bytes]:
        """Start a program in its own session, so that it outlives us; it inherits descriptor `keep`."""
        return subprocess.Popen(
            self.command(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            umask=0o077,
            pass_fds=(keep,),
            start_new_session=True,
            user=self._user,
            group=self._group,
            extra_groups=self._more_groups,
        )

    def call(self, argv: Argv, variables: dict[str, str]) -> int:
        """Run a program on our own terminal, with these environment variables; return its exit status."""
        return subprocess.run(
            self.command(argv),
            env=variables,
            check=False,
            user=self._user,
            group=self._group,
            extra_groups=self._more_groups,
        ).returncode

    @property
    def _user(self) -> int | None:
        return self.uid if self.how == "drop" else None

    @property
    def _group(self) -> int | None:
        return self.gid if self.how == "drop" else None

    @property
    def _more_groups(self) -> list[int] | None:
        return [] if self.how == "drop" else None


def ourselves() -> Account:
    """Return the account of this program."""
    return Account(os.geteuid(), os.getegid(), "self")


def environment() -> dict[str, str]:
    """Return a small environment: the server must not inherit our secrets nor a stray PG* setting."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def account_for(data: Path) -> Account:
    """Choose the account for folder `data`, whose parent exists. Raises NotOursError or RootRefusedError."""
    with explained(data):
        owner = data.stat().st_uid if data.exists() else None
    me = os.geteuid()
    if me != _ROOT:
        if owner not in (None, me):
            raise NotOursError(f"{data} is owned by user {owner}, and this program runs as user {me}.")
        return ourselves()
    with explained(data):
        for candidate in _for_root(data, owner):
            if _usable(candidate, data):
                return candidate
    raise RootRefusedError(
        f"Run this as an ordinary user, or give {data} to one who can reach it, or allow user namespaces."
    )


def _for_root(data: Path, owner: int | None) -> Iterator[Account]:
    if owner not in (None, _ROOT):
        yield _dropped(owner)
        return
    yield Account(_ROOT, os.getegid(), "namespace")
    if owner == _ROOT and any(data.iterdir()):
        return  # it holds a database of root's: handing it to someone else is not ours to decide
    parent = data.parent.stat().st_uid
    if parent != _ROOT:
        yield _dropped(parent)
    for name in _ORDINARY_ACCOUNTS:
        try:
            yield _dropped(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue


def _dropped(uid: int) -> Account:
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid, "drop")
    except KeyError:
        return Account(uid, uid, "drop")


def _usable(account: Account, data: Path) -> bool:
    """Ask the kernel whether the account can reach the server program and the folder's parent."""
    question: Argv = ["test", "-x", binaries() / "postgres", "-a", "-x", data.parent]
    try:
        return account.run(question).returncode == 0
    except OSError:
        return False  # no `unshare` here, or not allowed to change account
