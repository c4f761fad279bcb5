"""What one agreed to is taken back on a page, as easily as it was given on one."""

import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Person

pytestmark = pytest.mark.anyio


async def _given(person: Person) -> set[str]:
    return {one["kind"] for one in (await person.get("/v1/consents")).json()["items"] if one["given"]}


async def test_a_consent_is_taken_back_and_given_again(at_home: Browser, stranger: Browser, alice: Person) -> None:
    for kind in ("terms", "privacy", "health_data", "research"):
        await alice.put(f"/v1/consents/{kind}", json={"given": True})
    home = (await at_home.get("/home")).text
    assert 'href="/consents"' in home
    page = (await at_home.get("/consents")).text
    for title in ("How we work together", "What happens with your data", "Keep data about my health"):
        assert title in text(page)
    assert page.count("You have agreed to this.") == 4
    assert "You have agreed to this." not in (await stranger.get("/consents")).text
    sent = fields(page, "/consents") | {"kind": "health_data"}
    done = await at_home.follow(await at_home.post("/consents", sent | {"given": "false"}))
    assert "You have not agreed to this." in text(done.text)
    assert await _given(alice) == {"terms", "privacy", "research"}
    stale = await at_home.post("/consents", sent | {"given": "true", "version": "7"})
    assert stale.status_code == 409
    assert "These words have changed." in text(stale.text)
    await at_home.post("/consents", sent | {"given": "true"})
    assert "health_data" in await _given(alice)
    assert (await at_home.post("/consents", sent | {"given": "true", "kind": "anything"})).status_code == 422


async def test_a_visitor_signs_in_first(visitor: Browser) -> None:
    assert (await visitor.get("/consents")).headers["location"] == "/sign-in?next=/consents"
