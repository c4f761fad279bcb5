"""Search in one's own journal: the rows are opened in the process, so the words never reach an index."""

import unicodedata
from uuid import UUID

from wellspring.checkins import queries as q
from wellspring.checkins import words
from wellspring.checkins.schemas import Checkin, Found, Search
from wellspring.checkins.wire import checkin
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Invalid
from wellspring.kernel.paging import Cursor


def fold(text: str) -> str:
    """Return text without case, accents and ligatures, as it is compared: who types "soeur" means "sœur"."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold()).replace("œ", "oe").replace("æ", "ae").replace("’", "'")
    return "".join(c for c in plain if not unicodedata.combining(c))


def _all_words(found: words.Words) -> str:
    parts = [found.journal_text, found.context_activity, *found.activities, *found.triggers]
    parts += [*found.factor_notes.values(), *(e.emotion for e in found.own_emotions)]
    return fold("\n".join(p for p in parts if p))


async def search(tx: Tx, keys: Keyring, person_id: UUID, wanted: Search) -> Found:
    """Return check-ins of one person whose words hold every word of the text, newest first."""
    needles = fold(wanted.text).split()
    if not needles:
        raise Invalid.of("text", "missing", "There is no word in this.")
    place, items = Cursor(), list[Checkin]()
    while True:
        rows = await tx.all(q.JOURNALS, person_id, place.at, place.id, wanted.start_date, wanted.end_date)
        for row in rows:
            opened = words.unseal(row.sealed, keys.sealer(row.wrapped, person_id), row.id)
            haystack = _all_words(opened)
            if all(needle in haystack for needle in needles):
                if len(items) == wanted.limit:
                    return Found(items=items, more=True)
                items.append(checkin(row, keys, person_id))
        if len(rows) < 500:
            return Found(items=items, more=False)
        place = Cursor(rows[-1].occurred_at, rows[-1].id)
