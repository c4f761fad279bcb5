"""Members see who looked at what is theirs."""

import pytest

from tests.support.people import Person
from wellspring.kernel import i18n

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


@pytest.mark.parametrize("language", ["en", "fr"])
def test_each_act_of_an_administrator_is_said_in_its_own_words(language: str) -> None:
    def said(action: str, outcome: str = "done") -> str:
        return i18n.say(language, "look", action, outcome, 1, None)

    changes = ["identity:roles:write", "identity:status:write", "identity:sessions:end", "safety:supervisor:write"]
    others = ["identity:account:find", "identity:account:read", "privacy:person:export", "privacy:person:erase"]
    words = [said(action) for action in [*changes, *others]]
    assert len(set(words)) == len(words)
    assert not {said("unheard:of:action"), said("safety:event:contact")} & set(words)
    refused = {said(action, "refused") for action in changes}
    assert len(refused) == 1
    assert not refused & {*words, said("unheard:of:action", "refused"), said("safety:event:read", "refused")}
