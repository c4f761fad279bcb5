"""What a member shares with a clinician, and nothing more."""

import pytest
from tests.support.models import install
from tests.support.people import Person

from wellspring.kernel.edge import Edge

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


async def test_feelings_that_were_read_go_to_nobody_while_that_is_switched_off(
    alice: Person, bob: Person, parts: Edge
) -> None:
    install(parts)
    made = (await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "I am stuck."})).json()
    entry = f"/v1/checkins/{made['checkin']['id']}"
    sections = ["checkins", "journals"]
    await alice.post("/v1/access-grants", json={"clinician_id": str(bob.id), "sections": sections})

    async def named() -> set[str | None]:
        mine = [(await alice.get(entry)).json(), (await alice.get("/v1/checkins")).json()["items"][0]]
        found = (await alice.post("/v1/checkins/search", json={"text": "stuck"})).json()["items"][0]
        theirs = (await bob.get(f"/v1/people/{alice.id}/checkins")).json()["items"][0]
        assert theirs["journal_text"] == "I am stuck."
        every = [*mine, found, theirs]
        assert len({one["ai_confidence_score"] for one in every}) == 1
        return {one["ai_emotion_primary"] for one in every}

    assert await named() == {"frustrated"}
    await bob.put("/v1/users/me/preferences", json={"emotion_reading": False})
    assert await named() == {"frustrated"}, "it is the writer who decides"
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": False})
    assert await named() == {None}
    changed = await alice.patch(entry, json={"mood_score": 5})
    assert changed.json()["checkin"]["ai_emotion_primary"] is None
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": True})
    assert await named() == {"frustrated"}, "nothing was lost"


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
