"""Route decorators: as Litestar's, but every route declares its access and documents its problems."""

from collections.abc import Callable
from typing import Any, Final

import litestar
from litestar.openapi.datastructures import ResponseSpec

from wellspring.kernel.errors import ProblemBody
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.problems import MEDIA

_WORDS: Final = {
    400: "What was sent could not be read",
    401: "Not signed in, or the sign-in has ended",
    403: "Not allowed",
    404: "Nothing here that the caller can see",
    405: "This address does not take that kind of request",
    409: "Does not fit what is stored, or the same request is in flight",
    412: "Changed by somebody else in the meantime",
    413: "Too large",
    415: "Not JSON",
    422: "Something in the request cannot be accepted",
    429: "Too many requests",
    503: "Cannot answer right now; nothing was stored",
}

PROBLEMS: Final = {
    status: ResponseSpec(ProblemBody, description=words, media_type=MEDIA, generate_examples=False)
    for status, words in _WORDS.items()
}

Wrap = Callable[[Callable[..., Any]], Any]


def _options(access: Access | Permission, extra: dict[str, Any]) -> dict[str, Any]:
    opt = {"access": access, **extra.pop("opt", {})}
    return {"opt": opt, "responses": PROBLEMS, **extra}


def get(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a GET route."""
    return litestar.get(path, **_options(access, extra))


def post(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a POST route; it answers 201 unless `status_code` says otherwise."""
    return litestar.post(path, **_options(access, extra))


def put(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a PUT route."""
    return litestar.put(path, **_options(access, extra))


def patch(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a PATCH route."""
    return litestar.patch(path, **_options(access, extra))


def delete(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a DELETE route; it answers 204."""
    return litestar.delete(path, **_options(access, extra))


def page(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a page: its caller is known by the cookie; it is not part of the API document."""
    return litestar.get(path, opt={"access": access, "cookie": True}, include_in_schema=False, **extra)


def form(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare the target of a page's form; it answers with a page or a redirect."""
    opt = {"access": access, "cookie": True, "form": True}
    return litestar.post(path, opt=opt, include_in_schema=False, status_code=200, **extra)
