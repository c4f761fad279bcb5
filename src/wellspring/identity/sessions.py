"""Sessions and refresh tokens: rotation, and the end of the whole family when an old token comes back."""

import base64
import binascii
import hashlib
import hmac
import os
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity import queries as q
from wellspring.identity.errors import RefreshRefused
from wellspring.identity.schemas import SignedIn
from wellspring.kernel import audit, ids
from wellspring.kernel.db import Database, DbRole, Tx
from wellspring.kernel.policy import STAFF, Role
from wellspring.kernel.principal import Principal
from wellspring.kernel.tokens import ACCESS_TTL, TokenKind, Tokens

MEMBER_TTL: Final = timedelta(days=30)
STAFF_TTL: Final = timedelta(hours=24)


class Where(Struct, frozen=True):
    """Where a request comes from."""

    ip: str | None
    agent: str | None
    request_id: str


class Opened(Struct, frozen=True):
    """A new session: who, and the refresh token that goes with it (none for pages)."""

    who: Principal
    refresh_token: str | None
    ttl: timedelta


def effective(roles: list[str], *, second_factor: bool) -> frozenset[Role]:
    """Return the roles that count: without a second factor nobody acts as staff."""
    all_roles = frozenset(Role(role) for role in roles)
    return all_roles if second_factor else all_roles - STAFF


def _pack(person_id: UUID, token_id: UUID, secret: bytes) -> str:
    return base64.urlsafe_b64encode(person_id.bytes + token_id.bytes + secret).decode()


def _unpack(token: str) -> tuple[UUID, UUID, bytes]:
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise RefreshRefused from error
    if len(raw) != 64:
        raise RefreshRefused
    return UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:]


async def _new_refresh(tx: Tx, person_id: UUID, session_id: UUID) -> str:
    secret, token_id = os.urandom(32), ids.new()
    digest = hashlib.sha256(secret).digest()
    await tx.do(q.ADD_REFRESH, person_id, token_id, session_id, digest)
    return _pack(person_id, token_id, secret)


async def open_session(tx: Tx, person_id: UUID, roles: frozenset[Role], kind: TokenKind, where: Where) -> Opened:
    """Open a session in a sign-in transaction whose actor is the person."""
    is_staff = bool(roles & STAFF)
    ttl = STAFF_TTL if is_staff else MEMBER_TTL
    session_id = ids.new()
    name = "web" if kind is TokenKind.WEB else "api"
    agent = where.agent[:200] if where.agent else None
    await tx.do(q.ADD_SESSION, person_id, session_id, name, is_staff, where.ip, agent, ttl.total_seconds())
    refresh = await _new_refresh(tx, person_id, session_id) if kind is TokenKind.ACCESS else None
    who = Principal(person_id=person_id, session_id=session_id, version=1, roles=roles)
    return Opened(who, refresh, ttl)


def signed_in(tokens: Tokens, opened: Opened, *, second_factor_needed: bool = False) -> SignedIn:
    """Return the wire form of a new or refreshed session."""
    assert opened.refresh_token is not None
    return SignedIn(
        access_token=tokens.issue(opened.who, TokenKind.ACCESS, ACCESS_TTL),
        refresh_token=opened.refresh_token,
        expires_in=int(ACCESS_TTL.total_seconds()),
        second_factor_needed=second_factor_needed,
    )


async def _find(db: Database, token: str) -> tuple[UUID, UUID, q.FoundRefresh]:
    person_id, token_id, secret = _unpack(token)
    async with db.begin(DbRole.SIGNIN, read_only=True) as tx:
        found = await tx.maybe(q.FIND_REFRESH, person_id, token_id)
    if found is None or not hmac.compare_digest(found.digest, hashlib.sha256(secret).digest()):
        raise RefreshRefused
    return person_id, token_id, found


async def _end_family(db: Database, person_id: UUID, session_id: UUID, where: Where) -> None:
    async with db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        await tx.do(q.END_ONE, person_id, session_id, "refresh token used twice")
        row = audit.Access(
            action="identity:session:refresh",
            section="account",
            person_id=person_id,
            actor_id=person_id,
            session_id=session_id,
            ip=where.ip,
            request_id=where.request_id,
            outcome=audit.Outcome.REFUSED,
        )
        await audit.record(tx, row)


async def refresh(db: Database, token: str, where: Where) -> Opened:
    """Exchange a refresh token for the next; an old one that comes back ends the whole family.

    A session is a staff session from its sign-in with the second factor on, and becomes none later: a change of roles
    ends it.
    """
    person_id, token_id, found = await _find(db, token)
    if found.used_at is not None:
        await _end_family(db, person_id, found.session_id, where)
        raise RefreshRefused
    if not found.alive or found.status != "active":
        raise RefreshRefused
    following, seen = "", None
    async with db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        if await tx.do(q.USE_REFRESH, person_id, token_id) == 1:
            following = await _new_refresh(tx, person_id, found.session_id)
            seen = await tx.one(q.SEEN, person_id, found.session_id)
    if seen is None:
        await _end_family(db, person_id, found.session_id, where)
        raise RefreshRefused
    if not seen.alive:
        raise RefreshRefused
    who = Principal(
        person_id=person_id,
        session_id=found.session_id,
        version=found.version,
        roles=effective(found.roles, second_factor=seen.is_staff),
    )
    return Opened(who, following, ACCESS_TTL)


async def locked(tx: Tx, who: Principal) -> bool:
    """Tell whether a staff session has been idle for too long: it may listen, and show nobody."""
    return await tx.one(q.LOCKED, who.person_id, who.session_id)
