"""A copy of everything, and erasing oneself, in a browser: strangers first."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import PASSWORD, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.privacy import leaving, own_copies

pytestmark = pytest.mark.anyio
COPY, FILE, LEAVE = "/copy", "/copy/file", "/leave"
FORMS = (COPY, "/copy/remove", LEAVE, "/leave/take-back")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


@pytest.fixture
def worker(parts: Edge, tmp_path: Path) -> JobContext:
    return JobContext(parts.db, parts.settings.model_copy(update={"data": tmp_path}), parts.keys, {})


async def work(worker: JobContext, owner: asyncpg.Connection) -> None:
    for (payload,) in await owner.fetch("SELECT payload FROM jobs.pgqueuer WHERE entrypoint = 'privacy.copy'"):
        found = json.loads(payload)
        await own_copies.make(worker, JobPayload(UUID(found["person_id"]), UUID(found["ref"])))


@pytest.mark.parametrize("path", [COPY, FILE, LEAVE])
async def test_a_stranger_is_led_to_the_sign_in_page(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("path", FORMS)
async def test_a_forged_form_does_nothing(
    at_home: Browser, visitor: Browser, path: str, owner: asyncpg.Connection
) -> None:
    for browser in (visitor, at_home):
        for csrf in ({}, {"csrf": "forged"}):
            answer = await browser.post(path, {"current_password": PASSWORD} | csrf)
            assert answer.status_code in (401, 403)
    for table in ("privacy.copy", "privacy.leaving"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_copy_from_asking_to_removing(
    at_home: Browser, alice: Person, stranger: Browser, worker: JobContext, owner: asyncpg.Connection
) -> None:
    assert (await at_home.get(FILE)).headers["location"] == COPY
    wrong = await at_home.fill(COPY, COPY, current_password="not it at all")
    assert wrong.status_code == 403
    assert 'id="current_password-error"' in wrong.text
    assert "not it at all" not in wrong.text
    empty = await at_home.fill(COPY, COPY, current_password="")
    assert empty.status_code == 422
    asked = await at_home.fill(COPY, COPY, current_password=PASSWORD)
    shown = await at_home.follow(asked)
    assert "Your copy is being made" in text(shown.text)
    assert 'hx-get="/copy/state?asked=1"' in shown.text
    assert (await at_home.get(FILE)).headers["location"] == COPY
    await work(worker, owner)
    part = await at_home.get("/copy/state?asked=3")
    assert "Your copy is ready" in part.text
    assert "<html" not in part.text
    file = await at_home.get(FILE)
    assert file.headers["content-type"] == "application/zip"
    assert "attachment" in file.headers["content-disposition"]
    assert file.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert alice.email in archive.read("everything.json").decode()
    assert (await stranger.get(FILE)).headers["location"] == COPY
    assert "ready" not in text((await stranger.get(COPY)).text)
    removed = await at_home.post("/copy/remove", fields((await at_home.get(COPY)).text, "/copy/remove"))
    assert "Removed." in text((await at_home.follow(removed)).text)
    assert (await at_home.get(FILE)).headers["location"] == COPY


async def test_a_copy_asked_for_elsewhere_is_told_and_not_handed_over(
    at_home: Browser, alice: Person, client: httpx.AsyncClient, worker: JobContext, owner: asyncpg.Connection
) -> None:
    await at_home.fill(COPY, COPY, current_password=PASSWORD)
    await work(worker, owner)
    other = Browser(client)
    await other.sign_in(alice)
    shown = await other.get(COPY)
    assert "signed in elsewhere" in text(shown.text)
    assert 'href="/copy/file"' not in shown.text
    assert (await other.get(FILE)).headers["location"] == COPY
    assert (await at_home.get(FILE)).status_code == 200


async def test_odd_counts_are_taken_for_the_first(at_home: Browser) -> None:
    for odd in ("abc", "-1", "9" * 50, "²"):
        assert (await at_home.get("/copy/state", params={"asked": odd})).status_code == 200


async def test_erasing_oneself(at_home: Browser, alice: Person, worker: JobContext, owner: asyncpg.Connection) -> None:
    page = text((await at_home.get(LEAVE)).text)
    assert "What goes" in page
    assert "for seven years" in page
    assert "for six years" in page
    assert "the identifier of your account and the time are kept in a list" in page
    wrong = await at_home.fill(LEAVE, LEAVE, current_password="not it at all")
    assert wrong.status_code == 403
    assert 'id="current_password-error"' in wrong.text
    assert "clear-site-data" not in wrong.headers
    asked = await at_home.fill(LEAVE, LEAVE, current_password=PASSWORD)
    assert asked.headers["clear-site-data"] == '"storage"', "a draft on the device outlives nobody"
    assert "It begins within a minute." in text((await at_home.follow(asked)).text)
    await leaving.carry_out(worker)
    assert await owner.fetchval("SELECT count(*) FROM identity.person WHERE person_id = $1", alice.id) == 0
    gone = await at_home.get(LEAVE)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/sign-in?next={LEAVE}")


async def test_erasing_waits_for_those_who_help_and_can_be_stopped(
    at_home: Browser, alice: Person, worker: JobContext, owner: asyncpg.Connection
) -> None:
    assert (await alice.post("/v1/crisis/report", json={"wants_contact": True})).status_code == 201
    await at_home.fill(LEAVE, LEAVE, current_password=PASSWORD)
    await leaving.carry_out(worker)
    shown = await at_home.get(LEAVE)
    assert "until the people on duty are done" in text(shown.text)
    back = await at_home.post("/leave/take-back", fields(shown.text, "/leave/take-back"))
    assert "You keep your account." in text((await at_home.follow(back)).text)
    twice = await at_home.post("/leave/take-back", fields(shown.text, "/leave/take-back"))
    assert (twice.status_code, twice.headers["location"]) == (303, LEAVE)
    await leaving.carry_out(worker)
    assert (await at_home.get("/home")).status_code == 200


async def test_a_lock_says_how_long_it_lasts(at_home: Browser) -> None:
    for _ in range(5):
        await at_home.fill(LEAVE, LEAVE, current_password="not it at all")
    answer = await at_home.fill(LEAVE, LEAVE, current_password=PASSWORD)
    assert (answer.status_code, "please wait 1 minute" in text(answer.text)) == (429, True)


async def test_both_pages_are_found(at_home: Browser) -> None:
    page = (await at_home.get("/preferences")).text
    assert 'href="/copy"' in page[page.index("<footer") :]
    assert 'href="/leave"' in page[page.index("<main") : page.index("</main>")]
