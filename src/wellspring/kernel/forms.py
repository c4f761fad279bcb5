"""What forms send: checked against forgery, read into the Structs of the API, refusals said at their fields."""

import asyncio
import secrets
import types
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo

from wellspring.kernel import i18n, idempotency, pages, problems
from wellspring.kernel.edge import Req, edge
from wellspring.kernel.errors import FieldError, Forbidden, InFlight, Invalid, Problem
from wellspring.kernel.middleware import same_origin
from wellspring.kernel.pages import FormStale

S = TypeVar("S", bound=Struct)
T = TypeVar("T")
_TRIES: Final = 10
_PAUSE: Final = 0.2
_NOT_CONTENT: Final = frozenset({"csrf", "idempotency_key", "time_taken_seconds"})
_DIGITS: Final = 11
_MOST: Final = 2**31 - 1


class CrossSite(Forbidden):
    """This form did not come from our own pages."""

    code = "cross_site"


def new_key() -> str:
    """Return an idempotency key for a form that is about to be shown."""
    return secrets.token_urlsafe(16)


class Sent:
    """The fields of a form, in their order."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def one(self, name: str) -> str:
        """Return the last value of a field, the empty text when it was not sent."""
        return next((value for key, value in reversed(self.pairs) if key == name), "")

    def number(self, name: str) -> int | None:
        """Return a whole number, None for what is none; what is too large for a column is the largest that fits."""
        value = self.one(name)
        return min(int(value[:_DIGITS]), _MOST) if value.isdecimal() else None

    def every(self, name: str) -> list[str]:
        """Return all values of a field that are not empty."""
        return [value for key, value in self.pairs if key == name and value]

    def values(self) -> dict[str, Any]:
        """Return what was entered, to be shown again; never the password."""
        return {name: value for name, value in self.pairs if name not in pages.SECRETS}

    def key(self, person_id: UUID, route: str) -> idempotency.Key | None:
        """Return the idempotency key that the form was rendered with."""
        content = urlencode([pair for pair in self.pairs if pair[0] not in _NOT_CONTENT]).encode()
        return idempotency.key(self.one("idempotency_key") or None, person_id, route, content)

    def to(self, kind: type[S], **given: Any) -> S:
        """Return the fields as `kind`; `given` are plain values that a page put together. Raises Invalid, all at once.

        An empty field counts as not sent. A list takes every value, a switch is on when it was sent at all.
        """
        values, errors = dict[str, Any](), list[FieldError]()
        for field in _fields(kind):
            raw = given[field.encode_name] if field.encode_name in given else self._raw(field)
            if raw is None and field.encode_name not in given:
                if field.required:
                    errors.append(FieldError(field.encode_name, "missing", "This field is needed."))
                continue
            try:
                values[field.encode_name] = msgspec.convert(raw, field.type, strict=False)
            except msgspec.ValidationError as error:
                errors.append(problems.field_error(str(error), field.encode_name))
        if errors:
            raise Invalid(errors=tuple(errors))
        return kind(**values)

    def _raw(self, field: FieldInfo) -> Any:
        """Return a field's value as msgspec converts it, None when there is none."""
        if field.type is bool:
            return bool(self.one(field.encode_name))
        if _is_list(field.type):
            return self.every(field.encode_name)
        text = self.one(field.encode_name)
        return text if text.strip() else None


@cache
def _fields(kind: type[Struct]) -> tuple[FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_is_list(one) for one in get_args(kind))
    return origin is list or (hasattr(kind, "__metadata__") and _is_list(get_args(kind)[0]))


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Do something that a double tap may be doing already, waiting for the first to end; raises InFlight in the end."""
    for _ in range(_TRIES):
        try:
            return await attempt()
        except InFlight:
            await asyncio.sleep(_PAUSE)
    return await attempt()


async def read(request: Req) -> Sent:
    """Return what a form of ours sent; raises CrossSite for a foreign one and FormStale for an old or forged token."""
    settings, headers = edge(request).settings, request.headers
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise CrossSite
    # Browsers hide the origin as "null" when a page asks them to send no referrer; the line above still holds then.
    if origin != "null" and not same_origin(settings, origin, headers.get("host")):
        raise CrossSite
    sent = Sent(await pages.fields(request))
    token = sent.one("csrf")
    tokens = edge(request).tokens
    if not token.isascii() or not any(tokens.check_form(bound, token) for bound in await pages.bindings(request)):
        raise FormStale
    return sent


def errors_of(problem: Problem, language: str) -> dict[str, str]:
    """Return what to say at which field; a problem without a field stands under `form`."""
    if not problem.errors:
        return {"form": i18n.say(language, "problem_title", problem.code, problem.title())}
    said: dict[str, str] = {}
    for error in problem.errors:
        name = error.path.split(".")[0].split("[")[0]
        said.setdefault(name, i18n.say(language, "field_error", name, error.code))
    return said
