"""Health, metrics and the API document."""

from typing import Any, Final, Literal

from litestar import MediaType, Response
from msgspec import Struct
from prometheus_client import generate_latest

from wellspring.kernel import metrics
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.edge import Req, client_ip, edge
from wellspring.kernel.errors import NotFound
from wellspring.kernel.jobs import JOBS
from wellspring.kernel.openapi import document
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import get


class Alive(Struct):
    """The process runs."""

    status: str = "ok"


class Ready(Struct):
    """What this process serves with.

    Late jobs are said, and `status` is `degraded`, but they are no reason to send people elsewhere: every process has
    the same queue, and the help pages must stay.
    """

    database: Literal["ok"] = "ok"
    jobs: Literal["ok", "late"] = "ok"
    status: Literal["ok", "degraded"] = "ok"


class _Jobs(Struct, frozen=True):
    waiting: int


LATE_JOBS: Final = Query(
    "SELECT count(*)::int FROM jobs.pgqueuer WHERE status = 'queued' AND execute_after < now() - interval '10 minutes'"
    " AND entrypoint = ANY($1::text[])",
    _Jobs,
    DbRole.MAINTENANCE,
)
"""Those of names that no part of this version registered are no sign that the worker rests: no worker takes them."""


_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1"})


@get("/livez", Access.PUBLIC, tags=["operations"], summary="Is the process alive")
async def livez() -> Alive:
    """Answer without touching the database."""
    return Alive()


@get("/readyz", Access.PUBLIC, tags=["operations"], summary="Can the process serve")
async def readyz(request: Req) -> Ready:
    """Check the database, and whether jobs have waited for more than ten minutes: is a worker running?"""
    async with edge(request).db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
        late = await tx.one(LATE_JOBS, list(JOBS))
    return Ready() if late.waiting == 0 else Ready(jobs="late", status="degraded")


@get("/metrics", Access.PUBLIC, tags=["operations"], include_in_schema=False, media_type=MediaType.TEXT)
async def show_metrics(request: Req) -> Response[bytes]:
    """Return Prometheus metrics to this machine only: counts of requests, never of people's words."""
    if client_ip(request) not in _THIS_MACHINE:
        raise NotFound
    return Response(generate_latest(metrics.REGISTRY), media_type="text/plain; version=0.0.4")


@get("/openapi.json", Access.PUBLIC, include_in_schema=False)
async def openapi(request: Req) -> Response[bytes]:
    """Return the OpenAPI 3.1 document."""
    state = request.app.state
    if "openapi" not in state:
        state.openapi = document(request.app)
    return Response(state.openapi, media_type="application/json")


ROUTES: Final[list[Any]] = [livez, readyz, show_metrics, openapi]
