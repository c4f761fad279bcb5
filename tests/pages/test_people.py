"""An administrator's pages: an account is found, given a role, suspended and opened again, without a script."""

import httpx
import pytest

from tests.pages.support import Browser, fields, staff, text
from tests.support.people import Person
from wellspring.identity import service
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role

pytestmark = pytest.mark.anyio
PEOPLE = "/admin/people"


@pytest.fixture
async def office(client: httpx.AsyncClient, parts: Edge) -> Browser:
    """Erin's browser, signed in; she is an administrator."""
    made = Browser(client)
    await made.sign_in_staff(*await staff(parts, "erin", Role.ADMIN))
    return made


async def test_it_is_for_administrators_only(
    visitor: Browser, at_home: Browser, at_desk: Browser, alice: Person
) -> None:
    page = f"{PEOPLE}/{alice.id}"
    for path, refused in ((PEOPLE, 403), (page, 404)):
        assert (await visitor.get(path)).status_code == 303
        assert (await at_home.get(path)).status_code == refused
        assert (await at_desk.get(path)).status_code == refused
    assert f'href="{PEOPLE}"' not in (await at_home.get("/home")).text
    acts = {"find": {"email": alice.email}}
    acts |= {f"{alice.id}/roles": {"roles": "admin", "seen": "member"}, f"{alice.id}/status": {"status": "suspended"}}
    acts |= {f"{alice.id}/supervisor": {"on": "true"}, f"{alice.id}/end-sessions": {}}
    acts |= {f"{alice.id}/second-factor/remove": {}}
    token = fields((await at_home.get("/preferences")).text, "/sign-out")["csrf"]
    for path, body in acts.items():
        assert (await visitor.post(f"{PEOPLE}/{path}", body)).status_code == 401, path
        assert (await at_home.post(f"{PEOPLE}/{path}", body | {"csrf": token})).status_code in (403, 404), path
    assert (await alice.get("/v1/users/me")).json()["roles"] == ["member"]


async def test_a_form_from_elsewhere_is_refused(office: Browser, alice: Person) -> None:
    stale = await office.post(f"{PEOPLE}/{alice.id}/status", {"status": "suspended", "csrf": "made up"})
    assert stale.status_code == 403
    cross = {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.example"}
    assert (await office.post(f"{PEOPLE}/find", {"email": alice.email}, headers=cross)).status_code == 403
    assert (await alice.get("/v1/users/me")).status_code == 200


async def test_an_administrator_lands_where_accounts_are_found(office: Browser) -> None:
    for path in ("/", "/sign-in"):
        assert (await office.get(path)).headers["location"] == PEOPLE


async def test_members_are_found_and_never_listed(office: Browser, alice: Person) -> None:
    shown = (await office.get(PEOPLE)).text
    assert "Erin" in text(shown)
    assert alice.email not in shown
    assert str(alice.id) not in shown
    missed = await office.fill(PEOPLE, f"{PEOPLE}/find", email="alcie@example.org")
    assert missed.status_code == 404
    assert "Nobody signs in with this address here." in text(missed.text)
    assert fields(missed.text, f"{PEOPLE}/find")["email"] == "alcie@example.org"
    empty = await office.fill(PEOPLE, f"{PEOPLE}/find", email=" ")
    assert empty.status_code == 422
    found = await office.fill(PEOPLE, f"{PEOPLE}/find", email=alice.email)
    assert found.headers["location"] == f"{PEOPLE}/{alice.id}"
    page = (await office.follow(found)).text
    assert alice.email in text(page)
    assert "Alice" not in page, "the name of a member is not shown"
    assert (await office.get(f"{PEOPLE}/{ids.new()}")).status_code == 404
    assert (await office.get(f"{PEOPLE}?cursor=x")).status_code == 422


async def test_a_member_becomes_a_responder_who_supervises(
    office: Browser, at_home: Browser, alice: Person, client: httpx.AsyncClient
) -> None:
    page = f"{PEOPLE}/{alice.id}"
    same = await office.follow(await office.fill(page, f"{page}/roles"))
    assert "Nothing was changed" in text(same.text)
    assert (await at_home.get("/home")).status_code == 200
    none = await office.fill(page, f"{page}/roles", roles=[])
    assert none.status_code == 422
    assert "Please leave at least one role." in text(none.text)
    before = fields((await office.get(page)).text, f"{page}/roles")
    saved = await office.follow(await office.fill(page, f"{page}/roles", roles=["member", "responder"]))
    assert "They have to sign in again" in text(saved.text)
    assert "Until a second factor is set up, staff roles do nothing" in text(saved.text)
    assert "no second factor yet" in text((await office.get(PEOPLE)).text)
    assert (await at_home.get("/home")).status_code == 303
    stale = await office.post(f"{page}/roles", before | {"roles": ["member", "clinician"]})
    assert stale.status_code == 412
    assert fields(stale.text, f"{page}/roles")["roles"] == ["member", "responder"]
    odd = await office.post(f"{page}/roles", before | {"roles": ["emperor"]})
    assert odd.status_code == 422
    on = await office.follow(await office.fill(page, f"{page}/supervisor", on="true"))
    assert "This person supervises." in text(on.text)
    off = await office.follow(await office.fill(page, f"{page}/supervisor", on="false"))
    assert "This person does not supervise." in text(off.text)


async def test_a_suspended_person_is_signed_out_of_pages_at_once(
    office: Browser, at_home: Browser, alice: Person
) -> None:
    page = f"{PEOPLE}/{alice.id}"
    ended = await office.follow(await office.fill(page, f"{page}/end-sessions"))
    assert "They can sign in again" in text(ended.text)
    assert (await at_home.get("/home")).status_code == 303
    assert (await at_home.sign_in(alice)).status_code == 303
    assert (await at_home.get("/home")).status_code == 200
    done = await office.follow(await office.fill(page, f"{page}/status"))
    assert "cannot sign in" in text(done.text)
    assert (await at_home.get("/home")).status_code == 303
    refused = await at_home.sign_in(alice)
    assert refused.status_code == 403
    assert "This account cannot be used at the moment." in text(refused.text)
    token = fields((await office.get(page)).text, f"{page}/status")
    again = await office.follow(await office.post(f"{page}/status", token | {"status": "active"}))
    assert "This account can be used again." in text(again.text)
    assert (await at_home.sign_in(alice)).status_code == 303
    assert (await office.post(f"{page}/status", token | {"status": "deleted"})).status_code == 422


async def test_a_lost_second_factor_is_taken_off(office: Browser, at_home: Browser, alice: Person, parts: Edge) -> None:
    page = f"{PEOPLE}/{alice.id}"
    token = fields((await office.get(page)).text, f"{page}/end-sessions")
    assert f"{page}/second-factor/remove" not in (await office.get(page)).text, "there is none"
    none = await office.post(f"{page}/second-factor/remove", token)
    assert none.status_code == 409
    assert "No second factor is set up here." in text(none.text)
    async with parts.db.begin(DbRole.SIGNIN, actor=alice.id) as tx:
        await service.set_factor(tx, parts.keys, alice.id, "A" * 32)
    assert "Be sure who asks" in text((await office.get(page)).text)
    done = await office.follow(await office.fill(page, f"{page}/second-factor/remove"))
    assert "They can sign in with the password alone" in text(done.text)
    assert (await at_home.get("/home")).status_code == 303
    assert (await at_home.sign_in(alice)).headers["location"] == "/home"
    assert "took off your second factor" in text((await at_home.get("/looks")).text)


async def test_what_administrators_cannot_do_to_themselves(office: Browser, client: httpx.AsyncClient) -> None:
    shown = (await office.get(PEOPLE)).text
    page = next(part.split('"')[0] for part in shown.split('href="')[1:] if part.startswith(f"{PEOPLE}/"))
    mine = (await office.get(page)).text
    assert f"{page}/status" not in mine
    sent = fields(mine, f"{page}/roles")
    own = await office.post(f"{page}/status", sent | {"status": "suspended"})
    assert own.status_code == 409
    assert "You cannot do this to your own account." in text(own.text)
    assert f"{page}/second-factor" not in mine
    assert (await office.post(f"{page}/second-factor/remove", sent)).status_code == 409
    last = await office.post(f"{page}/roles", sent | {"roles": ["member"]})
    assert last.status_code == 409
    assert "This is the last administrator" in text(last.text)
    assert fields(last.text, f"{page}/roles")["roles"] == "member", "what was chosen is kept"
    more = await office.post(f"{page}/roles", sent | {"roles": ["admin", "member", "responder"]})
    assert more.headers["location"] == "/sign-in"
    assert "Saved." in text((await office.follow(more)).text)


async def test_french(office: Browser, alice: Person, client: httpx.AsyncClient, parts: Edge) -> None:
    camille = Browser(client)
    email, secret = await staff(parts, "camille", Role.ADMIN)
    await camille.sign_in_staff(email, secret)
    await camille.fill("/preferences", "/preferences", preferred_language="fr")
    shown = text((await camille.get(PEOPLE)).text)
    assert "Qui travaille ici" in shown
    missed = await camille.fill(PEOPLE, f"{PEOPLE}/find", email="personne@example.org")
    assert "Personne ne se connecte ici avec cette adresse." in text(missed.text)
    assert "Ce que cette personne peut faire" in text((await camille.get(f"{PEOPLE}/{alice.id}")).text)
