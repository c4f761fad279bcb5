"""The routes of safety."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter

from wellspring.kernel import audit, etags, idempotency
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, as_staff, edge, principal
from wellspring.kernel.errors import Forbidden, NotFound
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.routing import get, post, put
from wellspring.language.pool import READERS
from wellspring.privacy.reading import read_if_kept
from wellspring.safety import desk, plans, service, show
from wellspring.safety import queries as q
from wellspring.safety.schemas import (
    Contacted,
    Desk,
    DutyView,
    DutyWrite,
    EventView,
    Move,
    Moved,
    NextContact,
    Report,
    Reported,
    Resources,
    SafetyPlan,
    SafetyPlanView,
)

TAGS = ["crisis"]


def language_of(request: Req) -> str:
    """Return `fr` when the caller prefers French, else `en`."""
    accepted = request.headers.get("accept-language", "")
    return "fr" if accepted.strip().lower().startswith("fr") else "en"


@get(
    "/v1/crisis/resources",
    Access.PUBLIC,
    opt={"spared": True},
    tags=TAGS,
    summary="Where help is, without signing in",
)
async def list_resources(
    request: Req,
    country: Annotated[
        str | None, QueryParameter(pattern=r"^[A-Za-z]{2}\Z", description="ISO 3166-1, two letters")
    ] = None,
    language: Annotated[str | None, QueryParameter(pattern=r"^(en|fr)\Z")] = None,
) -> Resources:
    """Return the helplines of a country, the operator's own when none is named."""
    return show.resources(country or edge(request).settings.country, language or language_of(request))


@post("/v1/crisis/report", Access.SELF, tags=TAGS, summary="I am in crisis")
async def report(request: Req, data: JSONBody[Report]) -> Reported:
    """Open an event of at least high and return help at once; with `wants_contact` a person will get in touch."""
    who, keys = principal(request), edge(request).keys
    key = idempotency.key(request.headers.get("idempotency-key"), who.person_id, "crisis-report", await request.body())
    row = access(request, "safety:event:create", "crisis")
    read = await read_if_kept(request, edge(request).ports[READERS], data.note)
    async with as_member(request) as tx:
        event_id, crisis = await service.report_once(tx, keys, who.person_id, data, key, row, read)
    return Reported(event_id=event_id, crisis=crisis)


@get("/v1/crisis/safety-plan", Access.SELF, tags=TAGS, summary="My safety plan")
async def get_plan(request: Req) -> Response[SafetyPlanView]:
    """Return the newest version of the caller's plan."""
    async with as_member(request) as tx:
        found = await plans.load(tx, edge(request).keys, principal(request).person_id)
        await audit.record(tx, access(request, "safety:plan:read", "safety_plan"))
    return Response(found, headers=etags.of(found.version))


@put("/v1/crisis/safety-plan", Access.SELF, tags=TAGS, summary="Change my safety plan")
async def put_plan(request: Req, data: JSONBody[SafetyPlan]) -> Response[SafetyPlanView]:
    """Store a new version; earlier ones are kept."""
    who = principal(request)
    async with as_member(request) as tx:
        found = await plans.store(tx, edge(request).keys, who.person_id, data, etags.wanted(request))
        await audit.record(tx, access(request, "safety:plan:write", "safety_plan"))
    return Response(found, headers=etags.of(found.version))


@get("/v1/crisis/desk", Permission.SAFETY_DESK_READ, tags=TAGS, summary="The crisis desk")
async def get_desk(request: Req) -> Desk:
    """List open events by urgency: no names, no words."""
    async with as_staff(request) as tx:
        found = await desk.listing(tx, principal(request))
        await audit.record(tx, access(request, "safety:desk:read", "crisis", count=len(found.items)))
    return found


@get("/v1/crisis/duty", Permission.SAFETY_DUTY_WRITE, tags=TAGS, summary="Am I on duty")
async def get_duty(request: Req) -> DutyView:
    """Return the caller's duty."""
    async with as_staff(request) as tx:
        return _duty(await desk.my_duty(tx, principal(request)))


@put("/v1/crisis/duty", Permission.SAFETY_DUTY_WRITE, tags=TAGS, summary="Go on or off duty")
async def put_duty(request: Req, data: JSONBody[DutyWrite]) -> DutyView:
    """Go on duty for some hours, or off."""
    async with as_staff(request) as tx:
        row = await desk.set_duty(tx, principal(request), on=data.on_duty, hours=data.hours)
    return _duty(row)


def _duty(row: q.DutyRow | None) -> DutyView:
    if row is None:
        return DutyView(on_duty=False, until=None, is_supervisor=False)
    return DutyView(on_duty=row.on_duty, until=row.until if row.on_duty else None, is_supervisor=row.is_supervisor)


@asynccontextmanager
async def at_desk(request: Req, person_id: UUID, action: str) -> AsyncGenerator[Tx, None]:
    """Open a staff transaction about one event; a refusal is recorded in a transaction of its own."""
    try:
        async with as_staff(request) as tx:
            yield tx
    except (Forbidden, NotFound):
        row = access(request, action, "crisis", person_id=person_id, count=0, outcome=audit.Outcome.REFUSED)
        async with as_staff(request) as tx:
            await audit.record(tx, row)
        raise


_EVENT = "/v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}"


@post(f"{_EVENT}/claim", Permission.SAFETY_DESK_CLAIM, tags=TAGS, status_code=200, summary="Take an event")
async def claim(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> EventView:
    """Take an event: exactly one responder gets it, and only then sees evidence and contacts."""
    who, keys = principal(request), edge(request).keys
    async with at_desk(request, person_id, "safety:event:claim") as tx:
        await desk.claim(tx, who, person_id, event_id)
        found = await desk.view(tx, keys, who, person_id, event_id, language_of(request))
        await audit.record(tx, access(request, "safety:event:claim", "crisis", person_id=person_id))
    return found


@get(_EVENT, Permission.SAFETY_DESK_CLAIM, tags=TAGS, summary="An event that I took")
async def get_event(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> EventView:
    """Return evidence, contacts and plan to whoever claimed the event."""
    who, keys = principal(request), edge(request).keys
    async with at_desk(request, person_id, "safety:event:read") as tx:
        found = await desk.view(tx, keys, who, person_id, event_id, language_of(request))
        await audit.record(tx, access(request, "safety:event:read", "crisis", person_id=person_id))
    return found


@post(f"{_EVENT}/steps", Permission.SAFETY_DESK_CLAIM, tags=TAGS, status_code=200, summary="Make the next step")
async def make_step(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID], data: JSONBody[Move]) -> Moved:
    """Move an event on; what follows what is fixed, and closing needs an outcome."""
    who, keys = principal(request), edge(request).keys
    async with at_desk(request, person_id, f"safety:event:{data.step}") as tx:
        state = await desk.move(tx, keys, who, person_id, event_id, data)
        await audit.record(tx, access(request, f"safety:event:{data.step}", "crisis", person_id=person_id))
    return Moved(state=state)


@post(
    f"{_EVENT}/after-care",
    Permission.SAFETY_DESK_CLAIM,
    tags=TAGS,
    status_code=200,
    summary="Write down a contact after a closed event",
)
async def after_care(
    request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID], data: JSONBody[Contacted]
) -> NextContact:
    """Write down what came of the contact that was due; reminders of it end, and the next one is planned."""
    who, keys = principal(request), edge(request).keys
    async with at_desk(request, person_id, "safety:event:after_care") as tx:
        following = await desk.contacted(tx, keys, who, person_id, event_id, data)
        await audit.record(tx, access(request, "safety:event:after_care", "crisis", person_id=person_id))
    return NextContact(after_care=following)


ROUTES: list[Any] = [
    list_resources,
    report,
    get_plan,
    put_plan,
    get_desk,
    get_duty,
    put_duty,
    claim,
    get_event,
    make_step,
    after_care,
]
