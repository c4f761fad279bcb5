"""What must not be offered: said on a page, kept as it was said, and left out from then on."""

from typing import get_args

import asyncpg
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Person
from wellspring.identity import leave_out_pages
from wellspring.identity.schemas import Contraindication
from wellspring.interventions.shelf import shipped

pytestmark = pytest.mark.anyio
PAGE = "/leave-out"


def _ticked(html: str) -> list[str]:
    found = fields(html, PAGE).get("contraindications", [])
    return [found] if isinstance(found, str) else found


async def _kept(person: Person) -> list[str]:
    found: list[str] = (await person.get("/v1/users/me")).json()["contraindications"]
    return found


def test_the_page_has_every_word_that_the_choice_knows() -> None:
    assert sorted(leave_out_pages.SHOWN) == sorted(get_args(Contraindication))


async def test_a_stranger_reads_and_changes_only_their_own(
    at_home: Browser, stranger: Browser, visitor: Browser, alice: Person
) -> None:
    await alice.patch("/v1/users/me", json={"contraindications": ["epilepsy"]})
    assert (await visitor.get(PAGE)).headers["location"] == f"/sign-in?next={PAGE}"
    assert _ticked((await stranger.get(PAGE)).text) == []
    token = fields((await stranger.get(PAGE)).text, PAGE)["csrf"]
    assert (await at_home.post(PAGE, {"csrf": "forged", "contraindications": "injury"})).status_code == 403
    assert (await stranger.post(PAGE, {"csrf": token, "contraindications": "injury"})).status_code == 303
    assert await _kept(alice) == ["epilepsy"]


async def test_what_is_ticked_is_not_offered_and_can_be_taken_back(at_home: Browser, alice: Person) -> None:
    await alice.patch("/v1/users/me", json={"other_conditions": ["migraine"], "has_adhd": True})
    await at_home.fill("/check-in", "/check-in", mood_score="4")
    first = (await alice.get("/v1/checkins")).json()["items"][0]["id"]
    by_id = {str(item.id): item.facts.contraindications for item in shipped().items}
    every = list(get_args(Contraindication))
    assert _ticked((await at_home.get(PAGE)).text) == []
    page = await at_home.follow(await at_home.fill(PAGE, PAGE, contraindications=every))
    assert "Saved." in page.text
    assert sorted(_ticked(page.text)) == sorted(every)
    answer = await at_home.fill("/check-in", "/check-in", mood_score="3")
    for shown in (await at_home.follow(answer), await at_home.get(f"/results/{first}")):
        offered = [part.split("?")[0] for part in shown.text.split('href="/actions/')[1:]]
        assert not any(by_id[one] for one in offered)
    await at_home.post(PAGE, {"csrf": fields(page.text, PAGE)["csrf"]})
    profile = (await alice.get("/v1/users/me")).json()
    assert profile["contraindications"] == []
    assert profile["other_conditions"] == ["migraine"]
    assert profile["has_adhd"] is True


async def test_odd_input_changes_nothing_and_says_so(at_home: Browser, alice: Person) -> None:
    await at_home.fill(PAGE, PAGE, contraindications=["injury", "injury"])
    assert await _kept(alice) == ["injury"]
    for odd in ("moonlight", "\x00", "x" * 5000):
        refused = await at_home.fill(PAGE, PAGE, contraindications=["epilepsy", odd])
        assert refused.status_code == 422
        assert "Please choose from this list." in text(refused.text)
        assert _ticked(refused.text) == ["epilepsy"]
    assert await _kept(alice) == ["injury"]
    await at_home.fill("/preferences", "/preferences", theme="dark")
    assert await _kept(alice) == ["injury"]


async def test_reading_and_changing_are_recorded_without_what_was_said(at_home: Browser, database_url: str) -> None:
    await at_home.follow(await at_home.fill(PAGE, PAGE, contraindications=["psychosis"]))
    conn = await asyncpg.connect(database_url)
    rows = await conn.fetch("SELECT * FROM kernel.audit WHERE action LIKE 'identity:profile:%'")
    await conn.close()
    assert {row["action"] for row in rows} == {"identity:profile:read", "identity:profile:change"}
    assert "psychosis" not in str(rows)


async def test_it_speaks_french(at_home: Browser, alice: Person) -> None:
    await alice.patch("/v1/users/me", json={"language": "fr"})
    page = text((await at_home.get(PAGE)).text)
    assert "Que faut-il laisser de côté ?" in page
    assert "Je suis enceinte" in page
