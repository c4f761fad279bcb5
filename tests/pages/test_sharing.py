"""What one shares, and who looked, on pages: strangers first, then alice, odd input, and two windows at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext
from wellspring.kernel.policy import Role
from wellspring.privacy import closing

pytestmark = pytest.mark.anyio
NEW = "/sharing/new"
GRANTS = "/v1/access-grants"


async def _grants(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.get(GRANTS)).json()["items"]
    return found


async def _share(alice: Person, bob: Person, *sections: str) -> str:
    body = {"clinician_id": str(bob.id), "sections": list(sections) or ["checkins"]}
    answer = await alice.post(GRANTS, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _team(database_url: str, member: Person, clinician: Person) -> str:
    made = ids.new()
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO privacy.care_team (person_id, id, clinician_id) VALUES (%s, %s, %s)",
            (member.id, made, clinician.id),
        )
    return str(made)


def _today(days: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


async def test_a_stranger_sees_and_stops_nothing(
    visitor: Browser, stranger: Browser, alice: Person, bob: Person, database_url: str
) -> None:
    grant_id, team_id = await _share(alice, bob), _team(database_url, alice, bob)
    for path in ("/sharing", NEW, f"/sharing/{grant_id}", "/looks"):
        assert (await visitor.get(path)).headers["location"].startswith("/sign-in?next=")
    shown = await stranger.get("/sharing")
    assert "Bob" not in shown.text
    assert "You share with nobody" in text(shown.text)
    token = {"csrf": fields((await stranger.get(NEW)).text, NEW)["csrf"]}
    assert (await stranger.get(f"/sharing/{grant_id}")).status_code == 404
    for path in (f"/sharing/{grant_id}", f"/sharing/{grant_id}/stop", f"/sharing/care/{team_id}/end"):
        assert (await stranger.post(path, token | {"sections": "goals"})).status_code == 404
    assert (await stranger.post(f"/sharing/{grant_id}/stop", {"csrf": ""})).status_code == 403
    assert "Nobody has looked" in text((await stranger.get("/looks")).text)
    assert [one["state"] for one in await _grants(alice)] == ["active"]


async def test_alice_shares_by_number_once_she_has_seen_whose_it_is(
    at_home: Browser, alice: Person, bob: Person
) -> None:
    asked = await at_home.fill(NEW, NEW, number=f" {bob.id} ", sections=["checkins", "journals"], until=_today(10))
    assert asked.status_code == 200, text(asked.text)
    assert "The number belongs to Bob." in text(asked.text)
    assert await _grants(alice) == []
    given = fields(asked.text, NEW)
    done = await at_home.follow(await at_home.post(NEW, given))
    assert "Bob may see: Check-ins What you write until" in text(done.text)
    assert "Has not looked yet." in text(done.text)
    await at_home.post(NEW, given)
    (made,) = await _grants(alice)
    assert (made["clinician_id"], made["sections"]) == (str(bob.id), ["checkins", "journals"])
    assert made["expires_at"].startswith(_today(10))
    again = await at_home.fill(NEW, NEW, number=str(bob.id), sections="goals")
    refused = await at_home.post(NEW, fields(again.text, NEW))
    assert refused.status_code == 409
    assert "You already share with this person." in text(refused.text)


async def test_a_clinician_finds_their_number_and_members_have_none(
    client: httpx.AsyncClient, circle: Circle, at_home: Browser, alice: Person
) -> None:
    assert str(alice.id) not in (await at_home.get("/sharing")).text
    blair = await circle.staff("blair", Role.CLINICIAN)
    browser = Browser(client)
    token = blair.tokens["access_token"]
    shown = await browser.get("/sharing", headers={"authorization": f"Bearer {token}"})
    assert str(blair.id) in shown.text


async def test_alice_shares_with_her_care_team_by_name(
    at_home: Browser, alice: Person, bob: Person, database_url: str
) -> None:
    _team(database_url, alice, bob)
    page = (await at_home.get(NEW)).text
    assert f'<option value="{bob.id}">Bob</option>' in page
    sent = fields(page, NEW) | {"clinician": str(bob.id), "sections": "checkins", "until": ""}
    assert (await at_home.post(NEW, sent)).status_code == 303
    (made,) = await _grants(alice)
    assert made["expires_at"][:10] == _today(90)
    assert f'<option value="{bob.id}">' not in (await at_home.get(NEW)).text


async def test_what_cannot_be_shared_is_said_at_its_field_and_stays_typed(
    at_home: Browser, alice: Person, charlie: Person
) -> None:
    for number in ("", "12", "🦊", str(alice.id), str(charlie.id), str(ids.new())):
        answer = await at_home.fill(NEW, NEW, number=number, sections=["goals", "journals"], until=_today(5))
        assert answer.status_code == 422, number
        assert 'id="number-error"' in answer.text
        kept = fields(answer.text, NEW)
        assert (kept["number"], kept["sections"], kept["until"]) == (number, ["journals", "goals"], _today(5))
    for until, said in (
        (_today(-1), "still to come"),
        (_today(366), "a year at most"),
        ("0001-01-01", "still to come"),
        ("9999-12-31", "a year at most"),
        ("soon", "still to come"),
    ):
        answer = await at_home.fill(NEW, NEW, clinician=str(charlie.id), sections="goals", until=until)
        assert answer.status_code == 422
        assert said in text(answer.text) or 'id="number-error"' in answer.text
    nothing = await at_home.fill(NEW, NEW, number="", sections=[], until="x")
    assert all(f'id="{name}-error"' in nothing.text for name in ("number", "sections", "until"))
    assert (await at_home.fill(NEW, NEW, number="1", sections=["all"])).status_code == 422
    assert await _grants(alice) == []


async def test_the_last_day_that_is_offered_is_taken(at_home: Browser, alice: Person, bob: Person) -> None:
    asked = await at_home.fill(NEW, NEW, number=str(bob.id), sections="checkins", until=_today(364))
    assert (await at_home.post(NEW, fields(asked.text, NEW))).status_code == 303
    assert (await _grants(alice))[0]["expires_at"][:10] == _today(364)


async def test_alice_changes_and_stops_it(at_home: Browser, alice: Person, bob: Person) -> None:
    path = f"/sharing/{await _share(alice, bob, 'checkins', 'journals')}"
    before = (await _grants(alice))[0]["expires_at"]
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 200
    assert "Last looked" in text((await at_home.get("/sharing")).text)
    none = await at_home.fill(path, path, sections=[])
    assert none.status_code == 422
    assert 'id="sections-error"' in none.text
    assert (await at_home.fill(path, path, sections="goals")).status_code == 303
    (changed,) = await _grants(alice)
    assert (changed["sections"], changed["expires_at"]) == (["goals"], before)
    assert (await bob.get(f"/v1/people/{alice.id}/checkins")).status_code == 404
    assert (await at_home.fill(path, path, until=_today(3))).status_code == 303
    assert (await _grants(alice))[0]["expires_at"][:10] == _today(3)
    token = {"csrf": fields((await at_home.get(path)).text, path)["csrf"]}
    done = await at_home.follow(await at_home.post(f"{path}/stop", token))
    assert "Stopped." in done.text
    assert "You share with nobody" in text(done.text)
    assert [one["state"] for one in await _grants(alice)] == ["revoked"]
    assert (await at_home.post(f"{path}/stop", token)).status_code == 303
    assert (await at_home.get(path)).status_code == 404


async def test_two_windows_lose_nothing(at_home: Browser, alice: Person, bob: Person) -> None:
    path = f"/sharing/{await _share(alice, bob)}"
    sent = fields((await at_home.get(path)).text, path)
    answers = await asyncio.gather(*(at_home.post(path, sent | {"sections": one}) for one in ("goals", "journals")))
    assert sorted(one.status_code for one in answers) == [303, 412]
    late = next(one for one in answers if one.status_code == 412)
    assert "changed in another window" in text(late.text)


async def test_ending_care_says_what_ends_with_it(
    at_home: Browser, alice: Person, bob: Person, database_url: str
) -> None:
    await _share(alice, bob)
    path = f"/sharing/care/{_team(database_url, alice, bob)}/end"
    page = await at_home.get("/sharing")
    assert "what you share with them ends at once" in text(page.text)
    done = await at_home.follow(await at_home.post(path, fields(page.text, path)))
    assert "Who cares for you" not in text(done.text)
    assert [one["state"] for one in await _grants(alice)] == ["revoked"]


async def test_alice_reads_that_a_clinician_can_act_as_one_no_more(
    at_home: Browser, alice: Person, bob: Person, erin: Person, parts: Edge
) -> None:
    await _share(alice, bob)
    assert (await erin.put(f"/v1/people/{bob.id}/status", json={"status": "suspended"})).status_code == 200
    await closing.tell(JobContext(parts.db, parts.settings, parts.keys, {}))
    shown = text((await at_home.get("/sharing")).text)
    assert "Bob sees nothing of yours any more" in shown
    assert "suspended" not in shown, "why is nobody's business but theirs"
    assert "What you shared with a clinician ended" in text((await at_home.get("/looks")).text)
    assert (await erin.put(f"/v1/people/{bob.id}/status", json={"status": "active"})).status_code == 200
    await alice.patch("/v1/users/me", json={"language": "fr"})
    assert "Bob ne voit plus rien de ce qui est à vous" in text((await at_home.get("/sharing")).text)
    await _share(alice, bob)
    assert "ne voit plus rien" not in text((await at_home.get("/sharing")).text), "she chose him again"


async def test_a_no_to_sharing_is_told_and_taken_back(at_home: Browser, alice: Person, bob: Person) -> None:
    await _share(alice, bob)
    await alice.put("/v1/consents/data_sharing", json={"given": True})
    page = await at_home.get("/sharing")
    sent = fields(page.text, "/sharing/consents") | {"given": "false"}
    done = await at_home.follow(await at_home.post("/sharing/consents", sent))
    assert "You share nothing" in text(done.text)
    assert 'href="/sharing/new"' not in done.text
    assert [one["state"] for one in await _grants(alice)] == ["revoked"]
    asked = await at_home.fill(NEW, NEW, number=str(bob.id), sections="goals")
    refused = await at_home.post(NEW, fields(asked.text, NEW))
    assert refused.status_code == 409
    assert "agree to sharing again first" in text(refused.text)
    stale = await at_home.post("/sharing/consents", sent | {"given": "true", "version": "7"})
    assert stale.status_code == 409
    await at_home.post("/sharing/consents", sent | {"given": "true"})
    assert 'href="/sharing/new"' in (await at_home.get("/sharing")).text


async def test_alice_reads_who_looked(
    at_home: Browser, circle: Circle, alice: Person, bob: Person, dana: Person, database_url: str
) -> None:
    blair = await circle.staff("blair", Role.CLINICIAN)
    shared = f"/v1/people/{alice.id}/checkins"
    assert (await blair.get(shared)).status_code == 404
    assert (await bob.get(shared)).status_code == 404
    await alice.post("/v1/checkins", json={"mood_score": 4})
    await _share(alice, bob)
    assert (await bob.get(shared)).status_code == 200
    event = (await alice.post("/v1/crisis/report", json={})).json()["event_id"]
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    claimed = await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")
    assert claimed.status_code == 200, claimed.text
    wrong = {"email": alice.email, "password": "not this one at all"}
    assert (await alice.client.post("/v1/auth/login", json=wrong)).status_code == 401
    said = text((await at_home.get("/looks")).text)
    for words in (
        "Bob looked at a check-in of yours.",
        "Bob wanted to see your check-ins and was not let in",
        "A clinician wanted to see your check-ins and was not let in",
        "A person on duty took it on to help you.",
        "Somebody tried to sign in to your account, and could not.",
    ):
        assert words in said, words
    assert "Dana" not in said
    assert "Blair" not in said
    french = await at_home.get("/looks", headers={"accept-language": "fr"})
    assert french.status_code == 200


async def test_looks_are_paged_and_odd_places_are_refused(at_home: Browser, alice: Person, bob: Person) -> None:
    for _ in range(31):
        await bob.get(f"/v1/people/{alice.id}/checkins")
    first = (await at_home.get("/looks")).text
    assert first.count("was not let in") == 30
    older = first.split('href="/looks?', 1)[1].split('"')[0]
    second = (await at_home.get(f"/looks?{older}")).text
    assert second.count("was not let in") == 1
    assert "To the newest" in second
    assert (await at_home.get("/looks?cursor=abc")).status_code == 422


async def test_every_page_leads_there(at_home: Browser) -> None:
    for path in ("/home", "/preferences", "/consents"):
        page = (await at_home.get(path)).text
        main = page[page.index("<main") : page.index("</main>")]
        assert 'href="/sharing"' in main, path
    foot = page[page.index("<footer") :]
    assert 'href="/looks"' in foot
    assert 'href="/sharing"' in foot


async def test_help_in_danger_links_to_who_looked(at_home: Browser) -> None:
    danger = {"mood_score": "1", "journal_text": "I am going to kill myself tonight, goodbye"}
    page = (await at_home.follow(await at_home.fill("/check-in", "/check-in", **danger))).text
    main = page[page.index("<main") : page.index("</main>")]
    assert 'href="/looks"' in main
