"""What identity tells other slices."""

from uuid import UUID

from msgspec import Struct


class PersonRegistered(Struct, frozen=True):
    """An account was made; `consents` are the kinds the person ticked."""

    person_id: UUID
    language: str
    consents: tuple[str, ...]
