"""The crisis desk: what waits, taking an event, its evidence and steps for whoever took it."""

from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from wellspring.identity import sessions
from wellspring.kernel import audit, clock, forms, page_problems, pages
from wellspring.kernel.edge import Req, access, as_staff, edge, principal
from wellspring.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.i18n import Local
from wellspring.kernel.policy import Permission
from wellspring.kernel.routing import form, page
from wellspring.safety import desk, service, shown
from wellspring.safety.copy import words
from wellspring.safety.errors import AlreadyClaimed
from wellspring.safety.protocol import CLOSED, DAY, TRANSITIONS, CareResult
from wellspring.safety.routes import at_desk
from wellspring.safety.schemas import AfterCare, Contacted, Desk, DeskItem, EventView, Happened, Move

_HOURS: Final = 8
MINORS: Final = ("13-15", "16-17")
"""Age ranges below 18."""
_ORDER: Final = ("contact", "resolve", "review", "raise", "hand_back", "close", "give_up")
"""The steps as a page offers them: the one that helps first, the ways out last."""
GIVING_UP: Final = ("could_not_reach",)
"""Results of a contact that only a supervisor may choose."""
_FIELDS: Final = ("note", "outcome")
"""The fields of each step; on the page their names end in that of the step."""


def _path(person_id: UUID, event_id: UUID) -> str:
    return f"/desk/{person_id}/{event_id}"


def _event(item: DeskItem, here: Local, now: datetime) -> dict[str, Any]:
    left = item.response_due_at - now
    return {
        "id": item.id,
        "url": _path(item.person_id, item.id),
        "risk_level": item.risk_level,
        "wants_contact": item.wants_contact,
        "state": item.state,
        "opened": here.moment(item.created_at),
        "waiting": shown.waiting(item.created_at, now, here),
        "due": "" if left.total_seconds() <= 0 else here.lasting(left),
        "overdue": item.overdue,
        "mine": item.claimed_by_me,
        "taken": item.claimed,
        "care": None if item.after_care is None else _care(item.after_care, here, now),
    }


def _care(care: AfterCare, here: Local, now: datetime) -> dict[str, Any]:
    """Return the contact that follows a closed event."""
    due = {"due": here.moment(care.due_at), "due_at": care.due_at.isoformat(), "late": care.due_at <= now}
    return {"step": care.step, "of": care.of} | due


def _until(until: datetime, here: Local, now: datetime) -> str:
    """Return when a duty ends: the time, and the day unless it is today."""
    today = here.at(until).date() == here.at(now).date()
    return here.clock(until) if today else here.moment(until).text


def _lock(found: Desk, here: Local, now: datetime) -> dict[str, Any]:
    """Return what a locked desk may say: how many wait, and nothing about any of them; off duty not even that."""
    waiting = [item for item in found.items if not item.claimed and item.state != "contacted"]
    due = [item.after_care.due_at for item in found.after_care if item.after_care is not None]
    return {
        "locked": True,
        "on_duty": found.on_duty,
        "waiting": len(waiting),
        "overdue": sum(item.overdue for item in waiting),
        "taken": len(found.items) - len(waiting),
        "late": sum(at <= now for at in due),
        "planned": sum(now < at <= now + DAY for at in due),
        "as_of": here.clock(now),
    }


async def _listing(request: Req) -> dict[str, Any]:
    here, now = await pages.local(request), clock.now()
    async with as_staff(request) as tx:
        who = principal(request)
        found = await desk.listing(tx, who)
        if await sessions.locked(tx, who):
            return _lock(found, here, now)
        await audit.record(tx, access(request, "safety:desk:read", "crisis", count=len(found.items)))
        mine = await desk.my_duty(tx, who)
        somebody = await service.on_duty(tx)
    return {
        "locked": False,
        "events": [_event(item, here, now) for item in found.items],
        "after_care": [_event(item, here, now) for item in found.after_care],
        "missed": found.missed,
        "on_duty": found.on_duty,
        "until": _until(mine.until, here, now) if mine is not None and found.on_duty else "",
        "somebody_on_duty": somebody,
        "as_of": here.clock(now),
    }


@page("/desk", Permission.SAFETY_DESK_READ)
async def desk_page(request: Req) -> Response[str]:
    """Show the desk."""
    return await pages.render(request, "responder.html", **await _listing(request))


@page("/desk/list", Permission.SAFETY_DESK_READ, fragment=True, listens=True)
async def desk_list(request: Req) -> Response[str]:
    """Show the list alone; the page fetches it when something changes, and every ten seconds.

    That is nobody's activity: once the session is idle it shows how many wait, and no more.
    """
    return await pages.render(request, "desk_list.html", **await _listing(request))


@form("/desk/duty", Permission.SAFETY_DUTY_WRITE)
async def set_duty(request: Req) -> Response[Any]:
    """Go on duty for eight hours, or off."""
    on = (await forms.read(request)).one("on") == "true"
    async with as_staff(request) as tx:
        await desk.set_duty(tx, principal(request), on=on, hours=_HOURS)
    return pages.redirect(request, "/desk", note="duty_on" if on else "duty_off")


@form("/desk/{person_id:uuid}/{event_id:uuid}/claim", Permission.SAFETY_DESK_CLAIM)
async def claim(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> Response[Any]:
    """Take an event; of many who try at once one gets it."""
    await forms.read(request)
    try:
        async with at_desk(request, person_id, "safety:event:claim") as tx:
            await desk.claim(tx, principal(request), person_id, event_id)
            await audit.record(tx, access(request, "safety:event:claim", "crisis", person_id=person_id))
    except AlreadyClaimed:
        return pages.redirect(request, "/desk", note="taken_by_other")
    return pages.redirect(request, _path(person_id, event_id))


def _steps(names: list[str], language: str) -> list[dict[str, Any]]:
    """Return the steps that may follow, each with the outcomes it asks for."""
    outcomes = {t.name: t.outcomes for t in TRANSITIONS}
    said = words().outcome
    ordered = sorted(names, key=_ORDER.index)
    return [
        {"name": name, "outcomes": [(o, said[o].say(language)) for o in sorted(outcomes[name])]} for name in ordered
    ]


def _outcome(stored: str | None, language: str) -> str:
    """Return how an event ended, in words."""
    return next((said.say(language) for name, said in words().outcome.items() if name == stored), "")


def _person(found: EventView, here: Local) -> dict[str, Any]:
    theirs = Local(here.language, found.timezone)
    return {
        "name": found.display_name or found.email,
        "local_time": theirs.clock(clock.now()),
        "language": here.language_name(found.language),
        "ways": shown.contact_ways(found.phone, found.email),
        "note": found.note,
        "age_range": found.age_range,
        "is_minor": found.age_range in MINORS,
    }


def _happened(one: Happened, here: Local) -> dict[str, Any]:
    """Return a line of what was done so far."""
    return {"at": here.moment(one.at), "state": one.state, "result": one.result, "mine": one.by_me, "note": one.note}


async def _show_event(
    request: Req,
    found: EventView | None,
    item: DeskItem,
    *,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    kept: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    here = await pages.local(request)
    context: dict[str, Any] = {"event": _event(item, here, clock.now()), "person_view": None, "kept": kept}
    if found is not None:
        context |= {
            "person_view": _person(found, here),
            "trigger_source": found.trigger_source,
            "evidence": found.evidence,
            "signals": [part.sentence for part in found.explanation if part.level != "low"],
            "silent": [part.sentence for part in found.explanation if part.level == "low"],
            "emergency_contacts": [
                {"contact": c, "ways": shown.contact_ways(c.phone, c.email)} for c in found.contacts
            ],
            "safety_plan": shown.plan_steps(found.safety_plan),
            "steps": _steps(found.next_steps, here.language),
            "outcome": _outcome(found.outcome, here.language),
            "results": [one for one in get_args(CareResult) if one not in GIVING_UP or found.supervises],
            "history": [_happened(one, here) for one in found.history],
        }
    return await pages.render(
        request,
        "responder_event.html",
        status=status,
        values=values or {},
        errors=errors or {},
        **context,
    )


async def _load(request: Req, person_id: UUID, event_id: UUID) -> tuple[DeskItem, EventView | None]:
    """Return what the caller may see of an event: all of it when they took it, else that it exists."""
    language = (await pages.local(request)).language
    async with at_desk(request, person_id, "safety:event:read") as tx:
        who = principal(request)
        item = await desk.glimpse(tx, who, person_id, event_id)
        if not item.claimed_by_me:
            return item, None
        found = await desk.view(tx, edge(request).keys, who, person_id, event_id, language)
        await audit.record(tx, access(request, "safety:event:read", "crisis", person_id=person_id))
    return item, found


@page("/desk/{person_id:uuid}/{event_id:uuid}", Permission.SAFETY_DESK_CLAIM)
async def event_page(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> Response[str]:
    """Show an event: evidence and contacts only to whoever took it."""
    item, found = await _load(request, person_id, event_id)
    return await _show_event(request, found, item)


def _stands(found: EventView | None, sent: Sent) -> bool:
    """Tell whether the form that was sent is on the page as it stands now, about the same step or the same contact."""
    if found is None:
        return False
    if found.after_care is None or not sent.one("due_at"):
        return found.after_care is None and sent.one("step") in found.next_steps
    due = (str(found.after_care.step), found.after_care.due_at.isoformat())
    return due == (sent.one("step"), sent.one("due_at"))


def _kept(sent: Sent, language: str) -> dict[str, str]:
    """Return what was entered in a form that is not on the page any more."""
    step, result = sent.one("step"), sent.one("result")
    return {
        "step": step if step in _ORDER else "",
        "result": result if result in get_args(CareResult) else "",
        "outcome": _outcome(sent.one("outcome"), language),
        "note": sent.one("note"),
    }


async def _refused(request: Req, person_id: UUID, event_id: UUID, sent: Sent, problem: Problem) -> Response[str]:
    """Show an event as it stands now with what was typed and refused: in its form, or beside it where that is gone.

    Whoever may not see the event any more, their duty being over, finds their words on a page of their own.
    """
    try:
        item, found = await _load(request, person_id, event_id)
    except (Forbidden, NotFound) as gone:
        return await page_problems.unsent(request, gone)
    language = (await pages.local(request)).language
    said = forms.errors_of(problem, language)
    if not _stands(found, sent):
        errors = {"form": next(iter(said.values()))}
        return await _show_event(request, found, item, errors=errors, kept=_kept(sent, language), status=problem.status)
    if not sent.one("due_at"):
        said = {f"{name}-{sent.one('step')}" if name in _FIELDS else name: text for name, text in said.items()}
    return await _show_event(request, found, item, values=sent.values(), errors=said, status=problem.status)


@form("/desk/{person_id:uuid}/{event_id:uuid}/steps", Permission.SAFETY_DESK_CLAIM)
async def make_step(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> Response[Any]:
    """Make the next step of an event."""
    sent, who = await forms.read(request), principal(request)
    try:
        wanted = sent.to(Move)
        action = f"safety:event:{wanted.step}"
        async with at_desk(request, person_id, action) as tx:
            state = await desk.move(tx, edge(request).keys, who, person_id, event_id, wanted)
            await audit.record(tx, access(request, action, "crisis", person_id=person_id))
    except (Invalid, Conflict, Forbidden, NotFound) as problem:
        return await _refused(request, person_id, event_id, sent, problem)
    away = state == "paged" or state in CLOSED
    return pages.redirect(request, "/desk" if away else _path(person_id, event_id), note="step_made")


@form("/desk/{person_id:uuid}/{event_id:uuid}/after-care", Permission.SAFETY_DESK_CLAIM)
async def after_care(request: Req, person_id: FromPath[UUID], event_id: FromPath[UUID]) -> Response[Any]:
    """Write down what came of a contact after a closed event."""
    sent, who = await forms.read(request), principal(request)
    action = "safety:event:after_care"
    try:
        wanted = sent.to(Contacted)
        async with at_desk(request, person_id, action) as tx:
            await desk.contacted(tx, edge(request).keys, who, person_id, event_id, wanted)
            await audit.record(tx, access(request, action, "crisis", person_id=person_id))
    except (Invalid, Conflict, Forbidden, NotFound) as problem:
        return await _refused(request, person_id, event_id, sent, problem)
    return pages.redirect(request, "/desk", note="step_made")


PAGES: Final[list[Any]] = [desk_page, desk_list, set_duty, claim, event_page, make_step, after_care]
