"""Who is meant, and closing an account for good. For whoever sees the rows of that person: the owner, or a worker."""

from uuid import UUID

from asyncpg import Connection

from wellspring.identity.service import normal_email
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.errors import Invalid


async def find(conn: Connection, keys: Keyring, wanted: str) -> UUID | None:
    """Return whose e-mail address or id this is; an id is taken at its word. None when nobody has the address."""
    try:
        return UUID(wanted.strip())
    except ValueError:
        pass
    try:
        email = normal_email(wanted)
    except Invalid:
        return None
    digest = keys.digest("email", email)
    found: UUID | None = await conn.fetchval("SELECT person_id FROM identity.login WHERE email_digest = $1", digest)
    return found


async def is_last_admin(conn: Connection, person_id: UUID) -> bool:
    """Tell whether nobody else could give roles, for which a second factor is needed.

    Two administrators who leave at the same moment, or one who leaves and suspends the other, wait for each other.
    """
    return bool(await conn.fetchval("SELECT identity.is_last_admin($1)", person_id))


async def close(conn: Connection, person_id: UUID) -> str | None:
    """End every session and let nobody sign in to this account; return what its status was, None for no account."""
    status: str | None = await conn.fetchval(
        "SELECT status FROM identity.person WHERE person_id = $1 FOR UPDATE", person_id
    )
    await conn.execute(
        "UPDATE identity.person SET status = 'deleted', version = version + 1 WHERE person_id = $1", person_id
    )
    await conn.execute(
        "UPDATE identity.session SET version = version + 1, ended_at = coalesce(ended_at, now()),"
        " ended_why = 'account erased' WHERE person_id = $1",
        person_id,
    )
    return status


async def reopen(conn: Connection, person_id: UUID, status: str | None) -> None:
    """Put the status back: erasing was refused after all."""
    await conn.execute(
        "UPDATE identity.person SET status = $2, version = version + 1 WHERE person_id = $1", person_id, status
    )
