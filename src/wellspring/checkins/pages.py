"""The pages of check-ins: home, checking in, what comes of it, one entry."""

import hashlib
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from wellspring.checkins import entering, history_pages, reading_pages, sending, service
from wellspring.checkins import queries as q
from wellspring.checkins.chart import tidy
from wellspring.checkins.schemas import Checkin, CheckinCreate, QuickCheck
from wellspring.checkins.service import CheckinCreated, CheckinExists
from wellspring.checkins.wire import checkin
from wellspring.identity import me
from wellspring.interventions import recommend
from wellspring.interventions.pages import offers
from wellspring.kernel import audit, clock, forms, i18n, ids, pages
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Conflict, Invalid, KeyReused, NotFound, PreconditionFailed, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.i18n import Local
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.privacy import asking, consents, grants
from wellspring.privacy.errors import HealthDataRefused, TextChanged
from wellspring.privacy.reading import KEPT_BY
from wellspring.privacy.schemas import Section
from wellspring.safety import care_queries, shown
from wellspring.safety import queries as safety_queries
from wellspring.safety import service as safety

_DAYS: Final = 7
_LOW: Final = 3.0
_AS_ENTERED: Final = {"occurred_at": "logged_at", "weather": "weather_condition"}
"""Fields of a check-in that its form calls otherwise."""


def _entry() -> dict[str, str]:
    """Return the id and the key of an entry that a form is about to make: sending it twice stores it once."""
    return {"id": str(ids.new()), "key": forms.new_key()}


async def shared_with(tx: Tx, person_id: UUID, section: Section, here: Local) -> list[str]:
    """Return, in words, who besides the person may see a section."""
    count = await grants.shared_with(tx, person_id, section)
    return [i18n.say(here.language, "clinicians", count)] if count else []


def _week(moods: list[q.DayMood], here: Local) -> list[dict[str, Any]]:
    by_day = {one.day: one.mood for one in moods}
    today = here.at(clock.now()).date()
    days = [today - timedelta(days=back) for back in range(_DAYS - 1, -1, -1)]
    return [
        {
            "label": here.weekday(day),
            "long": here.day(day),
            "mood": tidy(by_day[day]) if day in by_day else None,
        }
        for day in days
    ]


@page("/home", Access.SELF)
async def home(request: Req) -> Response[str]:
    """Show the day: one tap, the last days, what was offered last."""
    here, person_id = await pages.local(request), principal(request).person_id
    async with as_member(request) as tx:
        first = Cursor()
        last = await tx.all(q.LIST, person_id, first.at, first.id, None, None, 1)
        await audit.record(tx, access(request, "checkins:checkin:list", "checkins", count=len(last)))
        moods = await tx.all(q.LATELY, person_id)
        hard = await tx.one(safety_queries.HARD_TIME, person_id)
        standing = await tx.one(care_queries.STANDING, person_id)
        offered = await recommend.logged(tx, person_id, last[0].id, here.language) if last else []
        seen_by = await shared_with(tx, person_id, "checkins", here)
        paused = await consents.refused(tx, person_id, KEPT_BY)
    days = _week(moods, here)
    known = [day["mood"] for day in days if day["mood"] is not None]
    return await pages.render(
        request,
        "home.html",
        part_of_day=recommend.time_of_day(clock.now(), here.timezone),
        days=days,
        quick=_entry(),
        checked_in_today=days[-1]["mood"] is not None,
        gentle=hard or (not paused and len(known) >= 3 and sum(known) / len(known) <= _LOW),
        paused=paused,
        contact=shown.contact(standing, here),
        actions=offers(offered, last[0].id, here) if last else [],
        shared_with=seen_by,
    )


async def _show_form(
    request: Req,
    values: dict[str, Any],
    errors: dict[str, str],
    *,
    entry: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    here, person_id = await pages.local(request), principal(request).person_id
    async with as_member(request) as tx:
        chosen, _ = await me.preferences(tx, person_id)
        agree = await asking.asked(request, tx, (KEPT_BY,)) if await consents.refused(tx, person_id, KEPT_BY) else []
        seen_by = await shared_with(tx, person_id, "checkins", here)
        journal_by = await shared_with(tx, person_id, "journals", here)
    return await pages.render(
        request,
        "checkin.html",
        status=status,
        entry=entry or _entry(),
        draft=f"check-in-{hashlib.sha256(person_id.bytes).hexdigest()[:16]}",
        values=values,
        errors=errors,
        form=entering.offered(chosen, here.language, values.get("activities") or []),
        shared_with=seen_by,
        journal_shared_with=journal_by,
        agree=agree,
    )


async def _show_paused(request: Req, errors: dict[str, str], status: int = 200) -> Response[str] | None:
    """Return why there are no check-ins at the moment, None when there are."""
    async with as_member(request) as tx:
        if not await consents.refused(tx, principal(request).person_id, KEPT_BY):
            return None
        asked = await asking.asked(request, tx, (KEPT_BY,))
    return await pages.render(request, "checkin_paused.html", status=status, consents=asked, errors=errors)


@page("/check-in", Access.SELF)
async def check_in_page(request: Req) -> Response[str]:
    """Show the form of a check-in, or why there are none at the moment and how to begin again.

    The form holds nothing of anybody yet, so browsers may keep it: with `no-store` Firefox forgets what is typed in it
    as soon as somebody follows a link, "Get help now" above all.
    """
    paused = await _show_paused(request, {})
    if paused is not None:
        return paused
    page = await _show_form(request, {}, {})
    page.headers["Cache-Control"] = "private, no-cache"
    return page


@form("/check-in/consents", Access.SELF)
async def agree_again(request: Req) -> Response[Any]:
    """Give again, or take back, that data about one's health is kept; new words are shown before a yes counts."""
    try:
        return await asking.answer(request, (KEPT_BY,), "/check-in")
    except Conflict as problem:
        said = await _said(request, problem)
        return await _show_paused(request, said, problem.status) or pages.redirect(request, "/check-in")


async def _said(request: Req, problem: Problem) -> dict[str, str]:
    """Return what to say at which field of the form."""
    said = forms.errors_of(problem, (await pages.local(request)).language)
    return {_AS_ENTERED.get(name, name): text for name, text in said.items()}


async def _refused(request: Req, sent: Sent, problem: Problem) -> Response[str]:
    """Show the form again with what was entered; one that was stored already gets a new id, so nothing is lost."""
    errors = await _said(request, problem)
    again = isinstance(problem, CheckinExists | KeyReused)
    entry = None if again else {"id": sent.one("id"), "key": sent.one("idempotency_key")}
    return await _show_form(request, entering.values_sent(sent), errors, entry=entry, status=problem.status)


async def _store(request: Req, sent: Sent, data: CheckinCreate, *, is_quick: bool) -> CheckinCreated:
    key = sent.key(principal(request).person_id, "checkins")
    return await forms.patiently(lambda: sending.send(request, data, key, is_quick=is_quick))


@form("/check-in", Access.SELF)
async def check_in(request: Req) -> Response[Any]:
    """Store a check-in; a double tap stores it once."""
    sent, here = await forms.read(request), await pages.local(request)
    try:
        data = entering.created(sent, here.timezone)
        await asking.agreed(request, sent, KEPT_BY)
        made = await _store(request, sent, data, is_quick=False)
    except (Invalid, CheckinExists, KeyReused, HealthDataRefused, TextChanged) as problem:
        return await _refused(request, sent, problem)
    return pages.redirect(request, f"/results/{made.checkin.id}")


@form("/check-in/quick", Access.SELF)
async def quick_check(request: Req) -> Response[Any]:
    """Store a check-in of one tap."""
    sent = await forms.read(request)
    try:
        quick = sent.to(QuickCheck)
        data = CheckinCreate(mood_score=quick.mood_score, id=quick.id, timezone=quick.timezone)
        made = await _store(request, sent, data, is_quick=True)
    except (Invalid, CheckinExists, KeyReused, HealthDataRefused) as problem:
        return await _refused(request, sent, problem)
    return pages.redirect(request, f"/results/{made.checkin.id}")


@page("/results/{checkin_id:uuid}", Access.SELF)
async def result(request: Req, checkin_id: FromPath[UUID]) -> Response[str]:
    """Show what came of a check-in: help first in danger, then three micro-actions."""
    here, person_id = await pages.local(request), principal(request).person_id
    row = access(request, "checkins:checkin:read", "checkins")
    async with as_member(request) as tx:
        found = await service.again(tx, service.Request(person_id, row, None, edge(request).keys), checkin_id)
        await audit.record(tx, row)
        standing = await tx.one(care_queries.STANDING, person_id)
        on_duty = await safety.on_duty(tx)
        seen_by = await shared_with(tx, person_id, "checkins", here)
        heard = {} if found.crisis_alert else await reading_pages.heard(tx, person_id, [found.checkin])
        news = await reading_pages.news(tx, edge(request).keys, person_id, checkin_id)
        paused = await consents.refused(tx, person_id, KEPT_BY)
    made, crisis = found.checkin, found.crisis
    return await pages.render(
        request,
        "result.html",
        checkin={"id": made.id, "mood_score": made.mood_score, "when": here.moment(made.occurred_at)},
        recommendations=offers(found.recommendations, made.id, here),
        danger=found.crisis_alert,
        crisis=crisis,
        resources=shown.cards(crisis.resources, here) if crisis else [],
        helping=shown.helping(found.helping, here),
        safety_plan_url="/safety-plan" if crisis and crisis.safety_plan else None,
        contact=shown.contact(standing, here),
        duty=shown.duty(on_duty, here),
        key=forms.new_key(),
        unread=made.reading == "unread" and not paused,
        not_fully_read=made.reading == "partly",
        shared_with=seen_by,
        heard=heard.get(made.id),
        news="waiting" if news == "waiting" and crisis is None and not paused else None,
        url=f"/results/{made.id}",
        asked=0,
    )


async def _load(request: Req, checkin_id: UUID) -> tuple[Checkin, int]:
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        row = await tx.maybe(q.ONE, person_id, checkin_id)
        if row is None:
            raise NotFound
        await audit.record(tx, access(request, "checkins:checkin:read", "checkins"))
    return checkin(row, edge(request).keys, person_id), row.version


def _contexts(found: Checkin, here: Local) -> list[dict[str, str]]:
    """Return what an entry says of place, company, body and day, in words."""
    said: list[tuple[str, str]] = []
    if found.context_location:
        said.append(("place", i18n.say(here.language, "place", found.context_location)))
    if found.context_social:
        said.append(("company", i18n.say(here.language, "company", found.context_social)))
    if found.context_activity:
        said.append(("activity", found.context_activity))
    if found.activities:
        said.append(("activities", ", ".join(found.activities)))
    if found.triggers:
        said.append(("triggers", ", ".join(found.triggers)))
    if found.weather and found.weather.condition:
        said.append(("weather", found.weather.condition))
    said += [("factor", f"{i18n.say(here.language, 'factor', f.type)} {f.value}/5") for f in found.factors]
    body = (found.body_scan_data or {}).items()
    said += [("body", f"{i18n.say(here.language, 'body_area', area)} {tension}/10") for area, tension in body]
    return [{"name": i18n.say(here.language, "context", name), "text": text} for name, text in said]


async def _show_entry(
    request: Req,
    found: Checkin,
    version: int,
    *,
    editing: bool,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    here, person_id = await pages.local(request), principal(request).person_id
    async with as_member(request, read_only=True) as tx:
        chosen, _ = await me.preferences(tx, person_id)
        seen_by = await shared_with(tx, person_id, "checkins", here)
        heard = await reading_pages.heard(tx, person_id, [found])
    stored = entering.values_of(found)
    answered = [name for name in entering.SCALES if stored[name] is not None]
    offered = entering.offered(chosen, here.language, found.activities)
    offered["extra_scales"] += [n for n in answered if n in entering.SCALES[3:] and n not in offered["extra_scales"]]
    edited = here.moment(found.updated_at) if version > 1 else None
    return await pages.render(
        request,
        "checkin_detail.html",
        status=status,
        checkin={
            "id": found.id,
            "when": here.moment(found.occurred_at),
            "edited": edited,
            "mood_score": found.mood_score,
            "etag": version,
        },
        facts=[{"name": name, "value": stored[name]} for name in answered],
        contexts=_contexts(found, here),
        values=stored if values is None else values,
        errors=errors or {},
        form=offered,
        editing=editing,
        shared_with=seen_by,
        heard=heard.get(found.id),
    )


@page("/check-ins/{checkin_id:uuid}", Access.SELF)
async def entry_page(request: Req, checkin_id: FromPath[UUID]) -> Response[str]:
    """Show one of one's own entries, to read or to change."""
    found, version = await _load(request, checkin_id)
    return await _show_entry(request, found, version, editing="edit" in request.query_params)


@form("/check-ins/{checkin_id:uuid}", Access.SELF)
async def change_entry(request: Req, checkin_id: FromPath[UUID]) -> Response[Any]:
    """Change an entry; a changed text is read again, and help comes first when it needs to."""
    sent = await forms.read(request)
    found, version = await _load(request, checkin_id)
    seen = sent.number("etag")
    try:
        reply, _ = await sending.change(request, checkin_id, entering.changed(sent, found), seen)
    except (Invalid, PreconditionFailed, HealthDataRefused) as problem:
        errors = await _said(request, problem)
        values = entering.values_sent(sent)
        return await _show_entry(
            request, found, version, editing=True, values=values, errors=errors, status=problem.status
        )
    if reply.crisis is not None or reply.helping is not None:
        return pages.redirect(request, f"/results/{checkin_id}")
    return pages.redirect(request, f"/check-ins/{checkin_id}", note="saved")


@form("/check-ins/{checkin_id:uuid}/remove", Access.SELF)
async def remove_entry(request: Req, checkin_id: FromPath[UUID]) -> Response[Any]:
    """Remove an entry for good."""
    await forms.read(request)
    async with as_member(request) as tx:
        await service.remove(tx, principal(request).person_id, checkin_id)
        await audit.record(tx, access(request, "checkins:checkin:remove", "checkins"))
    return pages.redirect(request, "/history", note="removed")


PAGES: Final[list[Any]] = [
    home,
    check_in_page,
    check_in,
    agree_again,
    quick_check,
    result,
    entry_page,
    change_entry,
    remove_entry,
    *history_pages.PAGES,
    *reading_pages.PAGES,
]
