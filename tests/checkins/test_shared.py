"""What a member shares with a clinician, and nothing more."""

import pytest
from tests.support.people import Person

pytestmark = pytest.mark.anyio


async def test_a_clinician_sees_what_is_granted_and_nothing_else(alice: Person, bob: Person, charlie: Person) -> None:
    path = f"/v1/people/{alice.id}/checkins"
    await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "rain", "activities": ["tea"]})
    assert (await alice.client.get(path)).status_code == 401
    assert (await charlie.get(path)).status_code == 404
    assert (await bob.get(path)).status_code == 404
    grant = await alice.post("/v1/access-grants", json={"clinician_id": str(bob.id), "sections": ["checkins"]})
    assert grant.status_code == 201, grant.text
    items = (await bob.get(path)).json()["items"]
    assert [(i["mood_score"], i["journal_text"], i["activities"]) for i in items] == [(4, None, [])]
    grant_path = f"/v1/access-grants/{grant.json()['id']}"
    changed = await alice.patch(grant_path, json={"sections": ["checkins", "journals"]})
    assert changed.status_code == 200, changed.text
    assert (await bob.get(path)).json()["items"][0]["journal_text"] == "rain"
    assert (await alice.delete(grant_path)).status_code in (200, 204)
    assert (await bob.get(path)).status_code == 404


async def test_danger_found_in_words_is_not_told_to_who_may_not_read_them(
    alice: Person, bob: Person, charlie: Person
) -> None:
    path = f"/v1/people/{alice.id}/checkins"
    danger = {"mood_score": 6, "journal_text": "I am going to kill myself tonight, goodbye"}
    assert (await alice.post("/v1/checkins", json=danger)).json()["checkin"]["crisis_flagged"] is True
    await alice.post("/v1/checkins", json={"mood_score": 6})
    assert (await charlie.get(path)).status_code == 404
    grant = await alice.post("/v1/access-grants", json={"clinician_id": str(bob.id), "sections": ["checkins"]})
    assert [one["crisis_flagged"] for one in (await bob.get(path)).json()["items"]] == [None, None]
    sections = {"sections": ["checkins", "journals"]}
    await alice.patch(f"/v1/access-grants/{grant.json()['id']}", json=sections)
    assert [one["crisis_flagged"] for one in (await bob.get(path)).json()["items"]] == [False, True]
    assert [one["crisis_flagged"] for one in (await alice.get("/v1/checkins")).json()["items"]] == [False, True]
