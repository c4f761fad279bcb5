"""Where the operator's keys come from: the environment, a file, or `data/keys.json` made at the first start."""

import base64
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from wellspring.kernel.crypto import Keyring
from wellspring.kernel.errors import Problem
from wellspring.kernel.settings import Settings

PINNED: Final = "WELLSPRING_CURRENT_KEK"
"""Names the key-encryption key under which all processes of a program seal, else the newest when it started: one that
starts again after `keys rotate` must not seal under a key that the others have not read yet. Operators of several hosts
set it while they give these a new key one by one.
"""


class KeysMissing(Problem):
    """The keys that open stored data are not at hand."""

    code = "keys_missing"
    status = 500


class KeyFile(Struct, frozen=True):
    """`{"root": base64, "keks": {"1": base64}}`; each 32 bytes. Losing this file loses every sealed word."""

    root: str
    keks: dict[str, str]


def _random() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _write(path: Path, keys: KeyFile, *, over: bool) -> None:
    """Write the file for good: what is sealed under these keys must not reach the disk before them.

    Raises FileExistsError rather than write `over` another file.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    if over:
        part.rename(path)
    else:
        try:
            path.hardlink_to(part)
        finally:
            part.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # else a crash may bring back the old file, or none
    finally:
        os.close(folder)


def _parse(text: bytes | str) -> KeyFile:
    try:
        return msgspec.json.decode(text, type=KeyFile)
    except msgspec.DecodeError as error:
        raise KeysMissing("They are not of the form {root, keks}.") from error


def path_of(settings: Settings) -> Path:
    """Return where the key file of an embedded installation lies."""
    return settings.data / "keys.json"


def ensure(settings: Settings) -> KeyFile:
    """Return the keys; make the file when there is none and the database is embedded too."""
    if settings.keys is not None:
        return _parse(settings.keys.get_secret_value())
    path = path_of(settings)
    if path.exists():
        return _parse(path.read_bytes())
    if settings.database_url is not None and settings.environment == "production":
        raise KeysMissing("Set WELLSPRING_KEYS or WELLSPRING_KEYS_FILE beside DATABASE_URL.")
    made = KeyFile(root=_random(), keks={"1": _random()})
    try:
        _write(path, made, over=False)
    except FileExistsError:  # another program starts here for the first time too; a database fits one of the two
        return _parse(path.read_bytes())
    return made


def keyring(file: KeyFile, current: int | None = None) -> Keyring:
    """Return the keyring of a key file; raises KeysMissing."""
    try:
        keks = {int(number): base64.b64decode(key) for number, key in file.keks.items()}
        return Keyring(keks, base64.b64decode(file.root), current)
    except ValueError as error:
        raise KeysMissing("Each key is 32 bytes in base64, and keks are numbered from 1 to 255.") from error


def load(settings: Settings, current: int | None = None) -> Keyring:
    """Return the keyring, its newest key the current one unless an older one is pinned or given; raises KeysMissing."""
    file = ensure(settings)
    newest_ring = keyring(file)
    pinned = os.environ.get(PINNED, "")
    if pinned and pinned not in file.keks:
        raise KeysMissing(f"{PINNED} names {pinned}, and the keys have {', '.join(file.keks)}.")
    named = [number for number in (current, int(pinned or 0)) if number]
    return keyring(file, min(named)) if named else newest_ring


def newest(settings: Settings) -> Keyring:
    """Return the keyring with which data keys are wrapped anew, whatever is pinned; raises KeysMissing."""
    return keyring(ensure(settings))


def pin(settings: Settings) -> dict[str, str]:
    """Return what tells other processes of ours under which key to seal; raises KeysMissing."""
    return {PINNED: str(load(settings).current)}


def add_kek(settings: Settings) -> int:
    """Add a key-encryption key to the key file, make it current, and return its number."""
    file = ensure(settings)
    number = max(map(int, file.keks)) + 1
    _write(path_of(settings), KeyFile(root=file.root, keks={**file.keks, str(number): _random()}), over=True)
    return number
