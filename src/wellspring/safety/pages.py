"""The pages of safety for members and visitors: help now, asking for a person, the safety plan."""

from hashlib import blake2s
from typing import Any, Final

import msgspec
from litestar import Response

from wellspring.identity.schemas import Phone
from wellspring.kernel import audit, forms, idempotency, pages
from wellspring.kernel.edge import Req, access, as_member, as_signin, edge, over_limit, principal
from wellspring.kernel.errors import Invalid, PreconditionFailed, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.i18n import Local, letters
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.language.pool import READERS
from wellspring.privacy.reading import read_if_kept
from wellspring.safety import care_queries as c
from wellspring.safety import desk_pages, plans, service, show, shown
from wellspring.safety import queries as q
from wellspring.safety.resources import emergency_number, load
from wellspring.safety.schemas import Report, SafetyPlan, SafetyPlanView
from wellspring.safety.shown import STEPS

_MOST_NOTE: Final = 4000


def _countries(here: Local) -> list[dict[str, str]]:
    named = [{"code": code, "name": c.fr if here.language == "fr" else c.en} for code, c in load().countries.items()]
    unique = {one["name"]: one for one in reversed(named)}
    return sorted(unique.values(), key=lambda one: letters(one["name"]))


async def _for_person(request: Req, here: Local) -> dict[str, Any]:
    """Return what the help page adds for whoever is signed in; the helplines never wait for the database."""
    nobody = {"contact": shown.contact(None, here), "duty": shown.duty(False, here), "safety_plan_url": None}
    if over_limit(request):
        return nobody
    try:
        if await pages.frame(request) is None:
            async with as_signin(request) as tx:
                return nobody | {"duty": shown.duty(await service.on_duty(tx), here)}
        async with as_member(request, read_only=True) as tx:
            person_id = principal(request).person_id
            standing, on = await tx.one(c.STANDING, person_id), await service.on_duty(tx)
            has_plan = await tx.maybe(q.PLAN, person_id) is not None
    except Problem:
        request.scope["frame"] = None  # type: ignore[typeddict-unknown-key]
        return nobody
    return {
        "contact": shown.contact(standing, here),
        "duty": shown.duty(on, here),
        "safety_plan_url": "/safety-plan" if has_plan else None,
    }


async def _own_country(request: Req) -> str:
    try:
        found = await pages.frame(request)
    except Problem:
        found = None
        request.scope["frame"] = None  # type: ignore[typeddict-unknown-key]
    return edge(request).settings.country if found is None else found.country


@page("/help", Access.PUBLIC, spared=True)
async def help_page(request: Req) -> Response[str]:
    """Show help lines of a country, without signing in, beyond the limit of requests and while the database is down."""
    own = await _own_country(request)
    here = await pages.local(request)
    said = request.query_params.get("country", "").upper()
    code = said if len(said) == 2 and said.isascii() and said.isalpha() else own
    found, emergency = show.resources(code, here.language), emergency_number(code)
    page = await pages.render(
        request,
        "crisis.html",
        named=code == said or own != edge(request).settings.country,
        country={"code": found.country, "name": found.country_name},
        countries=_countries(here),
        emergency=emergency.number if emergency.known else "",
        emergency_line=found.emergency_line,
        resources=shown.cards(found.items, here),
        worried=shown.worried(here.language, emergency.number),
        key=forms.new_key(),
        **await _for_person(request, here),
    )
    if over_limit(request):
        page.headers["Cache-Control"] = "private, max-age=60"
        page.headers["Vary"] = "Cookie, Accept-Language"
    return page


def _asked(sent: Sent) -> Report:
    """Return what a member asks. Nothing they typed stands in its way: what is no number is kept as words."""
    phone = sent.one("phone").replace("\0", "").strip()
    note = sent.one("note").replace("\0", "").strip()[:_MOST_NOTE]
    if not phone:
        return Report(note=note or None)
    try:
        return Report(note=note or None, phone=msgspec.convert(phone, Phone))
    except msgspec.ValidationError:
        return Report(note=f"{phone}\n{note}".strip()[:_MOST_NOTE])


@form("/help/contact", Access.SELF)
async def ask_for_a_person(request: Req) -> Response[Any]:
    """Open an event because the member asks for a person; asking twice is asking once."""
    sent, person_id = await forms.read(request), principal(request).person_id
    row, wanted = access(request, "safety:event:create", "crisis"), _asked(sent)
    # Going back to add some words makes another request of it, not an error.
    said = f"{wanted.phone or ''}\n{wanted.note or ''}".encode()
    shown_with = sent.one("idempotency_key")
    once = f"{shown_with}.{blake2s(said, digest_size=8).hexdigest()}" if shown_with else None
    key = idempotency.key(once, person_id, "crisis-report", said)
    read = await read_if_kept(request, edge(request).ports[READERS], wanted.note)

    async def ask() -> None:
        async with as_member(request) as tx:
            await service.report_once(tx, edge(request).keys, person_id, wanted, key, row, read)

    await forms.patiently(ask)
    back = pages.local_path(sent.one("back"), "/help")
    return pages.redirect(request, f"{back.partition('#')[0]}#ask")


async def _show_plan(
    request: Req,
    found: SafetyPlanView,
    *,
    editing: bool,
    values: dict[str, Any] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    here = await pages.local(request)
    stored = {name: "\n".join(getattr(found.plan, name)) for name in STEPS}
    return await pages.render(
        request,
        "safety_plan.html",
        status=status,
        version=found.version,
        updated=None if found.updated_at is None else here.moment(found.updated_at),
        steps=shown.plan_steps(found.plan),
        names=list(STEPS),
        editing=editing or found.version == 0,
        values=stored if values is None else values,
        errors=errors or {},
    )


async def _load_plan(request: Req) -> SafetyPlanView:
    async with as_member(request) as tx:
        found = await plans.load(tx, edge(request).keys, principal(request).person_id)
        await audit.record(tx, access(request, "safety:plan:read", "safety_plan"))
    return found


@page("/safety-plan", Access.SELF)
async def plan_page(request: Req) -> Response[str]:
    """Show the safety plan, to read, to print or to change."""
    return await _show_plan(request, await _load_plan(request), editing="edit" in request.query_params)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


@form("/safety-plan", Access.SELF)
async def save_plan(request: Req) -> Response[Any]:
    """Store a new version of the plan: one line, one thing."""
    sent, person_id = await forms.read(request), principal(request).person_id
    seen = sent.number("version")
    try:
        written = sent.to(SafetyPlan, **{name: _lines(sent.one(name)) for name in STEPS})
        async with as_member(request) as tx:
            await plans.store(tx, edge(request).keys, person_id, written, seen)
            await audit.record(tx, access(request, "safety:plan:write", "safety_plan"))
    except (Invalid, PreconditionFailed) as problem:
        errors = forms.errors_of(problem, (await pages.local(request)).language)
        found = await _load_plan(request)
        return await _show_plan(
            request, found, editing=True, values=sent.values(), errors=errors, status=problem.status
        )
    return pages.redirect(request, "/safety-plan", note="saved")


PAGES: Final[list[Any]] = [help_page, ask_for_a_person, plan_page, save_plan, *desk_pages.PAGES]
