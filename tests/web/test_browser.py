"""Every page in a real Chromium: accessibility, width, and what the scripts do, under the strict content policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.web.pages import PAGES
from tests.web.preview import render
from tests.web.samples import LOCKED
from tests.web.site import SENT, Site, running

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOKS = {
    "light": ("light", "normal"),
    "dark": ("dark", "normal"),
    "contrast": ("light", "high"),
    "dark contrast": ("dark", "high"),
}
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
SET_LOOK = "([theme, contrast]) => Object.assign(document.documentElement.dataset, { theme, contrast })"
SET_MORE = """({ size = '100', font = 'system', dir = 'ltr' }) => {
  Object.assign(document.documentElement.dataset, { size, font }); document.documentElement.dir = dir; }"""
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.table-wrap, .hidden-text, .skip') && one.checkVisibility())
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1)
  .map((one) => one.tagName + '.' + one.className)"""
TOO_SMALL = """() => [...document.querySelectorAll('button, .button, .step, .chip > label, .check, select, summary')]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 80))"""
EVENTS = "#desk > .desk > li"
"""Those who wait, without the contacts after closed events."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="no Chromium at /usr/bin/chromium: install Debian's package chromium"
    ),
]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    site.broken = False
    site.cared = 0
    site.locked = None
    site.news.clear()
    site.told.clear()
    found = browser.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
    yield found
    site.news.set()
    site.told.set()
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test when the console shows an error, refused styles and scripts included."""
    found = context.new_page()
    wrong: list[str] = []
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    yield found
    expected = ("ERR_INTERNET_DISCONNECTED", "status of 502", "status of 401", "htmx: htmx:error")
    assert not [text for text in wrong if not any(one in text for one in expected)]


@pytest.mark.parametrize("name", PAGES)
def test_accessible(page: Page, site: Site, name: str) -> None:
    """axe finds nothing at both widths; the other looks differ in colours only, so only contrast is asked again."""
    axe = Axe()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{site.url}/page/{name}?theme=light&motion=reduced")
        page.evaluate(OPEN_ALL)
        for look, (theme, contrast) in LOOKS.items():
            page.evaluate(SET_LOOK, [theme, contrast])
            found = axe.run(page, options=RULES if look == "light" else CONTRAST)["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], f"{look} at {width} px"
        assert page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("name", PAGES)
def test_narrow(page: Page, site: Site, name: str) -> None:
    """Nothing sticks out at 320 px: in French, with text twice as large, with wide letters, from right to left."""
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{site.url}/page/{name}?lang=fr&motion=reduced")
    page.evaluate(OPEN_ALL)
    for look in ({}, {"size": "200"}, {"font": "readable"}, {"dir": "rtl"}):
        page.evaluate(SET_MORE, look)
        assert page.evaluate(TOO_WIDE) == [], look
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, look


@pytest.mark.parametrize("name", ["crisis", "crisis-guest", "crisis-unnamed", "result-danger"])
@pytest.mark.parametrize(("lang", "size"), [("en", "100"), ("fr", "100"), ("fr", "125")])
def test_a_number_to_call_is_on_the_first_screen_of_a_small_phone(
    page: Page, site: Site, name: str, lang: str, size: str
) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{site.url}/page/{name}?lang={lang}&size={size}")
    first = page.locator("main a[href^='tel:']").first.bounding_box()
    assert first is not None
    assert first["height"] >= 44
    assert first["y"] + first["height"] <= 640, first


def test_check_in_by_keyboard_in_three_steps(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/check-in")
    page.locator("input[name=mood_score]").first.focus()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("input[name=mood_score]:checked").input_value() == "4"
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/results/c1")
    expect(page.locator("h1")).to_contain_text("Saved")
    assert page.evaluate("document.activeElement.id") == "main"
    assert "Saved" in page.title()
    expect(page.locator("nav.main [aria-current]")).to_have_count(0)


def test_a_failure_keeps_what_was_written(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/check-in")
    page.get_by_text("Write about it").click()
    page.locator("#journal_text").fill("I want to keep this.")
    page.locator("input[name=mood_score]").nth(3).check(force=True)
    site.broken = True
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("[data-not-sent]")).to_be_visible()
    assert page.locator("#journal_text").input_value() == "I want to keep this."
    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_be_visible()
    page.get_by_role("button", name="Save my check-in").first.click()
    assert page.locator("#journal_text").input_value() == "I want to keep this."
    page.context.set_offline(False)
    site.broken = False
    site.locked = None
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("h1")).to_contain_text("Saved")


def test_a_draft_stays_only_when_asked(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/check-in")
    page.get_by_text("Write about it").click()
    page.locator("#journal_text").fill("a thought")
    assert page.evaluate("localStorage.length") == 0
    page.locator("#keep_draft").check()
    page.locator("#journal_text").press_sequentially(" more")
    page.reload()
    assert page.locator("#journal_text").input_value() == "a thought more"
    page.locator("#keep_draft").uncheck()
    assert page.evaluate("localStorage.length") == 0
    page.locator("#keep_draft").check()
    page.locator("input[name=mood_score]").nth(3).check(force=True)
    page.get_by_role("button", name="Save my check-in").first.click()
    expect(page.locator("h1")).to_contain_text("Saved")
    assert page.evaluate("localStorage.length") == 0


def test_a_draft_of_somebody_else_on_this_device_is_not_shown(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/check-in")
    page.evaluate("localStorage.setItem('wellspring-draft-check-in-of-bob', '[[\"journal_text\", \"mine\"]]')")
    page.reload()
    assert page.locator("#journal_text").input_value() == ""


def test_quick_exit_leaves_by_click_and_by_shift(context: BrowserContext, site: Site) -> None:
    context.route("https://en.wikipedia.org/**", lambda route: route.fulfill(body="elsewhere"))
    for leave in ("click", "shift"):
        page = context.new_page()
        page.goto(f"{site.url}/home")
        page.goto(f"{site.url}/check-in")
        page.evaluate("localStorage.setItem('wellspring-draft-check-in', '[]')")
        if leave == "click":
            page.get_by_role("link", name="Leave this page").click()
        else:
            for _ in range(3):
                page.keyboard.press("Shift")
        page.wait_for_url("https://en.wikipedia.org/**")
        page.go_back()
        assert "/check-in" not in page.url, "the page left must not be one step back"
        assert page.evaluate("localStorage.length") == 0
        page.close()


def test_look_changes_while_choosing(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/page/preferences")
    page.locator("#theme").select_option("dark")
    page.locator("#high_contrast").check()
    page.locator("#font_size").select_option("24")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"


def test_an_answer_can_be_taken_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/check-in")
    page.get_by_text("Energy, anxiety, stress").click()
    expect(page.locator("[data-clear=energy_level]")).to_be_hidden()
    page.locator("input[name=energy_level]").nth(2).check(force=True)
    page.locator("[data-clear=energy_level]").click()
    assert page.locator("input[name=energy_level]:checked").count() == 0


def test_forced_colours_show_where_one_is_and_what_is_chosen(page: Page, site: Site) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(f"{site.url}/check-in")
    color = "(one) => getComputedStyle(one).borderBottomColor"
    here = page.locator("nav.main a[aria-current]").evaluate(color)
    others = {one.evaluate(color) for one in page.locator("nav.main a:not([aria-current])").all()}
    assert here not in others
    page.locator("input[name=mood_score]").nth(3).check(force=True)
    steps = page.locator("input[name=mood_score] + span")
    plain = steps.nth(4).evaluate("(one) => getComputedStyle(one).backgroundColor")
    expect(steps.nth(3)).not_to_have_css("background-color", plain)  # it fades in, so it is waited for


def test_errors_take_the_focus(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/page/sign-up-errors")
    assert page.evaluate("document.activeElement.id") == "errors"


def test_a_result_shows_by_itself_that_help_was_found_later(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/page/result-waiting")
    expect(page.locator("main")).to_contain_text("still being read")
    page.locator("a", has_text="Go home").focus()
    expect(page.get_by_role("alert")).to_contain_text("We would like to show you help.", timeout=15_000)
    expect(page.locator("main")).not_to_contain_text("still being read")
    assert page.evaluate("document.activeElement.textContent") == "Go home"
    page.get_by_role("link", name="Show me").click()
    assert page.url == f"{site.url}{SENT}"


def test_saying_what_it_was_by_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/page/result")
    reached: list[str] = []
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.append(str(page.evaluate("document.activeElement.textContent.trim()")))
        if reached[-1] == "It was closer to something else":
            break
    assert reached[-3:] == ["Yes", "No", "It was closer to something else"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "heard-emotion"
    page.keyboard.press("s")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Say this instead"
    with page.expect_request("**/check-ins/c1/reading") as sent:
        page.keyboard.press("Enter")
    assert "emotion=surprise&answer=other" in str(sent.value.post_data)


def test_the_desk_is_live_and_keeps_the_focus(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/desk")
    expect(page.locator(EVENTS)).to_have_count(4)
    page.get_by_role("button", name="End my duty").focus()
    site.news.set()
    expect(page.locator(EVENTS)).to_have_count(1)
    expect(page.locator("#desk")).to_contain_text("waiting 9 minutes")
    expect(page.locator("[data-desk-news]")).to_have_text("Somebody new is waiting.")
    site.told.set()
    assert page.evaluate("document.activeElement.textContent") == "End my duty"


def test_the_focus_stays_with_its_contact_and_one_that_comes_near_is_nobody_new(page: Page, site: Site) -> None:
    page.clock.install()
    page.goto(f"{site.url}/desk")
    contacts = page.locator("#desk section li")
    expect(contacts).to_have_count(3)
    page.locator("a[href$=e-c2]").focus()
    site.cared = 1
    page.clock.fast_forward(10_000)
    expect(contacts).to_have_count(2)
    assert page.evaluate("document.activeElement.pathname") == "/desk/p1/e-c2", "Enter opens no other person's"
    site.cared = 0
    page.clock.fast_forward(10_000)
    expect(contacts).to_have_count(3)
    expect(page.locator("[data-desk-news]")).to_have_text("")
    assert page.evaluate("document.activeElement.pathname") == "/desk/p1/e-c2"


def test_a_locked_desk_hides_its_list_and_goes_on_counting(page: Page, site: Site) -> None:
    page.clock.install()
    page.goto(f"{site.url}/desk")
    expect(page.locator(EVENTS)).to_have_count(4)
    site.locked = LOCKED
    page.clock.fast_forward(10_000)
    expect(page.locator("[data-locked]")).to_contain_text("2 people are waiting. Overdue: 1")
    expect(page.locator(".desk > li")).to_have_count(0)
    expect(page.locator("#desk form")).to_have_count(0)
    expect(page.locator("[data-desk-news]")).to_have_text("This desk is locked.")
    site.locked = LOCKED | {"overdue": 2}
    page.evaluate("htmx.trigger(document.querySelector('[data-desk]'), 'desk-changed')")  # as an opened stream does
    expect(page.locator("[data-locked]")).to_contain_text("Overdue: 2")
    expect(page.locator("[data-desk-news]")).to_have_text("This desk is locked.")
    page.clock.fast_forward(10_000)
    expect(page.locator("[data-desk-news]")).to_have_text("")
    site.locked = LOCKED | {"waiting": 3}
    page.clock.fast_forward(10_000)
    expect(page.locator("[data-desk-news]")).to_have_text("Somebody new is waiting.")
    expect(page.get_by_role("link", name="Sign in again")).to_have_attribute("href", "/sign-in?next=/desk")
    site.locked = None
    page.clock.fast_forward(10_000)
    expect(page.locator(EVENTS)).to_have_count(4)
    expect(page.locator("[data-desk-news]")).to_have_text("")


def test_somebody_s_evidence_is_covered_when_nobody_is_there(page: Page, site: Site) -> None:
    page.clock.install()
    page.goto(f"{site.url}/page/responder-event")
    expect(page.locator("main")).to_contain_text("I have the pills here")
    page.clock.fast_forward("14:00")
    page.keyboard.press("Tab")
    page.clock.fast_forward("14:00")
    expect(page.get_by_text("I have the pills here")).to_be_visible()
    page.clock.fast_forward("02:00")
    expect(page.get_by_text("I have the pills here")).to_be_hidden()
    expect(page.get_by_text("Alice").first).to_be_hidden()
    assert "Alice" not in page.title()
    expect(page.get_by_role("link", name="Open this page again")).to_be_focused()


def test_what_was_typed_beneath_the_cover_is_there_after_signing_in_again(page: Page, site: Site) -> None:
    """Whoever was on the telephone for long does not lose their note, and nobody else finds it."""
    page.clock.install()
    page.goto(f"{site.url}/page/responder-event-care")
    page.get_by_label("Note").fill("She sleeps again.")
    page.clock.fast_forward("16:00")
    expect(page.get_by_text("What you typed is still here.")).to_be_visible()
    expect(page.get_by_label("Note")).to_be_hidden()
    link = page.get_by_role("link", name="Open this page again")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("target", "_blank")
    mine = render("responder-event-care").replace('name="csrf" value="token"', 'name="csrf" value="fresh"')
    answers = [render("sign-in"), render("responder-event-hidden"), mine]
    page.route("**/desk/p1/e-c1", lambda route: route.fulfill(status=200, body=answers.pop(0)))
    for _ in ("signed out", "a colleague's"):
        with page.expect_response("**/desk/p1/e-c1"):
            page.evaluate("dispatchEvent(new Event('focus'))")
        expect(page.get_by_label("Note")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_label("Note")).to_have_value("She sleeps again.")
    expect(page.get_by_label("Note")).to_be_visible()
    expect(page.locator("form input[name=csrf]").first).to_have_value("fresh")
    page.clock.fast_forward("16:00")
    expect(page.get_by_label("Note")).to_be_hidden()


def test_the_desk_says_when_it_is_not_live(page: Page, site: Site) -> None:
    """A failure never replaces the list, and is told."""
    page.route("**/desk/list", lambda route: route.fulfill(status=401, body="<p>signed out</p>"))
    page.goto(f"{site.url}/desk")
    expect(page.locator("[data-desk-lost]")).to_be_visible()
    expect(page.locator(EVENTS)).to_have_count(4)


def test_works_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/check-in")
    page.locator("input[name=mood_score]").nth(3).check(force=True)
    page.get_by_role("button", name="Save my check-in").first.click()
    assert page.url == f"{site.url}/results/c1"
    page.goto(f"{site.url}/help")
    assert page.get_by_role("link", name="Call 3114").get_attribute("href") == "tel:3114"
    context.close()


def test_a_country_that_was_chosen_once_stays_for_the_time_without_a_network(browser: Browser, site: Site) -> None:
    """Whoever signs out and opens help again is shown the service's own country; what is kept is still theirs."""
    context = browser.new_context(service_workers="allow")
    page = context.new_page()
    page.goto(f"{site.url}/page/crisis")
    page.evaluate("navigator.serviceWorker.ready")
    kept = """async (lang) => {
      for (let n = 0; n < 80; n += 1) {
        const url = (await caches.match("/help"))?.url ?? "";
        if (url.includes(`lang=${lang}`)) return new URL(url).search;
        await new Promise((go) => setTimeout(go, 100));
      }
      return "";
    }"""
    assert page.evaluate(kept, "en") == "?lang=en&country=FR"
    page.goto(f"{site.url}/page/crisis-unnamed?lang=fr")
    assert page.evaluate(kept, "fr") == "?lang=fr&country=FR"
    context.close()


def test_offline_has_help_lines_and_no_health_data(browser: Browser, site: Site) -> None:
    context = browser.new_context(service_workers="allow")
    page = context.new_page()
    page.goto(f"{site.url}/home")
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller")
    page.goto(f"{site.url}/check-in")
    page.goto(f"{site.url}/page/detail")
    context.set_offline(True)
    page.goto(f"{site.url}/home")
    expect(page.locator("h1")).to_have_text("No connection right now")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)"
    page.goto(f"{site.url}/help")
    expect(page.get_by_role("link", name="Call 3114")).to_be_visible()
    kept = page.evaluate(
        "caches.open('wellspring-shell-1').then((c) => c.keys()).then((k) => k.map((r) => new URL(r.url).pathname))"
    )
    assert {path for path in kept if not path.startswith("/static/")} == {"/offline", "/help", "/manifest.webmanifest"}
    context.close()
