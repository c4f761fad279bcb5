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
    what: Literal["password", "second_factor", "recovery_codes"]
