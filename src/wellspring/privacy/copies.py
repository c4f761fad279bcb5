"""A copy of everything that is stored about one person, driven by the declarations of the tables.

Rows are read through a cursor from one snapshot and written as they come: a copy takes little memory however long
somebody was here. Who helped on duty or looked is left out, as on the page of looks; that somebody did is not.
"""

import csv
import io
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any, Final
from uuid import UUID

import msgspec
from asyncpg import Connection
from msgspec import Struct

from wellspring.kernel import audit, clock
from wellspring.kernel.audit import Access
from wellspring.kernel.crypto import Keyring, Sealer, Unreadable
from wellspring.kernel.tables import Kind, Named, Table
from wellspring.privacy.people import KEYS, Placed, about_people, connect

FORMAT: Final = "wellspring-person-1"
Drain = Callable[[], Awaitable[None]]
"""Called after each row: whoever takes the file away in parts does it then."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_AHEAD: Final = 200


class Copied(Struct, frozen=True):
    """How many rows of how many tables were copied, and which sealed values did not open (`table.column row`)."""

    person_id: UUID
    tables: int
    rows: int
    unreadable: list[str]


class _Reader:
    """One person's rows, opened."""

    def __init__(self, conn: Connection, sealer: Sealer | None, person_id: UUID) -> None:
        self._conn = conn
        self._sealer = sealer
        self.person_id = person_id
        self.unreadable: list[str] = []
        self.places: list[Placed] = []

    async def rows(self, place: Placed) -> AsyncGenerator[dict[str, Any]]:
        """Yield the rows of one table, oldest first, without hidden columns."""
        table = place.table
        shown = columns(place)
        names = ", ".join(f'"{name}"' for name in {**dict.fromkeys(shown), table.row_key: None})
        key = f', "{table.row_key}"' if table.row_key in place.columns else ""
        text = f"SELECT {names} FROM {place.sql} WHERE person_id = $1 ORDER BY person_id{key}"
        async for record in self._conn.cursor(text, self.person_id, prefetch=_AHEAD):
            row = dict(record.items())
            yield {name: self._value(table, name, row) for name in shown}

    @staticmethod
    def _unnamed(table: Table) -> set[str]:
        """Return the columns that name whoever was on duty or looked, and not somebody whom the person chose.

        Some of them may live nearby, and with the id of one who is a clinician too their name can be found.
        """
        return {column for column, then in table.names if then is not Named.REMOVE}

    def _value(self, table: Table, name: str, row: dict[str, Any]) -> Any:
        value = row[name]
        if name in self._unnamed(table) and value != self.person_id:
            return None
        if value is None or name not in table.sealed:
            return value
        where = f"{table.name}.{name}"
        try:
            if self._sealer is None:
                raise Unreadable("no data key")
            plain = self._sealer.open(value, where, row[table.row_key])
        except Unreadable:
            self.unreadable.append(f"{where} {row[table.row_key]}")
            return None
        return plain.decode() if name in table.texts else msgspec.json.decode(plain)


def columns(place: Placed) -> list[str]:
    """Return the columns that are copied."""
    return [name for name in place.columns if name not in place.table.hidden]


@asynccontextmanager
async def _reading(conn: Connection, keys: Keyring, person_id: UUID) -> AsyncGenerator[_Reader]:
    """Yield a reader over one snapshot of the database."""
    await connect(conn)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        wrapped = await conn.fetchval(f"SELECT wrapped FROM {KEYS} WHERE person_id = $1", person_id)
        reader = _Reader(conn, keys.sealer(wrapped, person_id) if wrapped else None, person_id)
        reader.places = [p for p in await about_people(conn) if p.table.exported and p.table.kind is Kind.PERSON]
        yield reader


async def write_json(conn: Connection, keys: Keyring, person_id: UUID, file: IO[bytes]) -> Copied:
    """Write one document in UTF-8: `{format, person_id, exported_at, tables: {name: [row…]}, unreadable}`."""
    async with _reading(conn, keys, person_id) as reader:
        total = await _document(reader, file)
    return await _recorded(conn, reader, total)


async def _stays() -> None:
    """Leave what was written where it is."""


async def write_archive(
    conn: Connection, keys: Keyring, person_id: UUID, file: IO[bytes], *, drain: Drain = _stays
) -> Copied:
    """Write a zip: the document as `everything.json`, and a `csv/` table for each that has rows.

    A copy with a `drain` is made for the person, whose request is in the audit trail already.
    """
    async with _reading(conn, keys, person_id) as reader:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("everything.json", "w", force_zip64=True) as member:
                total = await _document(reader, member, drain)
            said = list(reader.unreadable)
            for place in reader.places:
                await _table(reader, place, archive, drain)
            reader.unreadable = said  # each was met twice
    if drain is not _stays:
        return Copied(person_id, len(reader.places), total, reader.unreadable)
    return await _recorded(conn, reader, total)


async def _document(reader: _Reader, file: IO[bytes], drain: Drain = _stays) -> int:
    head = {"format": FORMAT, "person_id": reader.person_id, "exported_at": clock.now()}
    file.write(msgspec.json.encode(head)[:-1] + b',\n"tables": {')
    total = 0
    for n, place in enumerate(reader.places):
        file.write((b",\n" if n else b"\n") + msgspec.json.encode(place.table.name) + b": [")
        first = True
        async for row in reader.rows(place):
            file.write((b"\n  " if first else b",\n  ") + msgspec.json.encode(row, enc_hook=str))
            first = False
            total += 1
            await drain()
        file.write(b"]")
    file.write(b'\n},\n"unreadable": ' + msgspec.json.encode(reader.unreadable) + b"}\n")
    return total


async def _table(reader: _Reader, place: Placed, archive: zipfile.ZipFile, drain: Drain) -> None:
    names = columns(place)
    rows = reader.rows(place)
    first = await anext(rows, None)
    if first is None:
        return
    with archive.open(f"csv/{place.table.name}.csv", "w", force_zip64=True) as member:
        text = io.TextIOWrapper(member, "utf-8", newline="")
        out = csv.writer(text)
        out.writerow(names)
        out.writerow(_cells(names, first))
        async for row in rows:
            out.writerow(_cells(names, row))
            await drain()
        text.flush()
        text.detach()


def _cells(names: Sequence[str], row: dict[str, Any]) -> list[str]:
    return [cell(row[name]) for name in names]


def cell(value: Any) -> str:
    """Return a value for a spreadsheet; words that it would take for a formula begin with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return msgspec.json.encode(value, enc_hook=str).decode().strip('"')


async def _recorded(conn: Connection, reader: _Reader, total: int) -> Copied:
    """Write the audit row and return what was done."""
    access = Access(action="privacy:person:export", section="everything", person_id=reader.person_id, count=total)
    await conn.execute(audit.RECORD.sql, *access.args())
    return Copied(reader.person_id, len(reader.places), total, reader.unreadable)
