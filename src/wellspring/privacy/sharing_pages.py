"""What one shares, on pages: with whom, which parts, until when; changing it, and stopping it at once."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import audit, clock, forms, i18n, idempotency, pages
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Conflict, FieldError, Invalid, NotFound, PreconditionFailed, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.i18n import Local
from wellspring.kernel.policy import Access, Role
from wellspring.kernel.routing import form, page
from wellspring.privacy import asking, clinicians, consents, grants
from wellspring.privacy import queries as q
from wellspring.privacy.errors import GrantEnded, GrantRefused
from wellspring.privacy.schemas import GrantChange, GrantWrite, Section, Sections

_KINDS: Final[tuple[ConsentKind, ...]] = ("data_sharing",)
_PARTS: Final[tuple[Section, ...]] = get_args(Section)
_USUAL: Final[list[Section]] = ["checkins"]
_NEWS: Final = timedelta(days=30)
"""How long the page says first that a sharing ended with a clinician's account."""
_AS_ENTERED: Final = {"expires_at": "until", "clinician_id": "number"}
"""Fields of a grant that its form calls otherwise."""


class _Form(Struct, frozen=True):
    """The parts that a form chose."""

    sections: Sections


def _called(names: dict[UUID, str | None], clinician_id: UUID, here: Local) -> str:
    return i18n.say(here.language, "clinician", names.get(clinician_id))


def _last_day(until: datetime, here: Local) -> date:
    """Return the last day on which a grant is in force, a part of it counts."""
    return here.at(until).date()


def _end_of(day: date, here: Local) -> datetime:
    """Return the last second of a day on a person's clock, which names the day when it is shown."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(here.timezone)).astimezone(UTC)


def _days(here: Local) -> dict[str, str]:
    """Return the first and the last day that can be chosen."""
    today = here.at(clock.now()).date()
    return {"first": today.isoformat(), "last": (today + grants.LONGEST - timedelta(days=1)).isoformat()}


def _day(sent: Sent) -> date | None:
    text = sent.one("until").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid.of("expires_at", "invalid", "This is not a date.") from error


def _until(sent: Sent, here: Local) -> datetime | None:
    """Return when a sharing shall end, None when no day was chosen; raises Invalid and GrantRefused."""
    day = _day(sent)
    if day is None:
        return None
    if not clock.now().year <= day.year <= clock.now().year + 2:
        code = "in_the_past" if day.year < clock.now().year else "too_far_ahead"
        raise GrantRefused.of("expires_at", code, "Choose a day within the next year.")
    return _end_of(day, here)


async def _said(request: Req, problem: Problem) -> dict[str, str]:
    said = forms.errors_of(problem, (await pages.local(request)).language)
    return {_AS_ENTERED.get(name, name): text for name, text in said.items()}


def _entered(sent: Sent) -> dict[str, Any]:
    return sent.values() | {"sections": sent.every("sections")}


def _shared(row: q.GrantRow, names: dict[UUID, str | None], here: Local) -> dict[str, Any]:
    return {
        "name": _called(names, row.clinician_id, here),
        "sections": [part for part in _PARTS if part in row.sections],
        "until": here.moment(row.expires_at),
        "seen": here.moment(row.last_accessed_at) if row.last_accessed_at else None,
        "url": f"/sharing/{row.id}",
        "how": row.state,
        "ended": here.moment(row.ended_at) if row.ended_at else None,
    }


def _news(rows: list[q.GrantRow], ended: list[q.GrantRow]) -> list[q.GrantRow]:
    """Return what ended lately with a clinician's account and was not shared again since."""
    shared, since = {row.clinician_id for row in rows}, clock.now() - _NEWS
    last = {row.clinician_id: row for row in reversed(ended)}
    return [
        row
        for row in last.values()
        if row.state == "closed"
        and row.ended_at is not None
        and row.ended_at > since
        and row.clinician_id not in shared
    ]


def _cared(row: q.TeamRow, names: dict[UUID, str | None], here: Local) -> dict[str, Any]:
    return {"id": row.id, "name": _called(names, row.clinician_id, here), "since": here.moment(row.since)}


@page("/sharing", Access.SELF)
async def sharing_page(request: Req) -> Response[str]:
    """Show what is shared, with whom and until when."""
    return await _show(request, {})


async def _show(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    here, who = await pages.local(request), principal(request)
    async with as_member(request) as tx:
        rows, ended = await tx.all(q.GRANTS_OPEN, who.person_id), await tx.all(q.GRANTS_ENDED, who.person_id)
        team = await tx.all(q.TEAM, who.person_id)
        names = await clinicians.names(
            tx, edge(request).keys, [one.clinician_id for one in rows + ended] + [one.clinician_id for one in team]
        )
        refused = await consents.refused(tx, who.person_id, "data_sharing")
        asked = await asking.asked(request, tx, _KINDS)
        await audit.record(tx, access(request, "privacy:access_grant:read", "access_grants", count=len(rows)))
    return await pages.render(
        request,
        "sharing.html",
        status=status,
        grants=[_shared(row, names, here) for row in rows],
        ended=[_shared(row, names, here) for row in ended],
        closed=[_shared(row, names, here) for row in _news(rows, ended)],
        team=[_cared(row, names, here) for row in team],
        refused=refused,
        consents=[one for one in asked if one.answered_at is not None],
        number=str(who.person_id) if Role.CLINICIAN in who.roles else None,
        errors=errors,
    )


async def _show_form(
    request: Req,
    values: dict[str, Any],
    errors: dict[str, str],
    *,
    grant: dict[str, Any] | None = None,
    asked: dict[str, Any] | None = None,
    key: str = "",
    status: int = 200,
) -> Response[str]:
    here, person_id = await pages.local(request), principal(request).person_id
    team: dict[UUID, str] = {}
    if grant is None:
        async with as_member(request, read_only=True) as tx:
            shared = {row.clinician_id for row in await tx.all(q.GRANTS_OPEN, person_id)}
            ids = {row.clinician_id for row in await tx.all(q.TEAM, person_id)} - shared
            names = await clinicians.names(tx, edge(request).keys, ids)
            team = {one: _called(names, one, here) for one in sorted(names)}
    return await pages.render(
        request,
        "share.html",
        status=status,
        grant=grant,
        team=[{"id": str(one), "name": name} for one, name in team.items()],
        key=key or forms.new_key(),
        asked=asked,
        sections=_PARTS,
        values=values,
        errors=errors,
        **_days(here),
    )


@page("/sharing/new", Access.SELF)
async def share_page(request: Req) -> Response[str]:
    """Show the form for a new sharing."""
    here = await pages.local(request)
    until = here.at(clock.now() + grants.USUAL).date().isoformat()
    return await _show_form(request, {"sections": _USUAL, "until": until}, {})


def _number(sent: Sent) -> UUID:
    """Return whom a form names; raises Invalid."""
    text = (sent.one("clinician") or sent.one("number")).strip()
    if not text:
        raise Invalid(errors=(FieldError("number", "missing", "This field is needed."),))
    try:
        return UUID(text)
    except ValueError as error:
        raise GrantRefused.of(
            "clinician_id", "clinician_unknown", "There is no other clinician with this id."
        ) from error


def _wanted(sent: Sent, here: Local) -> GrantWrite:
    """Return the sharing that a form asks for; raises Invalid with everything that is wrong at once."""
    errors: list[FieldError] = []
    clinician_id, until, parts = UUID(int=0), None, _Form(sections=_USUAL)
    try:
        clinician_id = _number(sent)
    except Invalid as problem:
        errors += problem.errors
    try:
        parts = sent.to(_Form)
    except Invalid as problem:
        errors += problem.errors
    try:
        until = _until(sent, here)
    except Invalid as problem:
        errors += problem.errors
    if errors:
        raise Invalid(errors=tuple(errors))
    return GrantWrite(clinician_id=clinician_id, sections=parts.sections, expires_at=until)


@form("/sharing/new", Access.SELF)
async def share(request: Req) -> Response[Any]:
    """Share with somebody of the care team, or, once their name was looked at, with whoever has the number."""
    sent, here = await forms.read(request), await pages.local(request)
    try:
        wanted = _wanted(sent, here)
        if not sent.one("clinician") and sent.one("confirmed") != str(wanted.clinician_id):
            return await _ask(request, sent, wanted.clinician_id, here)
        key = sent.key(principal(request).person_id, "access-grants")
        await forms.patiently(lambda: _add(request, wanted, key))
    except (Invalid, Conflict) as problem:
        kept = sent.one("idempotency_key")
        return await _show_form(request, _entered(sent), await _said(request, problem), key=kept, status=problem.status)
    return pages.redirect(request, "/sharing", note="shared")


async def _add(request: Req, wanted: GrantWrite, key: idempotency.Key | None) -> None:
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        if await idempotency.begin(tx, person_id, key) is not None:
            return
        grant_id = await grants.add(tx, person_id, wanted)
        await idempotency.keep(tx, person_id, key, 201, grant_id)
        row = access(request, "privacy:access_grant:create", "access_grants", consent_id=grant_id)
        await audit.record(tx, row)


async def _ask(request: Req, sent: Sent, clinician_id: UUID, here: Local) -> Response[str]:
    """Show whose number it is, before anything is shared; raises GrantRefused."""
    async with as_member(request, read_only=True) as tx:
        await grants.check_clinician(tx, principal(request).person_id, clinician_id)
        names = await clinicians.names(tx, edge(request).keys, [clinician_id])
    asked = {"id": clinician_id, "name": _called(names, clinician_id, here)}
    return await _show_form(request, _entered(sent), {}, asked=asked, key=forms.new_key())


async def _grant(tx: Tx, request: Req, grant_id: UUID, here: Local) -> tuple[q.GrantRow, dict[str, Any]]:
    """Return one's own sharing that is in force, and what its page shows; raises NotFound."""
    row = await grants.one(tx, principal(request).person_id, grant_id)
    if row.state != "active":
        raise NotFound
    names = await clinicians.names(tx, edge(request).keys, [row.clinician_id])
    return row, _shared(row, names, here) | {"version": row.version}


@page("/sharing/{grant_id:uuid}", Access.SELF)
async def grant_page(request: Req, grant_id: FromPath[UUID]) -> Response[str]:
    """Show one sharing, to change it."""
    here = await pages.local(request)
    async with as_member(request) as tx:
        row, grant = await _grant(tx, request, grant_id, here)
        await audit.record(tx, access(request, "privacy:access_grant:read", "access_grants", consent_id=grant_id))
    values = {"sections": row.sections, "until": _last_day(row.expires_at, here).isoformat()}
    return await _show_form(request, values, {}, grant=grant)


def _change(sent: Sent, row: q.GrantRow, here: Local) -> GrantChange:
    """Return what a form changes; a day that stays the same moves no moment."""
    expires_at: datetime | UnsetType = UNSET
    if _day(sent) != _last_day(row.expires_at, here):
        expires_at = _until(sent, here) or UNSET
    return GrantChange(sections=sent.to(_Form).sections, expires_at=expires_at)


@form("/sharing/{grant_id:uuid}", Access.SELF)
async def change(request: Req, grant_id: FromPath[UUID]) -> Response[Any]:
    """Change what is shared, or until when."""
    sent, here = await forms.read(request), await pages.local(request)
    async with as_member(request, read_only=True) as tx:
        row, grant = await _grant(tx, request, grant_id, here)
    try:
        wanted = _change(sent, row, here)
        async with as_member(request) as tx:
            await grants.change(tx, principal(request).person_id, grant_id, wanted, sent.number("version"))
            row_of_audit = access(request, "privacy:access_grant:change", "access_grants", consent_id=grant_id)
            await audit.record(tx, row_of_audit)
    except (Invalid, PreconditionFailed, GrantEnded) as problem:
        said = await _said(request, problem)
        return await _show_form(request, _entered(sent), said, grant=grant, status=problem.status)
    return pages.redirect(request, "/sharing", note="saved")


@form("/sharing/{grant_id:uuid}/stop", Access.SELF)
async def stop(request: Req, grant_id: FromPath[UUID]) -> Response[Any]:
    """Stop sharing at once; what has ended meanwhile has stopped too."""
    await forms.read(request)
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        row = await grants.one(tx, person_id, grant_id)
        if row.state == "active":
            await grants.revoke(tx, person_id, grant_id)
            await audit.record(tx, access(request, "privacy:access_grant:revoke", "access_grants", consent_id=grant_id))
    return pages.redirect(request, "/sharing", note="stopped")


@form("/sharing/care/{team_id:uuid}/end", Access.SELF)
async def end_care(request: Req, team_id: FromPath[UUID]) -> Response[Any]:
    """End a care relationship, and what is shared because of it."""
    await forms.read(request)
    async with as_member(request) as tx:
        await clinicians.end_care(tx, principal(request).person_id, team_id)
        await audit.record(tx, access(request, "privacy:care_team:end", "care_team"))
    return pages.redirect(request, "/sharing", note="stopped")


@form("/sharing/consents", Access.SELF)
async def agree(request: Req) -> Response[Any]:
    """Agree to sharing, or take it back; a yes to words that have changed meanwhile shows the new ones."""
    try:
        return await asking.answer(request, _KINDS, "/sharing")
    except Conflict as problem:
        return await _show(request, forms.errors_of(problem, (await pages.local(request)).language), problem.status)


PAGES: Final[list[Any]] = [
    sharing_page,
    share_page,
    share,
    grant_page,
    change,
    stop,
    end_care,
    agree,
]
