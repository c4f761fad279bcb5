"""Every error leaves as an RFC 9457 problem with a stable code; none shows a stack, SQL or what a person wrote."""

import re
from typing import Any, Final

import asyncpg
import msgspec
from litestar import MediaType, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotAuthorizedException,
    NotFoundException,
    ValidationException,
)

from wellspring.kernel import logs, page_problems
from wellspring.kernel.edge import Req, request_id
from wellspring.kernel.errors import (
    Broken,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    Unauthenticated,
    UnsupportedMedia,
)

log = logs.get("problem")
_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
MEDIA: Final = "application/problem+json"

_BY_STATUS: Final[dict[int, type[Problem]]] = {
    400: Malformed,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMedia,
}


def field_error(message: str, prefix: str = "") -> FieldError:
    """Return a validation message of msgspec as a field error; the value itself is never repeated."""
    match = _AT.match(message)
    what = match["what"] if match else message
    path = ((match["path"] if match else None) or "$").removeprefix("$").lstrip(".")
    code, words, named = _kind(what)
    path = ".".join(p for p in (prefix, path, named) if p) or "body"
    return FieldError(path, code, words)


def _kind(what: str) -> tuple[str, str, str]:
    """Return code, words and the field that a message names itself."""
    if found := re.match(r"Object missing required field `([^`]+)`", what):
        return "missing", "This field is needed.", found[1]
    if found := re.match(r"Object contains unknown field `([^`]+)`", what):
        return "unknown_field", "There is no such field.", found[1]
    if found := re.match(r"Expected `([^`]+)`(?: of length)? (<=|>=|<|>|matching) ?(.*)", what):
        return "out_of_range", f"Expected {found[1]} {found[2]} {found[3][:80]}.", ""
    if found := re.match(r"Expected `([^`]+)`, got `([^`]+)`", what):
        return "wrong_type", f"Expected {found[1]}, got {found[2]}.", ""
    if what.startswith("Invalid enum value"):
        return "not_one_of", "This value is not one of those allowed.", ""
    if what.startswith(("JSON is malformed", "Input data was truncated", "Invalid UTF-8")):
        return "malformed_json", "The body is not JSON that can be read.", ""
    return "invalid", "This value cannot be accepted.", ""


def _from_validation(error: ValidationException | HTTPException) -> Problem:
    cause = error.__cause__
    if isinstance(cause, msgspec.ValidationError):
        return Invalid(errors=(field_error(str(cause)),))
    if isinstance(cause, msgspec.DecodeError | UnicodeDecodeError):
        return Malformed(errors=(field_error("JSON is malformed"),))
    extra = error.extra if isinstance(error.extra, list) else []
    errors = tuple(
        field_error(str(item.get("message", "")), str(item.get("key", ""))) for item in extra if isinstance(item, dict)
    )
    return Invalid(errors=errors)


def to_problem(error: Exception) -> Problem:
    """Return the problem that stands for any exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        return _from_validation(error)
    if isinstance(error, NotFoundException):
        return NotFound()
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed(headers=dict(error.headers or {}))
    if isinstance(error, NotAuthorizedException):
        return Unauthenticated()
    if isinstance(error, HTTPException):
        if error.status_code == 400 and isinstance(error.__cause__, msgspec.DecodeError):
            return _from_validation(error)
        return _BY_STATUS.get(error.status_code, Broken)()
    if isinstance(error, msgspec.ValidationError):
        return Invalid(errors=(field_error(str(error)),))
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
        return Malformed(errors=(field_error("JSON is malformed"),))
    if isinstance(error, asyncpg.DataError | asyncpg.CharacterNotInRepertoireError):
        return Invalid(errors=(FieldError("body", "not_storable", "This value cannot be stored."),))
    return Broken()


def respond(request: Req, error: Exception) -> Response[Any]:
    """Answer any exception: with a page where the caller wants one, else with a problem as JSON."""
    problem = to_problem(error)
    if problem.status >= 500:
        log.error(
            "request_failed",
            code=problem.code,
            request_id=request_id(request),
            error=problem.__cause__ or error,
        )
    if page_problems.wanted(request):
        return page_problems.Later(problem)
    return Response(
        msgspec.json.encode(problem.body(request_id(request))),
        status_code=problem.status,
        media_type=MEDIA,
        headers=problem.headers,
    )


HANDLERS: Final[dict[Any, Any]] = {Exception: respond, HTTPException: respond}
JSON: Final = MediaType.JSON
