"""One's own history: a chart of days, the entries, search in what one wrote."""

from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response

from wellspring.checkins import chart, reading_pages
from wellspring.checkins import queries as q
from wellspring.checkins import search as searching
from wellspring.checkins.reading_pages import Heard
from wellspring.checkins.schemas import Checkin, Search
from wellspring.checkins.wire import checkins
from wellspring.kernel import audit, clock, forms, i18n, pages
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import FieldError, Invalid
from wellspring.kernel.i18n import Local
from wellspring.kernel.paging import Cursor
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page

_USUAL: Final = timedelta(days=41)
_LONGEST: Final = timedelta(days=366)
_ON_A_PAGE: Final = 20
_EXCERPT: Final = 140


def _date(request: Req, name: str) -> date | None:
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid.of(name, "invalid", "This is not a date.") from error


def _range(request: Req, here: Local) -> tuple[date, date]:
    """Return the days to show; raises Invalid for days that cannot be shown."""
    end = _date(request, "end_date") or here.at(clock.now()).date()
    start = _date(request, "start_date") or end - min(_USUAL, end - date.min)
    if end < start:
        raise Invalid(errors=(FieldError("end_date", "range_reversed", "The end lies before the start."),))
    if end - start > _LONGEST or start.year < 2000 or end.year > 2200:
        raise Invalid.of("start_date", "range_too_long", "Choose at most a year.")
    return start, end


def _entry(found: Checkin, here: Local, heard: Heard) -> dict[str, Any]:
    text = (found.journal_text or "").replace("\n", " ")
    return {
        "url": f"/check-ins/{found.id}",
        "mood": found.mood_score,
        "when": here.moment(found.occurred_at),
        "emotions": found.emotion_tags,
        "excerpt": text if len(text) <= _EXCERPT else text[:_EXCERPT].rsplit(" ", 1)[0] + "…",
        "edited": found.updated_at - found.created_at > timedelta(seconds=1),
        "heard": heard.get(found.id),
    }


async def _moods(tx: Tx, person_id: UUID, start: date, end: date) -> dict[date, float]:
    """Return the mean mood of each day; the newest are read from the entries: a job may not have summed them up."""
    rows = await tx.all(q.DAYS, person_id, start - timedelta(days=6), end)
    moods = {row.day: row.mood_avg for row in rows}
    return moods | {row.day: row.mood for row in await tx.all(q.LATELY, person_id)}


def _chart(moods: dict[date, float], start: date, end: date, here: Local) -> dict[str, Any]:
    said = i18n.say
    return {
        "title": said(here.language, "chart_title", here.short_day(start), here.short_day(end)),
        "points": chart.points(moods, start, end, here),
        "mean_name": said(here.language, "chart_mean"),
        "band_name": said(here.language, "chart_band"),
    }


def _older(start: date, end: date, cursor: Cursor) -> str:
    return "/history?" + urlencode({"start_date": start, "end_date": end, "cursor": cursor.encode()})


@page("/history", Access.SELF)
async def history(request: Req) -> Response[str]:
    """Show a chart of days and the entries behind it, newest first."""
    return await _show(request, {})


async def _show(request: Req, errors: dict[str, str], typed: str = "") -> Response[str]:
    here, person_id = await pages.local(request), principal(request).person_id
    today = here.at(clock.now()).date()
    start, end = today - _USUAL, today
    try:
        start, end = _range(request, here)
        place = Cursor.decode(request.query_params.get("cursor"))
    except Invalid as problem:
        errors, place = forms.errors_of(problem, here.language), Cursor()
    chosen = request.query_params if errors else {}
    async with as_member(request) as tx:
        arguments = (place.at, place.id, start, end, _ON_A_PAGE + 1)
        rows = await tx.all(q.LIST, person_id, *arguments)
        count = min(len(rows), _ON_A_PAGE)
        await audit.record(tx, access(request, "checkins:checkin:list", "checkins", count=count))
        moods = await _moods(tx, person_id, start, end)
        entries = checkins(rows[:_ON_A_PAGE], edge(request).keys, person_id)
        heard = await reading_pages.heard(tx, person_id, entries)
    shown = [_entry(found, here, heard) for found in entries]
    more = len(rows) > _ON_A_PAGE
    last = rows[_ON_A_PAGE - 1] if more else None
    first_page = "/history?" + urlencode({"start_date": start, "end_date": end})
    return await pages.render(
        request,
        "history.html",
        status=422 if errors else 200,
        chart=_chart(moods, start, end, here),
        range={
            "start": chosen.get("start_date") or start.isoformat(),
            "end": chosen.get("end_date") or end.isoformat(),
        },
        errors=errors,
        entries=shown,
        older=_older(start, end, Cursor(last.occurred_at, last.id)) if last else None,
        newer=first_page if request.query_params.get("cursor") else None,
        total=None,
        more=False,
        query="",
        typed=typed,
    )


@form("/history/search", Access.SELF)
async def search(request: Req) -> Response[str]:
    """Show entries whose words hold the text; it never stands in an address."""
    sent, here = await forms.read(request), await pages.local(request)
    text, person_id = sent.one("text").strip(), principal(request).person_id
    try:
        wanted = sent.to(Search)
        async with as_member(request) as tx:
            answer = await searching.search(tx, edge(request).keys, person_id, wanted)
            row = access(request, "checkins:journal:search", "journals", count=len(answer.items))
            await audit.record(tx, row)
            heard = await reading_pages.heard(tx, person_id, answer.items)
    except Invalid as problem:
        return await _show(request, forms.errors_of(problem, here.language), text)
    today = here.at(clock.now()).date()
    return await pages.render(
        request,
        "history.html",
        chart=None,
        range={"start": (today - _USUAL).isoformat(), "end": today.isoformat()},
        errors={},
        entries=[_entry(one, here, heard) for one in answer.items],
        older=None,
        newer=None,
        total=len(answer.items),
        more=answer.more,
        query=text,
        typed=text,
    )


PAGES: Final[list[Any]] = [history, search]
