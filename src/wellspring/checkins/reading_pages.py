"""What was heard in one's words, as pages show it: saying whether it is right, and what may be read and learned."""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath

from wellspring.checkins import correction_queries as q
from wellspring.checkins import corrections, words
from wellspring.checkins import queries as readings
from wellspring.checkins.corrections import WordsChanged
from wellspring.checkins.entering import EMOTIONS
from wellspring.checkins.reading import PENDING
from wellspring.checkins.schemas import Checkin, CorrectionWrite
from wellspring.identity import me
from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import audit, forms, pages
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_member, edge, principal
from wellspring.kernel.errors import Conflict, NotFound
from wellspring.kernel.policy import Access
from wellspring.kernel.routing import form, page
from wellspring.privacy import asking

LEARNING: Final[tuple[ConsentKind, ...]] = ("corrections", "correction_texts")
"""What may be learned from corrections, each by a consent of its own; the second counts only with the first."""


_LIGHT: Final = frozenset(("joy", "calm", "hopeful", "neutral"))
_MOST_ASKED: Final = 10
"""How often a result asks for news, three seconds apart: a job that takes longer is not waited for."""
Heard = dict[UUID, dict[str, Any]]
"""By check-in, what templates take as `heard`."""


async def is_on(tx: Tx, person_id: UUID) -> bool:
    """Tell whether the person wants feelings to be read in their words."""
    return (await me.preferences(tx, person_id))[0].emotion_reading


async def heard(tx: Tx, person_id: UUID, found: list[Checkin]) -> Heard:
    """Return by check-in what was heard in it and what the person said about that; nothing where that is off.

    Where help was offered no light feeling is named: "calm" beside words of danger would say that they were not heard.
    """
    named = [one for one in found if one.ai_emotion_primary is not None]
    named = [one for one in named if not (one.crisis_flagged and one.ai_emotion_primary in _LIGHT)]
    if not named or not await is_on(tx, person_id):
        return {}
    said = {row.id: row for row in await tx.all(q.SAID, person_id, [one.id for one in named])}
    return {one.id: _heard(one, said.get(one.id)) for one in named}


def _heard(found: Checkin, said: q.Said | None) -> dict[str, Any]:
    return {
        "url": f"/check-ins/{found.id}",
        "primary": said.primary if said else found.ai_emotion_primary,
        "secondary": said.secondary if said else found.ai_emotion_secondary,
        "answer": said.answer if said else None,
        "emotion": said.emotion if said else None,
        "choices": EMOTIONS,
        "updated_at": found.updated_at.isoformat(),
    }


News = Literal["waiting", "help"]
"""What a result shows of a reading that goes on: that it does, or that it has found what asks for help."""


async def news(tx: Tx, keys: Keyring, person_id: UUID, row_id: UUID) -> News | None:
    """Return what there is to say of a check-in whose text could not be read fully in time; raises NotFound."""
    stored = await tx.maybe(readings.READ, person_id, row_id)
    if stored is None:
        raise NotFound
    if PENDING in stored.versions:
        return "waiting"
    if stored.text_level == "low":
        return None
    return "help" if stored.text_level != "mentioned" or await _of_another(tx, keys, person_id, row_id) else None


async def _of_another(tx: Tx, keys: Keyring, person_id: UUID, row_id: UUID) -> bool:
    """Whether what was read speaks of somebody else in danger."""
    row = await tx.one(readings.ONE, person_id, row_id)
    return words.unseal(row.sealed, keys.sealer(row.wrapped, person_id), row_id).another


@page("/results/{checkin_id:uuid}/news", Access.SELF, fragment=True)
async def result_news(request: Req, checkin_id: FromPath[UUID]) -> Response[str]:
    """Show what a result asks for again while a job reads on: nothing, a moment more, or the way to help."""
    number = request.query_params.get("asked", "")
    asked = int(number) if number.isdecimal() and len(number) < 3 else _MOST_ASKED
    async with as_member(request) as tx:
        found = await news(tx, edge(request).keys, principal(request).person_id, checkin_id)
        await audit.record(tx, access(request, "checkins:checkin:read", "checkins"))
    if found == "waiting" and asked >= _MOST_ASKED:
        found = None
    url = f"/results/{checkin_id}"
    return await pages.render(request, "reading_news.html", news=found, url=url, asked=asked)


@form("/check-ins/{checkin_id:uuid}/reading", Access.SELF)
async def correct(request: Req, checkin_id: FromPath[UUID]) -> Response[Any]:
    """Keep what the person says of a reading, or take it back; then show the page it was said on."""
    sent, person_id = await forms.read(request), principal(request).person_id
    here = f"/check-ins/{checkin_id}"
    answer, back = sent.one("answer"), pages.local_path(sent.one("back"), here)
    note: pages.Note = "saved"
    try:
        async with as_member(request) as tx:
            if answer == "none":
                await _take_back(tx, request, checkin_id)
            else:
                emotion = sent.one("emotion") or None if answer == "other" else None
                said = sent.to(CorrectionWrite, emotion=emotion, about=sent.one("about") or None)
                await corrections.correct(tx, person_id, checkin_id, said)
                await audit.record(tx, access(request, "checkins:correction:write", "checkins"))
    except WordsChanged:
        note, back = "words_changed", back.partition("#")[0]  # what has to be read stands at the top
    return pages.redirect(request, back, note=note)


async def _take_back(tx: Tx, request: Req, checkin_id: UUID) -> None:
    """Remove what was said of a reading; tapped twice, it is gone already. Raises NotFound without such an entry."""
    try:
        await corrections.take_back(tx, principal(request).person_id, checkin_id)
    except NotFound:
        await corrections.reading_of(tx, principal(request).person_id, checkin_id)
    await audit.record(tx, access(request, "checkins:correction:remove", "checkins"))


@page("/reading", Access.SELF)
async def reading_page(request: Req) -> Response[str]:
    """Show what is read in one's words, and what may be learned from one's corrections."""
    return await _show(request, {})


async def _show(request: Req, errors: dict[str, str], status: int = 200) -> Response[str]:
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        on = await is_on(tx, person_id)
        shown = await asking.asked(request, tx, LEARNING)
    return await pages.render(request, "reading.html", status=status, on=on, consents=shown, errors=errors)


@form("/reading", Access.SELF)
async def switch(request: Req) -> Response[Any]:
    """Let feelings be read in one's words from now on, or no more; danger is looked for either way."""
    on = (await forms.read(request)).one("on") == "true"
    person_id = principal(request).person_id
    async with as_member(request) as tx:
        chosen, version = await me.preferences(tx, person_id)
        wanted = msgspec.structs.replace(chosen, emotion_reading=on)
        await me.set_preferences(tx, person_id, wanted, version or None)
        await audit.record(tx, access(request, "identity:preferences:change", "profile"))
    return pages.redirect(request, "/reading", note="saved")


@form("/reading/consents", Access.SELF)
async def agree(request: Req) -> Response[Any]:
    """Give or take back a consent about corrections; a yes to words that have changed meanwhile shows the new ones."""
    try:
        return await asking.answer(request, LEARNING, "/reading")
    except Conflict as problem:
        return await _show(request, forms.errors_of(problem, (await pages.local(request)).language), problem.status)


PAGES: Final[list[Any]] = [result_news, correct, reading_page, switch, agree]
