"""The routes of privacy."""

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, JSONBody

from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import audit, etags, idempotency
from wellspring.kernel.edge import Req, access, as_member, as_staff, principal
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access, Permission
from wellspring.kernel.routing import delete, get, patch, post, put
from wellspring.privacy import clinicians, consents, grants
from wellspring.privacy import queries as q
from wellspring.privacy.schemas import (
    CareTeam,
    Case,
    Caseload,
    Consent,
    Consents,
    ConsentWrite,
    CursorText,
    Grant,
    GrantChange,
    Grants,
    GrantWrite,
    Limit,
    TeamMember,
)

TAGS = ["privacy"]


@get("/v1/consents", Access.SELF, tags=TAGS, summary="What I agreed to")
async def list_consents(request: Req) -> Consents:
    """Return every kind of consent: today's text in the caller's language, and their last answer."""
    async with as_member(request) as tx:
        found = await consents.state(tx, principal(request).person_id)
        await audit.record(tx, access(request, "privacy:consents:read", "consents", count=len(found)))
    return Consents(items=found)


@put("/v1/consents/{kind:str}", Access.SELF, tags=TAGS, summary="Give or withdraw a consent")
async def answer_consent(request: Req, kind: FromPath[ConsentKind], data: JSONBody[ConsentWrite]) -> Consent:
    """Append an answer to the ledger; a no is always taken."""
    who = principal(request)
    async with as_member(request) as tx:
        await consents.answer(tx, who.person_id, kind, data)
        verb = "give" if data.given else "withdraw"
        await audit.record(tx, access(request, f"privacy:consent:{verb}", "consents"))
        return await consents.one(tx, who.person_id, kind)


@get("/v1/care-team", Access.SELF, tags=TAGS, summary="Who cares for me")
async def list_team(request: Req) -> CareTeam:
    """List the caller's care team, newest first."""
    async with as_member(request) as tx:
        rows = await tx.all(q.TEAM, principal(request).person_id)
        await audit.record(tx, access(request, "privacy:care_team:read", "care_team", count=len(rows)))
    items = [TeamMember(id=r.id, clinician_id=r.clinician_id, role=r.role, since=r.since) for r in rows]
    return CareTeam(items=items)


@delete("/v1/care-team/{team_id:uuid}", Access.SELF, tags=TAGS, summary="End a care relationship")
async def end_team(request: Req, team_id: FromPath[UUID]) -> None:
    """End a care relationship, and with it what is shared with this clinician; both take effect at once."""
    async with as_member(request) as tx:
        await clinicians.end_care(tx, principal(request).person_id, team_id)
        await audit.record(tx, access(request, "privacy:care_team:end", "care_team"))


@get("/v1/caseload", Permission.PRIVACY_CARE_TEAM_READ, tags=TAGS, summary="The people I care for")
async def list_caseload(request: Req, limit: Limit = 30, cursor: CursorText = None) -> Caseload:
    """List whose care team the caller is in, newest first."""
    after = Cursor.decode(cursor)
    async with as_staff(request) as tx:
        rows = await tx.all(q.CASELOAD, principal(request).person_id, after.at, after.id, limit + 1)
        row = access(request, "privacy:caseload:read", "care_team", count=len(rows[:limit]))
        await audit.record(tx, row)
    more = Cursor(rows[limit - 1].since, rows[limit - 1].id).encode() if len(rows) > limit else None
    items = [Case(id=r.id, person_id=r.person_id, role=r.role, since=r.since) for r in rows[:limit]]
    return Caseload(items=items, next_cursor=more)


@get("/v1/access-grants", Access.SELF, tags=TAGS, summary="What I share, and with whom")
async def list_grants(request: Req, limit: Limit = 30, cursor: CursorText = None) -> Grants:
    """List the caller's access grants, newest first, ended ones included."""
    after = Cursor.decode(cursor)
    async with as_member(request) as tx:
        found = await grants.listed(tx, principal(request).person_id, after, limit)
        row = access(request, "privacy:access_grant:read", "access_grants", count=len(found.items))
        await audit.record(tx, row)
    return found


@post("/v1/access-grants", Access.SELF, tags=TAGS, summary="Share with a clinician")
async def add_grant(request: Req, data: JSONBody[GrantWrite]) -> Response[Grant]:
    """Let one clinician see the named sections until a date, 90 days ahead when none is named."""
    who = principal(request)
    key = idempotency.key(request.headers.get("idempotency-key"), who.person_id, "access-grants", await request.body())
    async with as_member(request) as tx:
        stored = await idempotency.begin(tx, who.person_id, key)
        grant_id = stored.ref if stored else await grants.add(tx, who.person_id, data)
        if stored is None:
            await idempotency.keep(tx, who.person_id, key, 201, grant_id)
            row = access(request, "privacy:access_grant:create", "access_grants", consent_id=grant_id)
            await audit.record(tx, row)
        made = await grants.one(tx, who.person_id, grant_id)
    return Response(grants.view(made), headers=etags.of(made.version))


@patch("/v1/access-grants/{grant_id:uuid}", Access.SELF, tags=TAGS, summary="Change what I share")
async def change_grant(request: Req, grant_id: FromPath[UUID], data: JSONBody[GrantChange]) -> Response[Grant]:
    """Change sections or date of a grant that is in force."""
    who = principal(request)
    async with as_member(request) as tx:
        row = await grants.change(tx, who.person_id, grant_id, data, etags.wanted(request))
        await audit.record(tx, access(request, "privacy:access_grant:change", "access_grants", consent_id=grant_id))
    return Response(grants.view(row), headers=etags.of(row.version))


@delete("/v1/access-grants/{grant_id:uuid}", Access.SELF, tags=TAGS, summary="Stop sharing")
async def revoke_grant(request: Req, grant_id: FromPath[UUID]) -> None:
    """End a grant; takes effect at once."""
    async with as_member(request) as tx:
        await grants.revoke(tx, principal(request).person_id, grant_id)
        await audit.record(tx, access(request, "privacy:access_grant:revoke", "access_grants", consent_id=grant_id))


ROUTES: list[Any] = [
    list_consents,
    answer_consent,
    list_team,
    end_team,
    list_caseload,
    list_grants,
    add_grant,
    change_grant,
    revoke_grant,
]
