"""The files of the web shell, read once: pages name them with a version, so that browsers may keep them for good."""

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import Struct

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}


class Asset(Struct, frozen=True):
    """A file: its bytes, the same compressed (None where that saves nothing), media type and version."""

    body: bytes
    packed: bytes | None
    media_type: str
    version: str


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    packed = gzip.compress(body, 9, mtime=0)
    smaller = packed if len(packed) < 0.9 * len(body) else None
    return Asset(body, smaller, _TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])


@cache
def shipped() -> dict[str, Asset]:
    """Return every file of `web/static` by its path below that folder."""
    root = Path(str(files("wellspring"))) / "web" / "static"
    return {str(p.relative_to(root)): _read(p) for p in sorted(root.rglob("*")) if p.suffix in _TYPES}


def url(name: str) -> str:
    """Return the address of a file of the shell; an unknown name is our error (KeyError)."""
    return f"/static/{name}?v={shipped()[name].version}"
