"""The synthetic people to sign in as: the same on every start of one installation."""

import base64
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.demo import uuids
from wellspring.demo.cast import BORN
from wellspring.demo.library import rng
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.policy import STAFF, Role

PASSWORD: Final = "a quiet lamp by the river"  # noqa: S105  of people who do not exist
_SECRET: Final = 20
"""Bytes of an authenticator secret: 160 bits, the length RFC 4226 recommends."""


class SignIn(Struct, frozen=True):
    """How to sign in as somebody; `totp_secret` is base32 and given for staff, who need a second factor."""

    role: str
    name: str
    email: str
    password: str
    totp_secret: str | None = None


class Named(Struct, frozen=True):
    """A staff account of the demo."""

    key: str
    name: str
    role: Role
    title: str

    @property
    def email(self) -> str:
        """Return the address."""
        return f"{self.key}@example.org"

    def person_id(self, seed: int) -> UUID:
        """Return the id, which is the same on every run of a seed."""
        return uuids.at(BORN, rng(seed, "staff", self.key))


STAFF_HERE: Final = (
    Named("bob", "Bob Fielding", Role.CLINICIAN, "clinician"),
    Named("dana", "Dana Okafor", Role.RESPONDER, "responder"),
    Named("sam", "Sam Whitlock", Role.RESPONDER, "supervisor"),
    Named("erin", "Erin Castellan", Role.ADMIN, "admin"),
    Named("carmen", "Carmen Ruiz", Role.COORDINATOR, "coordinator"),
    Named("ines", "Inès Haddad", Role.BLOOD_BANK, "blood_bank"),
)
MEMBERS_HERE: Final = (("alice@example.org", "Alice Morgan"), ("amelie@example.org", "Amélie Moreau"))


def secret(keys: Keyring, email: str) -> str:
    """Return a staff member's authenticator secret: made of the installation's keys, so that no two share it."""
    return base64.b32encode(keys.digest("demo-second-factor", email)[:_SECRET]).decode()


def sign_ins(keys: Keyring) -> list[SignIn]:
    """Return a sign-in for each role, members first."""
    assert all(person.role in STAFF for person in STAFF_HERE)
    members = [SignIn("member", name, email, PASSWORD) for email, name in MEMBERS_HERE]
    return members + [SignIn(p.title, p.name, p.email, PASSWORD, secret(keys, p.email)) for p in STAFF_HERE]
