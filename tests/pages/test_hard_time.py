"""After danger, what is said on the first page and what is offered go by one definition of how long it lasts."""

import asyncpg
import pytest

from tests.pages.support import Browser, text
from tests.support.people import Person
from wellspring.interventions import load

pytestmark = pytest.mark.anyio
SAFE = {str(item.id): item.facts.crisis_safe for item in load()}


@pytest.mark.parametrize(
    ("state", "level", "days", "hard"),
    [
        ("acknowledged", "high", 5, True),
        ("resolved", "high", 1, True),
        ("resolved", "high", 5, False),
        ("acknowledged", "high", 8, False),
        ("contacted", "moderate", 5, True),
        ("open", "moderate", 1, False),
    ],
)
async def test_gentle_words_come_with_gentle_offers(
    at_home: Browser, alice: Person, database_url: str, state: str, level: str, days: int, *, hard: bool
) -> None:
    await alice.post("/v1/crisis/report", json={})
    conn = await asyncpg.connect(database_url)
    await conn.execute("SET session_replication_role = replica")
    await conn.execute(
        "UPDATE safety.crisis_event SET state = $1, risk_level = $2, created_at = now() - make_interval(days => $3)",
        *(state, level, days),
    )
    await conn.close()
    assert ("The last days sound hard" in text((await at_home.get("/home")).text)) is hard
    made = (await alice.post("/v1/checkins", json={"mood_score": 8, "energy_level": 9})).json()
    offered = [one["intervention_id"] for one in made["recommendations"]]
    assert all(SAFE[one] for one in offered) is hard
    asked = (await alice.post("/v1/interventions/recommendations", json={"mood_score": 8, "energy_level": 9})).json()
    assert all(SAFE[one["intervention_id"]] for one in asked["items"]) is hard
