"""The first page, the shell's files, and what an installed app and a browser without a network need."""

from typing import Any, Final

from litestar import Response
from litestar.params import FromPath

from wellspring.identity.pages import first_page
from wellspring.kernel import assets, pages
from wellspring.kernel.assets import Asset
from wellspring.kernel.edge import Req, principal
from wellspring.kernel.errors import NotFound
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import page

_FOR_GOOD: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"


def _send(request: Req, found: Asset, cache: str) -> Response[bytes]:
    headers = {"Cache-Control": cache, "ETag": f'"{found.version}"', "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    body = found.body
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = found.packed
    return Response(body, headers=headers, media_type=found.media_type)


@page("/static/{name:path}", Access.PUBLIC)
async def static_file(request: Req, name: FromPath[str]) -> Response[bytes]:
    """Send a file of the shell; one that is asked for by its version may be kept for good."""
    found = assets.shipped().get(str(name).lstrip("/"))
    if found is None:
        raise NotFound
    return _send(request, found, _FOR_GOOD if request.query_params.get("v") == found.version else _ASK_AGAIN)


@page("/sw.js", Access.PUBLIC)
async def service_worker(request: Req) -> Response[bytes]:
    """Send the service worker from the root, so that it serves the whole site."""
    return _send(request, assets.shipped()["sw.js"], _ASK_AGAIN)


@page("/manifest.webmanifest", Access.PUBLIC)
async def manifest(request: Req) -> Response[bytes]:
    """Send what makes the site installable."""
    return _send(request, assets.shipped()["manifest.webmanifest"], _ASK_AGAIN)


@page("/offline", Access.PUBLIC)
async def offline(request: Req) -> Response[str]:
    """Show what a browser keeps for the time without a network."""
    return await pages.render(request, "offline.html")


@page("/", Access.PUBLIC)
async def landing(request: Req) -> Response[Any]:
    """Show visitors what this is; who is signed in goes to their first page."""
    if await pages.frame(request) is not None:
        return pages.redirect(request, first_page(principal(request)))
    return await pages.render(request, "landing.html", may_sign_up=True)


PAGES: Final[list[Any]] = [landing, offline, manifest, service_worker, static_file]
