"""ETag and If-Match: whoever changes a row says which version they saw."""

import re
from typing import Final

from wellspring.kernel.edge import Req
from wellspring.kernel.errors import Invalid, PreconditionFailed

_FORM: Final = re.compile(r'^(?:W/)?"(\d{1,9})"$')


def of(version: int) -> dict[str, str]:
    """Return the header of a row's version."""
    return {"ETag": f'"{version}"'}


def wanted(request: Req) -> int | None:
    """Return the version in If-Match, or None when the caller does not mind."""
    header = request.headers.get("if-match")
    if header is None or header == "*":
        return None
    match = _FORM.match(header)
    if match is None:
        raise Invalid.of("If-Match", "etag_invalid", "If-Match takes the ETag of an earlier answer.")
    return int(match[1])


def check(request: Req, version: int) -> None:
    """Raise PreconditionFailed when the caller saw another version."""
    expected = wanted(request)
    if expected is not None and expected != version:
        raise PreconditionFailed
