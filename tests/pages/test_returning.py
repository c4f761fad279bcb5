"""Coming back: a form's own address loaded again, and a form that could not be taken."""

import httpx
import pytest

from tests.pages.support import Browser, fields, text
from tests.pages.test_limit import LIMIT, limited
from tests.support.people import PASSWORD, Person

__all__ = ["limited"]
pytestmark = pytest.mark.anyio
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/history/search", "/history"),
        ("/check-in/quick", "/check-in"),
        ("/check-in/consents", "/check-in"),
        ("/help/contact", "/help"),
        ("/sharing/consents", "/sharing"),
        (f"/sharing/care/{NOBODY}/end", "/sharing"),
        (f"/sessions/{NOBODY}/end", "/sessions"),
        (f"/contacts/{NOBODY}/remove", f"/contacts/{NOBODY}"),
        (f"/actions/sessions/{NOBODY}/complete", "/"),
        (f"/desk/{NOBODY}/{NOBODY}/steps", f"/desk/{NOBODY}/{NOBODY}"),
        ("/admin/people/find", "/admin/people"),
        ("/sign-out", "/"),
    ],
)
async def test_the_address_of_a_form_leads_to_its_page(
    visitor: Browser, at_home: Browser, address: str, page: str
) -> None:
    """A reload, a tab that the phone had put away, a way back from signing in."""
    for browser in (visitor, at_home):
        answer = await browser.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert (await at_home.client.head(address)).status_code == 303


async def test_programs_and_other_kinds_of_request_still_learn_that_it_is_refused(
    client: httpx.AsyncClient, at_home: Browser
) -> None:
    assert (await client.get("/history/search")).json()["code"] == "method_not_allowed"
    assert (await at_home.client.put("/history/search")).status_code == 405
    assert (await at_home.client.get("/v1/auth/login")).status_code == 405


async def test_a_password_that_was_not_taken_is_asked_for_once_more(at_home: Browser, alice: Person) -> None:
    shown = await at_home.get("/account/security/password")
    typed = fields(shown.text, "/account/security/password") | {
        "current_password": PASSWORD,
        "new_password": "an otter counts seven pebbles",
    }
    at_home.client.cookies.clear()
    answer = await at_home.post("/account/security/password", typed)
    assert answer.status_code == 401
    assert "Nothing is lost" not in answer.text
    assert "please type those once more" in text(answer.text)
    again = fields(answer.text, "/account/security/password")
    assert set(again) == {"csrf", "current_password", "new_password"}
    assert (again["current_password"], again["new_password"]) == ("", "")
    assert PASSWORD not in answer.text
    assert (await at_home.sign_in(alice)).status_code == 303
    sent = again | {name: typed[name] for name in ("current_password", "new_password")}
    assert (await at_home.post("/account/security/password", sent)).status_code == 303


async def test_signing_in_beyond_the_limit_can_be_sent_again(limited: httpx.AsyncClient, alice: Person) -> None:
    browser = Browser(limited)
    form = fields((await browser.get("/sign-in")).text, "/sign-in")
    for _ in range(LIMIT - 1):
        await browser.get("/sign-in")
    answer = await browser.post("/sign-in", form | {"email": alice.email, "password": PASSWORD, "mfa_code": "123456"})
    assert answer.status_code == 429
    assert PASSWORD not in answer.text
    assert "123456" not in answer.text
    again = fields(answer.text, "/sign-in")
    assert (again["email"], again["password"], again["mfa_code"]) == (alice.email, "", "")
    assert "try again in a minute" in text(answer.text)


async def test_what_is_no_secret_still_says_that_nothing_is_lost(at_home: Browser) -> None:
    typed = fields((await at_home.get("/check-in")).text, "/check-in") | {"journal_text": "a\nb", "mood_score": "4"}
    at_home.client.cookies.clear()
    answer = await at_home.post("/check-in", typed)
    assert "Nothing is lost" in answer.text
    assert "once more" not in text(answer.text)


async def test_signing_out_empties_what_the_site_keeps_on_the_device(visitor: Browser, at_home: Browser) -> None:
    for browser in (visitor, at_home):
        answer = await browser.fill("/help", "/sign-out") if browser is at_home else None
        if answer is None:
            token = fields((await browser.get("/sign-in")).text, "/sign-in")["csrf"]
            answer = await browser.post("/sign-out", {"csrf": token})
        assert answer.status_code == 303
        assert answer.headers["clear-site-data"] == '"storage"'


async def test_home_does_not_say_that_nothing_happens_while_somebody_is_asked_for(at_home: Browser) -> None:
    assert "Nothing. No reminder is set" in text((await at_home.get("/home")).text)
    assert (await at_home.fill("/help", "/help/contact")).status_code == 303
    said = text((await at_home.get("/home")).text)
    assert "Nothing. No reminder" not in said
    assert "Your request has arrived." in said
    assert 'href="/help#ask"' in (await at_home.get("/home")).text
