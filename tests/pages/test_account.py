"""How one signs in, in a browser: strangers, forged forms, then password, second factor and recovery codes."""

import re
import time
from html import unescape

import httpx
import pyotp
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import NOWHERE, PASSWORD, Person
from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind

pytestmark = pytest.mark.anyio

HERE = "/account/security"
CHANGE = f"{HERE}/password"
FACTOR = f"{HERE}/second-factor"
RECOVERY = f"{HERE}/recovery-codes"
NEW = "seven slow boats at noon"


def codes_of(html: str) -> list[str]:
    return re.findall(r"<li><code>([a-z0-9]{5}-[a-z0-9]{5})</code></li>", html)


async def set_up(browser: Browser) -> tuple[str, httpx.Response]:
    shown = await browser.get(FACTOR)
    secret = fields(shown.text, FACTOR)["secret"]
    given = fields(shown.text, FACTOR) | {"code": pyotp.TOTP(secret).now(), "current_password": PASSWORD}
    return secret, await browser.post(FACTOR, given)


def next_code(secret: str) -> str:
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)


@pytest.mark.parametrize("path", [HERE, CHANGE, FACTOR, RECOVERY])
async def test_a_stranger_is_led_to_the_sign_in_page(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("path", [CHANGE, FACTOR, RECOVERY])
async def test_a_forged_form_changes_nothing_and_shows_no_password(
    at_home: Browser, visitor: Browser, path: str
) -> None:
    typed = {"current_password": PASSWORD, "new_password": f"{NEW} {NEW} {NEW}", "secret": "A" * 32, "code": "1"}
    for browser in (visitor, at_home):
        for csrf in ({}, {"csrf": "forged"}):
            answer = await browser.post(path, typed | csrf)
            assert answer.status_code in (401, 403)
            assert PASSWORD not in answer.text
            assert NEW not in answer.text
    crossing = await at_home.post(path, typed, headers={"sec-fetch-site": "cross-site"})
    assert crossing.status_code == 403
    assert "set up" not in text((await at_home.get(HERE)).text).replace("Set up", "")


async def test_changing_the_password(at_home: Browser, alice: Person, client: httpx.AsyncClient) -> None:
    other = Browser(client)
    await other.sign_in(alice)
    answer = await at_home.fill(CHANGE, CHANGE, current_password=PASSWORD, new_password=NEW)
    shown = await at_home.follow(answer)
    assert answer.headers["location"] == HERE
    assert "Your password is changed" in text(shown.text)
    assert (await other.get("/home")).status_code == 303
    assert (await other.fill("/sign-in", "/sign-in", email=alice.email, password=NEW)).status_code == 303


async def test_what_is_wrong_with_a_password_is_said_at_its_field(at_home: Browser) -> None:
    async def said(**changes: str) -> tuple[int, dict[str, str]]:
        answer = await at_home.fill(CHANGE, CHANGE, **{"current_password": PASSWORD, "new_password": NEW} | changes)
        assert not any(word in answer.text for word in (PASSWORD, NEW))
        found = re.findall(r'id="(\w+)-error">(.*?)</p>', answer.text)
        return answer.status_code, {name: unescape(words) for name, words in found}

    assert await said(current_password="not it at all") == (
        403,
        {"current_password": "This is not your current password."},
    )
    status, errors = await said(current_password="", new_password="short")
    assert status == 422
    assert errors == {
        "current_password": "Please fill this in.",
        "new_password": "Please choose a password of at least 12 characters.",
    }
    assert "easy to guess" in (await said(new_password="password1234"))[1]["new_password"]
    assert "used this password before" in (await said(new_password=PASSWORD))[1]["new_password"]


async def test_a_lock_says_how_long_it_lasts(at_home: Browser) -> None:
    for _ in range(5):
        await at_home.fill(CHANGE, CHANGE, current_password="not it at all", new_password=NEW)
    answer = await at_home.fill(CHANGE, CHANGE, current_password=PASSWORD, new_password=NEW)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert "please wait 1 minute" in text(answer.text)


async def test_setting_up_a_second_factor(at_home: Browser, alice: Person, client: httpx.AsyncClient) -> None:
    _, answer = await set_up(at_home)
    assert answer.status_code == 200, text(answer.text)
    assert len(codes_of(answer.text)) == 10
    assert "every other device was signed out" in text(answer.text)
    assert answer.headers["cache-control"] == "no-store"
    shown = text((await at_home.get(HERE)).text)
    assert "10 recovery codes left" in shown
    assert (await at_home.get(FACTOR)).headers["location"] == HERE
    new = Browser(client)
    assert (await new.sign_in(alice)).status_code == 401
    asked = await new.fill("/sign-in", "/sign-in", email=alice.email, password=PASSWORD)
    given = fields(asked.text, "/sign-in") | {"password": PASSWORD, "mfa_code": codes_of(answer.text)[0]}
    assert (await new.post("/sign-in", given)).status_code == 303


async def test_the_picture_and_the_letters_are_the_secret(at_home: Browser, alice: Person) -> None:
    shown = await at_home.get(FACTOR)
    secret = fields(shown.text, FACTOR)["secret"]
    letters = shown.text[shown.text.index('class="key"') :]
    assert "".join(re.findall(r"<code>(\w{4})</code>", letters)) == secret
    uri = re.search(r'href="(otpauth://[^"]+)"', shown.text)
    assert uri is not None
    parsed = pyotp.parse_uri(unescape(uri.group(1)))
    assert (parsed.secret, parsed.name, parsed.issuer) == (secret, alice.email, "Wellspring")  # type: ignore[union-attr]
    assert 'class="qr"' in shown.text
    assert secret != fields((await at_home.get(FACTOR)).text, FACTOR)["secret"]


async def test_a_refusal_keeps_the_secret_that_the_app_has(at_home: Browser) -> None:
    shown = await at_home.get(FACTOR)
    given = fields(shown.text, FACTOR)
    wrong = await at_home.post(FACTOR, given | {"code": "000000", "current_password": PASSWORD})
    assert wrong.status_code == 401
    assert 'id="code-error"' in wrong.text
    kept = fields(wrong.text, FACTOR)
    assert (kept["secret"], kept["code"], kept["current_password"]) == (given["secret"], "000000", "")
    code = pyotp.TOTP(given["secret"]).now()
    again = await at_home.post(FACTOR, kept | {"code": code, "current_password": "not it at all"})
    assert again.status_code == 403
    assert 'id="current_password-error"' in again.text
    assert fields(again.text, FACTOR)["code"] == code
    odd = await at_home.post(FACTOR, kept | {"secret": "<script>", "code": code, "current_password": PASSWORD})
    assert odd.status_code == 422
    assert "<script>" not in odd.text
    assert len(fields(odd.text, FACTOR)["secret"]) == 32


async def test_a_double_tap_still_shows_codes_and_a_later_one_says_so(at_home: Browser) -> None:
    shown = await at_home.get(FACTOR)
    given = fields(shown.text, FACTOR)
    given |= {"code": pyotp.TOTP(given["secret"]).now(), "current_password": PASSWORD}
    for _ in range(2):
        answer = await at_home.post(FACTOR, given)
        assert len(codes_of(answer.text)) == 10
    late = await at_home.post(FACTOR, given | {"secret": "A" * 32})
    assert "set up already" in text((await at_home.follow(late)).text)


async def test_making_new_recovery_codes(at_home: Browser) -> None:
    assert (await at_home.get(RECOVERY)).headers["location"] == FACTOR
    secret, first = await set_up(at_home)
    wrong = await at_home.fill(RECOVERY, RECOVERY, current_password=PASSWORD, mfa_code="000000")
    assert wrong.status_code == 401
    assert 'id="mfa_code-error"' in wrong.text
    answer = await at_home.fill(RECOVERY, RECOVERY, current_password=PASSWORD, mfa_code=next_code(secret))
    assert answer.status_code == 200
    assert len(codes_of(answer.text)) == 10
    assert not set(codes_of(answer.text)) & set(codes_of(first.text))


async def test_staff_without_a_factor_are_led_to_set_one_up_and_work_after_signing_in_again(
    client: httpx.AsyncClient, parts: Edge
) -> None:
    email, browser = "fay@staff.example.org", Browser(client)
    accounts = service.Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)
    roles = frozenset({Role.RESPONDER, Role.MEMBER})
    await service.register(
        accounts, Register(email=email, password=PASSWORD), NOWHERE, kind=TokenKind.ACCESS, roles=roles
    )
    answer = await browser.fill("/sign-in?next=/desk", "/sign-in", email=email, password=PASSWORD)
    assert answer.headers["location"] == FACTOR
    assert "You work here, and that needs a second factor" in text((await browser.follow(answer)).text)
    assert (await browser.get("/desk")).status_code == 403
    secret, codes = await set_up(browser)
    assert "sign in again" in text(codes.text)
    out = await browser.post("/sign-out", fields(codes.text, "/sign-out"))
    assert out.status_code == 303
    asked = await browser.fill("/sign-in", "/sign-in", email=email, password=PASSWORD)
    given = fields(asked.text, "/sign-in") | {"password": PASSWORD, "mfa_code": next_code(secret)}
    assert (await browser.post("/sign-in", given)).headers["location"] == "/desk"


async def test_the_list_of_sign_ins_leads_to_the_password(at_home: Browser) -> None:
    shown = await at_home.get("/sessions")
    assert "end it and change your password" in text(shown.text)
    assert f'href="{CHANGE}"' in shown.text
