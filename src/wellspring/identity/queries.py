"""The SQL of identity."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.hub import Live

M, S, G, W = DbRole.MEMBER, DbRole.STAFF, DbRole.SIGNIN, DbRole.WORKER


class FoundLogin(Struct, frozen=True):
    """What sign-in needs to know about an account."""

    person_id: UUID
    password_hash: str
    totp_secret: bytes | None
    totp_last_step: int
    recovery_digests: list[bytes]
    status: str
    roles: list[str]


class FoundRefresh(Struct, frozen=True):
    """A refresh token and the session it belongs to."""

    digest: bytes
    used_at: datetime | None
    session_id: UUID
    version: int
    kind: str
    alive: bool
    roles: list[str]
    status: str


class PersonRow(Struct, frozen=True):
    """A person as stored; `email` and `details` are sealed."""

    wrapped: bytes
    person_id: UUID
    email: bytes
    details: bytes | None
    language: str
    country: str
    timezone: str
    age_range: str | None
    communication_style: str
    has_adhd: bool
    has_autism_spectrum: bool
    has_anxiety: bool
    has_depression: bool
    contraindications: list[str]
    onboarding_completed: bool
    subscription_tier: str
    email_verified: bool
    roles: list[str]
    mfa_enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime


class OwnLogin(Struct, frozen=True):
    """How somebody signs in, to themselves; `email` and `details` are sealed."""

    wrapped: bytes
    email: bytes
    details: bytes | None
    status: str
    password_hash: str
    previous_hashes: list[str]
    totp_secret: bytes | None
    totp_last_step: int
    recovery_digests: list[bytes]
    changed_at: datetime


class FactorRow(Struct, frozen=True):
    """Whether a second factor is set up, and the roles that would ask for one."""

    set_up: bool
    recovery_codes_left: int
    roles: list[str]


class SessionRow(Struct, frozen=True):
    """A sign-in that is open; `current` is the one that asks."""

    id: UUID
    kind: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    agent: str | None
    ip: str | None
    current: bool


FIND_LOGIN: Final = Query("SELECT * FROM identity.find_login($1)", FoundLogin, G)
FIND_REFRESH: Final = Query("SELECT * FROM identity.find_refresh($1, $2)", FoundRefresh, G)

ADD_PERSON: Final = Query(
    "INSERT INTO identity.person (person_id, email, details, language, country, timezone, roles)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
    int,
    G,
)
ADD_LOGIN: Final = Query(
    "INSERT INTO identity.login (email_digest, person_id, password_hash) VALUES ($1, $2, $3)", int, G
)
REHASH: Final = Query("UPDATE identity.login SET password_hash = $2 WHERE person_id = $1", int, G)
OWN_LOGIN: Final = Query(
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = $1), p.email, p.details, p.status,"
    " l.password_hash, l.previous_hashes, l.totp_secret, l.totp_last_step, l.recovery_digests, l.changed_at"
    " FROM identity.person p JOIN identity.login l USING (person_id)"
    " WHERE p.person_id = $1",
    OwnLogin,
    G,
)
STILL: Final = Query(
    "SELECT password_hash = $2 AND totp_secret IS NOT DISTINCT FROM $3::bytea FROM identity.login WHERE person_id = $1"
    " FOR NO KEY UPDATE",
    bool,
    G,
)
"""Tells whether a login is what it was when the password was checked, and holds it until the transaction ends."""
SET_PASSWORD: Final = Query(
    "UPDATE identity.login SET password_hash = $3, previous_hashes = (ARRAY[$2::text] || previous_hashes)[1:4],"
    " changed_at = now() WHERE person_id = $1 AND password_hash = $2",
    int,
    G,
)
"""With the present one five passwords are kept, as hashes: none of them can be chosen again."""
SET_RECOVERY: Final = Query("UPDATE identity.login SET recovery_digests = $2 WHERE person_id = $1", int, G)
FACTOR: Final = Query(
    "SELECT l.totp_secret IS NOT NULL, cardinality(l.recovery_digests), p.roles"
    " FROM identity.person p JOIN identity.login l USING (person_id) WHERE p.person_id = $1",
    FactorRow,
    M,
)
ADD_SESSION: Final = Query(
    "INSERT INTO identity.session (person_id, id, kind, is_staff, ip, agent, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7::float8))",
    int,
    G,
)
ADD_REFRESH: Final = Query(
    "INSERT INTO identity.refresh_token (person_id, id, session_id, digest) VALUES ($1, $2, $3, $4)", int, G
)
USE_REFRESH: Final = Query(
    "UPDATE identity.refresh_token SET used_at = now() WHERE person_id = $1 AND id = $2 AND used_at IS NULL",
    int,
    G,
)


class Seen(Struct, frozen=True):
    """A session that is being refreshed: still open and within its time, and opened as staff with a second factor."""

    alive: bool
    is_staff: bool


SEEN: Final = Query(
    "UPDATE identity.session SET last_seen_at = now() WHERE person_id = $1 AND id = $2"
    " RETURNING ended_at IS NULL AND expires_at > now(), is_staff"
    " AND EXISTS (SELECT 1 FROM identity.login l WHERE l.person_id = $1 AND l.totp_secret IS NOT NULL)",
    Seen,
    G,
)
SIGNED_IN: Final = Query(
    "UPDATE identity.person SET last_login_at = now(), login_count = login_count + 1"
    " WHERE person_id = $1 AND status = 'active' RETURNING roles",
    list[str],
    G,
)
"""The roles of now: they may have changed, or the account may have been closed, while the password was verified."""
END_ONE: Final = Query(
    "UPDATE identity.session SET ended_at = now(), ended_why = $3"
    " WHERE person_id = $1 AND id = $2 AND ended_at IS NULL",
    int,
    M,
    G,
)
SESSIONS: Final = Query(
    "SELECT id, kind, created_at, last_seen_at, expires_at, agent, ip, id = $2 FROM identity.session"
    " WHERE person_id = $1 AND ended_at IS NULL AND expires_at > now() ORDER BY created_at DESC LIMIT 100",
    SessionRow,
    M,
)
USE_STEP: Final = Query(
    "UPDATE identity.login SET totp_last_step = $2 WHERE person_id = $1 AND totp_last_step < $2", int, G
)
USE_RECOVERY: Final = Query(
    "UPDATE identity.login SET recovery_digests = array_remove(recovery_digests, $2)"
    " WHERE person_id = $1 AND $2 = ANY(recovery_digests)",
    int,
    G,
)
SET_TOTP: Final = Query(
    "UPDATE identity.login SET totp_secret = $2, totp_last_step = $3, recovery_digests = $4, changed_at = now()"
    " WHERE person_id = $1 AND totp_secret IS NULL",
    int,
    G,
)
TAKE_FACTOR_OFF: Final = Query(
    "UPDATE identity.login SET totp_secret = NULL, recovery_digests = '{}', changed_at = now()"
    " WHERE person_id = $1 AND totp_secret IS NOT NULL",
    int,
    G,
)
CHANGED_AT: Final = Query("SELECT changed_at FROM identity.login WHERE person_id = $1", datetime, G, W)

ME: Final = Query(
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = p.person_id), p.person_id, p.email,"
    " p.details, p.language, p.country, p.timezone, p.age_range, p.communication_style, p.has_adhd,"
    " p.has_autism_spectrum, p.has_anxiety, p.has_depression, p.contraindications, p.onboarding_completed,"
    " p.subscription_tier, p.email_verified, p.roles, l.totp_secret IS NOT NULL, p.version, p.created_at, p.updated_at"
    " FROM identity.person p JOIN identity.login l USING (person_id) WHERE p.person_id = $1",
    PersonRow,
    M,
)
CHANGE_ME: Final = Query(
    "UPDATE identity.person SET details = $2, language = $3, country = $4, timezone = $5, age_range = $6,"
    " communication_style = $7, has_adhd = $8, has_autism_spectrum = $9, has_anxiety = $10, has_depression = $11,"
    " contraindications = $12, onboarding_completed = $13, version = version + 1, updated_at = now()"
    " WHERE person_id = $1 AND version = $14",
    int,
    M,
)


class Chosen(Struct, frozen=True):
    """Stored preferences, none (version 0) before anything was chosen, and the language of the profile."""

    language: str
    chosen: dict[str, Any] | None
    version: int


PREFERENCES: Final = Query(
    "SELECT p.language, c.chosen, coalesce(c.version, 0) FROM identity.person p"
    " LEFT JOIN identity.preferences c USING (person_id) WHERE p.person_id = $1",
    Chosen,
    M,
    W,
)
SET_LANGUAGE: Final = Query(
    "UPDATE identity.person SET language = $2, version = version + 1, updated_at = now()"
    " WHERE person_id = $1 AND language <> $2",
    int,
    M,
)
SET_PREFERENCES: Final = Query(
    "INSERT INTO identity.preferences AS p (person_id, chosen) VALUES ($1, $2) ON CONFLICT (person_id)"
    " DO UPDATE SET chosen = excluded.chosen, version = p.version + 1, updated_at = now()"
    " WHERE $3::int IS NULL OR p.version = $3 RETURNING version",
    int,
    M,
)


class ContactRow(Struct, frozen=True):
    """An emergency contact as stored."""

    id: UUID
    details: bytes
    relationship: str
    is_primary: bool
    may_be_contacted: bool


_CONTACT: Final = "id, details, relationship, is_primary, may_be_contacted"
CONTACTS: Final = Query(
    f"SELECT {_CONTACT} FROM identity.emergency_contact WHERE person_id = $1 ORDER BY is_primary DESC, id",
    ContactRow,
    M,
    S,
    W,
)
CONTACT: Final = Query(
    f"SELECT {_CONTACT} FROM identity.emergency_contact WHERE person_id = $1 AND id = $2", ContactRow, M
)
NO_PRIMARY: Final = Query(
    "UPDATE identity.emergency_contact SET is_primary = false WHERE person_id = $1 AND is_primary", int, M
)
ADD_CONTACT: Final = Query(
    "INSERT INTO identity.emergency_contact (person_id, id, details, relationship, is_primary, may_be_contacted)"
    " VALUES ($1, $2, $3, $4, $5, $6)",
    int,
    M,
)
CHANGE_CONTACT: Final = Query(
    "UPDATE identity.emergency_contact SET details = $3, relationship = $4, is_primary = $5, may_be_contacted = $6,"
    " version = version + 1, updated_at = now() WHERE person_id = $1 AND id = $2",
    int,
    M,
)
DROP_CONTACT: Final = Query("DELETE FROM identity.emergency_contact WHERE person_id = $1 AND id = $2", int, M)
LOCK_CONTACTS: Final = Query("SELECT person_id FROM identity.person WHERE person_id = $1 FOR NO KEY UPDATE", UUID, M)
CONTACTS_COUNT: Final = Query("SELECT count(*) FROM identity.emergency_contact WHERE person_id = $1", int, M)

_LISTENING: Final = (
    "FROM identity.session WHERE person_id = $1 AND id = $2 AND version = $3"
    " AND ended_at IS NULL AND expires_at > now()"
)
_OPEN_SESSION: Final = f"{_LISTENING} AND (NOT is_staff OR last_seen_at > now() - interval '15 minutes')"
SESSION_LISTEN: Final = f"PREPARE session_listen(uuid, uuid, int) AS SELECT 1 {_LISTENING}"
"""What a page fetches by itself goes on behind the lock of an idle session, and keeps nobody's session open."""
SESSION_CHECK: Final = f"PREPARE session_check(uuid, uuid, int) AS SELECT 1 {_OPEN_SESSION}"
STAFF_SESSION_CHECK: Final = (
    "PREPARE session_check(uuid, uuid, int) AS WITH seen AS (UPDATE identity.session SET last_seen_at = now()"
    " WHERE person_id = $1 AND id = $2 AND ended_at IS NULL"
    " AND last_seen_at BETWEEN now() - interval '15 minutes' AND now() - interval '1 minute')"
    f" SELECT 1 {_OPEN_SESSION}"
)
"""Staff work keeps a session open; fifteen minutes without any lock it."""
LOCKED: Final = Query(
    "SELECT is_staff AND last_seen_at <= now() - interval '15 minutes' FROM identity.session"
    " WHERE person_id = $1 AND id = $2",
    bool,
    S,
)

LIVE_SESSIONS: Final = Query("SELECT id, version FROM identity.live_sessions($1::uuid[])", Live, G, crosses_people=True)


class FaceRow(Struct, frozen=True):
    """Who somebody is, sealed."""

    wrapped: bytes
    email: bytes
    details: bytes | None
    country: str
    language: str
    timezone: str
    age_range: str | None


FACE: Final = Query(
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = $1), email, details, country, language,"
    " timezone, age_range FROM identity.person WHERE person_id = $1",
    FaceRow,
    M,
    S,
    W,
)


class FrameRow(Struct, frozen=True):
    """What the frame of a page needs: the sealed name, and how pages look to this person."""

    wrapped: bytes
    email: bytes
    details: bytes | None
    country: str
    language: str
    timezone: str
    chosen: dict[str, Any] | None
    unnoted: bool | None


FRAME: Final = Query(
    "SELECT (SELECT k.wrapped FROM kernel.person_key k WHERE k.person_id = $1), p.email, p.details, p.country,"
    " p.language, p.timezone, c.chosen, (SELECT NOT s.is_staff AND s.last_seen_at < now() - interval '1 hour'"
    " FROM identity.session s WHERE s.person_id = $1 AND s.id = $2)"
    " FROM identity.person p LEFT JOIN identity.preferences c USING (person_id) WHERE p.person_id = $1",
    FrameRow,
    M,
)
"""`unnoted` tells that a member's use of this session should be noted: once an hour, that of staff at their work."""
NOTE_USE: Final = Query(
    "UPDATE identity.session SET last_seen_at = now() WHERE person_id = $1 AND id = $2 AND NOT is_staff", int, M
)
END_OTHERS: Final = Query(
    "UPDATE identity.session SET ended_at = now(), ended_why = $3"
    " WHERE person_id = $1 AND id <> $2 AND ended_at IS NULL",
    int,
    M,
    G,
)
