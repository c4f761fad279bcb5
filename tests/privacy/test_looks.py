"""Members see who looked at what is theirs."""

import pytest

from tests.support.people import Person

pytestmark = pytest.mark.anyio


async def test_alice_sees_who_looked_and_charlie_sees_nothing_of_it(
    alice: Person, bob: Person, charlie: Person
) -> None:
    assert (await alice.client.get("/v1/users/me/looks")).status_code == 401
    path = f"/v1/people/{alice.id}/checkins"
    assert (await bob.get(path)).status_code == 404
    grant = await alice.post("/v1/access-grants", json={"clinician_id": str(bob.id), "sections": ["checkins"]})
    assert (await bob.get(path)).status_code == 200
    items = (await alice.get("/v1/users/me/looks")).json()["items"]
    assert [(i["outcome"], i["section"], i["by_me"]) for i in items] == [
        ("done", "checkins", False),
        ("refused", "checkins", False),
    ]
    assert items[0]["consent_id"] == grant.json()["id"]
    assert any(i["by_me"] for i in (await alice.get("/v1/users/me/looks", params={"mine": True})).json()["items"])
    assert (await charlie.get("/v1/users/me/looks")).json()["items"] == []
    first = (await alice.get("/v1/users/me/looks", params={"limit": 1})).json()
    second = (await alice.get("/v1/users/me/looks", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [i["outcome"] for i in first["items"] + second["items"]] == ["done", "refused"]
