"""Who is asking."""

from uuid import UUID

from msgspec import Struct

from wellspring.kernel.policy import GRANTS, Permission, Role


class Principal(Struct, frozen=True):
    """An authenticated person: the signature of their token was verified, the session not yet.

    Opening a transaction checks the session (`Database.begin`), so that a logout takes effect at once.
    """

    person_id: UUID
    session_id: UUID
    version: int
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Tell whether one of the roles grants `permission`."""
        return any(permission in GRANTS[role] for role in self.roles)

    @property
    def is_staff(self) -> bool:
        """Tell whether any role is a staff role."""
        return bool(self.roles - {Role.MEMBER})
