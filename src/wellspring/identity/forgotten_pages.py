"""The pages of a forgotten password: asking for a link, and choosing a new password with it."""

from typing import Any, Final

from litestar import Response
from litestar.params import FromPath

from wellspring.identity import forgotten
from wellspring.identity.asked import accounts, where
from wellspring.identity.errors import LinkRefused, LockedOut, SecondFactorNeeded, SecondFactorWrong
from wellspring.identity.pages import why_not
from wellspring.identity.schemas import ForgottenPassword, PasswordReset
from wellspring.kernel import forms, pages
from wellspring.kernel.edge import Req, edge
from wellspring.kernel.errors import Invalid, Problem
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page

ASK: Final = "/forgot-password"
_USE: Final = f"{forgotten.PAGE}/{{link:str}}"


async def _errors(request: Req, problem: Problem, locked: str = "locked_out") -> dict[str, str]:
    if problem.errors:
        return forms.errors_of(problem, (await pages.local(request)).language)
    name = "mfa_code" if isinstance(problem, SecondFactorNeeded | SecondFactorWrong) else "form"
    return {name: await why_not(request, problem, locked)}


async def _show_ask(
    request: Req, values: dict[str, Any], errors: dict[str, str], status: int = 200, *, asked: bool = False
) -> Response[str]:
    return await pages.render(
        request,
        "forgot_password.html",
        status=status,
        values=values,
        errors=errors,
        asked=asked,
        mail_configured=edge(request).settings.smtp_url is not None,
    )


@page(ASK, Access.PUBLIC)
async def ask_page(request: Req) -> Response[str]:
    """Ask for the address to which a link shall go."""
    return await _show_ask(request, {}, {})


@form(ASK, Access.PUBLIC)
async def ask(request: Req) -> Response[str]:
    """Send the link; what is said is the same for an address that nobody has."""
    sent = await forms.read(request)
    try:
        await forgotten.ask(accounts(request), sent.to(ForgottenPassword).email, where(request))
    except (Invalid, LockedOut) as problem:
        values = {"email": sent.one("email")}
        errors = await _errors(request, problem, "asked_too_often")
        answer = await _show_ask(request, values, errors, problem.status)
        answer.headers.update(problem.headers)
        return answer
    return await _show_ask(request, {}, {}, asked=True)


async def _show_use(request: Req, link: str, problem: Problem | None = None) -> Response[str]:
    """Show the form, or that the link does not hold any more."""
    status, errors, code = 200, dict[str, str](), False
    if problem is not None:
        status, errors = problem.status, await _errors(request, problem)
    try:
        code = (await forgotten.look(accounts(request), link, where(request))).needs_code
    except LinkRefused as refused:
        problem, status = refused, refused.status
    answer = await pages.render(
        request,
        "new_password.html",
        status=status,
        url=f"{forgotten.PAGE}/{link}",
        holds=not isinstance(problem, LinkRefused),
        ask_code=code,
        values={},
        errors=errors,
    )
    if problem is not None:
        answer.headers.update(problem.headers)
    return answer


@page(_USE, Access.PUBLIC)
async def new_password_page(request: Req, link: FromPath[str]) -> Response[str]:
    """Ask for the new password; looking does not use the link up."""
    return await _show_use(request, link)


@form(_USE, Access.PUBLIC)
async def new_password(request: Req, link: FromPath[str]) -> Response[Any]:
    """Set the new password; every session ends, and the next page is the sign-in."""
    sent = await forms.read(request)
    try:
        await forgotten.use(accounts(request), sent.to(PasswordReset, link=link), where(request))
    except (Invalid, LinkRefused, LockedOut, SecondFactorNeeded, SecondFactorWrong) as problem:
        return await _show_use(request, link, problem)
    return pages.redirect(request, "/sign-in", note="password_new")


PAGES: Final[list[Any]] = [ask_page, ask, new_password_page, new_password]
