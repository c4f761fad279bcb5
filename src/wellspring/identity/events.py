"""What identity tells other slices."""

from typing import Literal
from uuid import UUID

from msgspec import Struct


class PersonRegistered(Struct, frozen=True):
    """An account was made; `consents` are the kinds the person ticked."""

    person_id: UUID
    language: str
    consents: tuple[str, ...]


class SignInChanged(Struct, frozen=True):
    """How a person signs in was changed."""

    person_id: UUID
    what: Literal["password", "second_factor", "recovery_codes", "second_factor_removed"]


class PasswordForgotten(Struct, frozen=True):
    """Somebody asked for a link to a new password; the nil UUID stands for an address that nobody signs in with."""

    person_id: UUID
