"""Access grants: what a member shares, with whom, until when."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.privacy.support import Owner, grant_body
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.policy import Role

pytestmark = pytest.mark.anyio
PATH = "/v1/access-grants"
SOMEBODY = "01970000-0000-7000-8000-000000000001"
COUNT = "SELECT count(*) FROM privacy.access_grant"


def ahead(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


async def share(member: Person, clinician: Person, *sections: str, **extra: Any) -> dict[str, Any]:
    answer = await member.post(PATH, json=grant_body(clinician, *sections, **extra))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_stranger_shares_and_sees_nothing(client: httpx.AsyncClient, bob: Person, owner: Owner) -> None:
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", PATH, grant_body(bob)),
        ("PATCH", f"{PATH}/{ids.new()}", {"sections": ["goals"]}),
        ("DELETE", f"{PATH}/{ids.new()}", None),
    ):
        answer = await client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert owner.rows(COUNT) == [(0,)]


async def test_alice_shares_for_ninety_days(alice: Person, bob: Person, owner: Owner) -> None:
    answer = await alice.post(PATH, json=grant_body(bob, "journals", "checkins", "journals"))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    made = answer.json()
    assert made["sections"] == ["checkins", "journals"]
    assert (made["state"], made["last_accessed_at"]) == ("active", None)
    length = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["granted_at"])
    assert length == timedelta(days=90)
    assert (await alice.get(PATH)).json() == {"items": [made], "next_cursor": None}


async def test_others_do_not_see_it(alice: Person, bob: Person, charlie: Person) -> None:
    made = await share(alice, bob)
    for other in (charlie, bob):
        assert (await other.get(PATH)).json()["items"] == []
        changed = await other.patch(f"{PATH}/{made['id']}", json={"sections": ["goals"]})
        ended = await other.delete(f"{PATH}/{made['id']}")
        for answer in (changed, ended):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await alice.get(PATH)).json()["items"] == [made]


async def test_only_an_active_clinician_can_be_named(
    alice: Person, bob: Person, charlie: Person, dana: Person, erin: Person, owner: Owner
) -> None:
    owner.do("UPDATE identity.person SET status = 'suspended' WHERE person_id = %s", bob.id)
    for other in (bob.id, charlie.id, dana.id, erin.id, alice.id, ids.new()):
        answer = await alice.post(PATH, json={"clinician_id": str(other), "sections": ["checkins"]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "clinician_unknown"
    assert owner.rows(COUNT) == [(0,)]


async def test_bob_cannot_be_his_own_clinician(bob: Person) -> None:
    answer = await bob.post(PATH, json=grant_body(bob))
    assert answer.json()["errors"][0]["code"] == "clinician_unknown"


@pytest.mark.parametrize(
    ("until", "code"),
    [
        ({"seconds": -1}, "in_the_past"),
        ({"days": -400}, "in_the_past"),
        ({"days": 365, "minutes": 5}, "too_far_ahead"),
        ({"days": 2_000_000}, "too_far_ahead"),
    ],
)
async def test_dates_out_of_reach(alice: Person, bob: Person, owner: Owner, until: dict[str, float], code: str) -> None:
    made = await alice.post(PATH, json=grant_body(bob, expires_at=ahead(**until)))
    assert (made.status_code, made.json()["errors"][0]["code"]) == (422, code)
    assert owner.rows(COUNT) == [(0,)]
    grant = await share(alice, bob)
    changed = await alice.patch(f"{PATH}/{grant['id']}", json={"expires_at": ahead(**until)})
    assert (changed.status_code, changed.json()["errors"][0]["path"]) == (422, "expires_at")
    assert (await alice.get(PATH)).json()["items"] == [grant]


@pytest.mark.parametrize(
    "change",
    [
        {"clinician_id": None},
        {"clinician_id": "bob"},
        {"clinician_id": 1},
        {"sections": None},
        {"sections": []},
        {"sections": "checkins"},
        {"sections": ["psychotherapy_notes"]},
        {"sections": ["checkins"] * 7},
        {"expires_at": "soon"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": 4e99},
        {"person_id": SOMEBODY},
    ],
)
async def test_bad_bodies_store_nothing(alice: Person, bob: Person, owner: Owner, change: dict[str, Any]) -> None:
    answer = await alice.post(PATH, json={**grant_body(bob), **change})
    assert answer.status_code == 422, answer.text
    assert owner.rows(COUNT) == [(0,)]


@pytest.mark.parametrize(("body", "status"), [("{}", 422), ("[]", 422), ('"x"', 422), ("{", 400), ("", 422)])
async def test_broken_bodies_store_nothing(alice: Person, owner: Owner, body: str, status: int) -> None:
    answer = await alice.post(PATH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert owner.rows(COUNT) == [(0,)]


async def test_dates_at_the_edges_of_time(alice: Person, bob: Person) -> None:
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        answer = await alice.post(PATH, json=grant_body(bob, expires_at=moment))
        assert answer.status_code == 422, answer.text


async def test_the_same_key_shares_once(alice: Person, bob: Person, owner: Owner) -> None:
    key = {"idempotency-key": "share-with-bob"}
    first = await alice.post(PATH, json=grant_body(bob), headers=key)
    second = await alice.post(PATH, json=grant_body(bob), headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = await alice.post(PATH, json=grant_body(bob, "goals"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert owner.rows(COUNT) == [(1,)]
    actions = [row[0] for row in owner.audited(alice.id)]
    assert actions == ["privacy:access_grant:create"]


async def test_a_key_is_a_persons_own(alice: Person, charlie: Person, bob: Person, owner: Owner) -> None:
    key = {"idempotency-key": "the-same-key"}
    for person in (alice, charlie):
        assert (await person.post(PATH, json=grant_body(bob), headers=key)).status_code == 201
    assert owner.rows(COUNT) == [(2,)]


@pytest.mark.parametrize("key", ["short", "with space in it", "x" * 201])
async def test_an_unusable_key_is_refused(alice: Person, bob: Person, owner: Owner, key: str) -> None:
    answer = await alice.post(PATH, json=grant_body(bob), headers={"idempotency-key": key})
    assert answer.status_code == 422
    assert owner.rows(COUNT) == [(0,)]


async def test_sharing_at_the_same_moment_stores_once(alice: Person, bob: Person, owner: Owner) -> None:
    answers = await asyncio.gather(*(alice.post(PATH, json=grant_body(bob)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"grant_exists"}
    assert owner.rows(COUNT) == [(1,)]


async def test_one_key_at_the_same_moment_stores_once(alice: Person, bob: Person, owner: Owner) -> None:
    key = {"idempotency-key": "all-at-once"}
    answers = await asyncio.gather(*(alice.post(PATH, json=grant_body(bob), headers=key) for _ in range(6)))
    codes = {a.status_code: a.json().get("code") for a in answers}
    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert codes.get(409) in (None, "idempotency_in_flight")
    assert owner.rows(COUNT) == [(1,)]


async def test_sections_and_date_change(alice: Person, bob: Person) -> None:
    made = await share(alice, bob)
    until = ahead(days=10)
    answer = await alice.patch(
        f"{PATH}/{made['id']}", json={"sections": ["goals"], "expires_at": until}, headers={"if-match": '"1"'}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["sections"] == ["goals"]
    assert datetime.fromisoformat(answer.json()["expires_at"]) == datetime.fromisoformat(until)
    only_date = await alice.patch(f"{PATH}/{made['id']}", json={"expires_at": ahead(days=20)})
    assert only_date.json()["sections"] == ["goals"]


async def test_an_old_version_is_not_overwritten(alice: Person, bob: Person) -> None:
    made = await share(alice, bob)
    path = f"{PATH}/{made['id']}"
    await alice.patch(path, json={"sections": ["goals"]})
    answer = await alice.patch(path, json={"sections": ["journals"]}, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    wrong = await alice.patch(path, json={"sections": ["journals"]}, headers={"if-match": "1"})
    assert wrong.status_code == 422
    assert (await alice.get(PATH)).json()["items"][0]["sections"] == ["goals"]


async def test_changes_at_the_same_moment_lose_nothing(alice: Person, bob: Person, owner: Owner) -> None:
    made = await share(alice, bob)
    headers = {"if-match": '"1"'}
    wanted = [["goals"], ["journals"], ["summaries"], ["conversations"]]
    answers = await asyncio.gather(
        *(alice.patch(f"{PATH}/{made['id']}", json={"sections": s}, headers=headers) for s in wanted)
    )
    assert sorted(a.status_code for a in answers) == [200, 412, 412, 412]
    won = next(a.json()["sections"] for a in answers if a.status_code == 200)
    assert owner.rows("SELECT sections, version FROM privacy.access_grant") == [(won, 2)]


@pytest.mark.parametrize(
    "body", [{"sections": []}, {"sections": ["all"]}, {"sections": None}, {"clinician_id": SOMEBODY}]
)
async def test_bad_changes_change_nothing(alice: Person, bob: Person, body: dict[str, Any]) -> None:
    made = await share(alice, bob)
    assert (await alice.patch(f"{PATH}/{made['id']}", json=body)).status_code == 422
    assert (await alice.get(PATH)).json()["items"] == [made]


async def test_revoking_ends_it_for_good(alice: Person, bob: Person) -> None:
    made = await share(alice, bob)
    path = f"{PATH}/{made['id']}"
    answer = await alice.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await alice.get(PATH)).json()["items"][0]["state"] == "revoked"
    assert (await alice.delete(path)).status_code == 404
    changed = await alice.patch(path, json={"sections": ["goals"]})
    assert (changed.status_code, changed.json()["code"]) == (409, "grant_ended")
    again = await share(alice, bob)
    assert again["id"] != made["id"]
    assert [g["state"] for g in (await alice.get(PATH)).json()["items"]] == ["active", "revoked"]


async def test_who_takes_back_sharing_shares_with_nobody(
    circle: Circle, alice: Person, bob: Person, charlie: Person
) -> None:
    blair = await circle.staff("blair", Role.CLINICIAN)
    for member, clinician in ((alice, bob), (alice, blair), (charlie, bob)):
        await share(member, clinician)
    before = (await alice.get("/v1/changes")).json()["cursor"]
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 200
    await alice.put("/v1/consents/data_sharing", json={"given": False})
    for clinician in (bob, blair):
        assert (await clinician.get(f"/v1/people/{alice.id}/checkins")).status_code == 404
    assert (await bob.get(f"/v1/people/{charlie.id}/checkins")).status_code == 200
    assert {g["state"] for g in (await alice.get(PATH)).json()["items"]} == {"revoked"}
    changes = (await alice.get(f"/v1/changes?cursor={before}")).json()["items"]
    assert sorted(c["topic"] for c in changes) == ["access_grant.changed"] * 2 + ["consent.changed"]
    refused = await alice.post(PATH, json=grant_body(bob))
    assert (refused.status_code, refused.json()["code"]) == (409, "sharing_refused")
    await alice.put("/v1/consents/data_sharing", json={"given": True})
    await share(alice, bob)


async def test_an_expired_one_makes_room_for_a_new_one(alice: Person, bob: Person, owner: Owner) -> None:
    made = await share(alice, bob)
    owner.do("UPDATE privacy.access_grant SET expires_at = now() - interval '1 second'")
    assert (await alice.get(PATH)).json()["items"][0]["state"] == "expired"
    changed = await alice.patch(f"{PATH}/{made['id']}", json={"expires_at": ahead(days=1)})
    assert (changed.status_code, changed.json()["code"]) == (409, "grant_ended")
    assert (await alice.delete(f"{PATH}/{made['id']}")).status_code == 404
    await share(alice, bob)
    assert [g["state"] for g in (await alice.get(PATH)).json()["items"]] == ["active", "expired"]


async def test_a_replay_after_revoking_shows_that_it_ended(alice: Person, bob: Person) -> None:
    key = {"idempotency-key": "late-replay"}
    made = (await alice.post(PATH, json=grant_body(bob), headers=key)).json()
    await alice.delete(f"{PATH}/{made['id']}")
    replay = await alice.post(PATH, json=grant_body(bob), headers=key)
    assert (replay.status_code, replay.json()["state"]) == (201, "revoked")


async def test_grants_are_paged(circle: Circle, alice: Person) -> None:
    for n in range(3):
        await share(alice, await circle.staff(f"clinician{n}", Role.CLINICIAN))
    first = (await alice.get(f"{PATH}?limit=2")).json()
    rest = (await alice.get(f"{PATH}?limit=2&cursor={first['next_cursor']}")).json()
    seen = [g["id"] for g in first["items"] + rest["items"]]
    assert (len(set(seen)), rest["next_cursor"]) == (3, None)
    assert seen == sorted(seen, reverse=True)


async def test_everything_is_audited_and_streamed(alice: Person, bob: Person, owner: Owner) -> None:
    made = await share(alice, bob)
    path = f"{PATH}/{made['id']}"
    await alice.patch(path, json={"sections": ["goals"]})
    await alice.get(PATH)
    await alice.delete(path)
    actions = [(row[0].rpartition(":")[2], row[2]) for row in owner.audited(alice.id)]
    assert actions == [("create", "done"), ("change", "done"), ("read", "done"), ("revoke", "done")]
    topics = owner.rows("SELECT topic FROM kernel.stream WHERE person_id = %s ORDER BY seq", alice.id)
    assert topics == [("access_grant.changed",)] * 3
