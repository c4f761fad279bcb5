"""One word, written into everything that takes words: it is stored sealed and is found nowhere else."""

import base64
import json
from typing import Any

import httpx
import pytest
import structlog

from tests.api.owner import Owner
from tests.api.surface import RULES
from tests.api.world import World, on_duty
from tests.support.models import TUNNEL
from tests.support.people import PASSWORD, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.kernel.policy import Access
from wellspring.notify.ports import RecordingMail
from wellspring.safety import paging

pytestmark = pytest.mark.anyio
CANARY = "zyxcanary7"
DANGER = f"{CANARY} I am going to kill myself tonight, goodbye {CANARY}. Stuck, {CANARY}, in {TUNNEL}"
_DONE = "/v1/interventions/sessions/{session_id:uuid}/complete"
_CONTACT = {
    "name": CANARY,
    "relationship": "friend",
    "phone": "+1 555 0177",
    "email": f"{CANARY}@example.org",
}
_PLAN = ("warning_signs", "coping_strategies", "social_distractions", "people_to_ask", "professionals", "means_safety")
_CHECKIN: dict[str, Any] = {
    "mood_score": 2,
    "journal_text": DANGER,
    "context_activity": CANARY,
    "emotion_tags": [CANARY],
    "activities": [CANARY],
    "triggers": [CANARY],
    "factors": [{"type": "sleep", "value": 2, "notes": CANARY}],
    "weather": {"condition": CANARY},
}
AFTER_CARE = "POST /v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}/after-care"
WORDS: dict[str, dict[str, Any]] = {
    "PATCH /v1/users/me": {
        "display_name": CANARY,
        "bio": CANARY,
        **{name: [CANARY] for name in ("other_conditions", "primary_goals", "current_challenges")},
    },
    "POST /v1/users/me/emergency-contacts": _CONTACT,
    "PUT /v1/users/me/emergency-contacts/{contact_id:uuid}": _CONTACT,
    "PUT /v1/crisis/safety-plan": {name: [CANARY] for name in _PLAN},
    "POST /v1/crisis/report": {"note": DANGER},
    "POST /v1/checkins": _CHECKIN,
    "PATCH /v1/checkins/{checkin_id:uuid}": {k: v for k, v in _CHECKIN.items() if k != "mood_score"},
    "POST /v1/checkins/search": {"text": CANARY},
    f"POST {_DONE}": {"feedback_text": CANARY, "effectiveness_rating": 4},
    f"POST {_DONE.replace('complete', 'skip')}": {"feedback_text": CANARY},
    f"PATCH {_DONE.removesuffix('/complete')}": {"feedback_text": CANARY},
    "POST /v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}/steps": {"step": "contact", "note": CANARY},
    AFTER_CARE: {"step": 1, "result": "reached", "note": CANARY},
}
NO_WORDS = {
    "PUT /v1/users/me/preferences",
    "PUT /v1/users/me/second-factor",
    "POST /v1/users/me/second-factor/recovery-codes",
    "PUT /v1/users/me/password",
    "POST /v1/export",
    "DELETE /v1/delete-account",
    "PUT /v1/consents/{kind:str}",
    "POST /v1/access-grants",
    "PATCH /v1/access-grants/{grant_id:uuid}",
    "POST /v1/interventions/recommendations",
    "POST /v1/interventions/{intervention_id:uuid}/start",
    "POST /v1/checkins/quick",
    "POST /v1/checkins/{checkin_id:uuid}/reading/correction",
    "PUT /v1/crisis/duty",
    "PUT /v1/people/{person_id:uuid}/roles",
    "PUT /v1/people/{person_id:uuid}/status",
    "PUT /v1/people/{person_id:uuid}/supervisor",
}
"""Routes whose bodies hold numbers, choices and ids only."""
ADDRESSES = {"POST /v1/people/find"}
"""An address that is looked for is stored nowhere: `tests/admin` looks for one."""

FORMS = (
    CANARY,
    CANARY.upper(),
    CANARY[::-1],
    CANARY.encode().hex(),
    *(base64.b64encode(b"x" * n + CANARY.encode()).decode()[4:-4] for n in range(3)),
)


def found_in(text: str) -> list[str]:
    """Return the spellings of the canary that a text holds."""
    return [form for form in FORMS if form in text]


def test_every_route_with_words_has_a_canary() -> None:
    taking = {route for route, rule in RULES.items() if rule.body is not None and rule.who is not Access.PUBLIC}
    assert taking == set(WORDS) | NO_WORDS | ADDRESSES


class Flight:
    """Sends the canary everywhere, and keeps every answer."""

    def __init__(self, world: World, dana: Person) -> None:
        self.world = world
        self.dana = dana
        self.answers: list[httpx.Response] = []

    async def send(self, route: str, **extra: Any) -> httpx.Response:
        method, template = route.split(" ", 1)
        who = self.world.alice if isinstance(RULES[route].who, Access) else self.dana
        answer = await who.request(method, self.world.path(template), **extra)
        self.answers.append(answer)
        return answer

    async def everywhere(self) -> None:
        await self.dana.post(self.world.path("/v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}/claim"))
        for route, body in WORDS.items():
            key = {"idempotency-key": f"{len(self.answers)}-canary-key"}
            if route == AFTER_CARE:
                closing = {"step": "resolve", "outcome": "safe_with_plan", "note": CANARY}
                await self.dana.post(
                    self.world.path(route.split(" ", 1)[1].replace("after-care", "steps")), json=closing
                )
            answer = await self.send(route, json=body, headers=key)
            assert answer.status_code in (200, 201), (route, answer.text)
            await self.send(route, json=body, headers=key)

    async def astray(self) -> None:
        """Send what is refused: an unknown field, a wrong type, a broken body, one too large, a stale version."""
        json_type = {"content-type": "application/json"}
        for route, body in WORDS.items():
            refused = [
                await self.send(route, json={**body, "unknown": CANARY}),
                await self.send(route, json={name: {"unknown": [CANARY]} for name in body}),
                await self.send(route, json=dict.fromkeys(body, CANARY * 5000)),
                await self.send(route, content=json.dumps(body).encode()[:-1], headers=json_type),
                await self.send(route, content=json.dumps(body).encode() + b" " * 300_000, headers=json_type),
                await self.send(route, content=CANARY.encode(), headers={"content-type": f"text/{CANARY}"}),
                await self.send(route, json=body, headers={"if-match": f'"{CANARY}"', "idempotency-key": CANARY + " "}),
            ]
            assert all(400 <= a.status_code < 500 for a in refused[:-1]), (route, [a.status_code for a in refused])
            assert not [a.text for a in refused if a.status_code >= 400 and found_in(a.text)], route


async def _public_failures(client: httpx.AsyncClient) -> list[httpx.Response]:
    return [
        await client.post("/v1/auth/login", json={"email": f"{CANARY}@example.org", "password": CANARY}),
        await client.post("/v1/auth/register", json={"email": CANARY, "password": f"{CANARY} {CANARY}"}),
        await client.post("/v1/auth/refresh", json={"refresh_token": CANARY}),
        await client.get("/v1/users/me", headers={"authorization": f"Bearer {CANARY}"}),
        await client.post(
            "/v1/auth/register",
            json={"email": f"{CANARY}@example.org", "password": f"{PASSWORD} {CANARY}", "display_name": CANARY},
        ),
    ]


async def test_words_are_nowhere_but_sealed(
    world: World,
    owner: Owner,
    client: httpx.AsyncClient,
    parts: Edge,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    flight, mail = Flight(world, await on_duty(world)), RecordingMail()
    caplog.set_level(0)
    with structlog.testing.capture_logs() as lines:
        await flight.everywhere()
        await flight.astray()
        flight.answers += await _public_failures(client)
        context = JobContext(parts.db, parts.settings, parts.keys, {"mail": mail})
        for event_id in owner.rows("SELECT id FROM safety.crisis_event"):
            await paging.page(context, JobPayload(world.alice.id, event_id[0]))
    written = capfd.readouterr()
    assert lines
    assert not found_in(repr(lines))
    assert not found_in(caplog.text)
    assert not found_in(written.out + written.err)
    assert not [h for a in flight.answers for h in a.headers.items() if found_in(repr(h))]
    assert not [a.request.url for a in flight.answers if found_in(str(a.request.url))]
    assert owner.one("SELECT count(*) FROM jobs.pgqueuer") > 0
    assert owner.one("SELECT count(*) FROM kernel.idempotency") > 0
    assert not found_in(owner.everything())
    assert not found_in(repr(vars(mail)))
    metrics = await client.get("/metrics")
    assert not found_in(metrics.text)


async def test_the_words_are_there_for_whom_they_are_meant(world: World) -> None:
    """The control of the test above: what was sealed comes back."""
    flight = Flight(world, await on_duty(world))
    await flight.everywhere()
    for path in ("/v1/users/me", "/v1/users/me/emergency-contacts", "/v1/crisis/safety-plan", "/v1/checkins"):
        assert CANARY in (await world.alice.get(path)).text, path
    assert CANARY in (await world.alice.get(world.path(_DONE.removesuffix("/complete")))).text
    search = await world.alice.post("/v1/checkins/search", json={"text": CANARY})
    assert len(search.json()["items"]) == 2
