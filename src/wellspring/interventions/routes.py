"""The routes of interventions."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody, QueryParameter

from wellspring.identity.fragments import about
from wellspring.interventions import amending, service
from wellspring.interventions import queries as q
from wellspring.interventions.schemas import (
    Ask,
    Complete,
    InterventionView,
    Learned,
    Library,
    Recommendations,
    SessionChange,
    SessionList,
    SessionView,
    Skip,
    Start,
)
from wellspring.interventions.vocabulary import Approach, Emotion, Energy
from wellspring.kernel import audit, etags, idempotency
from wellspring.kernel.edge import Req, access, as_member, edge, header, principal
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import delete, get, patch, post

TAGS = ["interventions"]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
Place = Annotated[str | None, QueryParameter(max_length=100, description="next_cursor of the page before")]


@get("/v1/interventions", Access.SELF, tags=TAGS, summary="The library")
async def list_library(
    request: Req,
    q_: Annotated[str | None, QueryParameter(name="q", min_length=2, max_length=100)] = None,
    therapeutic_approach: Annotated[Approach | None, QueryParameter()] = None,
    duration_max: Annotated[int | None, QueryParameter(ge=1, le=86_400, description="seconds")] = None,
    energy_level: Annotated[Energy | None, QueryParameter()] = None,
    target_emotion: Annotated[Emotion | None, QueryParameter()] = None,
    cursor: Place = None,
    limit: Limit = 30,
) -> Library:
    """Search the library by words and filters, in the caller's language; each says what speaks against it for them."""
    async with as_member(request) as tx:
        row = await tx.one(q.FOR_PERSON, principal(request).person_id)
        person = about(row.person)
        found = await tx.all(
            q.SEARCH,
            therapeutic_approach,
            duration_max,
            energy_level,
            target_emotion,
            q_,
            person.language,
            person.is_premium,
            cursor or "",
            limit + 1,
        )
        items = [service.view(item, row) for item in service.known(one.id for one in found[:limit])]
        await audit.record(tx, access(request, "interventions:library:list", "interventions", count=len(items)))
    return Library(items=items, next_cursor=found[limit - 1].slug if len(found) > limit else None)


@get("/v1/interventions/{intervention_id:uuid}", Access.SELF, tags=TAGS, summary="One micro-action")
async def get_one(request: Req, intervention_id: FromPath[UUID]) -> InterventionView:
    """Return a micro-action in the caller's language, with what speaks against it for them."""
    async with as_member(request) as tx:
        person = await tx.one(q.FOR_PERSON, principal(request).person_id)
        found = service.view(service.reachable(person, intervention_id), person)
        await audit.record(tx, access(request, "interventions:library:read", "interventions"))
    return found


@post("/v1/interventions/recommendations", Access.SELF, tags=TAGS, status_code=200, summary="Three for this moment")
async def recommend(request: Req, data: JSONBody[Ask]) -> Recommendations:
    """Choose three micro-actions for a moment, with reasons."""
    person_id = principal(request).person_id
    key = idempotency.key(header(request, b"idempotency-key"), person_id, "recommendations", await request.body())
    async with as_member(request) as tx:
        stored = await idempotency.begin(tx, person_id, key)
        if stored is None:
            items, moment_id = await service.suggest(tx, person_id, data)
            if moment_id is not None:
                await idempotency.keep(tx, person_id, key, 200, moment_id)
        else:
            items = await service.suggested(tx, person_id, stored.ref)
        await audit.record(tx, access(request, "interventions:recommendation:read", "interventions", count=len(items)))
    return Recommendations(items=items)


@post("/v1/interventions/{intervention_id:uuid}/start", Access.SELF, tags=TAGS, summary="Start")
async def start(request: Req, intervention_id: FromPath[UUID], data: JSONBody[Start]) -> SessionView:
    """Start a session with a micro-action."""
    who = principal(request)
    route = f"start:{intervention_id}"
    key = idempotency.key(request.headers.get("idempotency-key"), who.person_id, route, await request.body())
    async with as_member(request) as tx:
        stored = await idempotency.begin(tx, who.person_id, key)
        session_id = stored.ref if stored else await service.start(tx, who.person_id, intervention_id, data)
        if stored is None:
            await idempotency.keep(tx, who.person_id, key, 201, session_id)
            await audit.record(tx, access(request, "interventions:session:create", "interventions"))
        found, _ = await service.load(tx, edge(request).keys, who.person_id, session_id)
        return found


@get("/v1/interventions/sessions", Access.SELF, tags=TAGS, summary="What I did")
async def list_sessions(request: Req, cursor: Place = None, limit: Limit = 30) -> SessionList:
    """List sessions, newest first."""
    who, place = principal(request), Cursor.decode(cursor)
    async with as_member(request) as tx:
        rows = await tx.all(q.SESSIONS, who.person_id, place.at, place.id, limit + 1)
        await audit.record(tx, access(request, "interventions:session:list", "interventions", count=len(rows[:limit])))
    items = [service.session_view(row, edge(request).keys, who.person_id) for row in rows[:limit]]
    following = Cursor(items[-1].started_at, items[-1].id).encode() if len(rows) > limit else None
    return SessionList(items=items, next_cursor=following)


@get("/v1/interventions/sessions/{session_id:uuid}", Access.SELF, tags=TAGS, summary="One session")
async def get_session(request: Req, session_id: FromPath[UUID]) -> Response[SessionView]:
    """Return one of the caller's sessions."""
    async with as_member(request) as tx:
        found, version = await service.load(tx, edge(request).keys, principal(request).person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:read", "interventions"))
    return Response(found, headers=etags.of(version))


@patch("/v1/interventions/sessions/{session_id:uuid}", Access.SELF, tags=TAGS, summary="Say something else of it")
async def change_session(
    request: Req, session_id: FromPath[UUID], data: JSONBody[SessionChange]
) -> Response[SessionView]:
    """Change what you said of a session, or take it back; what was learned of it follows."""
    person_id, keys = principal(request).person_id, edge(request).keys
    async with as_member(request) as tx:
        await amending.amend(tx, keys, person_id, session_id, data, etags.wanted(request))
        found, version = await service.load(tx, keys, person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:change", "interventions"))
    return Response(found, headers=etags.of(version))


@delete("/v1/interventions/sessions/{session_id:uuid}", Access.SELF, tags=TAGS, summary="Remove a session")
async def remove_session(request: Req, session_id: FromPath[UUID]) -> None:
    """Remove a session for good, with what you said of it and what was learned from it."""
    async with as_member(request) as tx:
        await amending.remove(tx, principal(request).person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:remove", "interventions"))


async def _end(request: Req, session_id: UUID, wanted: Complete | Skip, verb: str) -> SessionView:
    """End a session; a request that repeats one of before counts once and is answered as it was."""
    person_id, keys = principal(request).person_id, edge(request).keys
    route = f"{verb}:{session_id}"
    key = idempotency.key(header(request, b"idempotency-key"), person_id, route, await request.body())
    async with as_member(request) as tx:
        if await idempotency.begin(tx, person_id, key) is None:
            await service.end(tx, keys, person_id, session_id, wanted)
            await idempotency.keep(tx, person_id, key, 200, session_id)
            await audit.record(tx, access(request, f"interventions:session:{verb}", "interventions"))
        else:
            await audit.record(tx, access(request, "interventions:session:read", "interventions"))
        found, _ = await service.load(tx, keys, person_id, session_id)
    return found


@post(
    "/v1/interventions/sessions/{session_id:uuid}/complete", Access.SELF, tags=TAGS, status_code=200, summary="Complete"
)
async def complete(request: Req, session_id: FromPath[UUID], data: JSONBody[Complete]) -> SessionView:
    """Finish a session and say how it went."""
    return await _end(request, session_id, data, "complete")


@post("/v1/interventions/sessions/{session_id:uuid}/skip", Access.SELF, tags=TAGS, status_code=200, summary="Skip")
async def skip(request: Req, session_id: FromPath[UUID], data: JSONBody[Skip]) -> SessionView:
    """Leave a session; nobody minds."""
    return await _end(request, session_id, data, "skip")


@get("/v1/interventions/learned", Access.SELF, tags=TAGS, summary="What was learned from me")
async def get_learned(request: Req) -> Learned:
    """Show what your ratings taught, and whom it helps."""
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        person = about((await tx.one(q.FOR_PERSON, person_id)).person)
        found = await service.learned(tx, person_id, person.language)
        await audit.record(tx, access(request, "interventions:learned:read", "interventions", count=len(found.items)))
    return found


@delete("/v1/interventions/learned", Access.SELF, tags=TAGS, summary="Forget what was learned from me")
async def reset_learned(request: Req) -> None:
    """Begin again: for you at once, in what is shared within a day. Your sessions and ratings stay yours to read."""
    async with as_member(request) as tx:
        await service.unlearn(tx, principal(request).person_id)
        await audit.record(tx, access(request, "interventions:learned:reset", "interventions"))


ROUTES: list[Any] = [
    list_library,
    get_one,
    recommend,
    get_learned,
    reset_learned,
    start,
    list_sessions,
    get_session,
    change_session,
    remove_session,
    complete,
    skip,
]
