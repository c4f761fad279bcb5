"""The wire of admin."""

from typing import Annotated, Literal
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Meta, Struct

from wellspring.identity.administer import Status
from wellspring.kernel.policy import Role

Limit = Annotated[int, QueryParameter(ge=1, le=100)]
CursorText = Annotated[str | None, QueryParameter(max_length=64)]


class FindAccount(Struct, forbid_unknown_fields=True, kw_only=True):
    """The exact address that somebody signs in with."""

    email: Annotated[str, Meta(min_length=1, max_length=254, examples=["alice@example.org"])]


class AccountView(Struct, kw_only=True):
    """An account as administrators see it. `display_name` is given for staff only, and nothing about health ever."""

    id: UUID
    email: str | None
    display_name: str | None
    status: Status
    roles: list[Role]
    second_factor: bool
    is_supervisor: bool


class StaffList(Struct, kw_only=True):
    """Staff, newest accounts first; `next_cursor` leads to older ones."""

    items: list[AccountView]
    next_cursor: str | None


class RolesWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """The roles a person shall have."""

    roles: Annotated[list[Role], Meta(min_length=1, max_length=7)]


class StatusWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether an account can be used."""

    status: Literal["active", "suspended"]


class SupervisorWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether a responder supervises the crisis desk."""

    is_supervisor: bool
