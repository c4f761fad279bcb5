"""Signed tokens: only ours, whole, unexpired and of the right kind are taken."""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest

from tests.support.people import Person
from wellspring.kernel import ids, tokens
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.edge import Edge
from wellspring.kernel.errors import Unauthenticated
from wellspring.kernel.policy import Role
from wellspring.kernel.principal import Principal
from wellspring.kernel.tokens import ACCESS_TTL, TokenKind, TokenRefused, Tokens

pytestmark = pytest.mark.anyio

RING = Keyring({1: b"k" * 32}, b"r" * 32)
OTHER = Keyring({1: b"k" * 32}, b"x" * 32)
TOKENS = Tokens(RING)
ALICE = Principal(ids.new(), ids.new(), 3, frozenset({Role.MEMBER, Role.CLINICIAN}))
KEY = RING.derive("token-signing")


def claims(**changes: Any) -> dict[str, Any]:
    token = TOKENS.issue(ALICE, TokenKind.ACCESS, ACCESS_TTL)
    found: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"])
    found.update(changes)
    return {name: value for name, value in found.items() if value is not None}


def signed(key: bytes = KEY, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_token_tells_who_it_was_made_for() -> None:
    for kind in TokenKind:
        assert TOKENS.verify(TOKENS.issue(ALICE, kind, ACCESS_TTL), kind) == ALICE


GOOD = TOKENS.issue(ALICE, TokenKind.ACCESS, ACCESS_TTL)
HEAD, BODY, MARK = GOOD.split(".")
FORGED = {
    "empty": "",
    "words": "not a token",
    "dots": "..",
    "unsigned": f"{part({'alg': 'none', 'typ': 'JWT'})}.{BODY}.",
    "unsigned capitals": f"{part({'alg': 'nOnE', 'typ': 'JWT'})}.{BODY}.",
    "signature cut": f"{HEAD}.{BODY}.",
    "signature of another": f"{HEAD}.{BODY}.{GOOD[::-1].split('.', maxsplit=1)[0]}",
    "body changed": f"{HEAD}.{part(claims(ver=4))}.{MARK}",
    "other key": signed(OTHER.derive("token-signing")),
    "key of another purpose": signed(RING.derive("form-token")),
    "no key": signed(b"\0" * 32),
    "other algorithm": signed(KEY + KEY, "HS512"),
    "algorithm in the header only": f"{part({'alg': 'HS384', 'typ': 'JWT'})}.{BODY}.{MARK}",
    "expired": signed(exp=claims()["iat"] - 1),
    "never expires": signed(exp=None),
    "expires in words": signed(exp="tomorrow"),
    "not yet": signed(nbf=claims()["exp"]),
    "issued in the future": signed(iat=claims()["exp"] + 1000),
    "no person": signed(sub=None),
    "no session": signed(sid=None),
    "no version": signed(ver=None),
    "no kind": signed(typ=None),
    "no roles": signed(roles=None),
    "person is a number": f"{HEAD}.{part({**claims(), 'sub': 7})}.{MARK}",
    "person is no id": signed(sub="alice"),
    "session is no id": signed(sid="x"),
    "session is a list": signed(sid=[]),
    "version is a word": signed(ver="x"),
    "version is a list": signed(ver=[1]),
    "unknown role": signed(roles=["root"]),
    "roles are a number": signed(roles=7),
    "web token": TOKENS.issue(ALICE, TokenKind.WEB, ACCESS_TTL),
    "unknown kind": signed(typ="admin"),
    "nul": "\0.\0.\0",
    "long": "a" * 100_000,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused):
        TOKENS.verify(FORGED[name], TokenKind.ACCESS)


def test_a_token_that_was_taken_before_still_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    remembering = Tokens(RING)
    token = remembering.issue(ALICE, TokenKind.ACCESS, ACCESS_TTL)
    assert remembering.verify(token, TokenKind.ACCESS) == ALICE
    assert remembering.verify(token, TokenKind.ACCESS) == ALICE
    with pytest.raises(TokenRefused):
        remembering.verify(token, TokenKind.WEB)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + ACCESS_TTL.total_seconds() + 1)
    with pytest.raises(TokenRefused):
        remembering.verify(token, TokenKind.ACCESS)


def test_few_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_REMEMBERED", 3)
    remembering = Tokens(RING)
    for version in range(10):
        who = Principal(ALICE.person_id, ALICE.session_id, version, ALICE.roles)
        assert remembering.verify(remembering.issue(who, TokenKind.ACCESS, ACCESS_TTL), TokenKind.ACCESS) == who
    assert len(remembering._verified) == 3


def test_an_old_token_runs_out() -> None:
    token = TOKENS.issue(ALICE, TokenKind.ACCESS, timedelta(seconds=-1))
    with pytest.raises(Unauthenticated):
        TOKENS.verify(token, TokenKind.ACCESS)


def test_a_form_token_belongs_to_one_session() -> None:
    token = TOKENS.form_token("session-1")
    assert TOKENS.check_form("session-1", token)
    assert not TOKENS.check_form("session-2", token)
    assert not TOKENS.check_form("session-1", "")
    assert not Tokens(OTHER).check_form("session-1", token)


async def test_forged_tokens_meet_a_problem_and_never_an_error(parts: Edge, alice: Person) -> None:
    forged = [token for token in FORGED.values() if token.isascii() and token.isprintable() and len(token) < 4000]
    for token in [*forged, "Bearer", "a b c"]:
        answer = await alice.client.get("/v1/users/me", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
        assert answer.headers["www-authenticate"] == "Bearer"
    for header in ("", "Basic x", "Bearer"):
        answer = await alice.client.get("/v1/users/me", headers={"authorization": header})
        assert answer.status_code == 401


async def test_a_signed_token_of_a_session_that_is_not_there_is_refused(parts: Edge, alice: Person) -> None:
    mine = parts.tokens.verify(alice.tokens["access_token"], TokenKind.ACCESS)
    for who in (
        Principal(mine.person_id, ids.new(), mine.version, mine.roles),
        Principal(mine.person_id, mine.session_id, mine.version + 1, mine.roles),
        Principal(ids.new(), mine.session_id, mine.version, mine.roles),
    ):
        token = parts.tokens.issue(who, TokenKind.ACCESS, ACCESS_TTL)
        answer = await alice.client.get("/v1/users/me", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")


async def test_the_cookie_of_pages_opens_no_api(parts: Edge, alice: Person) -> None:
    mine = parts.tokens.verify(alice.tokens["access_token"], TokenKind.ACCESS)
    cookie = {"cookie": f"ws_session={parts.tokens.issue(mine, TokenKind.WEB, ACCESS_TTL)}"}
    assert (await alice.client.get("/v1/users/me", headers=cookie)).status_code == 401
