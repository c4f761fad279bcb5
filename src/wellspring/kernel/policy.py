"""Roles, permissions and the access that every route declares."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is to this system; one person may have several."""

    ADMIN = "admin"
    BLOOD_BANK = "blood_bank"
    CLINICIAN = "clinician"
    COORDINATOR = "coordinator"
    INTEGRATOR = "integrator"
    MEMBER = "member"
    RESPONDER = "responder"


STAFF: Final = frozenset(Role) - {Role.MEMBER, Role.INTEGRATOR}


class Permission(StrEnum):
    """What staff may do: `slice:thing:verb`, in alphabetical order."""

    CHECKINS_SHARED_READ = "checkins:shared:read"
    IDENTITY_ACCOUNT_WRITE = "identity:account:write"
    IDENTITY_PEOPLE_READ = "identity:people:read"
    IDENTITY_ROLES_WRITE = "identity:roles:write"
    NOTIFY_OUTBOX_READ = "notify:outbox:read"
    PRIVACY_CARE_TEAM_READ = "privacy:care_team:read"
    SAFETY_DESK_CLAIM = "safety:desk:claim"
    SAFETY_DESK_READ = "safety:desk:read"
    SAFETY_DUTY_WRITE = "safety:duty:write"
    SAFETY_REVIEW_READ = "safety:review:read"
    SAFETY_SUPERVISOR_WRITE = "safety:supervisor:write"


GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    Role.ADMIN: frozenset(
        {
            Permission.IDENTITY_ACCOUNT_WRITE,
            Permission.IDENTITY_PEOPLE_READ,
            Permission.IDENTITY_ROLES_WRITE,
            Permission.NOTIFY_OUTBOX_READ,
            Permission.SAFETY_SUPERVISOR_WRITE,
        }
    ),
    Role.BLOOD_BANK: frozenset(),
    Role.CLINICIAN: frozenset(
        {
            Permission.CHECKINS_SHARED_READ,
            Permission.PRIVACY_CARE_TEAM_READ,
            Permission.SAFETY_REVIEW_READ,
        }
    ),
    Role.COORDINATOR: frozenset(),
    Role.INTEGRATOR: frozenset(),
    Role.MEMBER: frozenset(),
    Role.RESPONDER: frozenset(
        {
            Permission.SAFETY_DESK_CLAIM,
            Permission.SAFETY_DESK_READ,
            Permission.SAFETY_DUTY_WRITE,
            Permission.SAFETY_REVIEW_READ,
        }
    ),
}


class Access(StrEnum):
    """Access that needs no permission: anybody, or a signed-in person to what is their own."""

    PUBLIC = "public"
    SELF = "self"
