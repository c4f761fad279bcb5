"""Route decorators: as Litestar's, but every route declares its access and documents its problems."""

from collections.abc import Callable
from typing import Any, Final, get_type_hints

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp, Method, Receive, Scope, Send

from wellspring.kernel.edge import header
from wellspring.kernel.errors import Malformed, ProblemBody, TooLarge, UnsupportedMedia
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.problems import MEDIA

_WORDS: Final = {
    400: "What was sent could not be read",
    401: "Not signed in, or the sign-in has ended",
    403: "Not allowed",
    404: "Nothing here that the caller can see",
    405: "This address does not take that kind of request",
    409: "Does not fit what is stored, or the same request is in flight",
    410: "What was asked for is no longer kept",
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


_JSON: Final = "application/json"


async def _read(receive: Receive, most: int) -> bytes:
    parts, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Malformed("the client left in the middle of its body")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLarge
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


class StrictRequest(Request[Any, Any, State]):
    """Reads a JSON body in one strict pass into the type the handler declares.

    Litestar itself decodes to plain values and then converts them leniently, which takes "7" for 7. It also reads every
    body through a generator and makes a mapping of all headers to learn one.
    """

    async def body(self) -> bytes:
        """Return the body; raises Malformed, and TooLarge once it is announced, or has grown, beyond what we take."""
        scope: Any = self.scope  # not this object: a page that tells of a problem reads the form once more
        if "body" not in scope:
            most = self.route_handler.resolve_request_max_body_size() or 0
            announced = header(self, b"content-length") or "0"
            if not announced.isdecimal():
                raise Malformed("Content-Length is no number")
            if int(announced) > most:
                raise TooLarge
            scope["body"] = await _read(self.receive, most)
        found: bytes = scope["body"]
        return found

    async def json(self) -> Any:
        """Return the body as the handler's `data`; raises UnsupportedMedia and msgspec's errors."""
        if header(self, b"content-type") != _JSON and self.content_type[0] != _JSON:
            raise UnsupportedMedia
        decoder = self.route_handler.opt.get("decoder")
        body = await self.body()
        return msgspec.json.decode(body) if decoder is None else decoder.decode(body)


_ENCODE: Final = msgspec.json.Encoder().encode


def _answer(status: int, body: bytes) -> ASGIApp:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


class Route(HTTPRouteHandler):
    """A route without two things that cost much in each request: Litestar copies the whole handler for a guard, and
    builds two general response objects around a Struct.
    """

    async def authorize_connection(self, connection: "ASGIConnection[Any, Any, Any, Any]") -> None:
        """Run the guards on this handler itself; they only read it."""
        for guard in self.resolve_guards():
            await guard(connection, self)  # type: ignore[misc]

    async def to_response(self, app: Litestar, data: Any, request: Request[Any, Any, Any]) -> ASGIApp:
        """Return the answer: a Struct as JSON, anything else as Litestar does."""
        if isinstance(data, msgspec.Struct):
            return _answer(self.status_code, _ENCODE(data))
        return await super().to_response(app, data, request)


def _declare(method: Method, path: str, access: Access | Permission, extra: dict[str, Any]) -> Wrap:
    def wrap(handler: Callable[..., Any]) -> Any:
        opt = {"access": access, **extra.pop("opt", {})}
        data = get_type_hints(handler).get("data")
        if data is not None:
            opt["decoder"] = msgspec.json.Decoder(data)
        return Route(path, http_method=method, opt=opt, responses=PROBLEMS, **extra)(handler)

    return wrap


def get(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a GET route."""
    return _declare("GET", path, access, extra)


def post(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a POST route; it answers 201 unless `status_code` says otherwise."""
    return _declare("POST", path, access, extra)


def put(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a PUT route."""
    return _declare("PUT", path, access, extra)


def patch(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a PATCH route."""
    return _declare("PATCH", path, access, extra)


def delete(path: str, access: Access | Permission, **extra: Any) -> Wrap:
    """Declare a DELETE route; it answers 204."""
    return _declare("DELETE", path, access, extra)


def page(
    path: str,
    access: Access | Permission,
    *,
    fragment: bool = False,
    listens: bool = False,
    spared: bool = False,
    **extra: Any,
) -> Wrap:
    """Declare a page: its caller is known by the cookie; it is not part of the API document.

    A `fragment` is a part that a page fetches again by itself; it never leads to the sign-in page. One that `listens`
    is answered behind the lock of an idle staff session too: its handler must then show nobody. One that is `spared`
    is answered beyond the limit of requests too: it must then cost little.
    """
    opt = {"access": access, "cookie": True, "page": True, "fragment": fragment, "listens": listens, "spared": spared}
    return Route(path, http_method="GET", opt=opt, include_in_schema=False, **extra)


def form(path: str, access: Access | Permission, *, listens: bool = False, **extra: Any) -> Wrap:
    """Declare the target of a page's form; it answers with a page or a redirect. As for `listens`, see `page`."""
    opt = {"access": access, "cookie": True, "page": True, "listens": listens}
    return Route(path, http_method="POST", opt=opt, include_in_schema=False, status_code=200, **extra)
