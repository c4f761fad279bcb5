"""What is paid for, on the pages: not there by its address either; what was done while paid for stays to read."""

import asyncpg
import pytest

from tests.pages.support import Browser, text
from tests.support.people import Person
from wellspring.interventions import load

pytestmark = pytest.mark.anyio
PAID = next(item for item in load() if item.facts.is_premium)
ACTION = f"/actions/{PAID.id}"


async def test_what_is_paid_for_cannot_be_reached_by_its_address(
    at_home: Browser, alice: Person, database_url: str
) -> None:
    conn = await asyncpg.connect(database_url)
    assert (await at_home.get(ACTION)).status_code == 404
    await conn.execute("UPDATE identity.person SET subscription_tier = 'premium'")
    await at_home.fill("/check-in", "/check-in", mood_score="4")
    await conn.execute("UPDATE interventions.recommendation SET intervention_ids[1] = $1", PAID.id)
    result = f"/results/{(await alice.get('/v1/checkins')).json()['items'][0]['id']}"
    assert ACTION in (await at_home.get(result)).text
    running = str((await at_home.fill(ACTION, f"{ACTION}/start")).headers["location"])
    complete = f"/actions/sessions/{running.rsplit('=', 1)[1]}/complete"
    await at_home.fill(running, complete, effectiveness_rating="5")
    assert f'href="{ACTION}"' in (await at_home.get("/learned")).text
    await conn.execute("UPDATE identity.person SET subscription_tier = 'free'")
    await conn.close()
    assert ACTION not in (await at_home.get(result)).text
    assert PAID.text("en").name in text((await at_home.get(running)).text)
    learned = (await at_home.get("/learned")).text
    assert PAID.text("en").name in text(learned)
    assert f'href="{ACTION}"' not in learned
    assert (await at_home.get(ACTION)).status_code == 404
