"""What one said of something one tried: found again on a list, changed, taken back, by plain forms."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Circle, Person
from wellspring.interventions import intervention_id

pytestmark = pytest.mark.anyio
ACTION = f"/actions/{intervention_id('warm-hands')}"
WORDS = "quokkaberry, and my sister rang"


async def done(browser: Browser, **said: Any) -> str:
    """Do something, say so; return the path of its session's forms."""
    running = str((await browser.fill(ACTION, f"{ACTION}/start")).headers["location"])
    form = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    answer = await browser.fill(running, f"{form}/complete", **said)
    assert answer.status_code == 303
    return form


def page_of(form: str) -> str:
    return f"{ACTION}?session={form.rsplit('/', 1)[1]}"


async def said(alice: Person) -> tuple[Any, ...]:
    found = (await alice.get("/v1/interventions/sessions")).json()["items"][0]
    return found["effectiveness_rating"], found["feedback_tags"], found["feedback_text"]


async def test_a_stranger_finds_and_changes_nothing(
    at_home: Browser, stranger: Browser, visitor: Browser, alice: Person
) -> None:
    form = await done(at_home, effectiveness_rating="5", feedback_text=WORDS)
    token = fields((await stranger.get(ACTION)).text, f"{ACTION}/start")["csrf"]
    for verb in ("change", "take-back", "remove"):
        assert (await stranger.post(f"{form}/{verb}", {"csrf": token})).status_code == 404
        assert (await at_home.post(f"{form}/{verb}", {"csrf": "forged"})).status_code == 403
    assert (await visitor.get("/actions/done")).headers["location"].startswith("/sign-in?next=")
    shown = text((await stranger.get("/actions/done")).text)
    assert "Nothing here yet" in shown
    assert await said(alice) == (5, [], WORDS)


async def test_words_are_found_again_changed_and_removed(at_home: Browser, alice: Person) -> None:
    form = await done(at_home, effectiveness_rating="5", feedback_tags=["helped"], feedback_text=WORDS)
    listed = await at_home.get("/actions/done")
    assert page_of(form) in listed.text
    assert "you gave it 5 of 5" in text(listed.text)
    assert WORDS in text(listed.text)
    shown = await at_home.get(page_of(form))
    sent = fields(shown.text, f"{form}/change")
    assert (sent["effectiveness_rating"], sent["feedback_tags"], sent["feedback_text"]) == ("5", "helped", WORDS)
    changed = await at_home.post(f"{form}/change", sent | {"feedback_text": "It rained", "effectiveness_rating": "2"})
    assert changed.status_code == 303
    assert await said(alice) == (2, ["helped"], "It rained")
    await at_home.fill(page_of(form), f"{form}/change", feedback_text="")
    assert await said(alice) == (2, ["helped"], None)
    await at_home.fill(page_of(form), f"{form}/take-back")
    assert await said(alice) == (None, [], None)
    assert "done, not rated" in text((await at_home.get("/actions/done")).text)
    assert "Take back what I said" not in text((await at_home.get(page_of(form))).text)


async def test_all_of_it_is_removed(at_home: Browser, alice: Person) -> None:
    form = await done(at_home, effectiveness_rating="5", feedback_text=WORDS)
    listed = await at_home.follow(await at_home.fill(page_of(form), f"{form}/remove"))
    assert "Nothing here yet" in text(listed.text)
    assert (await at_home.get(page_of(form))).status_code == 404
    assert "Nothing yet." in text((await at_home.get("/learned")).text)


async def test_who_left_can_say_why(at_home: Browser, alice: Person) -> None:
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    form = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    left = await at_home.follow(await at_home.fill(running, f"{form}/skip"))
    assert "Say why, if you like" in text(left.text)
    assert f"{form}/take-back" not in left.text, (
        "without a reason, stopping says more against it than with “wrong moment”"
    )
    answer = await at_home.fill(page_of(form), f"{form}/change", feedback_tags=["too_long", "not_now"])
    assert answer.status_code == 303
    assert await said(alice) == (None, ["too_long", "not_now"], None)


async def test_what_was_entered_before_stopping_is_kept(at_home: Browser, alice: Person) -> None:
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    form = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    entered = {"effectiveness_rating": "2", "feedback_tags": ["too_long"], "feedback_text": WORDS}
    assert (await at_home.fill(running, f"{form}/skip", feedback_text="x" * 2001)).status_code == 422
    assert (await at_home.fill(running, f"{form}/skip", **entered)).status_code == 303
    assert await said(alice) == (None, ["too_long"], WORDS)
    assert fields((await at_home.get(running)).text, f"{form}/change")["feedback_text"] == WORDS


async def test_who_goes_back_and_says_something_else_is_believed(at_home: Browser, alice: Person) -> None:
    """The page says “Noted”: so it is. A double tap, or an empty form, changes nothing."""
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    form = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    sent = fields((await at_home.get(running)).text, f"{form}/complete")
    other = {"effectiveness_rating": "2", "feedback_text": WORDS}
    for more, now in (({"effectiveness_rating": "4"}, (4, [], None)), (other, (2, [], WORDS)), ({}, (2, [], WORDS))):
        for _ in range(2):
            assert (await at_home.post(f"{form}/complete", sent | more)).status_code == 303
            assert await said(alice) == now
    version = (await alice.get(f"/v1/interventions/sessions/{running.rsplit('=', 1)[1]}")).headers["etag"]
    assert version == '"3"', "ended, changed once"


async def test_what_was_begun_is_found_again(at_home: Browser, stranger: Browser) -> None:
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    assert running in (await at_home.get(ACTION)).text
    assert running in (await at_home.get("/actions/done")).text
    assert running not in (await stranger.get(ACTION)).text
    await at_home.fill(running, f"/actions/sessions/{running.rsplit('=', 1)[1]}/skip")
    assert running not in (await at_home.get(ACTION)).text


async def test_what_was_begun_is_removed_too(at_home: Browser) -> None:
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    form = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    listed = await at_home.follow(await at_home.fill(running, f"{form}/remove"))
    assert "Nothing here yet" in text(listed.text)
    assert (await at_home.get(running)).status_code == 404


async def test_not_the_moment_is_said_to_mean_nothing(at_home: Browser) -> None:
    left = await at_home.follow(await at_home.fill(ACTION, f"{ACTION}/skip"))
    assert "nothing is concluded from that" in text(left.text)
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    stopped = await at_home.fill(running, f"/actions/sessions/{running.rsplit('=', 1)[1]}/skip")
    assert "It may be offered less often" in text((await at_home.follow(stopped)).text)


async def test_what_does_not_fit_is_shown_again(at_home: Browser, alice: Person) -> None:
    form = await done(at_home, effectiveness_rating="5")
    answer = await at_home.fill(page_of(form), f"{form}/change", feedback_text="x" * 2001)
    assert answer.status_code == 422
    assert fields(answer.text, f"{form}/change")["feedback_text"] == "x" * 2001
    assert await said(alice) == (5, [], None)


async def test_older_ones_are_on_further_pages(at_home: Browser, alice: Person) -> None:
    for _ in range(21):
        await alice.post(f"/v1/interventions/{intervention_id('warm-hands')}/start", json={})
    first = await at_home.get("/actions/done")
    assert first.text.count("begun, not finished") == 20
    older = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = await at_home.get(older)
    assert second.text.count("begun, not finished") == 1
    assert (await at_home.get("/actions/done?cursor=made-up")).status_code == 422


async def test_in_french(client: httpx.AsyncClient, circle: Circle) -> None:
    browser = Browser(client)
    await browser.sign_in(await circle.member("amelie", language="fr", country="FR"))
    form = await done(browser, effectiveness_rating="4")
    assert "vous lui avez donné 4 sur 5" in text((await browser.get("/actions/done")).text)
    assert "Retirer ma réponse" in text((await browser.get(page_of(form))).text)


async def test_a_check_in_changed_on_its_page_takes_back_only_what_it_says_no_more(
    at_home: Browser, database_url: str
) -> None:
    said = {"mood_score": "3", "energy_level": "2", "emotions": ["fear", "sadness"], "context_location": "home"}
    made = await at_home.fill("/check-in", "/check-in", **said)
    entry = f"/check-ins/{made.headers['location'].split('?')[0].rsplit('/', 1)[1]}"
    owner = await asyncpg.connect(database_url)
    context = "SELECT context::text FROM interventions.recommendation"
    before = await owner.fetchval(context)
    assert {"fear", "sadness"} <= set(json.loads(before)["emotions"])
    assert (await at_home.fill(f"{entry}?edit=1", entry, journal_text="It rained")).status_code == 303
    assert await owner.fetchval(context) == before
    assert (await at_home.fill(f"{entry}?edit=1", entry, emotions="sadness")).status_code == 303
    assert "fear" not in await owner.fetchval(context)
    await owner.close()


async def test_words_of_who_took_back_their_consent_are_not_stored_and_not_lost(
    at_home: Browser, stranger: Browser, alice: Person
) -> None:
    form = await done(at_home, effectiveness_rating="5", feedback_text=WORDS)
    open_form = fields((await at_home.get(page_of(form))).text, f"{form}/change")
    assert (await alice.put("/v1/consents/health_data", json={"given": False})).status_code == 200
    token = fields((await stranger.get(ACTION)).text, f"{ACTION}/start")["csrf"]
    assert (await stranger.post(f"{form}/change", {"csrf": token, "feedback_text": "x"})).status_code == 404
    refused = await at_home.post(f"{form}/change", open_form | {"feedback_text": "I cannot breathe"})
    assert refused.status_code == 409
    assert "so nothing was stored. You can agree again." in text(refused.text)
    assert "This was not written down" in text(refused.text)
    assert "<h2>Noted</h2>" not in refused.text
    sent = fields(refused.text, f"{form}/change")
    assert sent["feedback_text"] == "I cannot breathe"
    assert await said(alice) == (5, [], WORDS)
    shown = text((await at_home.get(page_of(form))).text)
    assert "You can remove these words. New ones are kept only if you agree again." in shown
    assert "helps to offer you things" not in shown
    unchanged = fields((await at_home.get(page_of(form))).text, f"{form}/change") | {"effectiveness_rating": "2"}
    assert (await at_home.post(f"{form}/change", unchanged)).status_code == 303
    assert await said(alice) == (2, [], WORDS)
    assert (await at_home.post(f"{form}/change", sent | {"agree": "999"})).status_code == 409
    assert (await at_home.post(f"{form}/change", sent | {"agree": "1"})).status_code == 303
    assert await said(alice) == (5, [], "I cannot breathe")


async def test_who_took_back_their_consent_removes_words_and_ends_what_they_began(
    at_home: Browser, alice: Person
) -> None:
    form = await done(at_home, effectiveness_rating="5", feedback_text="It rained\r\nall day")
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    other = f"/actions/sessions/{running.rsplit('=', 1)[1]}"
    typed = fields((await at_home.get(running)).text, f"{other}/complete") | {"feedback_text": WORDS}
    assert (await alice.put("/v1/consents/health_data", json={"given": False})).status_code == 200
    for verb in ("complete", "skip"):
        refused = await at_home.post(f"{other}/{verb}", typed)
        assert refused.status_code == 409
        assert fields(refused.text, f"{other}/complete")["feedback_text"] == WORDS
    plain = (await at_home.get(running)).text
    assert 'name="feedback_text"' not in plain
    assert "so no words are kept here" in text(plain)
    assert (await at_home.fill(running, f"{other}/complete", effectiveness_rating="3")).status_code == 303
    assert await said(alice) == (3, [], None)
    assert (await at_home.fill(page_of(form), f"{form}/change")).status_code == 303
    assert (await at_home.fill(page_of(form), f"{form}/change", feedback_text="")).status_code == 303
    assert "It rained" not in (await at_home.get("/actions/done")).text
    for one in (form, other):
        assert (await at_home.fill(page_of(one), f"{one}/remove")).status_code == 303
