"""Care teams and caseloads."""

import asyncio

import httpx
import pytest

from tests.privacy.support import Owner, grant_body
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.policy import Role

pytestmark = pytest.mark.anyio


async def test_a_stranger_sees_nothing(client: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", "/v1/care-team"),
        ("GET", "/v1/caseload"),
        ("DELETE", f"/v1/care-team/{ids.new()}"),
    ):
        assert (await client.request(method, path)).status_code == 401


async def test_alice_sees_who_cares_for_her(alice: Person, bob: Person, charlie: Person, owner: Owner) -> None:
    made = owner.team(alice, bob)
    items = (await alice.get("/v1/care-team")).json()["items"]
    assert items == [{"id": str(made), "clinician_id": str(bob.id), "role": "clinician", "since": items[0]["since"]}]
    assert (await charlie.get("/v1/care-team")).json() == {"items": []}


async def test_alice_ends_it_and_bob_sees_her_no_more(alice: Person, bob: Person, owner: Owner) -> None:
    made = owner.team(alice, bob)
    assert len((await bob.get("/v1/caseload")).json()["items"]) == 1
    answer = await alice.delete(f"/v1/care-team/{made}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await alice.get("/v1/care-team")).json() == {"items": []}
    assert (await bob.get("/v1/caseload")).json() == {"items": [], "next_cursor": None}
    assert (await alice.delete(f"/v1/care-team/{made}")).status_code == 404
    assert ("privacy:care_team:end", alice.id, "done", 1) in owner.audited(alice.id)


async def test_nobody_else_ends_it(alice: Person, bob: Person, charlie: Person, owner: Owner) -> None:
    made = owner.team(alice, bob)
    for other in (charlie, bob):
        answer = await other.delete(f"/v1/care-team/{made}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert owner.rows("SELECT ended_at FROM privacy.care_team") == [(None,)]


@pytest.mark.parametrize("wrong", ["1", "x", "00000000-0000-0000-0000-00000000000g"])
async def test_a_wrong_id_is_not_found(alice: Person, wrong: str) -> None:
    assert (await alice.delete(f"/v1/care-team/{wrong}")).status_code == 404


async def test_a_caseload_is_for_clinicians(alice: Person, dana: Person, erin: Person) -> None:
    for other in (alice, dana, erin):
        answer = await other.get("/v1/caseload")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_bob_sees_his_own_caseload_only(circle: Circle, bob: Person, owner: Owner) -> None:
    blair = await circle.staff("blair", Role.CLINICIAN)
    alice, anna = await circle.member("alice"), await circle.member("anna")
    owner.team(alice, bob, "2026-01-01")
    owner.team(anna, bob, "2026-01-02")
    owner.team(anna, blair, "2026-01-03")
    items = (await bob.get("/v1/caseload")).json()["items"]
    assert [item["person_id"] for item in items] == [str(anna.id), str(alice.id)]
    assert [item["person_id"] for item in (await blair.get("/v1/caseload")).json()["items"]] == [str(anna.id)]
    assert owner.audited(bob.id) == [("privacy:caseload:read", bob.id, "done", 2)]


async def test_a_caseload_is_paged_without_gaps(circle: Circle, bob: Person, owner: Owner) -> None:
    people = [await circle.member(f"p{n}") for n in range(5)]
    for person in people:
        owner.team(person, bob, "2026-01-01")
    seen: list[str] = []
    cursor = ""
    for expected in (2, 2, 1):
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        page = (await bob.get(f"/v1/caseload{query}")).json()
        assert len(page["items"]) == expected
        seen += [item["person_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == sorted(str(person.id) for person in people)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=abc", f"cursor={'A' * 65}"])
async def test_a_wrong_page_is_a_problem(bob: Person, query: str) -> None:
    answer = await bob.get(f"/v1/caseload?{query}")
    assert answer.status_code == 422, answer.text


async def test_a_clinician_no_more_has_no_caseload(bob: Person, erin: Person) -> None:
    await erin.put(f"/v1/people/{bob.id}/roles", json={"roles": ["member"]})
    assert (await bob.get("/v1/caseload")).status_code == 401


async def test_what_is_shared_ends_with_the_care(circle: Circle, alice: Person, bob: Person, owner: Owner) -> None:
    blair = await circle.staff("blair", Role.CLINICIAN)
    shown = f"/v1/people/{alice.id}/checkins"
    made = owner.team(alice, bob)
    for clinician in (bob, blair):
        await alice.post("/v1/access-grants", json=grant_body(clinician))
    assert (await blair.delete(f"/v1/care-team/{made}")).status_code == 404
    assert (await bob.get(shown)).status_code == 200
    before = (await alice.get("/v1/changes")).json()["cursor"]
    assert (await alice.delete(f"/v1/care-team/{made}")).status_code == 204
    assert (await bob.get(shown)).status_code == 404
    assert (await blair.get(shown)).status_code == 200
    states = {g["clinician_id"]: g["state"] for g in (await alice.get("/v1/access-grants")).json()["items"]}
    assert states == {str(bob.id): "revoked", str(blair.id): "active"}
    changes = (await alice.get(f"/v1/changes?cursor={before}")).json()["items"]
    assert sorted(c["topic"] for c in changes) == ["access_grant.changed", "care_team.changed"]
    assert (await alice.post("/v1/access-grants", json=grant_body(bob))).status_code == 201


async def test_who_cares_in_another_role_too_goes_on_seeing(alice: Person, bob: Person, owner: Owner) -> None:
    first, second = owner.team(alice, bob), owner.team(alice, bob, "2026-02-01")
    await alice.post("/v1/access-grants", json=grant_body(bob))
    assert (await alice.delete(f"/v1/care-team/{first}")).status_code == 204
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 200
    assert (await alice.delete(f"/v1/care-team/{second}")).status_code == 204
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 404


async def test_two_roles_ended_at_the_same_moment_leave_nothing_shared(
    alice: Person, bob: Person, owner: Owner
) -> None:
    teams = [owner.team(alice, bob), owner.team(alice, bob, "2026-02-01")]
    await alice.post("/v1/access-grants", json=grant_body(bob))
    answers = await asyncio.gather(*(alice.delete(f"/v1/care-team/{one}") for one in teams))
    assert [one.status_code for one in answers] == [204, 204]
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 404
