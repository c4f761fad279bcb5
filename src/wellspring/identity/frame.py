"""Who looks at a page: name, language, clock and look, for the frame of every page."""

from typing import Final

import msgspec

from wellspring.identity import queries as q
from wellspring.identity.schemas import Preferences
from wellspring.identity.service import Details
from wellspring.kernel import pages
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Req, edge, session_of
from wellspring.kernel.errors import NotFound
from wellspring.kernel.pages import Frame, Look
from wellspring.kernel.principal import Principal

SIZES: Final = {16: 100, 18: 112, 20: 125, 24: 150, 28: 175, 32: 200}
"""Sizes of text that the pages offer, in pixels, and their step of the style sheet in percent."""


def look(chosen: Preferences) -> Look:
    """Return how pages look with these preferences; a size between two steps takes the larger one."""
    size = next((step for pixels, step in SIZES.items() if pixels >= chosen.font_size), 200)
    return Look(
        theme=chosen.theme,
        contrast="high" if chosen.high_contrast else "normal",
        motion="reduced" if chosen.reduce_motion or chosen.animation_speed == "none" else "normal",
        font=chosen.font_family,
        size=size,
    )


@pages.loads_frames
async def load(request: Req, who: Principal) -> Frame:
    """Return the frame of a signed-in person; raises SessionEnded, NotFound."""
    parts = edge(request)
    session = session_of(who, request)
    async with parts.db.begin(DbRole.MEMBER, actor=who.person_id, session=session, read_only=True) as tx:
        row = await tx.maybe(q.FRAME, who.person_id, who.session_id)
    if row is None:
        raise NotFound
    if row.unnoted:
        async with parts.db.begin(DbRole.MEMBER, actor=who.person_id, session=session) as tx:
            await tx.do(q.NOTE_USE, who.person_id, who.session_id)
    sealer = parts.keys.sealer(row.wrapped, who.person_id)
    details = Details()
    if row.details is not None:
        details = msgspec.json.decode(sealer.open(row.details, "identity.person.details", who.person_id), type=Details)
    address = sealer.open(row.email, "identity.person.email", who.person_id).decode()
    return Frame(
        name=details.display_name or address.partition("@")[0],
        language=row.language if row.language == "fr" else "en",
        country=row.country,
        timezone=row.timezone,
        look=look(msgspec.convert(row.chosen or {}, Preferences)),
        roles=sorted(who.roles),
    )
