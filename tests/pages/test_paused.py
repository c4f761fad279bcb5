"""Pages while data about one's health is not kept: they say so, keep what was typed, and take a yes again."""

import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Person

pytestmark = pytest.mark.anyio
CONSENTS = "/check-in/consents"


async def _say(who: Person, given: bool) -> None:
    await who.put("/v1/consents/health_data", json={"given": given})


async def _moods(who: Person) -> list[int]:
    return [one["mood_score"] for one in (await who.get("/v1/checkins")).json()["items"]]


async def test_strangers_decide_nothing(visitor: Browser, stranger: Browser, at_home: Browser, alice: Person) -> None:
    await _say(alice, False)
    assert (await visitor.post(CONSENTS, {"given": "true"})).status_code in (303, 401, 403)
    assert 'action="/check-in"' in (await stranger.get("/check-in")).text
    token = fields((await stranger.get("/check-in")).text, "/check-in")["csrf"]
    await stranger.post(CONSENTS, {"csrf": token, "kind": "health_data", "version": "1", "given": "true"})
    assert "No check-ins at the moment" in text((await at_home.get("/check-in")).text)


async def test_the_pages_say_so_and_take_a_yes_again(at_home: Browser, alice: Person) -> None:
    await at_home.fill("/check-in", "/check-in", mood_score="4", journal_text="rain")
    await _say(alice, False)
    home = await at_home.get("/home")
    assert "No check-ins at the moment" in text(home.text)
    assert 'action="/check-in/quick"' not in home.text
    page = await at_home.get("/check-in")
    assert "Help stays open to you" in text(page.text)
    assert "Nobody looks for signs of danger meanwhile." in text(page.text)
    assert 'action="/check-in"' not in page.text
    assert "rain" in (await at_home.get("/history")).text
    sent = fields(page.text, CONSENTS) | {"given": "true"}
    assert (await at_home.post(CONSENTS, sent | {"kind": "research"})).status_code == 422
    assert (await at_home.post(CONSENTS, sent | {"version": "7"})).status_code == 409
    done = await at_home.follow(await at_home.post(CONSENTS, sent))
    assert 'action="/check-in"' in done.text
    assert 'action="/check-in/quick"' in (await at_home.get("/home")).text


async def test_a_form_that_was_open_keeps_what_was_typed(at_home: Browser, alice: Person) -> None:
    typed = fields((await at_home.get("/check-in")).text, "/check-in") | {"mood_score": "3", "journal_text": "a night"}
    await _say(alice, False)
    refused = await at_home.post("/check-in", typed)
    assert refused.status_code == 409
    assert "so nothing was stored" in text(refused.text)
    kept = fields(refused.text, "/check-in")
    assert (kept["mood_score"], kept["journal_text"]) == ("3", "a night")
    assert "agree" not in kept, "a yes is never ticked for somebody"
    assert (await at_home.post("/check-in", kept)).status_code == 409
    changed = await at_home.post("/check-in", kept | {"agree": "7"})
    assert changed.status_code == 409
    assert "These words have changed." in text(changed.text)
    assert await _moods(alice) == []
    assert (await at_home.post("/check-in", kept | {"agree": "1"})).status_code == 303
    assert await _moods(alice) == [3]


async def test_one_tap_of_a_page_that_was_open_is_not_lost(at_home: Browser, alice: Person) -> None:
    tap = fields((await at_home.get("/home")).text, "/check-in/quick") | {"mood_score": "2"}
    await _say(alice, False)
    refused = await at_home.post("/check-in/quick", tap)
    assert refused.status_code == 409
    assert fields(refused.text, "/check-in")["mood_score"] == "2"


async def test_an_entry_is_not_changed_but_removed(at_home: Browser, alice: Person) -> None:
    made = await at_home.fill("/check-in", "/check-in", mood_score="4")
    entry = made.headers["location"].replace("/results/", "/check-ins/")
    await _say(alice, False)
    refused = await at_home.fill(f"{entry}?edit=1", entry, mood_score="9")
    assert refused.status_code == 409
    assert "so nothing was stored" in text(refused.text)
    assert await _moods(alice) == [4]
    remove = f"{entry}/remove"
    sent = fields((await at_home.get(entry)).text, remove)
    assert (await at_home.post(remove, sent)).status_code == 303
    assert await _moods(alice) == []


async def test_the_consent_says_what_stops(at_home: Browser, alice: Person) -> None:
    await _say(alice, True)
    assert "If you take this back: no new check-ins are kept" in text((await at_home.get("/consents")).text)
    await _say(alice, False)
    assert "As long as your answer is no" in text((await at_home.get("/consents")).text)
