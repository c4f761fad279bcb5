"""Making an account with a second factor from the command line."""

from uuid import UUID

from msgspec import Struct
from pyotp import random_base32
from pyotp.totp import TOTP

from wellspring.identity import queries as q
from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.identity.sessions import Where
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.tokens import TokenKind

ISSUER = "Wellspring"
_HERE = Where(ip=None, agent="wellspring command line", request_id="")


class Made(Struct, frozen=True):
    """A new staff account: its second factor's secret (base32), the address for an authenticator, recovery codes."""

    person_id: UUID
    email: str
    roles: list[str]
    totp_secret: str
    otpauth_uri: str
    recovery_codes: list[str]


def otpauth(email: str, secret: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


async def make_staff(parts: Edge, wanted: Register, role: Role) -> Made:
    """Make an account of `role` whose second factor is set up; raises what `identity.service.register` raises."""
    accounts = service.Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)
    roles = frozenset({role, Role.MEMBER})
    opened = await service.register(accounts, wanted, _HERE, kind=TokenKind.ACCESS, roles=roles)
    who, secret = opened.who, random_base32()
    async with parts.db.begin(DbRole.SIGNIN, actor=who.person_id) as tx:
        codes = await service.set_factor(tx, parts.keys, who.person_id, secret)
        await tx.do(q.END_ONE, who.person_id, who.session_id, "made on the command line")
    email = service.normal_email(wanted.email)
    return Made(who.person_id, email, sorted(roles), secret, otpauth(email, secret), codes)
