"""Reading a text before the transaction that stores it: no connection is held meanwhile, and no failure stops it."""

from typing import Final

from msgspec import Struct

from wellspring.kernel import logs
from wellspring.language.pool import Readers
from wellspring.language.schemas import Reading

log = logs.get("language")


class TextRead(Struct, frozen=True):
    """A text read; `reading` is None when nothing was written, or when reading broke (`failed`)."""

    reading: Reading | None = None
    failed: bool = False
    finished: bool = True


NOTHING: Final = TextRead()


async def ahead(readers: Readers, text: object) -> TextRead:
    """Read a text before a connection is held for it; what is no text (left out, emptied) is nothing.

    Whatever breaks, what somebody wrote must be stored and help be shown: `failed` says so.
    """
    if not isinstance(text, str) or not text:
        return NOTHING
    try:
        found = await readers.read(text)
    except Exception as error:  # noqa: BLE001  what was written must be stored and help shown whatever breaks here
        log.error("reading_failed", error=error)
        return TextRead(failed=True)
    return TextRead(found.reading, finished=found.finished)
