"""The page of a micro-action: start, do, say how it went, or leave it; later say something else of it."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from wellspring.interventions import amending, recommend, service
from wellspring.interventions import queries as q
from wellspring.interventions.library import Intervention
from wellspring.interventions.library import load as load_library
from wellspring.interventions.schemas import (
    Complete,
    InterventionRecommendation,
    InterventionView,
    SessionChange,
    SessionView,
    Skip,
    Start,
    Tag,
)
from wellspring.kernel import audit, forms, ids, pages
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Invalid, Problem
from wellspring.kernel.i18n import Local
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.privacy import asking, consents
from wellspring.privacy.errors import HealthDataRefused, TextChanged
from wellspring.privacy.reading import KEPT_BY

_ON_A_PAGE: Final = 20
TAGS: Final[tuple[Tag, ...]] = (
    "helped",
    "calming",
    "energising",
    "grounding",
    "distracting",
    "want_again",
    "too_long",
    "too_hard",
    "not_now",
    "not_for_me",
)


def offers(found: list[InterventionRecommendation], checkin_id: UUID, here: Local) -> list[dict[str, Any]]:
    """Return offers of a check-in as the templates take them."""
    return [
        {
            "name": one.name,
            "short_description": one.short_description,
            "minutes": here.lasting(timedelta(seconds=one.duration_seconds)),
            "effort_level": one.effort_level,
            "why_recommended": one.why_recommended,
            "url": f"/actions/{one.intervention_id}?checkin={checkin_id}",
        }
        for one in found
    ]


def _action(found: InterventionView, here: Local) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "short_description": found.short_description,
        "steps": found.detailed_instructions,
        "minutes": here.lasting(timedelta(seconds=found.duration_seconds)),
        "effort_level": found.effort_level,
        "approach": found.therapeutic_approach,
        "evidence": found.evidence_source,
    }


def _named(request: Req, name: str) -> UUID | None:
    """Return an id that a link of ours carries; what is no id counts as none."""
    try:
        return UUID(request.query_params.get(name, ""))
    except ValueError:
        return None


async def _why(request: Req, intervention_id: UUID, checkin_id: UUID | None, here: Local) -> str:
    if checkin_id is None:
        return ""
    async with as_member(request) as tx:
        found = await recommend.logged(tx, principal(request).person_id, checkin_id, here.language)
        await audit.record(tx, access(request, "interventions:recommendation:read", "interventions", count=len(found)))
    return next((one.why_recommended for one in found if one.intervention_id == intervention_id), "")


async def _session(request: Req, intervention_id: UUID) -> SessionView | None:
    session_id = _named(request, "session")
    if session_id is None:
        return None
    async with as_member(request) as tx:
        found, _ = await service.load(tx, edge(request).keys, principal(request).person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:read", "interventions"))
    return found if found.intervention_id == intervention_id else None


def _said(session: SessionView | None) -> dict[str, Any]:
    """Return what was said of a session, as its form takes it."""
    names = ("effectiveness_rating", "feedback_tags", "feedback_text")
    return {} if session is None else {name: getattr(session, name) for name in names}


_SHOWN: Final = (Invalid, HealthDataRefused, TextChanged)
"""Problems that are shown in the form itself, which keeps what was entered."""
_STATES: Final = {"started": "running", "completed": "done", "skipped": "skipped"}


async def _show(
    request: Req,
    intervention_id: UUID,
    session: SessionView | None,
    *,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    here, person_id = await pages.local(request), principal(request).person_id
    async with as_member(request) as tx:
        agree = await asking.asked(request, tx, (KEPT_BY,)) if await consents.refused(tx, person_id, KEPT_BY) else []
        person = await tx.one(q.FOR_PERSON, person_id)
        item = service.reachable(person, intervention_id) if session is None else service.done_with(session)
        found = service.view(item, person)
        begun = await tx.maybe(q.RUNNING, person_id, intervention_id)
        await audit.record(tx, access(request, "interventions:library:read", "interventions"))
    checkin_id = session.checkin_id if session else _named(request, "checkin")
    return await pages.render(
        request,
        "action.html",
        status=status,
        state="ready" if session is None else _STATES[session.state],
        action=_action(found, here),
        against=found.advised_against,
        session=session,
        begun="" if session or begun is None else f"/actions/{intervention_id}?session={begun}",
        new_session=ids.new(),
        checkin_id=checkin_id or "",
        why=await _why(request, intervention_id, checkin_id, here),
        tags=TAGS,
        agree=agree,
        values=values if values is not None else _said(session),
        errors=errors or {},
    )


@page("/actions/{intervention_id:uuid}", Access.SELF)
async def action_page(request: Req, intervention_id: FromPath[UUID]) -> Response[str]:
    """Show a micro-action, or the session that was started with it."""
    return await _show(request, intervention_id, await _session(request, intervention_id))


async def _begin(request: Req, intervention_id: UUID, wanted: Start, *, skip: bool) -> UUID:
    person_id, keys = principal(request).person_id, edge(request).keys
    async with as_member(request) as tx:
        session_id = await service.start(tx, person_id, intervention_id, wanted)
        await audit.record(tx, access(request, "interventions:session:create", "interventions"))
        if skip and await _over(tx, keys, person_id, session_id, Skip(feedback_tags=["not_now"])):
            await audit.record(tx, access(request, "interventions:session:skip", "interventions"))
    return session_id


async def _over(tx: Tx, keys: Keyring, person_id: UUID, session_id: UUID, wanted: Complete | Skip) -> bool:
    """End a session; of a double tap the first counts. Tell whether this was it."""
    try:
        await service.end(tx, keys, person_id, session_id, wanted)
    except service.SessionOver:
        return False
    return True


@form("/actions/{intervention_id:uuid}/start", Access.SELF)
async def start(request: Req, intervention_id: FromPath[UUID]) -> Response[Any]:
    """Start a micro-action; a double tap starts it once."""
    wanted = (await forms.read(request)).to(Start)
    session_id = await _begin(request, intervention_id, wanted, skip=False)
    return pages.redirect(request, f"/actions/{intervention_id}?session={session_id}")


@form("/actions/{intervention_id:uuid}/skip", Access.SELF)
async def leave_unstarted(request: Req, intervention_id: FromPath[UUID]) -> Response[Any]:
    """Leave a micro-action without starting it; it may be offered less often."""
    wanted = (await forms.read(request)).to(Start)
    session_id = await _begin(request, intervention_id, wanted, skip=True)
    return pages.redirect(request, f"/actions/{intervention_id}?session={session_id}")


async def _end(request: Req, session_id: UUID, wanted: Complete | Skip) -> Response[Any]:
    """End a session. Whoever went back and says something else of what is done already is believed."""
    verb = "complete" if isinstance(wanted, Complete) else "skip"
    person_id, keys = principal(request).person_id, edge(request).keys
    async with as_member(request) as tx:
        if await _over(tx, keys, person_id, session_id, wanted):
            await audit.record(tx, access(request, f"interventions:session:{verb}", "interventions"))
        found, _ = await service.load(tx, keys, person_id, session_id)
        if isinstance(wanted, Complete) and found.was_completed and _otherwise(found, wanted):
            await amending.amend(tx, keys, person_id, session_id, _change(wanted), None)
            await audit.record(tx, access(request, "interventions:session:change", "interventions"))
    return pages.redirect(request, f"/actions/{found.intervention_id}?session={session_id}")


def _otherwise(found: SessionView, wanted: Complete) -> bool:
    """Tell whether a form says anything, and something else than what is stored: a double tap does not."""
    said = (wanted.effectiveness_rating, wanted.feedback_tags, wanted.feedback_text)
    same = said[:2] == (found.effectiveness_rating, found.feedback_tags)
    return any(said) and not (same and service.same_words(found.feedback_text, wanted.feedback_text))


def _change(wanted: Complete) -> SessionChange:
    return SessionChange(
        effectiveness_rating=wanted.effectiveness_rating,
        feedback_tags=wanted.feedback_tags,
        feedback_text=wanted.feedback_text,
    )


async def _refused(request: Req, session_id: UUID, sent: forms.Sent, problem: Problem) -> Response[str]:
    """Show the session again, with what was entered and what is wrong with it."""
    errors = forms.errors_of(problem, (await pages.local(request)).language)
    async with as_member(request) as tx:
        session, _ = await service.load(tx, edge(request).keys, principal(request).person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:read", "interventions"))
    values = sent.values() | {"feedback_tags": sent.every("feedback_tags")}
    return await _show(request, session.intervention_id, session, values=values, errors=errors, status=problem.status)


@form("/actions/sessions/{session_id:uuid}/complete", Access.SELF)
async def complete(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """Say how a micro-action went."""
    sent = await forms.read(request)
    try:
        wanted = sent.to(Complete)
        await asking.agreed(request, sent, KEPT_BY)
        return await _end(request, session_id, wanted)
    except _SHOWN as problem:
        return await _refused(request, session_id, sent, problem)


@form("/actions/sessions/{session_id:uuid}/skip", Access.SELF)
async def stop(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """Stop a micro-action; nobody minds. What was entered so far is kept, but for a rating of what was not done."""
    sent = await forms.read(request)
    try:
        wanted = sent.to(Skip)
        await asking.agreed(request, sent, KEPT_BY)
        return await _end(request, session_id, wanted)
    except _SHOWN as problem:
        return await _refused(request, session_id, sent, problem)


@form("/actions/sessions/{session_id:uuid}/change", Access.SELF)
async def change(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """Say something else of a session that is over: what is empty is taken back."""
    sent = await forms.read(request)
    try:
        wanted = _change(sent.to(Complete))
        await asking.agreed(request, sent, KEPT_BY)
        return await _amend(request, session_id, wanted)
    except _SHOWN as problem:
        return await _refused(request, session_id, sent, problem)


@form("/actions/sessions/{session_id:uuid}/take-back", Access.SELF)
async def take_back(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """Take back all that was said of a session; that it was there stays."""
    await forms.read(request)
    nothing = SessionChange(effectiveness_rating=None, feedback_tags=[], feedback_text=None)
    return await _amend(request, session_id, nothing)


@form("/actions/sessions/{session_id:uuid}/remove", Access.SELF)
async def remove(request: Req, session_id: FromPath[UUID]) -> Response[Any]:
    """Remove a session for good."""
    await forms.read(request)
    async with as_member(request) as tx:
        await amending.remove(tx, principal(request).person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:remove", "interventions"))
    return pages.redirect(request, "/actions/done", note="removed")


async def _amend(request: Req, session_id: UUID, wanted: SessionChange) -> Response[Any]:
    person_id, keys = principal(request).person_id, edge(request).keys
    async with as_member(request) as tx:
        await amending.amend(tx, keys, person_id, session_id, wanted, None)
        found, _ = await service.load(tx, keys, person_id, session_id)
        await audit.record(tx, access(request, "interventions:session:change", "interventions"))
    return pages.redirect(request, f"/actions/{found.intervention_id}?session={session_id}", note="saved")


def _line(item: Intervention, found: SessionView, here: Local) -> dict[str, Any]:
    return {
        "name": item.text(here.language).name,
        "url": f"/actions/{found.intervention_id}?session={found.id}",
        "when": here.moment(found.started_at),
        "state": _STATES[found.state],
        "rating": found.effectiveness_rating,
        "words": found.feedback_text or "",
    }


@page("/actions/done", Access.SELF)
async def done_page(request: Req) -> Response[str]:
    """List what was tried, newest first: the way back to what one said of it."""
    here, person_id = await pages.local(request), principal(request).person_id
    place = Cursor.decode(request.query_params.get("cursor"))
    async with as_member(request) as tx:
        rows = await tx.all(q.SESSIONS, person_id, place.at, place.id, _ON_A_PAGE + 1)
        count = min(len(rows), _ON_A_PAGE)
        await audit.record(tx, access(request, "interventions:session:list", "interventions", count=count))
    found = [service.session_view(row, edge(request).keys, person_id) for row in rows[:_ON_A_PAGE]]
    known = {item.id: item for item in load_library()}  # retired ones too; not those of a newer version
    older = f"/actions/done?cursor={Cursor(found[-1].started_at, found[-1].id).encode()}" if len(rows) > count else None
    return await pages.render(
        request,
        "done.html",
        items=[_line(known[one.intervention_id], one, here) for one in found if one.intervention_id in known],
        older=older,
        newer="/actions/done" if request.query_params.get("cursor") else None,
    )


PAGES: Final[list[Any]] = [action_page, start, leave_unstarted, complete, stop, change, take_back, remove, done_page]
