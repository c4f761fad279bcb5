"""What a request stands on: who asks, which transaction may be opened for it, what it leaves in the audit trail."""

import ipaddress
from collections.abc import Iterable
from typing import Any, Final, cast
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from wellspring.kernel import audit
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Begin, Database, DbRole, Session
from wellspring.kernel.errors import Forbidden, NotFound, TooMany, Unauthenticated
from wellspring.kernel.hub import Hub
from wellspring.kernel.network import plain
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.principal import Principal
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import TokenKind, Tokens

Req = Request[Any, Any, State]
COOKIE: Final = "ws_session"


class Edge:
    """The program's parts that requests use, made once per process."""

    __slots__ = ("db", "hub", "keys", "ports", "settings", "tokens")

    def __init__(
        self, settings: Settings, keys: Keyring, db: Database, hub: Hub, ports: dict[str, Any] | None = None
    ) -> None:
        self.settings = settings
        self.keys = keys
        self.tokens = Tokens(keys)
        self.db = db
        self.hub = hub
        self.ports = ports or {}


def edge(request: "ASGIConnection[Any, Any, Any, Any]") -> Edge:
    """Return the process's parts."""
    return cast("Edge", request.app.state.edge)


def declared(access: Access | Permission) -> dict[str, Any]:
    """Return the `opt` of a route: `opt=declared(Access.SELF)`."""
    return {"access": access}


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; `__Host-` binds it to this host where TLS allows."""
    return f"__Host-{COOKIE}" if settings.secure else COOKIE


def header(connection: "ASGIConnection[Any, Any, Any, Any]", wanted: bytes) -> str | None:
    """Return a header by its lower-case name. Litestar's own mapping is made of all headers first."""
    for name, value in connection.scope["headers"]:
        if name == wanted:
            return value.decode("latin-1")
    return None


def _bearer(connection: "ASGIConnection[Any, Any, Any, Any]", *, others: bool) -> Principal | None:
    """Return whom a bearer token names. With `others` a header of another scheme, a proxy's password, is nobody."""
    found = header(connection, b"authorization")
    if found is None:
        return None
    scheme, _, token = found.partition(" ")
    if scheme.lower() != "bearer":
        if others:
            return None
        raise Unauthenticated
    return edge(connection).tokens.verify(token.strip(), TokenKind.ACCESS)


def _from_cookie(connection: "ASGIConnection[Any, Any, Any, Any]") -> Principal | None:
    token = connection.cookies.get(cookie_name(edge(connection).settings))
    if token is None:
        return None
    try:
        return edge(connection).tokens.verify(token, TokenKind.WEB)
    except Unauthenticated:
        return None


def identify(connection: "ASGIConnection[Any, Any, Any, Any]", *, cookie: bool) -> Principal | None:
    """Return who asks, or None. Pages (and the event stream) read the cookie, the API only the bearer token."""
    return _bearer(connection, others=cookie) or (_from_cookie(connection) if cookie else None)


async def guard(connection: "ASGIConnection[Any, Any, Any, Any]", handler: BaseRouteHandler) -> None:
    """Refuse unless the route's declared access allows the caller. A route that declares nothing is closed."""
    access = handler.opt.get("access")
    wait = over_limit(connection)
    if wait and not handler.opt.get("spared"):
        raise TooMany(wait)
    if handler.opt.get("exempt") or access is Access.PUBLIC:
        return
    if access is None:
        if connection.scope.get("method") == "OPTIONS":
            return  # Litestar's own answer: the kinds of request that an address takes; no route of ours is one
        raise Forbidden("this route declares no access")
    who = identify(connection, cookie=bool(handler.opt.get("cookie")))
    if who is None:
        raise Unauthenticated
    if isinstance(access, Permission) and not who.may(access):
        # 404 before 403: a stranger must not learn that something is there.
        raise NotFound if connection.scope.get("path_params") else Forbidden
    connection.scope["principal"] = who  # type: ignore[typeddict-unknown-key]


def over_limit(connection: "ASGIConnection[Any, Any, Any, Any]") -> int:
    """Return how long this caller has to wait, 0 when they need not: see `middleware`."""
    return cast("int", connection.scope.get("over_limit", 0))


def principal(request: "ASGIConnection[Any, Any, Any, Any]") -> Principal:
    """Return who asks; the guard has verified their token."""
    return cast("Principal", request.scope["principal"])  # type: ignore[typeddict-item]


def maybe_principal(request: "ASGIConnection[Any, Any, Any, Any]") -> Principal | None:
    """Return who asks on a public page, or None for a visitor."""
    return identify(request, cookie=True)


def session_of(who: Principal, request: "ASGIConnection[Any, Any, Any, Any] | None" = None) -> Session:
    """Return the check that opens a transaction for `who`; a route that declares `listens` only listens."""
    handler = None if request is None else request.scope.get("route_handler")
    listens = handler is not None and bool(handler.opt.get("listens"))
    return Session(who.person_id, who.session_id, who.version, listens=listens)


def as_member(request: Req, *, read_only: bool = False) -> Begin:
    """Open a transaction in which the caller sees their own rows and nobody else's."""
    who = principal(request)
    session = session_of(who, request)
    return edge(request).db.begin(DbRole.MEMBER, actor=who.person_id, session=session, read_only=read_only)


def as_staff(request: Req) -> Begin:
    """Open a transaction of a staff member; one person at a time is opened in it by `privacy.open_person`."""
    who = principal(request)
    return edge(request).db.begin(DbRole.STAFF, actor=who.person_id, session=session_of(who, request))


def as_signin(request: Req, actor: UUID | None = None) -> Begin:
    """Open a transaction of the sign-in role."""
    return edge(request).db.begin(DbRole.SIGNIN, actor=actor)


def client_ip(request: "ASGIConnection[Any, Any, Any, Any]") -> str | None:
    """Return the caller's address; `X-Forwarded-For` counts only from the one trusted proxy."""
    client = request.client
    if client is None:
        return None
    host = plain(client.host)
    if host != edge(request).settings.trusted_proxy:
        return host
    candidate = forwarded_for(request.scope["headers"])
    try:
        return str(ipaddress.ip_address(plain(candidate)))
    except ValueError:
        return host


def forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the address that the nearest proxy added, the empty text when there is none.

    It is the last of all: proxies add to what a caller sent, in the same header or in another one after it.
    """
    last = ""
    for name, value in headers:
        if name == b"x-forwarded-for":
            last = value.decode("latin-1").rsplit(",", 1)[-1].strip()
    return last


def request_id(request: "ASGIConnection[Any, Any, Any, Any]") -> str:
    """Return the id under which this request is logged."""
    return cast("str", request.scope.get("request_id", ""))


def access(
    request: Req,
    action: str,
    section: str,
    *,
    person_id: UUID | None = None,
    count: int = 1,
    outcome: audit.Outcome = audit.Outcome.DONE,
    consent_id: UUID | None = None,
) -> audit.Access:
    """Return the audit row of this request; the subject is the caller unless `person_id` names another."""
    who = principal(request)
    return audit.Access(
        action=action,
        section=section,
        person_id=person_id or who.person_id,
        actor_id=who.person_id,
        session_id=who.session_id,
        ip=client_ip(request),
        request_id=request_id(request),
        outcome=outcome,
        count=count,
        consent_id=consent_id,
    )
