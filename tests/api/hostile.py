"""What an attacker sends, and what a refusal must look like."""

import json
from typing import Any

import httpx

from tests.api.owner import Owner
from tests.api.surface import RULES, Rule
from tests.api.world import World
from tests.support.people import Person
from wellspring.kernel.policy import Access

GIVEN_AWAY = ("Traceback", "asyncpg", "psycopg", "SELECT ", "INSERT ", "msgspec", "litestar", "/wellspring/", "Error(")
FORBIDDEN = {
    "id": "01a1fbbc-0ea0-70dc-86d7-35f497b767bf",
    "role": "admin",
    "roles": ["admin"],
    "person_id": "01a1fbbc-0ea0-70dc-86d7-35f497b767bf",
    "email_verified": True,
    "subscription_tier": "premium",
    "is_premium": True,
    "crisis_flagged": False,
    "version": 7,
    "__proto__": {"admin": True},
}
BROKEN: list[bytes] = [
    b"",
    b"{",
    b"{}}",
    b"null",
    b"[]",
    b'"words"',
    b"7",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    '{"mood_score": 5}'.encode("utf-16"),
    b'{"mood_score": NaN}',
    b'{"mood_score": Infinity}',
    b'{"mood_score": 1e999}',
    b'{"journal_text": "\xff", "mood_score": 5}',
    b'{"journal_text": "\\ud800", "mood_score": 5}',
    b'{"note": "\\udfff"}',
    b'{"bio": "\\ud83d"}',
    b'{"name": "\\u0000", "relationship": "friend", "phone": "+1 555 0100"}',
    b"[" * 100_000,
    b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    b'{"weather": ' + b'{"condition": ' * 2000 + b"1" + b"}" * 2000 + b', "mood_score": 5}',
]
VALUES: list[Any] = [
    [],
    {},
    [[]],
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    2**64,
    10**40,
    -(2**63) - 1,
    "",
    "words",
    "x" * 50_000,
    "\x00",
    "a\x00b",
    "a\nb",
    "\u202e\ufeff",
    "0001-01-01",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "00000000-0000-0000-0000-000000000000",
    "' OR 1=1 --",
    {"$gt": ""},
]
CURSORS = [
    "x",
    "AAAA",
    "=" * 8,
    "A" * 32,
    "_" * 32,
    "gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "f_________________8AAAAAAAAAAAAA",
    "\x00",
    "'; DROP TABLE checkins.checkin; --",
    "é" * 10,
]
STRANGE = [*CURSORS, "0001-01-01", "9999-12-31", "-1", "99999999999999999999", "FR\n", "", "NaN"]


def with_bodies() -> list[str]:
    """Return the routes that take a body and a sign-in."""
    return [route for route, rule in RULES.items() if rule.body is not None and rule.who is not Access.PUBLIC]


def complaints(answer: httpx.Response) -> list[str]:
    """Return what is wrong with a refusal: no problem, no code, or it gives something away."""
    wrong = [word for word in GIVEN_AWAY if word in answer.text]
    if answer.headers.get("content-type") != "application/problem+json":
        return [*wrong, f"content type {answer.headers.get('content-type')}"]
    body = json.loads(answer.content)
    if not body.get("code") or body.get("status") != answer.status_code:
        wrong.append("no code")
    return wrong


class Attack:
    """Sends things as one person and keeps count of rows."""

    def __init__(self, world: World, owner: Owner, people: dict[str, Person]) -> None:
        self.world = world
        self.owner = owner
        self.people = people
        self.wrong: list[tuple[Any, ...]] = []
        self._counts = owner.counts()

    def who(self, rule: Rule) -> Person:
        """Return somebody who may use the route: what is refused then is refused for what was sent."""
        return self.world.alice if isinstance(rule.who, Access) else self.people[next(iter(rule.who)).value]

    async def send(self, route: str, label: object, **extra: Any) -> httpx.Response:
        """Send to a route as whoever may; note an answer that is no clean refusal."""
        method, template = route.split(" ", 1)
        answer = await self.who(RULES[route]).request(method, self.world.path(template), **extra)
        self.judge(route, label, answer)
        return answer

    def judge(self, route: str, label: object, answer: httpx.Response) -> None:
        if answer.status_code >= 500:
            self.wrong.append((route, label, answer.status_code))
        if answer.status_code >= 400 and answer.request.method != "HEAD":
            self.wrong += [(route, label, answer.status_code, found) for found in complaints(answer)]

    def nothing_was_written(self) -> bool:
        return self.owner.counts() == self._counts

    def start_again(self) -> None:
        self._counts = self.owner.counts()
