"""A person at a browser without scripts: cookies, forms as they stand on the page, redirects followed by hand."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pyotp

from tests.support.people import NOWHERE, PASSWORD, Person
from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind


class _Forms(HTMLParser):
    """Every form of a page: where it goes, and its fields as a browser would send them untouched."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []
        self._area: str | None = None
        self._text = ""
        self._select: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append((given.get("action") or "", []))
        if not self.found:
            return
        fields = self.found[-1][1]
        name = given.get("name")
        if tag == "button" and given.get("formaction"):
            self.found.append((given["formaction"] or "", fields))
        if tag == "input" and name:
            if given.get("type") in ("radio", "checkbox") and "checked" not in given:
                return
            fields.append((name, given.get("value") or ""))
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            fields.append((self._select, given.get("value") or ""))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            self.found[-1][1].append((self._area, self._text))
            self._area = None
        elif tag == "select":
            self._select = None


def fields(html: str, action: str) -> dict[str, Any]:
    """The fields of the form that posts to `action`, ready to be changed and sent."""
    for where, pairs in _Forms(html).found:
        if where == action:
            names = {name for name, _ in pairs}
            every = {name: [value for n, value in pairs if n == name] for name in names}
            return {name: values[0] if len(values) == 1 else values for name, values in every.items()}
    raise AssertionError(f"no form posts to {action}")


def text(html: str) -> str:
    """What is read on a page, without its tags."""
    main = html[html.index("<main") : html.index("</main>")] if "<main" in html else html
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


async def staff(parts: Edge, name: str, role: Role) -> tuple[str, str]:
    """Make a staff account; return its address and the secret of its authenticator, of which no code is used yet."""
    email, secret = f"{name}@staff.example.org", pyotp.random_base32()
    accounts = service.Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)
    wanted = Register(email=email, password=PASSWORD, display_name=name.title())
    roles = frozenset({role, Role.MEMBER})
    opened = await service.register(accounts, wanted, NOWHERE, kind=TokenKind.ACCESS, roles=roles)
    async with parts.db.begin(DbRole.SIGNIN, actor=opened.who.person_id) as tx:
        await service.set_factor(tx, parts.keys, opened.who.person_id, secret)
    return email, secret


class Browser:
    """One browser: its own cookies; it never follows a redirect unless told."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = httpx.AsyncClient(
            transport=client._transport,
            base_url=client.base_url,
            headers={"accept": "text/html,application/xhtml+xml", "accept-language": "en"},
        )

    async def get(self, path: str, **extra: Any) -> httpx.Response:
        return await self.client.get(path, **extra)

    async def post(self, path: str, data: dict[str, Any], **extra: Any) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", **extra.pop("headers", {})}
        return await self.client.post(path, data=data, headers=headers, **extra)

    async def fill(self, page: str, action: str, **changes: Any) -> httpx.Response:
        """Open a page, change fields of one of its forms, and send it."""
        shown = await self.get(page)
        assert shown.status_code == 200, (shown.status_code, shown.headers)
        return await self.post(action, fields(shown.text, action) | changes)

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        """Go where a redirect leads."""
        assert answer.status_code == 303, (answer.status_code, text(answer.text)[:600])
        return await self.get(answer.headers["location"])

    async def sign_in(self, person: Person, **changes: Any) -> httpx.Response:
        return await self.fill("/sign-in", "/sign-in", email=person.email, password=PASSWORD, **changes)

    async def sign_in_staff(self, email: str, secret: str) -> None:
        """Sign in with password and code, as the page asks for them."""
        asked = await self.fill("/sign-in", "/sign-in", email=email, password=PASSWORD)
        given = fields(asked.text, "/sign-in") | {"password": PASSWORD, "mfa_code": pyotp.TOTP(secret).now()}
        assert (await self.post("/sign-in", given)).status_code == 303
