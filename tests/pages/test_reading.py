"""What was heard in one's words: shown gently, corrected by plain forms, switched off, learned from by consent only."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.models import CORRIDOR, TUNNEL, StandIn, in_time, install, late
from tests.support.people import Circle, Person
from wellspring.checkins.read_later import read_on
from wellspring.kernel.edge import Edge
from wellspring.language.pool import READERS

pytestmark = pytest.mark.anyio
STUCK = "I am stuck in a crowded day."


@pytest.fixture(autouse=True)
def models(parts: Edge) -> StandIn:
    return install(parts)


@pytest.fixture
def owner(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


async def checked_in(browser: Browser, words: str = STUCK) -> tuple[str, str]:
    """Check in; return the paths of the result and of the entry."""
    answer = await browser.fill("/check-in", "/check-in", mood_score="4", journal_text=words)
    assert answer.status_code == 303, text(answer.text)
    result = str(answer.headers["location"])
    return result, result.replace("/results/", "/check-ins/")


async def say(browser: Browser, page: str, entry: str, **said: str) -> str:
    """Answer on a page whether the reading is right; return the words of the page that follows."""
    answer = await browser.fill(page, f"{entry}/reading", **said)
    return text((await browser.follow(answer)).text)


async def test_a_stranger_answers_nothing(at_home: Browser, stranger: Browser, visitor: Browser, alice: Person) -> None:
    result, entry = await checked_in(at_home)
    token = {"csrf": fields((await stranger.get("/check-in")).text, "/check-in")["csrf"], "answer": "no"}
    assert (await stranger.post(f"{entry}/reading", token)).status_code == 404
    assert (await stranger.post(f"{entry}/reading", token | {"answer": "none"})).status_code == 404
    assert (await visitor.get("/reading")).headers["location"].startswith("/sign-in?next=")
    forged = await at_home.post(f"{entry}/reading", {"csrf": "forged", "answer": "no"})
    assert forged.status_code == 403
    assert "Is that right?" in text((await at_home.get(result)).text)


async def test_two_feelings_and_yes(at_home: Browser, alice: Person) -> None:
    result, entry = await checked_in(at_home)
    said = text((await at_home.get(result)).text)
    assert "Your words sounded frustrated, perhaps overwhelmed too. Is that right?" in said
    assert "You said: that is right." in await say(at_home, result, entry, answer="yes")
    stored = (await alice.get(f"/v1{entry.replace('check-ins', 'checkins')}/reading")).json()
    assert (stored["correction"]["answer"], stored["correction"]["emotion"]) == ("yes", "frustrated")


async def test_answering_leads_back_to_the_card_and_what_was_not_kept_to_the_top(
    at_home: Browser, alice: Person
) -> None:
    """Whoever goes by keyboard, or hears the page, stays where they answered."""
    result, entry = await checked_in(at_home)
    for page in (result, entry):
        answer = await at_home.fill(page, f"{entry}/reading", answer="yes")
        assert answer.headers["location"] == f"{page}#reading"
        assert 'id="reading"' in (await at_home.follow(answer)).text
    before = (await at_home.get(result)).text
    await alice.patch(f"/v1{entry.replace('check-ins', 'checkins')}", json={"journal_text": "A lantern."})
    late = await at_home.post(f"{entry}/reading", fields(before, f"{entry}/reading") | {"answer": "yes"})
    assert late.headers["location"] == result, "what has to be read stands at the top"


async def test_no_another_and_taking_it_back_on_the_entry_itself(at_home: Browser, alice: Person) -> None:
    _, entry = await checked_in(at_home, "Just a lantern.")
    assert "Your words sounded calm. Is that right?" in text((await at_home.get(entry)).text)
    assert "You said: that is not how it was." in await say(at_home, entry, entry, answer="no")
    assert "You said: Sadness." in await say(at_home, entry, entry, answer="other", emotion="sadness")
    ignored = await say(at_home, entry, entry, answer="no", emotion="joy")
    assert "You said: that is not how it was." in ignored
    assert "Is that right?" in await say(at_home, entry, entry, answer="none")


async def test_an_answer_without_a_feeling_is_refused_and_stores_nothing(at_home: Browser, alice: Person) -> None:
    _, entry = await checked_in(at_home)
    answer = await at_home.fill(entry, f"{entry}/reading", answer="other", emotion="")
    assert answer.status_code == 422
    assert "another look" in text(answer.text)
    assert "Is that right?" in text((await at_home.get(entry)).text)


async def test_the_history_says_it_and_leads_to_where_it_can_be_said(at_home: Browser, alice: Person) -> None:
    _, entry = await checked_in(at_home)
    page = await at_home.get("/history")
    assert "Your words sounded frustrated, perhaps overwhelmed too." in text(page.text)
    assert f'href="{entry}#reading"' in page.text
    await say(at_home, entry, entry, answer="other", emotion="fear")
    assert "You said: Fear." in text((await at_home.get("/history")).text)
    found = await at_home.fill("/history", "/history/search", text="crowded")
    assert "You said: Fear." in text(found.text)


async def test_nothing_is_said_where_it_is_not_clear(at_home: Browser) -> None:
    for words in ("Soup.", ""):
        result, entry = await checked_in(at_home, words)
        for path in (result, entry):
            assert "sounded" not in text((await at_home.get(path)).text)


async def test_in_danger_help_comes_and_no_guess_at_feelings(at_home: Browser) -> None:
    result, entry = await checked_in(at_home, f"I am stuck. All I see is {TUNNEL}.")
    said = text((await at_home.get(result)).text)
    assert "sounded" not in said
    assert "Your check-in is saved." in said
    assert "sounded frustrated" in text((await at_home.get(entry)).text)
    result, _ = await checked_in(at_home, f"I am stuck on {CORRIDOR}.")
    assert "sounded frustrated" in text((await at_home.get(result)).text)


async def test_words_of_danger_are_never_called_calm(at_home: Browser) -> None:
    result, entry = await checked_in(at_home, f"A lantern in {CORRIDOR}.")
    for path in (result, entry, "/history"):
        assert "sounded" not in text((await at_home.get(path)).text)


async def test_switching_it_off_says_plainly_what_stays_on(at_home: Browser, alice: Person) -> None:
    result, entry = await checked_in(at_home)
    shown = text((await at_home.get("/reading")).text)
    assert "This is always on. It cannot be switched off." in shown
    off = await at_home.follow(await at_home.fill("/reading", "/reading", on="false"))
    assert "This is switched off." in text(off.text)
    for path in (result, entry, "/history"):
        assert "sounded" not in text((await at_home.get(path)).text)
    result, _ = await checked_in(at_home, f"All I see is {TUNNEL}.")
    assert "Your check-in is saved." in text((await at_home.get(result)).text)
    kept = fields((await at_home.get("/preferences")).text, "/preferences")
    assert "emotion_reading" not in kept
    await at_home.post("/preferences", kept | {"emotion_reading": "true", "theme": "dark"})
    assert "This is switched on." in text((await at_home.get("/reading")).text)
    assert (await alice.get("/v1/users/me/preferences")).json()["theme"] == "dark"


async def test_other_preferences_outlive_the_switch(at_home: Browser, alice: Person) -> None:
    await alice.put("/v1/users/me/preferences", json={"theme": "dark", "font_size": 24})
    await at_home.fill("/reading", "/reading", on="false")
    found = (await alice.get("/v1/users/me/preferences")).json()
    assert (found["theme"], found["font_size"], found["emotion_reading"]) == ("dark", 24, False)


async def test_consents_are_given_and_taken_back_alike(at_home: Browser, alice: Person) -> None:
    async def answered() -> dict[str, bool]:
        items = (await alice.get("/v1/consents")).json()["items"]
        return {item["kind"]: item["given"] for item in items if item["kind"].startswith("correction")}

    assert await answered() == {"corrections": False, "correction_texts": False}
    page = await at_home.get("/reading")
    assert "You have not agreed to this." in text(page.text)
    sent = fields(page.text, "/reading/consents")
    assert sent["kind"] == "corrections"
    await at_home.post("/reading/consents", sent | {"given": "true"})
    assert await answered() == {"corrections": True, "correction_texts": False}
    await at_home.post("/reading/consents", sent | {"given": "false"})
    assert await answered() == {"corrections": False, "correction_texts": False}
    stale = await at_home.post("/reading/consents", sent | {"given": "true", "version": "7"})
    assert stale.status_code == 409
    assert "These words have changed." in text(stale.text)
    absurd = await at_home.post("/reading/consents", sent | {"given": "true", "version": "9" * 5000})
    assert absurd.status_code == stale.status_code
    other = await at_home.post("/reading/consents", sent | {"given": "true", "kind": "research"})
    assert other.status_code == 422
    assert await answered() == {"corrections": False, "correction_texts": False}


async def test_in_french(client: httpx.AsyncClient, circle: Circle) -> None:
    amelie = await circle.member("amelie", language="fr", country="FR")
    browser = Browser(client)
    await browser.sign_in(amelie)
    result, entry = await checked_in(browser)
    said = text((await browser.get(result)).text)
    assert "Dans vos mots, on entend de la frustration, peut-être aussi un trop-plein. Est-ce juste ?" in said
    assert "Vous avez dit : Tristesse." in await say(browser, result, entry, answer="other", emotion="sadness")
    assert "Cela ne se désactive pas." in text((await browser.get("/reading")).text)


async def test_a_changed_text_asks_anew(at_home: Browser) -> None:
    _, entry = await checked_in(at_home)
    await say(at_home, entry, entry, answer="yes")
    sent = fields((await at_home.get(f"{entry}?edit=1")).text, entry)
    await at_home.post(entry, sent | {"journal_text": "A quarrel."})
    assert "Your words sounded angry. Is that right?" in text((await at_home.get(entry)).text)


async def test_a_result_says_that_more_is_read_and_then_shows_the_way_to_help(
    at_home: Browser, stranger: Browser, models: StandIn, parts: Edge, alice: Person
) -> None:
    late(models, parts)
    result, _ = await checked_in(at_home, f"I am stuck. All I see is {TUNNEL}.")
    page = await at_home.get(result)
    assert "Some of your words are still being read." in text(page.text)
    assert f'hx-get="{result}/news?asked=1"' in page.text
    assert (await stranger.get(f"{result}/news?asked=1")).status_code == 404
    waiting = await at_home.get(f"{result}/news?asked=1")
    assert f'hx-get="{result}/news?asked=2"' in waiting.text
    for last in ("10", "99999", "", "x"):
        assert "hx-get" not in (await at_home.get(f"{result}/news?asked={last}")).text
    context = in_time(models, parts)
    await read_on(context, alice.id, UUID(result.rsplit("/", 1)[1]))
    news = await at_home.get(f"{result}/news?asked=2")
    assert "We would like to show you help." in news.text
    assert f'href="{result}"' in news.text
    assert "hx-get" not in news.text
    after = await at_home.get(result)
    assert "still being read" not in text(after.text)
    assert "Your check-in is saved." in text(after.text)
    context.ports[READERS].close()


async def test_an_answer_stays_with_the_feeling_it_was_about(
    at_home: Browser, models: StandIn, parts: Edge, alice: Person, owner: "psycopg.Connection[Any]"
) -> None:
    result, entry = await checked_in(at_home)
    shown = (await at_home.get(result)).text
    owner.execute("UPDATE checkins.checkin SET ai_emotion_primary = 'anger', ai_emotion_secondary = NULL")
    sent = fields(shown, f"{entry}/reading") | {"answer": "yes"}
    said = text((await at_home.follow(await at_home.post(f"{entry}/reading", sent))).text)
    assert "Your words sounded angry. You said: Frustration." in said
    await at_home.post(f"{entry}/reading", sent | {"about": "anger"})
    owner.execute("UPDATE checkins.checkin SET ai_emotion_primary = 'sadness'")
    assert "Your words sounded angry. You said: that is right." in text((await at_home.get(entry)).text)


async def test_waiting_is_read_out_once(at_home: Browser, models: StandIn, parts: Edge) -> None:
    late(models, parts)
    result, _ = await checked_in(at_home)
    assert 'role="status" hx-get' in (await at_home.get(result)).text
    again = (await at_home.get(f"{result}/news?asked=1")).text
    assert "still being read" in again
    assert 'role="status"' not in again
    models.go.set()


async def test_when_the_rest_is_ordinary_the_words_about_it_go(
    at_home: Browser, models: StandIn, parts: Edge, alice: Person
) -> None:
    late(models, parts)
    result, _ = await checked_in(at_home)
    context = in_time(models, parts)
    await read_on(context, alice.id, UUID(result.rsplit("/", 1)[1]))
    assert (await at_home.get(f"{result}/news?asked=1")).text.strip() == ""
    context.ports[READERS].close()


async def test_an_answer_from_a_page_of_the_words_before_is_not_kept_and_says_so(
    at_home: Browser, alice: Person, owner: "psycopg.Connection[Any]"
) -> None:
    result, entry = await checked_in(at_home)
    before = (await at_home.get(result)).text
    await alice.patch(f"/v1{entry.replace('check-ins', 'checkins')}", json={"journal_text": "A lantern."})
    sent = fields(before, f"{entry}/reading") | {"answer": "yes"}
    after = text((await at_home.follow(await at_home.post(f"{entry}/reading", sent))).text)
    assert "Not kept: this check-in was changed" in after
    assert "Your words sounded calm. Is that right?" in after
    assert owner.execute("SELECT count(*) FROM checkins.correction").fetchone() == (0,)


async def test_taking_it_back_twice_is_taking_it_back(at_home: Browser, stranger: Browser, alice: Person) -> None:
    result, entry = await checked_in(at_home)
    await say(at_home, result, entry, answer="yes")
    page = (await at_home.get(result)).text
    for _ in range(2):
        sent = fields(page, f"{entry}/reading") | {"answer": "none"}
        answer = await at_home.post(f"{entry}/reading", sent)
        assert answer.status_code == 303
        assert "Is that right?" in text((await at_home.follow(answer)).text)
