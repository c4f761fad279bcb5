"""A forgotten password on pages: asking for a link, using it, and links that do not hold."""

from typing import Any

import httpx
import pyotp
import pytest
from pydantic import SecretStr

from tests.pages.support import Browser, fields, text
from tests.support.people import PASSWORD, Person
from wellspring.identity import forgotten, service
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
ASK, NEW = "/forgot-password", "seven slow boats at noon"


@pytest.fixture
def mailing(parts: Edge) -> None:
    parts.settings = parts.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})


async def _link(parts: Edge, person: Person) -> str:
    async with parts.db.begin(DbRole.WORKER, subject=person.id) as tx:
        path = await forgotten.link(tx, parts.keys, person.id)
    assert path is not None
    return path


async def _set(browser: Browser, path: str, **sent: Any) -> httpx.Response:
    return await browser.fill(path, path, **sent)


@pytest.mark.usefixtures("mailing")
async def test_the_way_there_starts_at_the_sign_in_and_tells_nobody_who_is_here(
    visitor: Browser, alice: Person
) -> None:
    assert f'href="{ASK}"' in (await visitor.get("/sign-in")).text
    said = [await visitor.fill(ASK, ASK, email=email) for email in (alice.email, "nobody@example.org")]
    assert [answer.status_code for answer in said] == [200, 200]
    assert text(said[0].text) == text(said[1].text)
    assert "It works for half an hour." in text(said[0].text)
    assert alice.email not in said[0].text
    empty = await visitor.fill(ASK, ASK, email=" ")
    assert empty.status_code == 422
    assert "Please write an address such as" in text(empty.text)


@pytest.mark.usefixtures("mailing")
async def test_asking_again_and_again_has_to_wait(visitor: Browser, alice: Person) -> None:
    for _ in range(5):
        assert (await visitor.fill(ASK, ASK, email=alice.email)).status_code == 200
    refused = await visitor.fill(ASK, ASK, email=alice.email)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "Links were asked for" in text(refused.text)
    assert fields(refused.text, ASK)["email"] == alice.email


async def test_without_a_mail_server_the_page_says_whom_to_ask(visitor: Browser) -> None:
    shown = (await visitor.get(ASK)).text
    assert "no mail server" in text(shown)
    assert f'action="{ASK}"' not in shown


async def test_a_new_password_by_a_link(visitor: Browser, at_home: Browser, alice: Person, parts: Edge) -> None:
    path = await _link(parts, alice)
    for _ in range(2):
        assert (await visitor.get(path)).status_code == 200, "looking does not use it up"
    assert "mfa_code" not in fields((await visitor.get(path)).text, path)
    easy = await _set(visitor, path, new_password="password1234")
    assert easy.status_code == 422
    assert "This password is easy to guess." in text(easy.text)
    assert "password1234" not in easy.text
    old = await _set(visitor, path, new_password=PASSWORD)
    assert "You have used this password before." in text(old.text)
    done = await _set(visitor, path, new_password=NEW)
    assert done.headers["location"] == "/sign-in"
    assert "Your password is changed." in (await visitor.follow(done)).text
    assert (await at_home.get("/home")).status_code == 303
    assert (await visitor.fill("/sign-in", "/sign-in", email=alice.email, password=NEW)).headers["location"] == "/home"
    gone = await visitor.get(path)
    assert gone.status_code == 403
    assert "This link does not work any more" in text(gone.text)
    assert f'href="{ASK}"' in gone.text


async def test_who_is_signed_in_as_somebody_else_may_use_their_link(
    stranger: Browser, alice: Person, parts: Edge
) -> None:
    path = await _link(parts, alice)
    assert (await _set(stranger, path, new_password=NEW)).status_code == 303
    assert (await stranger.get("/home")).status_code == 200, "charlie stays signed in"


async def test_the_second_factor_is_asked_for_too(visitor: Browser, alice: Person, parts: Edge) -> None:
    secret = pyotp.random_base32()
    async with parts.db.begin(DbRole.SIGNIN, actor=alice.id) as tx:
        await service.set_factor(tx, parts.keys, alice.id, secret)
    path = await _link(parts, alice)
    needed = await _set(visitor, path, new_password=NEW)
    assert needed.status_code == 401
    assert fields(needed.text, path).get("mfa_code") == ""
    wrong = await _set(visitor, path, new_password=NEW, mfa_code="000000")
    assert "This code is not right" in text(wrong.text)
    assert NEW not in wrong.text
    assert (await _set(visitor, path, new_password=NEW, mfa_code=pyotp.TOTP(secret).now())).status_code == 303


@pytest.mark.parametrize("made", ["AZ", "A" * 86, "%20", "x" * 300])
async def test_a_made_up_link_is_refused(visitor: Browser, made: str) -> None:
    shown = await visitor.get(f"/new-password/{made}")
    assert shown.status_code == 403
    assert "This link does not work any more" in text(shown.text)
    token = fields((await visitor.get("/sign-in")).text, "/sign-in")["csrf"]
    sent = await visitor.post(f"/new-password/{made}", {"csrf": token, "new_password": NEW})
    assert sent.status_code in (403, 422)
    forged = await visitor.post(f"/new-password/{made}", {"new_password": NEW})
    assert forged.status_code == 403


async def test_in_french(visitor: Browser, alice: Person, parts: Edge) -> None:
    shown = await visitor.get(f"{await _link(parts, alice)}?lang=fr")
    assert "Nouveau mot de passe" in text(shown.text)
    assert "Mot de passe oublié" in text((await visitor.get(ASK)).text)
