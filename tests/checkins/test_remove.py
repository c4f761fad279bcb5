"""Removing a check-in for good."""

import psycopg
import pytest
from tests.support.people import Person

pytestmark = pytest.mark.anyio
LEFT = "SELECT id FROM checkins.checkin UNION ALL SELECT id FROM interventions.recommendation"


async def test_what_was_offered_goes_with_the_check_in(alice: Person, charlie: Person, database_url: str) -> None:
    """The log of an offer holds mood, anxiety, stress and place of the moment."""
    sent = {"mood_score": 2, "anxiety_level": 9, "context_location": "home", "emotion_tags": ["sadness"]}
    made = [(await who.post("/v1/checkins", json=sent)).json()["checkin"]["id"] for who in (alice, alice, charlie)]
    assert (await charlie.delete(f"/v1/checkins/{made[0]}")).status_code == 404
    assert (await alice.delete(f"/v1/checkins/{made[0]}")).status_code == 204
    with psycopg.connect(database_url) as conn:
        left = sorted(str(row[0]) for row in conn.execute(LEFT))
    assert left == sorted([made[1], made[1], made[2], made[2]])


async def test_an_action_that_was_begun_after_it_is_still_finished(alice: Person) -> None:
    made = (await alice.post("/v1/checkins", json={"mood_score": 4})).json()
    offer = made["recommendations"][0]["intervention_id"]
    path = f"/v1/interventions/{offer}/start"
    session = (await alice.post(path, json={"checkin_id": made["checkin"]["id"]})).json()
    assert (await alice.delete(f"/v1/checkins/{made['checkin']['id']}")).status_code == 204
    done = await alice.post(f"/v1/interventions/sessions/{session['id']}/complete", json={"effectiveness_rating": 4})
    assert done.status_code == 200, done.text
