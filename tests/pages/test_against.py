"""The page of what would not be offered says so, and why; it can be done all the same."""

import pytest

from tests.pages.support import Browser, text
from tests.support.people import Person
from wellspring.interventions import load

pytestmark = pytest.mark.anyio
HURTS = next(item for item in load() if item.slug == "brisk-walk")
PAGE = f"/actions/{HURTS.id}"
WARNING = "We would not offer this to you now"


async def test_a_stranger_sees_nothing_and_somebody_else_no_warning(
    at_home: Browser, stranger: Browser, visitor: Browser, alice: Person
) -> None:
    await alice.patch("/v1/users/me", json={"contraindications": ["injury"]})
    assert (await visitor.get(PAGE)).status_code == 303
    assert WARNING not in (await stranger.get(PAGE)).text
    assert WARNING in (await at_home.get(PAGE)).text


async def test_what_hurts_says_why_before_and_while_it_is_done(at_home: Browser, alice: Person) -> None:
    assert WARNING not in (await at_home.get(PAGE)).text
    await alice.patch("/v1/users/me", json={"contraindications": ["injury"], "age_range": "25-34"})
    shown = text((await at_home.get(PAGE)).text)
    assert f"{WARNING} You asked us to leave out what does not go with this: Pain or an injury" in shown
    assert "hard time" not in shown
    assert "adults" not in shown
    running = str((await at_home.fill(PAGE, f"{PAGE}/start")).headers["location"])
    assert "Pain or an injury" in text((await at_home.get(running)).text)
    done = f"/actions/sessions/{running.rsplit('=', 1)[1]}/complete"
    await at_home.fill(running, done, effectiveness_rating="4")
    assert WARNING not in (await at_home.get(running)).text, "it is done"


async def test_in_a_hard_time_it_leads_to_people_and_in_french_too(at_home: Browser, alice: Person) -> None:
    await alice.post("/v1/crisis/report", json={})
    page = (await at_home.get(PAGE)).text
    assert "It is not made for a very hard time. Reaching a person comes first." in text(page)
    assert 'href="/help"' in page.split('id="against"')[1].split("</div>")[0]
    await alice.patch("/v1/users/me", json={"language": "fr"})
    assert "Nous ne vous proposerions pas ceci maintenant" in text((await at_home.get(PAGE)).text)
