"""The SQL of privacy."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel.db import DbRole, Query

M, S, G, W = DbRole.MEMBER, DbRole.STAFF, DbRole.SIGNIN, DbRole.WORKER


class ConsentRow(Struct, frozen=True):
    """The newest text of one kind, and the person's last answer to any version of it."""

    kind: str
    version: int
    title: str
    body: str
    given: bool | None
    answered_version: int | None
    answered_at: datetime | None


class Answer(Struct, frozen=True):
    """The person's last answer to one kind."""

    id: UUID
    given: bool
    text_version: int


class TeamRow(Struct, frozen=True):
    """A care team membership; `person_id` is the member, `clinician_id` who cares for them."""

    id: UUID
    person_id: UUID
    clinician_id: UUID
    role: str
    since: datetime


class GrantRow(Struct, frozen=True):
    """An access grant; `state` is active, expired, revoked or closed as of now, `ended_at` when it ended early."""

    id: UUID
    clinician_id: UUID
    sections: list[str]
    state: str
    granted_at: datetime
    expires_at: datetime
    last_accessed_at: datetime | None
    version: int
    ended_at: datetime | None


class Asked(Struct, frozen=True):
    """The database's time, and whether an account is an active clinician's."""

    now: datetime
    is_clinician: bool


class ClinicianRow(Struct, frozen=True):
    """A clinician with the sealed part of their row, in which their name is."""

    person_id: UUID
    wrapped: bytes
    details: bytes | None


_LATEST: Final = "ORDER BY c.at DESC, c.id DESC LIMIT 1"

CONSENTS: Final = Query(
    "SELECT t.kind, t.version, t.title, t.body, l.given, l.text_version, l.at"
    " FROM (SELECT DISTINCT ON (kind) kind, version, title, body FROM privacy.consent_text"
    "       WHERE language IN ($2, 'en') ORDER BY kind, version DESC, language = $2 DESC) t"
    " LEFT JOIN LATERAL (SELECT c.given, c.text_version, c.at FROM privacy.consent c"
    f"                   WHERE c.person_id = $1 AND c.kind = t.kind {_LATEST}) l ON true",
    ConsentRow,
    M,
)
TEXT_VERSION: Final = Query(
    "SELECT version FROM privacy.consent_text WHERE kind = $1 ORDER BY version DESC LIMIT 1", int, M
)
LATEST: Final = Query(
    f"SELECT c.id, c.given, c.text_version FROM privacy.consent c WHERE c.person_id = $1 AND c.kind = $2 {_LATEST}",
    Answer,
    M,
    S,
    W,
)
# Answers of one person wait for each other, and are dated when it is their turn, not when their transaction began.
IN_TURN: Final = Query("SELECT pg_advisory_xact_lock(hashtextextended('privacy.consent:' || $1::uuid, 0))", str, M)
ADD_CONSENT: Final = Query(
    "INSERT INTO privacy.consent (person_id, id, kind, text_version, given, at)"
    " VALUES ($1, $2, $3, $4, $5, clock_timestamp())",
    int,
    M,
)
ADD_TICKED: Final = Query(
    "INSERT INTO privacy.consent (person_id, id, kind, text_version, given)"
    " SELECT $1, w.id, w.kind, max(t.version), true FROM unnest($2::uuid[], $3::text[]) AS w(id, kind)"
    " JOIN privacy.consent_text t ON t.kind = w.kind GROUP BY w.id, w.kind",
    int,
    G,
)

_TEAM: Final = "SELECT id, person_id, clinician_id, role, since FROM privacy.care_team"
TEAM: Final = Query(
    f"{_TEAM} WHERE person_id = $1 AND ended_at IS NULL ORDER BY since DESC, id DESC LIMIT 100", TeamRow, M
)
END_TEAM: Final = Query(
    "UPDATE privacy.care_team SET ended_at = now() WHERE person_id = $1 AND id = $2 AND ended_at IS NULL"
    " RETURNING clinician_id",
    UUID,
    M,
)
CASELOAD: Final = Query(
    f"{_TEAM} WHERE clinician_id = $1 AND ended_at IS NULL AND (since, id) < ($2, $3)"
    " ORDER BY since DESC, id DESC LIMIT $4",
    TeamRow,
    S,
    crosses_people=True,
)

_GRANT: Final = (
    "SELECT id, clinician_id, sections, CASE WHEN closed THEN 'closed' WHEN revoked_at < expires_at THEN 'revoked'"
    " WHEN revoked_at IS NOT NULL OR expires_at <= now() THEN 'expired' ELSE 'active' END,"
    " granted_at, expires_at, last_accessed_at, version, revoked_at FROM privacy.access_grant WHERE person_id = $1"
)
_OPEN: Final = "revoked_at IS NULL AND expires_at > now()"
GRANTS: Final = Query(
    f"{_GRANT} AND (granted_at, id) < ($2, $3) ORDER BY granted_at DESC, id DESC LIMIT $4", GrantRow, M
)
GRANT: Final = Query(f"{_GRANT} AND id = $2", GrantRow, M)
GRANTS_OPEN: Final = Query(f"{_GRANT} AND {_OPEN} ORDER BY granted_at DESC, id DESC LIMIT 100", GrantRow, M)
GRANTS_ENDED: Final = Query(f"{_GRANT} AND NOT ({_OPEN}) ORDER BY granted_at DESC, id DESC LIMIT 20", GrantRow, M)
SHARED_WITH: Final = Query(
    f"SELECT count(*)::int FROM privacy.access_grant WHERE person_id = $1 AND $2::text = ANY(sections) AND {_OPEN}",
    int,
    M,
)
ASK: Final = Query("SELECT now(), privacy.is_clinician($1)", Asked, M)
NOW: Final = Query("SELECT now()", datetime, M)
CLOSE_EXPIRED: Final = Query(
    "UPDATE privacy.access_grant SET revoked_at = expires_at WHERE person_id = $1 AND clinician_id = $2"
    " AND revoked_at IS NULL AND expires_at <= now()",
    int,
    M,
)
ADD_GRANT: Final = Query(
    "INSERT INTO privacy.access_grant (person_id, id, clinician_id, sections, expires_at)"
    " SELECT $1, $2, $3, $4, $5 WHERE privacy.hold_clinician($3) ON CONFLICT DO NOTHING",
    int,
    M,
)
CHANGE_GRANT: Final = Query(
    "UPDATE privacy.access_grant SET sections = $4, expires_at = $5, version = version + 1"
    f" WHERE person_id = $1 AND id = $2 AND version = $3 AND {_OPEN}",
    int,
    M,
)
REVOKE: Final = Query(
    "UPDATE privacy.access_grant SET revoked_at = now(), version = version + 1"
    f" WHERE person_id = $1 AND id = $2 AND {_OPEN}",
    int,
    M,
)
REVOKE_ALL: Final = Query(
    "UPDATE privacy.access_grant SET revoked_at = now(), version = version + 1"
    f" WHERE person_id = $1 AND {_OPEN} RETURNING id",
    UUID,
    M,
)
REVOKE_AFTER_CARE: Final = Query(
    "UPDATE privacy.access_grant SET revoked_at = now(), version = version + 1"
    f" WHERE person_id = $1 AND clinician_id = $2 AND {_OPEN} AND NOT EXISTS (SELECT 1 FROM privacy.care_team t"
    " WHERE t.person_id = $1 AND t.clinician_id = $2 AND t.ended_at IS NULL) RETURNING id",
    UUID,
    M,
)
CLINICIANS: Final = Query("SELECT person_id, wrapped, details FROM privacy.clinicians($1::uuid[])", ClinicianRow, M)
# The lock makes a revocation wait for readers that are inside: once it is answered, nobody reads on an old grant.
OPEN: Final = Query(
    "WITH g AS (SELECT id, last_accessed_at FROM privacy.access_grant"
    f" WHERE person_id = $1 AND clinician_id = $2 AND $3 = ANY(sections) AND {_OPEN} FOR NO KEY UPDATE),"
    " seen AS (UPDATE privacy.access_grant a SET last_accessed_at = now() FROM g WHERE a.person_id = $1"
    " AND a.id = g.id AND (g.last_accessed_at IS NULL OR g.last_accessed_at < now() - interval '1 minute'))"
    " SELECT id FROM g",
    UUID,
    S,
)
