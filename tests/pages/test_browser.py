"""The program in a real Chromium, from signing up to the desk: by touch, by keyboard, in French, without scripts."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pyotp
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.pages.live import Program, running
from tests.support import database
from tests.support.people import PASSWORD
from tests.web.test_browser import ARGS, CHROMIUM, CONTRAST, LOOKS, OPEN_ALL, RULES, SET_LOOK, TOO_WIDE
from wellspring.kernel.policy import Role

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium: install Debian's package chromium"
    ),
]
DANGER = "I am going to kill myself tonight, goodbye"
OF_ANOTHER = "My brother says he is going to kill himself tonight"
_NUMBERS = count(1)
NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def program(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    data: Path = tmp_path_factory.mktemp("data")
    with database.clone(server_url, template, f"test_live_{template}") as url, running(url, url, data) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield found
        found.close()


@pytest.fixture
def new_page(browser: Browser, program: Program) -> Iterator[NewPage]:
    """Open a page in a browser of its own; the test fails when a console shows an error."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(**options: object) -> Page:
        given = {"viewport": {"width": 390, "height": 844}, "locale": "en-GB", "service_workers": "block"} | options
        context = browser.new_context(base_url=program.url, **given)  # type: ignore[arg-type]
        contexts.append(context)
        found = context.new_page()
        found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        found.on("pageerror", lambda error: wrong.append(str(error)))
        return found

    yield open_page
    for context in contexts:
        context.close()
    assert not [text for text in wrong if "status of 4" not in text]


def sign_up(page: Page, name: str = "Alice") -> str:
    """Sign up as a new member; return the address."""
    email = f"{name.lower()}{next(_NUMBERS)}@live.example.org"
    page.goto("/")
    page.locator('main a[href="/sign-up"]').click()
    page.locator("#display_name").fill(name)
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    if not page.locator("#timezone").input_value():  # no script filled it in
        page.locator("#timezone").select_option("America/New_York")
    for box in page.locator('input[name="consents"]').all():
        box.check()
    page.locator('form[action="/sign-up"] button[type=submit]').click()
    page.wait_for_url("**/home")
    return email


def sign_in_staff(page: Page, email: str, secret: str) -> None:
    page.goto("/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator('form[action="/sign-in"] button[type=submit]').click()
    page.locator("#mfa_code").fill(pyotp.TOTP(secret).now())
    page.locator("#password").fill(PASSWORD)
    page.locator('form[action="/sign-in"] button[type=submit]').click()


def test_signing_up_and_checking_in_with_three_taps(new_page: NewPage) -> None:
    page = new_page(has_touch=True)
    sign_up(page)
    taps = [
        page.get_by_role("link", name="Check in with more"),
        page.locator("label.step").nth(6),
        page.get_by_role("button", name="Save my check-in").first,
    ]
    for tap in taps:
        tap.tap()
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.locator("h1")).to_contain_text("Saved")
    expect(page.locator("main")).to_contain_text("Mood 7 of 10.")
    assert page.locator('main a[href^="/actions/"]').count() == 3
    page.locator('main a[href^="/actions/"]').first.tap()
    page.get_by_role("button", name="Start").tap()
    page.locator("label.step").nth(3).tap()
    page.get_by_role("button", name="Done").tap()
    expect(page.locator("main")).to_contain_text("Noted")


def test_one_tap_at_home(new_page: NewPage) -> None:
    page = new_page(has_touch=True)
    sign_up(page)
    page.get_by_role("button", name="8", exact=True).tap()
    expect(page.locator("main")).to_contain_text("Mood 8 of 10.")


def test_checking_in_by_keyboard_alone(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 800})
    sign_up(page)
    page.goto("/check-in")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "mood_score":
            break
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.locator("main")).to_contain_text("Mood 4 of 10.")
    assert page.evaluate("document.activeElement.id") == "main"


def test_danger_brings_help_first_and_the_responder_sees_it_live(new_page: NewPage, program: Program) -> None:
    dana = new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    sign_in_staff(dana, *program.staff("dana", Role.RESPONDER))
    dana.wait_for_url("**/desk")
    dana.get_by_role("button", name="I am on duty now").click()
    expect(dana.locator("#desk")).to_contain_text("Nobody is waiting")
    dana.get_by_role("button", name="End my duty").focus()

    alice = new_page()
    sign_up(alice)
    alice.goto("/check-in")
    alice.locator("label.step").nth(0).click()
    alice.get_by_text("Write about it").click()
    alice.locator("#journal_text").fill(DANGER)
    alice.get_by_role("button", name="Save my check-in").first.click()
    expect(alice.locator("h1")).to_have_text("Your life matters to us. Please get help right now.")
    first = alice.locator("main a[href^='tel:']").first
    assert first.bounding_box() is not None
    assert 0 < first.bounding_box()["y"] < 844, "the first number must be on the first screen"  # type: ignore[index]

    # Ten seconds is the fall-back: sooner than that, it came by the stream.
    expect(dana.locator(".desk > li")).to_have_count(1, timeout=8000)
    expect(dana.locator("[data-desk-news]")).to_have_text("Somebody new is waiting.")
    assert dana.evaluate("document.activeElement.textContent") == "End my duty"
    assert "Alice" not in dana.locator("main").inner_text()
    dana.get_by_role("button", name="Take it").click()
    expect(dana.locator("h1")).to_have_text("Alice")
    expect(dana.locator("main")).to_contain_text("kill myself")
    assert audit(dana) == []


def test_asking_for_a_person_from_any_page(new_page: NewPage) -> None:
    page = new_page()
    sign_up(page)
    page.get_by_role("link", name="Get help now").click()
    page.get_by_role("button", name="Ask a person to contact me").click()
    expect(page.locator("#ask")).to_contain_text("Your request has arrived.")


def test_french_all_the_way(new_page: NewPage) -> None:
    page = new_page(locale="fr-FR")
    sign_up(page, "Amélie".replace("é", "e"))
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.goto("/check-in")
    page.locator("label.step").nth(0).click()
    page.get_by_text("Écrire", exact=False).first.click()
    page.locator("#journal_text").fill("Je veux mourir ce soir, adieu")
    page.locator('form[action="/check-in"] button[type=submit]').first.click()
    expect(page.locator("h1")).to_contain_text("Votre vie compte pour nous")


def test_preferences_take_effect_at_once(new_page: NewPage) -> None:
    page = new_page()
    sign_up(page)
    page.goto("/preferences")
    page.locator("#theme").select_option("dark")
    page.locator("#font_size").select_option("24")
    page.locator("#preferred_language").select_option("fr")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/home")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"


def test_a_second_factor_is_set_up_by_keyboard_and_its_codes_are_copied(new_page: NewPage) -> None:
    page = new_page(
        viewport={"width": 320, "height": 700},
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
    )
    sign_up(page)
    page.goto("/account/security")
    page.locator('main a[href="/account/security/second-factor"]').click()
    assert audit(page) == []
    secret = page.locator('input[name="secret"]').input_value()
    page.locator("#code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Your recovery codes")
    assert audit(page) == []
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-copy-said]")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied == page.locator(".codes code").all_text_contents()
    page.locator('main a[href="/account/security"]').click()
    expect(page.locator("main")).to_contain_text("10 recovery codes left")


def test_another_language_costs_nobody_what_they_typed(new_page: NewPage) -> None:
    page = new_page(timezone_id="Europe/Paris")
    page.goto("/sign-up")
    page.locator("#display_name").fill("Ana")
    page.locator("#email").fill("ana@live.example.org")
    page.locator("#password").fill(PASSWORD)
    page.locator("#timezone").select_option("Asia/Tokyo")
    page.locator('input[name="consents"]').first.check()
    page.get_by_role("link", name="Français").click()
    expect(page.locator("h1")).to_have_text("Créer un compte")
    expect(page.locator("#display_name")).to_have_value("Ana")
    expect(page.locator("#email")).to_have_value("ana@live.example.org")
    expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
    expect(page.locator("#language")).to_have_value("fr")
    expect(page.locator("#password")).to_have_value("")
    expect(page.locator('input[name="consents"]').first).to_be_checked()
    page.locator('form[action="/sign-up"] button[type=submit]').click()
    expect(page.locator("#errors")).to_be_visible()
    expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Sign up")
    expect(page.locator("#email")).to_have_value("ana@live.example.org")
    expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
    expect(page.locator("#language")).to_have_value("en")
    assert page.evaluate("sessionStorage.length") == 0


def test_whoever_has_an_accent_in_their_address_gets_in_again(new_page: NewPage) -> None:
    """A browser that checks addresses by itself knows none with an accent before the @."""
    page = new_page()
    email = sign_up(page, "Zoé")
    page.locator('form[action="/sign-out"] button').first.click()
    page.goto("/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator('form[action="/sign-in"] button[type=submit]').click()
    page.wait_for_url("**/home")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Etc/GMT+5"])
def test_the_zone_of_the_device_is_chosen_and_a_choice_of_ones_own_stays(new_page: NewPage, zone: str) -> None:
    page = new_page(timezone_id=zone)
    page.goto("/sign-up")
    expect(page.locator("#timezone")).to_have_value(zone)
    for language in ("Français", "English"):
        page.get_by_role("link", name=language).click()
        expect(page.locator("#timezone")).to_have_value(zone)
    page.locator("#timezone").select_option("Europe/Paris")
    page.locator("#email").fill("nonsense")
    page.locator('form[action="/sign-up"] button[type=submit]').click()
    expect(page.locator("#errors")).to_be_visible()
    expect(page.locator("#timezone")).to_have_value("Europe/Paris")
    page.goto("/sign-up")
    expect(page.locator("#timezone")).to_have_value(zone)
    sign_up(page)
    if not zone.startswith("Etc/"):
        page.goto("/preferences")
        expect(page.locator("#timezone")).to_have_value(zone)


def test_changing_the_password_without_scripts(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    sign_up(page)
    page.locator('footer a[href="/account/security"]').click()
    page.locator('main a[href="/account/security/password"]').click()
    for current in ("not it at all", PASSWORD):
        page.locator("#current_password").fill(current)
        page.locator("#new_password").fill("seven slow boats at noon")
        page.locator('form[action="/account/security/password"] button[type=submit]').click()
        if current != PASSWORD:
            expect(page.locator("#current_password-error")).to_have_text("This is not your current password.")
    expect(page.locator("main")).to_contain_text("Your password is changed")


def test_quick_exit_leaves(new_page: NewPage) -> None:
    page = new_page()
    page.context.route("https://en.wikipedia.org/**", lambda route: route.fulfill(body="elsewhere"))
    sign_up(page)
    page.goto("/history")
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url("https://en.wikipedia.org/**")
    page.go_back()
    assert "/history" not in page.url


def test_a_session_that_ended_loses_nothing(new_page: NewPage) -> None:
    page = new_page()
    email = sign_up(page)
    page.goto("/check-in")
    page.locator("label.step").nth(4).click()
    page.get_by_text("Write about it").click()
    page.locator("#journal_text").fill("A long day.\nStill here.")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("h1")).to_contain_text("Nothing is lost")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in, in a new tab").click()
    tab = opened.value
    tab.locator("#email").fill(email)
    tab.locator("#password").fill(PASSWORD)
    tab.locator('form[action="/sign-in"] button[type=submit]').click()
    tab.wait_for_url("**/home")
    page.get_by_role("button", name="Send it again").click()
    expect(page).to_have_url(re.compile("/results/"))
    expect(page.locator("main")).to_contain_text("Mood 5 of 10.")


def test_a_refusal_without_the_form_leaves_what_was_written(new_page: NewPage) -> None:
    page = new_page()
    sign_up(page)
    page.goto("/check-in")
    page.locator("label.step").nth(4).click()
    page.get_by_text("Write about it").click()
    long = "A long day. " + "é" * 200_000
    page.locator("#journal_text").fill(long)
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("[data-not-sent]")).to_contain_text("That is too much at once. That was not sent.")
    assert page.locator("#journal_text").input_value() == long
    page.locator("#journal_text").fill("A long day.")
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page).to_have_url(re.compile("/results/"))


def test_signing_in_and_checking_in_without_scripts(new_page: NewPage) -> None:
    email = sign_up(new_page())
    page = new_page(java_script_enabled=False)
    page.goto("/home")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.locator('form[action="/sign-in"] button[type=submit]').click()
    page.locator('main a[href="/check-in"]').click()
    page.locator("input[name=mood_score]").nth(3).check(force=True)
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("main")).to_contain_text("Mood 4 of 10.")
    page.goto("/help?country=FR")
    assert page.get_by_role("link", name="Call 3114").get_attribute("href") == "tel:3114"


def audit(page: Page) -> list[str]:
    """What axe finds on a page: everything in the light look, contrast alone in the others."""
    axe, found = Axe(), []
    page.evaluate(OPEN_ALL)
    before = page.evaluate("({ ...document.documentElement.dataset })")
    for look, (theme, contrast) in LOOKS.items():
        page.evaluate(SET_LOOK, [theme, contrast])
        for one in axe.run(page, options=RULES if look == "light" else CONTRAST)["violations"]:
            found.append(f"{page.url} {look}: {one['id']} {one['nodes'][0]['html'][:160]}")
    page.evaluate("(look) => Object.assign(document.documentElement.dataset, look)", before)
    return found


@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_with_real_data_is_accessible(new_page: NewPage, program: Program, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    wrong: list[str] = []

    def look(path: str) -> None:
        page.goto(path)
        wrong.extend(audit(page))
        wrong.extend(f"{path}: {one} sticks out" for one in page.evaluate(TOO_WIDE))

    for path in ("/", "/sign-in", "/sign-up", "/help", "/help?country=TV", "/offline", "/texts/terms", "/nowhere"):
        look(path)
    for path in ("/forgot-password", "/new-password/AZ"):
        look(path)
    sign_up(page)
    page.goto("/check-in")
    page.locator("label.step").nth(0).click()
    page.get_by_text("Write about it").click()
    page.locator("#journal_text").fill(DANGER)
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page).to_have_url(re.compile("/results/"))
    result = page.url
    for path in (
        result,
        result.replace("/results/", "/check-ins/"),
        f"{result.replace('/results/', '/check-ins/')}?edit=1",
    ):
        look(path)
    action = page.goto(result) and page.locator('main a[href^="/actions/"]').first.get_attribute("href")
    for path in (
        str(action),
        "/home",
        "/check-in",
        "/history",
        "/preferences",
        "/leave-out",
        "/sessions",
        "/account/security",
        "/account/security/password",
        "/account/security/second-factor",
        "/contacts",
        "/safety-plan",
        "/copy",
        "/leave",
    ):
        look(path)
    page.goto(str(action))
    page.get_by_role("button", name="Start").click()
    wrong.extend(audit(page))
    page.locator("#feedback_text").fill(f"It helped. {'x' * 200}")
    page.get_by_role("button", name="Done").click()
    tried = page.url
    for path in (tried, "/actions/done", "/learned", "/sharing", "/looks"):
        look(path)
    page.goto("/check-in")
    page.locator("label.step").nth(0).click()
    page.get_by_text("Write about it").click()
    page.locator("#journal_text").fill(OF_ANOTHER)
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("#helping")).to_be_visible()
    look(page.url)
    page.goto("/safety-plan")
    page.locator("#warning_signs").fill("I stop answering")
    page.get_by_role("button", name="Save my plan").click()
    wrong.extend(audit(page))
    page.context.clear_cookies()
    sign_in_staff(page, *program.staff(f"erin{width}", Role.ADMIN))
    page.wait_for_url("**/admin/people")
    wrong.extend(audit(page))
    look("/outbox")
    assert wrong == []
