"""The limit of requests as people meet it: help is never refused, and nothing that was typed is lost."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import application
from tests.pages.support import Browser, fields, text
from tests.support.people import Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.middleware import Outermost
from wellspring.kernel.settings import Settings

pytestmark = pytest.mark.anyio
LIMIT = 5


@pytest.fixture
async def limited(parts: Edge) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(environment="development", requests_per_minute=LIMIT)
    transport = httpx.ASGITransport(app=Outermost(application(parts), settings, parts.tokens))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wellspring.test") as made:
        yield made


async def test_help_is_answered_however_many_ask_from_one_address(limited: httpx.AsyncClient) -> None:
    visitor = Browser(limited)
    for _ in range(3 * LIMIT):
        answer = await visitor.get("/help?country=FR")
        assert answer.status_code == 200
        assert "3114" in answer.text
        assert (await limited.get("/v1/crisis/resources?country=FR")).json()["country"] == "FR"
    assert "max-age" in answer.headers["cache-control"]
    assert (await visitor.get("/sign-in")).status_code == 200, "asking for help costs nobody their sign-in"


async def test_help_beyond_the_limit_reads_no_database(
    limited: httpx.AsyncClient, parts: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Browser(limited)
    for _ in range(LIMIT):
        await visitor.get("/help")
    monkeypatch.setattr(parts.db, "begin", None)
    assert "Help now" in (await visitor.get("/help")).text


async def test_the_files_of_the_pages_are_not_counted(limited: httpx.AsyncClient) -> None:
    for _ in range(2 * LIMIT):
        assert (await limited.get("/static/app.css")).status_code == 200
    assert (await limited.get("/livez")).status_code == 200


async def test_a_page_is_refused_with_a_page_and_the_true_wait(limited: httpx.AsyncClient) -> None:
    visitor = Browser(limited)
    for _ in range(LIMIT):
        assert (await visitor.get("/sign-in")).status_code == 200
    answer = await visitor.get("/sign-in")
    assert (answer.status_code, answer.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "Please wait a little" in text(answer.text)
    assert "try again in a minute" in text(answer.text)
    assert 'href="/help"' in answer.text
    assert 'href="/sign-in">Try again' in answer.text
    left = int(answer.headers["ratelimit"].rpartition("t=")[2])
    assert int(answer.headers["retry-after"]) == left
    assert 1 <= left <= 60
    program = await limited.get("/livez")
    assert (program.status_code, program.json()["code"]) == (429, "too_many_requests")
    assert (await limited.get("/v1/users/me", headers={"accept": "text/html"})).json()["code"] == "too_many_requests"


async def test_one_person_behind_an_address_does_not_stop_another(
    limited: httpx.AsyncClient, alice: Person, charlie: Person
) -> None:
    hers, his = Browser(limited), Browser(limited)
    assert (await hers.sign_in(alice)).status_code == 303
    assert (await his.sign_in(charlie)).status_code == 303
    shown = [(await hers.get("/preferences")).status_code for _ in range(LIMIT + 1)]
    assert shown == [200] * LIMIT + [429]
    assert (await his.get("/home")).status_code == 200


async def test_what_was_typed_beyond_the_limit_is_still_there(limited: httpx.AsyncClient, alice: Person) -> None:
    browser = Browser(limited)
    assert (await browser.sign_in(alice)).status_code == 303
    form = fields((await browser.get("/check-in")).text, "/check-in")
    for _ in range(LIMIT - 1):
        await browser.get("/sessions")
    answer = await browser.post("/check-in", form | {"mood_score": "4", "journal_text": "every\nword"})
    assert answer.status_code == 429
    kept = fields(answer.text, "/check-in")
    assert (kept["journal_text"], kept["mood_score"], kept["id"]) == ("every\nword", "4", form["id"])


async def test_a_refused_sign_up_asks_for_its_new_password_as_a_new_one(limited: httpx.AsyncClient) -> None:
    """A password manager fills in what somebody else's account has here, where it is told to."""
    visitor, typed = Browser(limited), {"email": "new@example.org", "password": "a quiet lamp by the river"}
    for path, kind in (("/sign-up", "new-password"), ("/sign-in", "current-password")):
        for _ in range(LIMIT):
            await visitor.get(path)
        answer = await visitor.post(path, typed)
        assert answer.status_code == 429
        assert f'name="password" type="password" autocomplete="{kind}"' in answer.text
