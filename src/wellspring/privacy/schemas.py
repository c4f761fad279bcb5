"""The wire of privacy."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from wellspring.identity.schemas import ConsentKind

Section = Literal["checkins", "journals", "interventions", "summaries", "conversations", "goals"]
Sections = Annotated[list[Section], Meta(min_length=1, max_length=6, examples=[["checkins", "summaries"]])]
Moment = Annotated[datetime, Meta(tz=True, examples=["2027-01-31T18:00:00Z"])]
Limit = Annotated[int, QueryParameter(ge=1, le=100)]
CursorText = Annotated[str | None, QueryParameter(max_length=64)]


class Consent(Struct, kw_only=True):
    """One kind of consent: what is asked today, and what this person answered last.

    `given` is false until they said yes. `answered_version` is the version of the text they answered.
    """

    kind: ConsentKind
    version: int
    title: str
    text: str
    given: bool
    answered_version: int | None
    answered_at: datetime | None


class Consents(Struct, kw_only=True):
    """Every kind of consent."""

    items: list[Consent]


class ConsentWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """An answer. `version` is the version of the text that was shown; a yes to an older one is refused."""

    given: bool
    version: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class TeamMember(Struct, kw_only=True):
    """Somebody who cares for this person."""

    id: UUID
    clinician_id: UUID
    role: str
    since: datetime


class CareTeam(Struct, kw_only=True):
    """Who cares for this person, newest first."""

    items: list[TeamMember]


class Case(Struct, kw_only=True):
    """One person this clinician cares for."""

    id: UUID
    person_id: UUID
    role: str
    since: datetime


class Caseload(Struct, kw_only=True):
    """The people this clinician cares for, newest first; `next_cursor` leads to more."""

    items: list[Case]
    next_cursor: str | None


class GrantWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to share, with whom, until when; without a date for 90 days, at most 365."""

    clinician_id: UUID
    sections: Sections
    expires_at: Moment | None = None


class GrantChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change; what is left out stays."""

    sections: Sections | UnsetType = UNSET
    expires_at: Moment | UnsetType = UNSET


class Grant(Struct, kw_only=True):
    """What a person shares with one clinician. Times are UTC.

    `state` is `revoked` when the person ended it, `closed` when the clinician is none any more here.
    Neither comes back.
    """

    id: UUID
    clinician_id: UUID
    sections: list[Section]
    state: Literal["active", "expired", "revoked", "closed"]
    granted_at: datetime
    expires_at: datetime
    last_accessed_at: datetime | None


class Grants(Struct, kw_only=True):
    """A person's sharings, newest first; `next_cursor` leads to older ones."""

    items: list[Grant]
    next_cursor: str | None
