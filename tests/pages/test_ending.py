"""Ending an exercise on its page: a double tap counts once, and what was retired meanwhile can still be ended."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from tests.interventions.people import waits
from tests.pages.support import Browser, fields, text
from tests.support.people import Person
from wellspring.interventions import intervention_id, load, prepare, service
from wellspring.interventions.schemas import Complete
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
TEA = intervention_id("warm-hands")
PAGE = f"/actions/{TEA}"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def _begin(person: Browser) -> tuple[str, str]:
    """Start it; return its running page, and where its form goes."""
    running = str((await person.fill(PAGE, f"{PAGE}/start")).headers["location"])
    return running, f"/actions/sessions/{running.rsplit('=', 1)[1]}/complete"


async def test_a_stranger_ends_nothing(at_home: Browser, stranger: Browser, alice: Person) -> None:
    _, form = await _begin(at_home)
    token = fields((await stranger.get(PAGE)).text, f"{PAGE}/start")["csrf"]
    assert (await stranger.post(form, {"csrf": token, "effectiveness_rating": "1"})).status_code == 404
    assert (await alice.get("/v1/interventions/sessions")).json()["items"][0]["state"] == "started"


@pytest.mark.parametrize("verb", ["complete", "skip"])
async def test_the_second_tap_finds_it_done(
    at_home: Browser, alice: Person, parts: Edge, owner: asyncpg.Connection, verb: str
) -> None:
    running, form = await _begin(at_home)
    csrf = fields((await at_home.get(running)).text, form)["csrf"]
    session = UUID(running.rsplit("=", 1)[1])
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await service.end(tx, parts.keys, alice.id, session, Complete(effectiveness_rating=4))
        tap = asyncio.create_task(at_home.post(form.replace("complete", verb), {"csrf": csrf}))
        assert await waits(owner, tap)
    answer = await tap
    assert (answer.status_code, answer.headers["location"]) == (303, running)
    assert (await alice.get(f"/v1/interventions/sessions/{session}")).json()["effectiveness_rating"] == 4


async def test_what_is_retired_meanwhile_can_be_seen_and_ended(
    at_home: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, form = await _begin(at_home)
    left = prepare(item for item in load() if item.id != TEA)
    monkeypatch.setattr(service, "shipped", lambda: left)
    assert (await at_home.get(PAGE)).status_code == 404
    answer = await at_home.fill(running, form, effectiveness_rating="5")
    assert "Noted" in text((await at_home.follow(answer)).text)
    assert (await alice.get("/v1/interventions/sessions")).json()["items"][0]["effectiveness_rating"] == 5


async def test_what_only_a_newer_version_knows_is_asked_for_again_and_no_word_is_lost(
    at_home: Browser, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions answer side by side while hosts are replaced: the next try may meet the newer one."""
    running, form = await _begin(at_home)
    csrf = fields((await at_home.get(running)).text, form)["csrf"]
    left = [item for item in load() if item.id != TEA]
    shelf = prepare(left)
    monkeypatch.setattr(service, "load_library", lambda: left)
    monkeypatch.setattr(service, "shipped", lambda: shelf)
    answer = await at_home.get(running)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "Try again" in text(answer.text)
    words = "it helped more than I thought it would, a little later"
    answer = await at_home.post(form, {"csrf": csrf, "effectiveness_rating": "9", "feedback_text": words})
    assert answer.status_code == 503
    assert words in answer.text
    answer = await at_home.post(form, {"csrf": csrf, "effectiveness_rating": "5", "feedback_text": words})
    assert answer.status_code == 303, "ending it needs no words of the library"
    assert (await alice.get("/v1/interventions/sessions")).json()["items"][0]["effectiveness_rating"] == 5
