"""Signed tokens (JWT, HS256): short access tokens for programs, session cookies for pages, form tokens."""

import hashlib
import hmac
import time
from collections import OrderedDict
from datetime import timedelta
from enum import StrEnum
from typing import Final

import jwt

from wellspring.kernel import clock, ids
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.errors import Unauthenticated
from wellspring.kernel.policy import Role
from wellspring.kernel.principal import Principal

ACCESS_TTL: Final = timedelta(minutes=15)
_ALGORITHM: Final = "HS256"
_REMEMBERED: Final = 4096


class TokenKind(StrEnum):
    """What a token is good for."""

    ACCESS = "access"
    WEB = "web"


class TokenRefused(Unauthenticated):
    """This sign-in token is not valid, or it has run out."""

    code = "token_refused"


class Tokens:
    """Issues and verifies tokens with a key derived from the operator's root key."""

    def __init__(self, keys: Keyring) -> None:
        self._key = keys.derive("token-signing")
        self._form_key = keys.derive("form-token")
        self._verified: OrderedDict[tuple[str, TokenKind], tuple[Principal, float]] = OrderedDict()

    def issue(self, who: Principal, kind: TokenKind, ttl: timedelta) -> str:
        """Return a signed token for a session."""
        now = int(clock.now().timestamp())
        claims = {
            "sub": str(who.person_id),
            "sid": str(who.session_id),
            "ver": who.version,
            "roles": sorted(who.roles),
            "typ": kind.value,
            "iat": now,
            "exp": now + int(ttl.total_seconds()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def verify(self, token: str, kind: TokenKind) -> Principal:
        """Return who the token names, or raise TokenRefused. The session behind it is checked by the database.

        A verified signature stays verified: recent tokens are remembered until they run out.
        """
        known = self._verified.get((token, kind))
        if known is not None:
            if known[1] <= time.time():
                raise TokenRefused
            return known[0]
        who, runs_out = self._decode(token, kind)
        self._verified[token, kind] = who, runs_out
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return who

    def _decode(self, token: str, kind: TokenKind) -> tuple[Principal, float]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"require": ["exp", "sub", "sid", "ver", "typ"]},
            )
            if claims["typ"] != kind.value:
                raise TokenRefused
            who = Principal(
                person_id=ids.parse(str(claims["sub"])),
                session_id=ids.parse(str(claims["sid"])),
                version=int(claims["ver"]),
                roles=frozenset(Role(role) for role in claims["roles"]),
            )
            return who, float(claims["exp"])
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            raise TokenRefused from error

    def form_token(self, bound_to: str) -> str:
        """Return the token a form must carry; it is bound to a session (or to a signed-out visitor's cookie)."""
        return hmac.new(self._form_key, bound_to.encode(), hashlib.sha256).hexdigest()

    def check_form(self, bound_to: str, token: str) -> bool:
        """Tell whether a form's token belongs to this session."""
        return hmac.compare_digest(self.form_token(bound_to), token)
