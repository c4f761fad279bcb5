"""Coming back to a long text: "Get help now" and the Back button lose nothing, with scripts and without."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.pages.live import Program
from tests.pages.test_browser import program, sign_up
from tests.pages.test_browser import pytestmark as browser_marks
from tests.web.test_browser import ARGS, CHROMIUM

__all__ = ["program"]
pytestmark = browser_marks
WORDS = "A long text,\nwritten on a bad night."


@pytest.fixture(scope="module", params=["fetched again", "kept as it was"])
def back(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser that fetches a page again on Back, and one that keeps the page itself."""
    unlike = ["--disable-back-forward-cache"] if request.param == "kept as it was" else []
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS, ignore_default_args=unlike)
        yield found
        found.close()


def written(page: Page) -> None:
    """Write a long text at a check-in, and do not send it."""
    page.goto("/check-in")
    page.locator("summary").first.click()
    page.locator("#journal_text").fill(WORDS)


@pytest.mark.parametrize("scripts", [True, False])
def test_get_help_and_back_loses_no_word(program: Program, back: Browser, scripts: bool) -> None:
    context = back.new_context(base_url=program.url, java_script_enabled=scripts, service_workers="block")
    page = context.new_page()
    sign_up(page)
    written(page)
    page.locator(".safety a.help").click()
    page.wait_for_url("**/help")
    page.go_back(wait_until="commit")
    expect(page).to_have_url(f"{program.url}/check-in")
    page.wait_for_timeout(500)
    expect(page.locator("#journal_text")).to_have_value(WORDS)
    context.close()


def test_get_help_and_back_loses_no_word_of_a_plan_that_exists(program: Program, back: Browser) -> None:
    """Its page is never stored, so the browser alone would forget; the words wait in the tab, and not for long."""
    context = back.new_context(base_url=program.url, service_workers="block")
    page = context.new_page()
    sign_up(page)
    page.goto("/safety-plan")
    page.locator("#warning_signs").fill("I stop answering")
    page.get_by_role("button", name="Save my plan").click()
    page.goto("/safety-plan?edit=1")
    page.locator("#coping_strategies").fill(WORDS)
    page.locator(".safety a.help").click()
    page.wait_for_url("**/help")
    page.go_back(wait_until="commit")
    expect(page).to_have_url(f"{program.url}/safety-plan?edit=1")
    page.wait_for_timeout(500)
    expect(page.locator("#coping_strategies")).to_have_value(WORDS)
    expect(page.locator("#warning_signs")).to_have_value("I stop answering")
    assert page.evaluate("sessionStorage.length") == 0
    page.locator(".safety a.help").click()
    page.wait_for_url("**/help")
    assert page.evaluate("sessionStorage.length") == 1
    page.goto("/home")
    assert page.evaluate("sessionStorage.length") == 0
    context.close()


def test_no_password_waits_in_a_tab(program: Program, back: Browser) -> None:
    context = back.new_context(base_url=program.url, service_workers="block")
    page = context.new_page()
    page.goto("/sign-up")
    page.locator("#display_name").fill("Alice")
    page.locator("#password").fill("a quiet lamp by the river")
    page.locator('input[name="consents"]').first.check()
    page.get_by_role("link", name="Read the whole text").first.click()
    page.wait_for_url("**/texts/**")
    kept = page.evaluate("JSON.stringify(sessionStorage)")
    assert "Alice" in kept
    assert "quiet lamp" not in kept
    page.go_back(wait_until="commit")
    page.wait_for_timeout(500)
    expect(page.locator("#display_name")).to_have_value("Alice")
    expect(page.locator('input[name="consents"]').first).to_be_checked()
    context.close()


def test_after_signing_out_nobody_finds_the_text_by_going_back(program: Program, back: Browser) -> None:
    context = back.new_context(base_url=program.url, service_workers="block")
    page = context.new_page()
    sign_up(page)
    written(page)
    page.locator("[data-sign-out] button").click()
    page.wait_for_url(lambda url: "check-in" not in url)
    page.go_back(wait_until="commit")
    page.wait_for_timeout(500)
    if page.locator("#journal_text").count():
        expect(page.locator("#journal_text")).to_have_value("")
    assert WORDS not in page.content()
    context.close()


def test_signing_out_without_scripts_takes_a_kept_draft_with_it(program: Program, back: Browser) -> None:
    context = back.new_context(base_url=program.url, service_workers="block")
    page = context.new_page()
    sign_up(page)
    written(page)
    page.locator("#keep_draft").check()
    assert page.evaluate("localStorage.length") == 1
    page.route("**/app.js*", lambda route: route.abort())
    page.goto("/home")
    assert page.evaluate("localStorage.length") == 1
    page.locator("[data-sign-out] button").click()
    page.wait_for_url(f"{program.url}/")
    assert page.evaluate("localStorage.length") == 0
    context.close()
