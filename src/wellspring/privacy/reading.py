"""No program reads the words of somebody who took back that data about their health is kept. See decision 15."""

from typing import Final

from wellspring.identity.schemas import ConsentKind
from wellspring.kernel.edge import Req, as_member, principal
from wellspring.language.ahead import NOTHING, TextRead, ahead
from wellspring.language.pool import Readers
from wellspring.privacy import consents

KEPT_BY: Final[ConsentKind] = "health_data"


async def read_if_kept(request: Req, readers: Readers, text: object) -> TextRead:
    """Read a text before its transaction, unless its writer took back that such data is kept.

    Such a text counts as unread: help is shown, and if they have agreed again by then a job reads it.
    """
    if not isinstance(text, str) or not text:
        return NOTHING
    async with as_member(request, read_only=True) as tx:
        refused = await consents.refused(tx, principal(request).person_id, KEPT_BY)
    return TextRead(failed=True) if refused else await ahead(readers, text)
