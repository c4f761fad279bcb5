"""What privacy tells other slices."""

from uuid import UUID

from msgspec import Struct

from wellspring.identity.schemas import ConsentKind


class ConsentAnswered(Struct, frozen=True, kw_only=True):
    """A person gave or withdrew a consent. What it covers begins or stops with that."""

    person_id: UUID
    kind: ConsentKind
    given: bool


class SharingClosed(Struct, frozen=True, kw_only=True):
    """What a person shared with a clinician ended because that clinician is none any more here, and they are told."""

    person_id: UUID
    grant_id: UUID
