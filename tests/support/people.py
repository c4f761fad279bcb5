"""The people of the tests: alice (member), bob (clinician), charlie (a stranger), dana (responder), erin (admin)."""

import itertools
from typing import Any
from uuid import UUID

import httpx
import pyotp

from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.identity.sessions import Where
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind

PASSWORD = "a quiet lamp by the river"
_NUMBERS = itertools.count(1)
NOWHERE = Where(None, "tests", "")


class Person:
    """Somebody signed in, with a client that sends their token."""

    def __init__(self, client: httpx.AsyncClient, person_id: UUID, email: str, tokens: dict[str, Any]) -> None:
        self.client = client
        self.id = person_id
        self.email = email
        self.tokens = tokens

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens['access_token']}"}

    async def request(self, method: str, path: str, **extra: Any) -> httpx.Response:
        headers = {**self.headers, **extra.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **extra)

    async def get(self, path: str, **extra: Any) -> httpx.Response:
        return await self.request("GET", path, **extra)

    async def post(self, path: str, **extra: Any) -> httpx.Response:
        return await self.request("POST", path, **extra)

    async def put(self, path: str, **extra: Any) -> httpx.Response:
        return await self.request("PUT", path, **extra)

    async def patch(self, path: str, **extra: Any) -> httpx.Response:
        return await self.request("PATCH", path, **extra)

    async def delete(self, path: str, **extra: Any) -> httpx.Response:
        return await self.request("DELETE", path, **extra)


class Circle:
    """Makes people in one database."""

    def __init__(self, parts: Edge, client: httpx.AsyncClient) -> None:
        self.parts = parts
        self.client = client

    async def member(self, name: str = "alice", **fields: Any) -> Person:
        """Register and sign in a member through the API."""
        email = f"{name}{next(_NUMBERS)}@example.org"
        body = {"email": email, "password": PASSWORD, "display_name": name.title(), **fields}
        answer = await self.client.post("/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        return Person(self.client, UUID(answer.json()["user"]["id"]), email, answer.json())

    async def staff(self, name: str, role: Role) -> Person:
        """Make a staff account with a second factor and sign it in through the API."""
        email = f"{name}{next(_NUMBERS)}@example.org"
        accounts = service.Accounts(self.parts.db, self.parts.keys, self.parts.ports["passwords"], self.parts.settings)
        wanted = Register(email=email, password=PASSWORD, display_name=name.title())
        opened = await service.register(
            accounts, wanted, NOWHERE, kind=TokenKind.ACCESS, roles=frozenset({role, Role.MEMBER})
        )
        secret = pyotp.random_base32()
        async with self.parts.db.begin(DbRole.SIGNIN, actor=opened.who.person_id) as tx:
            await service.set_factor(tx, self.parts.keys, opened.who.person_id, secret)
        body = {"email": email, "password": PASSWORD, "mfa_code": pyotp.TOTP(secret).now()}
        answer = await self.client.post("/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return Person(self.client, opened.who.person_id, email, answer.json())


__all__ = ["NOWHERE", "PASSWORD", "Circle", "Person"]
