"""The outermost layer: request ids, security headers, limits, metrics and one log line for each request."""

import time
from functools import cache
from math import ceil
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import uuid_utils
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils import normalize_path
from prometheus_client import Counter, Histogram

from wellspring.kernel import logs, metrics
from wellspring.kernel.edge import cookie_name, forwarded_for
from wellspring.kernel.errors import TooMany
from wellspring.kernel.network import network, plain
from wellspring.kernel.problems import MEDIA
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import TokenKind, TokenRefused, Tokens

log = logs.get("request")

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_HEADERS: Final = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), camera=(), microphone=()"),
]
_STRICT_TLS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_STORE: Final = (b"cache-control", b"no-store")
_ENDLESS: Final = frozenset({"/v1/stream"})
"""What is sent for as long as somebody reads has no head alone."""
_HELP: Final = frozenset({"/help", "/v1/crisis/resources"})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            try:
                return str(UUID(value.decode("ascii")))
            except (ValueError, UnicodeDecodeError):
                break
    return str(uuid_utils.uuid4())


class Minute:
    """Requests of each caller in the present minute. All counts end with it, so nothing has to be swept.

    The library that was here before kept a timer thread that woke a hundred times a second in every process.
    """

    __slots__ = ("_counts", "_ends", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._ends = 0.0
        self._counts: dict[str, int] = {}

    def hit(self, who: str) -> tuple[int, int]:
        """Count a request; return how many are left (below 0: one too many) and the seconds to the next minute."""
        now = time.monotonic()
        if now >= self._ends:
            self._ends = now + 60
            self._counts.clear()
        count = self._counts[who] = self._counts.get(who, 0) + 1
        return self._most - count, ceil(self._ends - now)


class Outermost:
    """Wraps the whole program as one plain ASGI layer: Litestar's own middleware stack costs more per request."""

    def __init__(self, app: ASGIApp, settings: Settings, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens
        self._minute = Minute(settings.requests_per_minute)
        self._help = Minute(settings.requests_per_minute)
        self._cookie = cookie_name(settings).encode()
        self._limited = settings.environment != "test"
        self._proxy = settings.trusted_proxy
        self._policy = f'"minute";q={settings.requests_per_minute};w=60'.encode()
        self._headers = _HEADERS + ([_STRICT_TLS] if settings.secure else [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        scope["request_id"] = request_id  # type: ignore[typeddict-unknown-key]
        extra = [*self._headers, (b"x-request-id", request_id.encode())]
        status, method = 500, scope["method"]
        only_head = method == "HEAD" and scope["path"] not in _ENDLESS
        if only_head:
            scope["method"] = "GET"

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_NO_STORE)
                if status == 405 or method == "OPTIONS":
                    headers = _allowing(headers, _taken(self._app, scope["path"]))
                message["headers"] = [*headers, *extra]
            elif only_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        wait = self._wait(scope, extra) if self._limited else 0
        if wait and not _answers_kindly(scope, wait):
            await _refuse(sending, request_id, wait)
        else:
            await self._app(scope, receive, sending)
        self._note(scope, method, status, time.perf_counter() - started)

    def _wait(self, scope: Scope, extra: list[tuple[bytes, bytes]]) -> int:
        """Count a request; return how long its caller has to wait, 0 when they need not.

        The files of the pages are not counted, and help is counted apart: whoever shares an address with many others,
        in a clinic or behind a mobile network, must reach it whatever the others do.
        """
        path = scope["path"].rstrip("/")
        if path.startswith("/static/"):
            return 0
        minute = self._help if path in _HELP else self._minute
        left, wait = minute.hit(self._who(scope))
        extra.append((b"ratelimit-policy", self._policy))
        extra.append((b"ratelimit", b'"minute";r=%d;t=%d' % (max(left, 0), wait)))
        return wait if left < 0 else 0

    def _who(self, scope: Scope) -> str:
        """Return what is counted: the person whose token or session cookie was sent, else (a made-up one too) the
        address, of IPv6 the network, since whoever has one address has all of its /64.
        """
        for name, value in scope["headers"]:
            if name == b"authorization" and (person := self._person(value[7:].strip(), TokenKind.ACCESS)):
                return person
            if name == b"cookie" and self._cookie in value and (person := self._by_cookie(value)):
                return person
        host = plain(scope["client"][0]) if scope.get("client") else ""  # type: ignore[index]
        if host == self._proxy:
            host = forwarded_for(scope["headers"]) or host
        return network(host) if ":" in host else host

    def _by_cookie(self, header: bytes) -> str | None:
        for part in header.split(b";"):
            name, _, token = part.strip().partition(b"=")
            if name == self._cookie:
                return self._person(token, TokenKind.WEB)
        return None

    def _person(self, token: bytes, kind: TokenKind) -> str | None:
        try:
            return str(self._tokens.verify(token.decode("latin-1"), kind).person_id)
        except TokenRefused:
            return None

    def _note(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = str(scope.get("path_template") or "unmatched")
        count, duration = _meters(method if method in _METHODS else "other", route, status)
        count.inc()
        duration.observe(seconds)
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            request_id=scope["request_id"],  # type: ignore[typeddict-item]
        )


@cache
def _meters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return the two series of a kind of answer; looking them up by their labels costs more than counting."""
    return metrics.REQUESTS.labels(method, route, str(status)), metrics.DURATION.labels(route)


def _taken(app: Any, path: str) -> str | None:
    """Return the kinds of request that an address takes. Litestar's own answer to OPTIONS knows some of them only."""
    try:
        app.asgi_router.handle_routing(path=normalize_path(path), method="none")
    except MethodNotAllowedException as error:
        allowed = (error.headers or {})["allow"]
        return f"{allowed}, HEAD" if "GET" in allowed and path not in _ENDLESS else allowed
    except NotFoundException:
        pass
    return None


def _allowing(headers: list[tuple[bytes, bytes]], taken: str | None) -> list[tuple[bytes, bytes]]:
    if taken is None:
        return headers
    return [*((name, value) for name, value in headers if name != b"allow"), (b"allow", taken.encode())]


def _answers_kindly(scope: Scope, wait: int) -> bool:
    """Tell whether the program itself answers what is over the limit: with help, or with a page that says so.

    Neither reads the database: nobody is looked up for them.
    """
    path = scope["path"].rstrip("/")
    wants_page = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    if path not in _HELP and (path.startswith("/v1/") or not wants_page):
        return False
    over: Any = scope
    over["frame"], over["over_limit"] = None, wait
    return True


async def _refuse(send: Any, request_id: str, wait: int) -> None:
    problem = TooMany(wait)
    body = msgspec.json.encode(problem.body(request_id))
    headers = [(k.lower().encode(), v.encode()) for k, v in problem.headers.items()]
    headers += [(b"content-type", MEDIA.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def same_origin(settings: Settings, origin: str | None, host: str | None) -> bool:
    """Tell whether a browser's Origin header is this site (a missing one is a program, not a browser)."""
    if not origin or origin == "null":
        return origin is None
    try:
        return urlsplit(origin).netloc in {host, urlsplit(settings.base_url).netloc}
    except ValueError:  # no address at all
        return False
