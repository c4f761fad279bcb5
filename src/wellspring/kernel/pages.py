"""Pages: the frame of each, who looks at it, what forms send, cookies, redirects."""

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

from litestar import MediaType, Response
from litestar.datastructures import Cookie
from msgspec import Struct

from wellspring.kernel import i18n
from wellspring.kernel.edge import Req, cookie_name, edge, maybe_principal
from wellspring.kernel.errors import Malformed, NotFound, Problem, Unauthenticated, UnsupportedMedia
from wellspring.kernel.i18n import Local
from wellspring.kernel.policy import Access
from wellspring.kernel.principal import Principal
from wellspring.kernel.tokens import TokenKind

SITE: Final = "Wellspring"
MONTH: Final = 30 * 86_400
_LOCAL_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 300
_VISITOR: Final = "ws_visitor"
_NOTE: Final = "ws_note"
SECRETS: Final = frozenset({"csrf", "password", "current_password", "new_password", "mfa_code", "code"})
"""Fields that are never shown again: who typed them is asked for them once more."""
_LANGUAGE: Final = "ws_language"

Note = Literal[
    "saved",
    "removed",
    "ended",
    "signed_out",
    "password_changed",
    "factor_exists",
    "asked",
    "taken_by_other",
    "step_made",
    "words_changed",
    "duty_on",
    "duty_off",
    "roles_saved",
    "roles_same",
    "account_suspended",
    "account_open",
    "sign_ins_ended",
    "factor_off",
    "password_new",
    "done",
    "skipped",
    "shared",
    "stopped",
    "kept",
]
"""What happened just before this page; the words are in `labels.html`."""


class Look(Struct, frozen=True):
    """How pages look to one person."""

    theme: str = "auto"
    contrast: str = "normal"
    motion: str = "normal"
    font: str = "system"
    size: int = 100


class Frame(Struct, frozen=True):
    """Who looks at a page, as far as its frame needs to know."""

    name: str
    language: str
    country: str
    timezone: str
    look: Look
    roles: list[str]


Load = Callable[[Req, Principal], Awaitable[Frame]]
_LOADER: list[Load] = []


def loads_frames(load: Load) -> Load:
    """Register the one function that knows people's names and looks; it raises SessionEnded for an ended session."""
    _LOADER[:] = [load]
    return load


async def frame(request: Req) -> Frame | None:
    """Return who looks, None for a visitor. On a page that needs a person an ended session is an error."""
    scope: Any = request.scope
    if "frame" not in scope:
        scope["frame"] = await _load(request)
    found: Frame | None = scope["frame"]
    return found


async def _load(request: Req) -> Frame | None:
    try:
        who = maybe_principal(request)
        if who is None:
            return None
        found = await _LOADER[0](request, who)
    except (Unauthenticated, NotFound):
        handler: Any = request.scope.get("route_handler")
        if handler is not None and handler.opt.get("access") is not Access.PUBLIC:
            raise
        return None
    request.scope["principal"] = who  # type: ignore[typeddict-unknown-key]
    return found


async def local(request: Req) -> Local:
    """Return the language and time zone of whoever looks."""
    found = await frame(request)
    return Local(_visitor_language(request), "UTC") if found is None else Local(found.language, found.timezone)


def _visitor_language(request: Req) -> str:
    for wanted in (request.query_params.get("lang"), _sent_cookie(request, _LANGUAGE)):
        if wanted in i18n.NAMES:
            return wanted
    return i18n.negotiate(request.headers.get("accept-language"))


def _in_language(request: Req, code: str) -> str:
    """Return the link to this page in another language: what was chosen on it, such as a country, stays."""
    asked = request.query_params
    kept = {"country": asked.get("country", ""), "next": local_path(asked.get("next"), "")}
    return "?" + urlencode({name: value for name, value in kept.items() if value} | {"lang": code})


async def bindings(request: Req) -> list[str]:
    """Return all that a form token of this browser may be bound to.

    A form that was rendered signed out may be sent after signing in elsewhere: nothing typed is lost by that. One that
    was rendered in a session which has ended or is locked since then may still sign out.
    """
    found = (await bound_to(request), _cookie_session(request), _sent_cookie(request, _VISITOR))
    return [bound for bound in found if bound]


def _cookie_session(request: Req) -> str | None:
    """Return the session that this browser's cookie names, whether or not it is still open."""
    try:
        who = maybe_principal(request)
    except Unauthenticated:
        return None
    return None if who is None else str(who.session_id)


def _cookie(request: Req, name: str, value: str, max_age: int | None) -> Cookie:
    secure = edge(request).settings.secure
    full = f"__Host-{name}" if secure else name
    return Cookie(full, value=value, path="/", httponly=True, samesite="lax", secure=secure, max_age=max_age)


def _sent_cookie(request: Req, name: str) -> str | None:
    return request.cookies.get(f"__Host-{name}" if edge(request).settings.secure else name)


def session_cookie(request: Req, who: Principal, ttl: timedelta) -> Cookie:
    """Return the cookie of a session that was just opened."""
    parts = edge(request)
    token = parts.tokens.issue(who, TokenKind.WEB, ttl)
    made = _cookie(request, "", token, int(ttl.total_seconds()))
    made.key = cookie_name(parts.settings)
    return made


def no_session_cookie(request: Req) -> Cookie:
    """Return the cookie that takes a session's place when it has ended."""
    made = _cookie(request, "", "", 0)
    made.key = cookie_name(edge(request).settings)
    return made


async def bound_to(request: Req) -> str | None:
    """Return what form tokens of this browser are bound to: its session, else its visitor cookie, else None."""
    if await frame(request) is not None:
        return str(request.scope["principal"].session_id)  # type: ignore[typeddict-item]
    return _sent_cookie(request, _VISITOR)


async def _frame_context(request: Req) -> tuple[dict[str, Any], list[Cookie]]:
    """Return what `base.html` needs, and the cookies that go with it."""
    found, cookies = await frame(request), []
    language = _visitor_language(request) if found is None else found.language
    bound = await bound_to(request)
    if bound is None:
        bound = secrets.token_urlsafe(24)
        cookies.append(_cookie(request, _VISITOR, bound, None))
    if found is None and request.query_params.get("lang") in i18n.NAMES:
        cookies.append(_cookie(request, _LANGUAGE, language, 12 * MONTH))
    note = _sent_cookie(request, _NOTE)
    if note:
        cookies.append(_cookie(request, _NOTE, "", 0))
    words = i18n.say(language, "note", note) if note else ""
    person = None if found is None else {"name": found.name, "roles": found.roles}
    return {
        "lang": language,
        "dir": "ltr",
        "languages": [
            {"code": code, "name": name, "url": _in_language(request, code)} for code, name in i18n.NAMES.items()
        ],
        "look": Look() if found is None else found.look,
        "person": person,
        "csrf": edge(request).tokens.form_token(bound),
        "path": request.url.path,
        "exit_url": f"https://{language}.wikipedia.org/",
        "site_name": SITE,
        "keeps_words": False,
        "notices": [{"kind": "accent", "text": words, "undo": None}] if words else [],
    }, cookies


async def render(request: Req, template: str, *, status: int = 200, **context: Any) -> Response[str]:
    """Return a page; `context` is what its template documents."""
    base, cookies = await _frame_context(request)
    html = i18n.environment(base["lang"]).get_template(template).render(base | context)
    return Response(html, status_code=status, media_type=MediaType.HTML, cookies=cookies)


def redirect(request: Req, path: str, *, note: Note | None = None, cookies: Iterable[Cookie] = ()) -> Response[Any]:
    """Send the browser to a page of this site (after a POST: by GET), with a sentence to show there."""
    given = [*cookies, _cookie(request, _NOTE, note, 60)] if note else list(cookies)
    return Response(b"", status_code=303, headers={"Location": path}, cookies=given, media_type=MediaType.TEXT)


def local_path(text: str | None, otherwise: str) -> str:
    """Return a path of this site, `otherwise` for anything that might lead elsewhere."""
    return text if text and len(text) <= 500 and _LOCAL_PATH.fullmatch(text) else otherwise


class FormStale(Problem):
    """This form was open for too long. Please send it once more."""

    code = "form_stale"
    status = 403


async def fields(request: Req) -> list[tuple[str, str]]:
    """Return what a form sent, in its order, line ends as one character; raises UnsupportedMedia, Malformed."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise UnsupportedMedia
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Malformed from error
    return [(name, value.replace("\r\n", "\n")) for name, value in pairs]
