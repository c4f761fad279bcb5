"""The pages of one's own sign-in: password, second factor, recovery codes."""

import re
from typing import Any, Final

from litestar import Response
from pyotp import random_base32

from wellspring.identity import account, me, qr
from wellspring.identity import queries as q
from wellspring.identity.asked import accounts, asking
from wellspring.identity.errors import FactorExists, FactorMissing, LockedOut, PasswordWrong, SecondFactorWrong
from wellspring.identity.pages import why_not
from wellspring.identity.schemas import ConfirmFactor, PasswordChange, RecoveryCodesAsked
from wellspring.kernel import forms, pages
from wellspring.kernel.edge import Req, as_member, edge, principal
from wellspring.kernel.errors import Invalid, Problem
from wellspring.kernel.policy import STAFF, Access
from wellspring.kernel.routing import form, page

HERE: Final = "/account/security"
PASSWORD: Final = f"{HERE}/password"
FACTOR: Final = f"{HERE}/second-factor"
RECOVERY: Final = f"{HERE}/recovery-codes"
_SECRET: Final = re.compile(r"[A-Z2-7]{32}")
_REFUSED: Final = (Invalid, LockedOut, PasswordWrong, SecondFactorWrong)


async def _factor(request: Req) -> q.FactorRow:
    async with as_member(request, read_only=True) as tx:
        return await tx.one(q.FACTOR, principal(request).person_id)


def _is_staff(found: q.FactorRow) -> bool:
    """Tell whether somebody works here, although without a second factor they cannot act so yet."""
    return any(role in STAFF for role in found.roles)


async def _errors(request: Req, problem: Problem, code: str = "code") -> dict[str, str]:
    """Return what to say at which field; `code` is the field of the code."""
    if problem.errors:
        return forms.errors_of(problem, (await pages.local(request)).language)
    name = code if isinstance(problem, SecondFactorWrong) else "form"
    return {name: await why_not(request, problem)}


def _refused(answer: Response[str], problem: Problem) -> Response[str]:
    if "Retry-After" in problem.headers:
        answer.headers["Retry-After"] = problem.headers["Retry-After"]
    return answer


@page(HERE, Access.SELF)
async def security_page(request: Req) -> Response[Any]:
    """Show how the person signs in, and what they can change about it."""
    found = await _factor(request)
    return await pages.render(
        request,
        "account_security.html",
        set_up=found.set_up,
        codes_left=found.recovery_codes_left,
        staff=_is_staff(found),
    )


async def _show_password(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    return await pages.render(request, "account_password.html", status=status, values={}, errors=errors)


@page(PASSWORD, Access.SELF)
async def password_page(request: Req) -> Response[str]:
    """Show the form for another password."""
    await _factor(request)
    return await _show_password(request, {})


@form(PASSWORD, Access.SELF)
async def change_password(request: Req) -> Response[Any]:
    """Change the password; every other session ends."""
    sent = await forms.read(request)
    try:
        wanted = sent.to(PasswordChange)
        await account.change_password(accounts(request), asking(request, account.PASSWORD), wanted)
    except _REFUSED as problem:
        return _refused(await _show_password(request, await _errors(request, problem), problem.status), problem)
    return pages.redirect(request, HERE, note="password_changed")


async def _show_factor(
    request: Req, found: q.FactorRow, secret: str, values: dict[str, Any], errors: dict[str, str], status: int = 200
) -> Response[str]:
    async with as_member(request, read_only=True) as tx:
        row = await me.load(tx, principal(request).person_id)
    uri = account.otpauth(me.profile(row, edge(request).keys).email, secret)
    return await pages.render(
        request,
        "account_factor.html",
        status=status,
        staff=_is_staff(found),
        secret=secret,
        groups=[secret[at : at + 4] for at in range(0, len(secret), 4)],
        uri=uri,
        qr=qr.drawing(uri),
        values=values,
        errors=errors,
    )


@page(FACTOR, Access.SELF)
async def factor_page(request: Req) -> Response[Any]:
    """Show a fresh secret as a picture and as letters; nothing changes until a code of it is sent."""
    found = await _factor(request)
    if found.set_up:
        return pages.redirect(request, HERE)
    return await _show_factor(request, found, random_base32(), {}, {})


@form(FACTOR, Access.SELF)
async def confirm_factor(request: Req) -> Response[Any]:
    """Set up the second factor and show its recovery codes; a refusal keeps the secret that was shown."""
    sent, found = await forms.read(request), await _factor(request)
    try:
        codes = await account.set_factor(accounts(request), asking(request, account.FACTOR), sent.to(ConfirmFactor))
    except FactorExists:
        return pages.redirect(request, HERE, note="factor_exists")
    except _REFUSED as problem:
        if found.set_up:
            return pages.redirect(request, HERE, note="factor_exists")
        errors = await _errors(request, problem)
        secret = sent.one("secret")
        if not _SECRET.fullmatch(secret):
            secret, errors = random_base32(), {"form": errors.pop("secret", "")} | errors
        return _refused(
            await _show_factor(request, found, secret, {"code": sent.one("code")}, errors, problem.status), problem
        )
    return await _show_codes(request, codes, first=True, staff=_is_staff(found))


async def _show_codes(request: Req, codes: list[str], *, first: bool, staff: bool) -> Response[str]:
    return await pages.render(request, "account_codes.html", codes=codes, first=first, staff=staff)


async def _show_recovery(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    return await pages.render(request, "account_recovery.html", status=status, values={}, errors=errors)


@page(RECOVERY, Access.SELF)
async def recovery_page(request: Req) -> Response[Any]:
    """Ask for the password and a code before new recovery codes are made."""
    if not (await _factor(request)).set_up:
        return pages.redirect(request, FACTOR)
    return await _show_recovery(request, {})


@form(RECOVERY, Access.SELF)
async def make_recovery_codes(request: Req) -> Response[Any]:
    """Make new recovery codes and show them."""
    sent = await forms.read(request)
    try:
        wanted = sent.to(RecoveryCodesAsked)
        codes = await account.new_recovery_codes(accounts(request), asking(request, account.RECOVERY), wanted)
    except FactorMissing:
        return pages.redirect(request, FACTOR)
    except _REFUSED as problem:
        errors = await _errors(request, problem, "mfa_code")
        return _refused(await _show_recovery(request, errors, problem.status), problem)
    return await _show_codes(request, codes, first=False, staff=False)


PAGES: Final[list[Any]] = [
    security_page,
    password_page,
    change_password,
    factor_page,
    confirm_factor,
    recovery_page,
    make_recovery_codes,
]
