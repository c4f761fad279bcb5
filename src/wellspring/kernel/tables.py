"""What every table is: its kind, what is sealed in it, and how it is exported, erased and kept.

The declarations live in the slices; a test compares them with the catalogue.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """PERSON rows carry `person_id` first and row-level security; REFERENCE is content; SYSTEM is a short list."""

    PERSON = "person"
    REFERENCE = "reference"
    SYSTEM = "system"


class Erase(StrEnum):
    """What erasing a person does to their rows."""

    DELETE = "delete"
    KEEP = "keep"


class Named(StrEnum):
    """What becomes of a row of somebody else when the person whom one of its columns names is erased."""

    CLEAR = "clear"
    KEEP = "keep"
    REMOVE = "remove"


class Table(Struct, frozen=True, kw_only=True):
    """One table: `schema.table`, its kind, its sealed columns, and what becomes of its rows.

    Sealed columns hold JSON, save those in `texts`, which hold words. `hidden` columns (digests, wrapped keys) are
    never exported. `keep_reason` says why erased people's rows stay, and `keep_years` for how long anybody's do, where
    the nightly job removes them. `part_of` is a table and the column here that holds the id of its row: that row stays
    as long as this one does. `names` are columns that name somebody else than `person_id`. `busy` is an SQL test of a
    row that somebody still works with: while one is true, neither the person it is about nor one it names is erased;
    `ends` is what an UPDATE sets to end that work, for somebody who was erased and came back with a backup.
    `retention` is a sentence for the register of processing.
    """

    name: str
    kind: Kind
    retention: str
    sealed: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    exported: bool = True
    erase: Erase = Erase.DELETE
    keep_reason: str = ""
    keep_years: int = 0
    names: tuple[tuple[str, Named], ...] = ()
    busy: str = ""
    ends: str = ""
    part_of: tuple[str, str] | None = None
    row_key: str = "id"


TABLES: Final[dict[str, Table]] = {}


def declare(*tables: Table) -> None:
    """Register tables; a name is declared once."""
    for table in tables:
        if table.name in TABLES:
            raise ValueError(f"{table.name} is declared twice")
        TABLES[table.name] = table
