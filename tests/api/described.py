"""The API document, beside the routes that it describes."""

import json
from collections.abc import Iterator
from typing import Any

from tests.api.surface import program, walk
from wellspring.kernel.openapi import document

DOCUMENT: dict[str, Any] = json.loads(document(program()))


def plain(path: str) -> str:
    """Return a route's path as the document writes it."""
    return path.replace(":uuid", "").replace(":str", "")


def operations() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield route, handler and operation of what the document describes."""
    for method, path, handler in walk():
        found = DOCUMENT["paths"].get(plain(path), {}).get(method.lower())
        if found is not None:
            yield f"{method} {path}", handler, found
