"""Errors that people and programs meet: each has a stable code, a status and, as its docstring, its words."""

from inspect import cleandoc
from typing import ClassVar, Self

from msgspec import UNSET, Struct, UnsetType


class FieldError(Struct, frozen=True):
    """One refused field: `path` as in the body (`emotions[0].intensity`), a stable code, and words."""

    path: str
    code: str
    message: str


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """The RFC 9457 body of every error; `code` is stable, `errors` names fields."""

    title: str
    status: int
    code: str
    type: str = "about:blank"
    detail: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    errors: list[FieldError] | UnsetType = UNSET


class Problem(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @classmethod
    def title(cls) -> str:
        """Return the words of this kind of error: the first line of its docstring."""
        return cleandoc(cls.__doc__ or "").splitlines()[0]

    @classmethod
    def of(cls, path: str, code: str, message: str) -> Self:
        """Return an error about a single field."""
        return cls(errors=(FieldError(path, code, message),))

    def words(self) -> str:
        """Return what is said at a terminal: what went wrong, and then the detail."""
        return f"{self.title()} {self.detail}".strip()

    def body(self, request_id: str = "") -> ProblemBody:
        """Return the wire form."""
        return ProblemBody(
            title=self.title(),
            status=self.status,
            code=self.code,
            detail=self.detail or UNSET,
            request_id=request_id or UNSET,
            errors=list(self.errors) or UNSET,
        )


class Invalid(Problem):
    """Something in what was sent cannot be accepted."""

    code = "invalid"
    status = 422


class Malformed(Problem):
    """What was sent could not be read."""

    code = "malformed"
    status = 400


class Unauthenticated(Problem):
    """Please sign in."""

    code = "unauthenticated"
    status = 401

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class SessionEnded(Unauthenticated):
    """This sign-in has ended or changed. Please refresh it or sign in again."""

    code = "session_ended"


class Forbidden(Problem):
    """You may not do this."""

    code = "forbidden"
    status = 403


class NotFound(Problem):
    """There is nothing here that you can see."""

    code = "not_found"
    status = 404


class MethodNotAllowed(Problem):
    """This address does not take that kind of request."""

    code = "method_not_allowed"
    status = 405


class Conflict(Problem):
    """This does not fit what is stored."""

    code = "conflict"
    status = 409


class InFlight(Conflict):
    """The same request is being handled right now. Try again in a moment."""

    code = "idempotency_in_flight"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class KeyReused(Problem):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"
    status = 422


class PreconditionFailed(Problem):
    """Somebody changed this in the meantime. Load it again, then change it."""

    code = "precondition_failed"
    status = 412


class TooLarge(Problem):
    """What was sent is too large."""

    code = "too_large"
    status = 413


class UnsupportedMedia(Problem):
    """Please send JSON."""

    code = "unsupported_media_type"
    status = 415


class TooMany(Problem):
    """Too many requests. Please wait a little."""

    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(headers={"Retry-After": str(max(1, retry_after))})


class Broken(Problem):
    """Something went wrong on our side. What you sent was not lost by you: try again."""

    code = "internal_error"
    status = 500


class Unavailable(Problem):
    """The service cannot answer right now. Nothing was stored. Please try again in a moment."""

    code = "unavailable"
    status = 503

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": "2"})
