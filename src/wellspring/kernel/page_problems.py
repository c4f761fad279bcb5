"""Problems said as a page: the way to sign in, the form with what was typed, or plain words and a way on."""

from typing import Any, Final
from urllib.parse import quote

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from wellspring.kernel.edge import Req, request_id
from wellspring.kernel.errors import MethodNotAllowed, Problem, TooMany, Unauthenticated, Unavailable
from wellspring.kernel.pages import SECRETS, FormStale, fields, frame, local_path, redirect, render

_WORDS: Final = frozenset({"note", "journal_text"})
"""Fields for one's own words: shown again however short they are."""
_PASSING: Final = frozenset({429, 500, 503})
"""Problems that may be gone at the next try."""


class Later(Response[None]):
    """A problem as a page: rendered when it is sent, since exception handlers cannot wait for anything."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(None)
        self.problem = problem

    def to_asgi_response(self, app: Any, request: Any, **kwargs: Any) -> Any:
        """Return the ASGI application that renders and sends the page."""
        problem = self.problem

        async def send_page(scope: Scope, receive: Receive, send: Send) -> None:
            page = await problem_page(request, problem)
            made: ASGIResponse = page.to_asgi_response(None, request, **kwargs)
            await made(scope, receive, send)

        return send_page


def wanted(request: Req) -> bool:
    """Tell whether a problem of this request is answered with a page."""
    handler: Any = request.scope.get("route_handler")
    if handler is not None:
        return bool(handler.opt.get("page"))
    path = request.url.path
    return not path.startswith("/v1") and "text/html" in request.headers.get("accept", "")


async def problem_page(request: Req, problem: Problem) -> Response[Any]:
    """Return the page of a problem: the way to sign in, the form with what was typed, or plain words."""
    handler: Any = request.scope.get("route_handler")
    opt = handler.opt if handler is not None else {}
    if isinstance(problem, Unauthenticated) and not opt.get("fragment"):
        if request.method == "GET":
            return redirect(request, f"/sign-in?next={quote(_asked_for(request))}")
        return await unsent(request, problem)
    if isinstance(problem, FormStale) or (
        request.method == "POST" and (problem.status >= 500 or isinstance(problem, TooMany))
    ):
        return await unsent(request, problem)
    if isinstance(problem, MethodNotAllowed) and request.method == "GET":
        return redirect(request, _page_above(request))
    await _settle_frame(request, problem)
    shown = {
        "status": problem.status,
        "code": problem.code,
        "title": problem.title(),
        "request_id": request_id(request),
        "again": local_path(_asked_for(request), "") if request.method == "GET" and problem.status in _PASSING else "",
    }
    page = await render(request, "problem.html", status=problem.status, problem=shown)
    page.headers.update(problem.headers)
    return page


def _asked_for(request: Req) -> str:
    """Return the address that was asked for, with its query where it is none that `sign-in` would refuse."""
    query = request.scope["query_string"].decode("latin-1")
    return local_path(f"{request.url.path}?{query}", request.url.path) if query else request.url.path


def _page_above(request: Req) -> str:
    """Return the page that a form stands on, for whoever loads the form's own address again: the nearest one above."""
    router: Any = request.app.asgi_router
    path = request.url.path
    while path := path.rpartition("/")[0]:
        try:
            handler = router.handle_routing(path=path, method="GET")[1]
        except HTTPException:
            continue
        if handler.opt.get("page"):
            return path
    return "/"


async def _settle_frame(request: Req, problem: Problem) -> None:
    """Decide who looks without failing again: a visitor's page when the person cannot be read."""
    scope: Any = request.scope
    if isinstance(problem, Unavailable):
        scope["frame"] = None
    try:
        await frame(request)
    except Problem:
        scope["frame"] = None


async def unsent(request: Req, problem: Problem) -> Response[str]:
    """Return what was typed in a form that could not be taken, ready to be sent again where that may help."""
    await _settle_frame(request, problem)
    typed = [(name, value) for name, value in await _typed(request) if value]
    kept = [(name, value) for name, value in typed if name not in SECRETS]
    context = {
        "why": "signed_out" if isinstance(problem, Unauthenticated) else problem.code,
        "hidden": [(n, v) for n, v in kept if not _is_text(n, v)],
        "texts": [(n, v) for n, v in kept if _is_text(n, v)],
        "again": [name for name, _ in typed if name in SECRETS and name != "csrf"],
        "keeps_words": True,
    }
    page = await render(request, "unsent.html", status=problem.status, **context)
    page.headers.update({k: v for k, v in problem.headers.items() if k != "WWW-Authenticate"})
    return page


async def _typed(request: Req) -> list[tuple[str, str]]:
    """Return what was typed, nothing when it was no form: a problem must not end in another one."""
    try:
        return await fields(request)
    except Problem:
        return []


def _is_text(name: str, value: str) -> bool:
    return name in _WORDS or "\n" in value or len(value) > 40
