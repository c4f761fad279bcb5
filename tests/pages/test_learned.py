"""What was learned from one's ratings: seen, forgotten, shared with others or not, by plain forms."""

from html import unescape

import asyncpg
import httpx
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Circle, Person
from wellspring.interventions import intervention_id

pytestmark = pytest.mark.anyio
ACTION = f"/actions/{intervention_id('warm-hands')}"


async def rate(browser: Browser, stars: str) -> str:
    """Do something and rate it; return the words of the page that follows."""
    running = str((await browser.fill(ACTION, f"{ACTION}/start")).headers["location"])
    complete = f"/actions/sessions/{running.rsplit('=', 1)[1]}/complete"
    return text((await browser.follow(await browser.fill(running, complete, effectiveness_rating=stars))).text)


async def helps_others(who: Person) -> bool:
    return bool((await who.get("/v1/interventions/learned")).json()["helps_others"])


async def test_a_stranger_sees_only_what_is_hers(
    at_home: Browser, stranger: Browser, visitor: Browser, alice: Person
) -> None:
    await rate(at_home, "5")
    assert "Nothing yet." in text((await stranger.get("/learned")).text)
    assert (await visitor.get("/learned")).headers["location"].startswith("/sign-in?next=")
    token = fields((await stranger.get("/learned")).text, "/learned/consents")["csrf"]
    assert (await at_home.post("/learned/forget", {"csrf": "forged"})).status_code == 403
    assert (await stranger.post("/learned/forget", {"csrf": token})).status_code == 303
    assert ACTION in (await at_home.get("/learned")).text


async def test_what_was_rated_is_shown_and_forgotten(at_home: Browser, alice: Person) -> None:
    assert "What was learned so far" in await rate(at_home, "5")
    await rate(at_home, "4")
    page = await at_home.get("/learned")
    assert ACTION in page.text
    assert "On average you gave it 4.5 of 5. Rated 2 times." in text(page.text)
    forgotten = await at_home.follow(await at_home.fill("/learned", "/learned/forget"))
    assert "Nothing yet." in text(forgotten.text)
    assert (await alice.get("/v1/interventions/learned")).json()["items"] == []


async def test_not_now_is_no_judgement_and_stopping_is_a_mild_one(at_home: Browser) -> None:
    await at_home.fill(ACTION, f"{ACTION}/skip")
    assert "Stopped" not in text((await at_home.get("/learned")).text)
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    await at_home.fill(running, f"/actions/sessions/{running.rsplit('=', 1)[1]}/skip")
    assert "You have not rated it. Stopped 1 time." in text((await at_home.get("/learned")).text)


async def test_ratings_help_others_by_a_yes_that_can_be_taken_back(at_home: Browser, alice: Person) -> None:
    page = await at_home.get("/learned")
    assert "Let my ratings help others" in text(page.text)
    assert "You have not agreed to this." in text(page.text)
    sent = fields(page.text, "/learned/consents")
    await at_home.post("/learned/consents", sent | {"given": "true"})
    assert await helps_others(alice)
    assert "You have agreed to this." in text((await at_home.get("/learned")).text)
    other = await at_home.post("/learned/consents", sent | {"given": "true", "kind": "research"})
    assert other.status_code == 422
    await at_home.post("/learned/consents", sent | {"given": "false"})
    assert not await helps_others(alice)
    stale = await at_home.post("/learned/consents", sent | {"given": "true", "version": "7"})
    assert stale.status_code == 409
    assert "These words have changed." in text(stale.text)
    assert not await helps_others(alice)


async def test_who_took_back_health_data_reads_that_nothing_is_learned(at_home: Browser, alice: Person) -> None:
    await alice.put("/v1/consents/health_data", json={"given": True})
    await alice.put("/v1/consents/health_data", json={"given": False})
    assert "Nothing is learned at the moment" in text((await at_home.get("/learned")).text)


async def test_in_french(client: httpx.AsyncClient, circle: Circle) -> None:
    amelie = await circle.member("amelie", language="fr", country="FR")
    browser = Browser(client)
    await browser.sign_in(amelie)
    await rate(browser, "4")
    await rate(browser, "5")
    page = text((await browser.get("/learned")).text)
    assert "En moyenne, vous lui avez donné 4,5 sur 5. Noté 2 fois." in page
    assert "Que mes notes aident les autres" in page


async def test_reading_why_it_was_offered_is_recorded(at_home: Browser, alice: Person, database_url: str) -> None:
    page = await at_home.follow(await at_home.fill("/check-in", "/check-in", mood_score="4"))
    offer = unescape(page.text.split('href="/actions/')[1].split('"')[0])
    conn = await asyncpg.connect(database_url)
    count = "SELECT count(*) FROM kernel.audit WHERE action = 'interventions:recommendation:read' AND person_id = $1"
    before = await conn.fetchval(count, alice.id)
    assert (await at_home.get(f"/actions/{offer}")).status_code == 200
    assert await conn.fetchval(count, alice.id) == before + 1
    assert (await at_home.get(ACTION)).status_code == 200
    assert await conn.fetchval(count, alice.id) == before + 1
    await conn.close()


async def test_a_rating_that_is_refused_shows_the_session_and_records_it(
    at_home: Browser, alice: Person, database_url: str
) -> None:
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    complete = f"/actions/sessions/{running.rsplit('=', 1)[1]}/complete"
    sent = fields((await at_home.get(running)).text, complete) | {"effectiveness_rating": "9"}
    conn = await asyncpg.connect(database_url)
    count = "SELECT count(*) FROM kernel.audit WHERE action = 'interventions:session:read' AND person_id = $1"
    before = await conn.fetchval(count, alice.id)
    assert (await at_home.post(complete, sent)).status_code == 422
    assert await conn.fetchval(count, alice.id) == before + 1
    await conn.close()
