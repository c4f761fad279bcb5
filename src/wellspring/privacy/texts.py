"""The consent texts that ship with the program, and loading them into the database."""

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import ids
from wellspring.privacy.errors import TextEdited

if TYPE_CHECKING:  # web processes read the texts and have no use for the driver
    import psycopg


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """A text in one language."""

    title: str
    body: str


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One version of what people are asked, in every language."""

    kind: ConsentKind
    version: int
    en: Words
    fr: Words


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    text: list[Text]


_ADD: Final = (
    "INSERT INTO privacy.consent_text (id, kind, version, language, title, body) VALUES (%s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (kind, version, language) DO NOTHING"
)
_FIND: Final = "SELECT title, body FROM privacy.consent_text WHERE kind = %s AND version = %s AND language = %s"


def shipped() -> list[Text]:
    """Return the texts of the data file."""
    raw = files("wellspring.privacy").joinpath("data/consents.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(raw), _File).text


def seed(conn: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Load the texts as the database's owner, after the migrations; running it again changes nothing.

    Raises TextEdited when a stored text differs from the file.
    """
    for text in shipped():
        _add(conn, text, "en", text.en)
        _add(conn, text, "fr", text.fr)


def _add(conn: "psycopg.Connection[tuple[object, ...]]", text: Text, language: str, words: Words) -> None:
    where = (text.kind, text.version, language)
    conn.execute(_ADD, (ids.new(), *where, words.title, words.body))
    if conn.execute(_FIND, where).fetchone() != (words.title, words.body):
        raise TextEdited(f"{text.kind} {text.version} {language}")
