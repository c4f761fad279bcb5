"""Making an account with its consents, the texts that people are asked to agree to, and taking a consent back."""

from typing import Any, Final

from litestar import Response
from litestar.params import FromPath

from wellspring.identity import service, zones
from wellspring.identity.asked import accounts, where
from wellspring.identity.errors import EmailTaken, LockedOut
from wellspring.identity.pages import first_page, why_not
from wellspring.identity.schemas import ConsentKind, Register
from wellspring.kernel import forms, pages
from wellspring.kernel.edge import Req, as_member, edge, principal
from wellspring.kernel.errors import Conflict, FieldError, Invalid, NotFound, Problem
from wellspring.kernel.forms import Sent
from wellspring.kernel.pages import FormStale
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.kernel.tokens import TokenKind
from wellspring.privacy import asking, consents, looks_pages, sharing_pages
from wellspring.privacy.texts import Text, Words, shipped

NEEDED: Final[tuple[ConsentKind, ...]] = ("terms", "privacy", "health_data")
"""Without these there is no account: they are what the program does."""


def _today() -> dict[ConsentKind, Text]:
    """Return the newest text of each kind."""
    return {text.kind: text for text in sorted(shipped(), key=lambda text: text.version)}


def _words(text: Text, language: str) -> Words:
    return text.fr if language == "fr" else text.en


def _consent(text: Text, language: str) -> dict[str, Any]:
    found = _words(text, language)
    return {
        "kind": text.kind,
        "version": text.version,
        "title": found.title,
        "summary": found.body.partition(". ")[0].rstrip(".") + ".",
        "url": f"/texts/{text.kind}",
        "required": True,
    }


async def _show(request: Req, values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response[str]:
    language, today = (await pages.local(request)).language, _today()
    consents = [_consent(today[kind], language) for kind in NEEDED]
    country = edge(request).settings.country
    return await pages.render(
        request,
        "sign_up.html",
        status=status,
        values=values,
        errors=errors,
        consents=consents,
        zones={"near": zones.of_country(country), "all": zones.ZONES, "likely": zones.likely(country) or ""},
    )


@page("/sign-up", Access.PUBLIC)
async def sign_up_page(request: Req) -> Response[Any]:
    """Show the form for a new account; who is signed in has one."""
    if await pages.frame(request) is not None:
        return pages.redirect(request, first_page(principal(request)))
    return await _show(request, {}, {})


def _agreed(sent: Sent) -> list[str]:
    """Return the kinds agreed to in today's version; raises Invalid when one is missing or another text was shown."""
    today = _today()
    given = set(sent.every("consents"))
    if not {f"{kind}:{today[kind].version}" for kind in NEEDED} <= given:
        raise Invalid.of("consents", "consent_missing", "These are needed for an account.")
    return list(NEEDED)


def _wanted(sent: Sent) -> Register:
    """Return the account that was asked for; raises Invalid with everything that is wrong at once."""
    errors: list[FieldError] = []
    consents, found = list[str](), None
    try:
        consents = _agreed(sent)
    except Invalid as refused:
        errors += refused.errors
    if not sent.one("timezone"):  # where no script filled it in, nobody else knows
        errors.insert(0, FieldError("timezone", "missing", "This field is needed."))
    try:
        found = sent.to(Register, consents=consents)
    except Invalid as refused:
        errors[:0] = refused.errors
    if errors or found is None:
        raise Invalid(errors=tuple(errors))
    return found


@form("/sign-up", Access.PUBLIC)
async def sign_up(request: Req) -> Response[Any]:
    """Make an account and sign in; nothing typed is lost when something is missing."""
    try:
        wanted = _wanted(await forms.read(request))
        opened = await service.register(accounts(request), wanted, where(request), kind=TokenKind.WEB)
    except (FormStale, Invalid, EmailTaken, LockedOut) as problem:
        return await _refused(request, problem)
    return pages.redirect(request, "/home", cookies=[pages.session_cookie(request, opened.who, opened.ttl)])


async def _refused(request: Req, problem: Problem) -> Response[str]:
    errors = forms.errors_of(problem, (await pages.local(request)).language)
    if isinstance(problem, EmailTaken):
        errors = {"email": errors["form"]}
    elif isinstance(problem, LockedOut):
        errors = {"form": await why_not(request, problem, "tried_too_often")}
    sent = Sent(await pages.fields(request))
    values = sent.values() | {"consents": sent.every("consents")}
    answer = await _show(request, values, errors, problem.status)
    answer.headers.update(problem.headers)
    return answer


@page("/texts/{kind:str}", Access.PUBLIC)
async def text_page(request: Req, kind: FromPath[str]) -> Response[str]:
    """Show the whole text of one consent."""
    text = next((text for text in _today().values() if text.kind == kind), None)
    if text is None:
        raise NotFound
    found = _words(text, (await pages.local(request)).language)
    return await pages.render(request, "text.html", title=found.title, body=found.body, version=text.version)


@page("/consents", Access.SELF)
async def consents_page(request: Req) -> Response[str]:
    """Show what the person agreed to, to take back or to give again."""
    return await _show_consents(request, {})


async def _show_consents(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    async with as_member(request) as tx:
        found = await asking.asked(request, tx, consents.KINDS)
    shown = [one for one in found if one.kind in NEEDED or one.given]
    return await pages.render(request, "consents.html", status=status, consents=shown, errors=errors)


@form("/consents", Access.SELF)
async def answer_consent(request: Req) -> Response[Any]:
    """Take back a consent or give it again; a yes to words that have changed meanwhile shows the new ones."""
    try:
        return await asking.answer(request, consents.KINDS, "/consents")
    except Conflict as problem:
        errors = forms.errors_of(problem, (await pages.local(request)).language)
        return await _show_consents(request, errors, problem.status)


PAGES: Final[list[Any]] = [
    sign_up_page,
    sign_up,
    text_page,
    consents_page,
    answer_consent,
    *sharing_pages.PAGES,
    *looks_pages.PAGES,
]
