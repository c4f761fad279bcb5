"""The tables that hold rows of one person, as they are declared and as they are in the database."""

from typing import Final
from uuid import UUID

import msgspec
from asyncpg import Connection

from wellspring.kernel.tables import TABLES, Table

KEYS: Final = "kernel.person_key"
LEAVING: Final = "privacy.leaving"
PERSON: Final = "identity.person"
_STREAM: Final = "kernel.stream"

_COLUMNS: Final = (
    "SELECT t.name, array_agg(a.attname::text ORDER BY a.attnum) FROM unnest($1::text[]) AS t(name)"
    " JOIN pg_attribute a ON a.attrelid = to_regclass(t.name) AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1"
)


class Placed(msgspec.Struct, frozen=True):
    """A declared table whose rows say whose they are, and its columns."""

    table: Table
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """Return the quoted name."""
        return ".".join(f'"{part}"' for part in self.table.name.split("."))


async def connect(conn: Connection) -> None:
    """Let a connection of the owner's read jsonb as values."""
    await conn.set_type_codec("jsonb", encoder=_encode, decoder=msgspec.json.decode, schema="pg_catalog")


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def about_people(conn: Connection) -> list[Placed]:
    """Return every declared table with a `person_id`, in the order of names; the person's stream and own row come last.

    Whoever tells a person of something locks what it is about and then their stream: so does whoever takes the rows.
    """
    rows = await conn.fetch(_COLUMNS, sorted(TABLES))
    found = [Placed(TABLES[name], tuple(columns)) for name, columns in rows if "person_id" in columns]
    return sorted(found, key=lambda one: (one.table.name == PERSON, one.table.name.startswith(_STREAM), one.table.name))


async def count(conn: Connection, place: Placed, person_id: UUID, column: str = "person_id") -> int:
    """Return how many rows name this person in a column."""
    found = await conn.fetchval(f'SELECT count(*) FROM {place.sql} WHERE "{column}" = $1', person_id)
    return int(found or 0)


async def is_here(conn: Connection, person_id: UUID) -> bool:
    """Tell whether this person has a row of their own: whoever was erased has none."""
    return bool(await conn.fetchval(f"SELECT EXISTS (SELECT 1 FROM {PERSON} WHERE person_id = $1)", person_id))


async def is_known(conn: Connection, person_id: UUID) -> bool:
    """Tell whether anything is stored about this person."""
    for place in await about_people(conn):
        if await count(conn, place, person_id):
            return True
    return False
