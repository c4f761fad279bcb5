"""The synthetic people through the program: they sign in as printed, and find their year, their plan, their desk."""

from collections.abc import Iterator

import httpx
import pyotp
import pytest

from tests.conftest import WORKER
from tests.support import database
from wellspring.demo import SignIn, fill, sign_ins

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def filled_now(server_url: str, template: str) -> Iterator[str]:
    """A database with a few people whose year ends now."""
    name = f"test_{WORKER}_filled_now"
    with database.clone(server_url, template, name) as url:
        fill(url, database.KEYS, people=3, progress=lambda done, total: None)
        yield name


@pytest.fixture
def database_url(server_url: str, filled_now: str) -> Iterator[str]:
    with database.clone(server_url, filled_now, f"test_{WORKER}_signed_in") as url:
        yield url


async def _tokens(client: httpx.AsyncClient, who: SignIn) -> dict[str, str]:
    body = {"email": who.email, "password": who.password}
    if who.totp_secret:
        body["mfa_code"] = pyotp.TOTP(who.totp_secret).now()
    answer = await client.post("/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_a_stranger_sees_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/checkins")).status_code == 401


async def test_everybody_can_sign_in(client: httpx.AsyncClient) -> None:
    for who in sign_ins(database.KEYS):
        answer = await client.get("/v1/users/me", headers=await _tokens(client, who))
        assert (answer.json()["email"], answer.json()["display_name"]) == (who.email, who.name)


async def test_alice_reads_her_year(client: httpx.AsyncClient) -> None:
    headers = await _tokens(client, sign_ins(database.KEYS)[0])
    page = (await client.get("/v1/checkins", params={"limit": 100}, headers=headers)).json()
    assert len(page["items"]) == 100
    assert page["next_cursor"]
    written = [item["journal_text"] for item in page["items"] if item["journal_text"]]
    assert len(written) > 20
    found = await client.post("/v1/checkins/search", json={"text": "the"}, headers=headers)
    assert found.json()["items"]
    days = await client.get("/v1/checkins/days", headers=headers)
    assert days.status_code == 200
    plan = await client.get("/v1/crisis/safety-plan", headers=headers)
    assert plan.json()["version"] == 1
    assert plan.json()["plan"]["coping_strategies"]


async def test_dana_finds_her_desk(client: httpx.AsyncClient) -> None:
    dana = next(s for s in sign_ins(database.KEYS) if s.role == "responder")
    headers = await _tokens(client, dana)
    desk = (await client.get("/v1/crisis/desk", headers=headers)).json()
    assert desk["on_duty"]
    states = [(item["risk_level"], item["state"]) for item in desk["items"]]
    assert ("high", "paged") in states
    waiting = next(item for item in desk["items"] if item["state"] == "paged")
    where = f"/v1/people/{waiting['person_id']}/crisis-events/{waiting['id']}"
    claimed = await client.post(f"{where}/claim", headers=headers)
    assert claimed.status_code in (200, 204), claimed.text
    event = (await client.get(where, headers=headers)).json()
    assert any(e["counted"] for e in event["evidence"])
