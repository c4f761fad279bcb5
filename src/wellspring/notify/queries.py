"""The SQL of notify."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel import maintenance
from wellspring.kernel.db import DbRole, Query

S, W, A = DbRole.STAFF, DbRole.WORKER, DbRole.MAINTENANCE


class Claimed(Struct, frozen=True):
    """A delivery that this worker has claimed; `tries` counts the claims and fences off earlier ones."""

    template: str
    language: str
    tries: int


class Message(Struct, frozen=True):
    """A delivery as the operator sees it: neither to whom, nor about what."""

    id: UUID
    template: str
    channel: str
    state: str
    tries: int
    error_code: str | None
    created_at: datetime
    sent_at: datetime | None


class Waiting(Struct, frozen=True):
    """A delivery whose job may have been lost."""

    person_id: UUID
    id: UUID


ADD: Final = Query(
    "INSERT INTO notify.delivery (person_id, id, channel, template, language, unique_key, ref)"
    " VALUES ($1, $2, 'mail', $3, $4, $5, $6) ON CONFLICT (person_id, unique_key, channel) DO NOTHING",
    int,
    W,
)
TEN_MINUTES: Final = Query("SELECT floor(extract(epoch FROM now()) / 600)::bigint", int, W)
# Of one event a person needs one page: what a worker that was away would still send goes out once, not ten times.
REPLACE: Final = Query(
    "UPDATE notify.delivery SET state = 'not_sent', error_code = 'replaced' WHERE person_id = $1 AND ref = $2"
    " AND id <> $3 AND state = 'queued' AND template = ANY($4::text[])",
    int,
    W,
)
CLAIM: Final = Query(
    "UPDATE notify.delivery SET state = 'sending', tries = tries + 1, claimed_at = now()"
    " WHERE person_id = $1 AND id = $2 AND state = 'queued' AND due_at <= now() AND template = ANY($3::text[])"
    " RETURNING template, language, tries",
    Claimed,
    W,
)
# A worker that was too slow and comes back with proof may still say what happened to its own try.
SENT: Final = Query(
    "UPDATE notify.delivery SET state = 'sent', provider_id = $4, error_code = NULL, sent_at = now()"
    " WHERE person_id = $1 AND id = $2 AND tries = $3 AND state IN ('sending', 'unknown')",
    int,
    W,
)
ENDED: Final = Query(
    "UPDATE notify.delivery SET state = $4, error_code = $5"
    " WHERE person_id = $1 AND id = $2 AND tries = $3 AND state = 'sending'",
    int,
    W,
)
AGAIN: Final = Query(
    "UPDATE notify.delivery SET state = 'queued', error_code = $4,"
    " due_at = now() + make_interval(secs => $5::float8)"
    " WHERE person_id = $1 AND id = $2 AND tries = $3 AND state IN ('sending', 'unknown')",
    int,
    W,
)
GIVE_UP: Final = Query(
    "UPDATE notify.delivery SET state = 'unknown', error_code = 'interrupted'"
    " WHERE state = 'sending' AND claimed_at < now() - make_interval(secs => $1::float8)",
    int,
    A,
    crosses_people=True,
)
OVERDUE: Final = Query(
    "SELECT person_id, id FROM notify.delivery WHERE state = 'queued'"
    " AND due_at < now() - make_interval(secs => $1::float8) ORDER BY due_at LIMIT 1000",
    Waiting,
    A,
    crosses_people=True,
)
LATE: Final = Query(
    "SELECT person_id, id FROM notify.delivery WHERE state = 'queued' AND template = ANY($1::text[])"
    " AND due_at < now() - make_interval(secs => $2::float8) ORDER BY due_at LIMIT $3",
    Waiting,
    A,
    crosses_people=True,
)
OUTBOX: Final = Query(
    "SELECT id, template, channel, state, tries, error_code, created_at, sent_at FROM notify.delivery"
    " WHERE (created_at, id) < ($1, $2) AND ($3::text IS NULL OR state = $3)"
    " ORDER BY created_at DESC, id DESC LIMIT $4",
    Message,
    S,
    crosses_people=True,
)

OLD: Final = maintenance.old(
    "notify.delivery",
    "created_at",
    "created_at < now() - interval '6 months' AND state NOT IN ('queued', 'sending')",
)
