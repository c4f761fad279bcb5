"""What people say of the feelings that were read: kept with the entry, given out for training only by consent."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.checkins import correction_queries as q
from wellspring.checkins import words
from wellspring.checkins.feelings import UNSEEN, rounded
from wellspring.checkins.schemas import Correction, CorrectionWrite, TextReading
from wellspring.kernel import audit, ids, stream
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Database, DbRole, Tx
from wellspring.kernel.errors import Conflict, Invalid, NotFound
from wellspring.language import read
from wellspring.language.schemas import EMOTIONS
from wellspring.privacy.consents import has_consent, refused

_EXAMPLE: Final = "training-example"


class NothingRead(Conflict):
    """No feeling was named for this check-in, so there is nothing to correct."""

    code = "nothing_read"


class WordsChanged(Conflict):
    """This check-in was changed after it was shown. Look at what is read in it now, then answer."""

    code = "words_changed"


async def reading_of(tx: Tx, person_id: UUID, row_id: UUID) -> TextReading:
    """Return what was read in one of the caller's check-ins; raises NotFound."""
    row = await tx.maybe(q.READING, person_id, row_id)
    if row is None:
        raise NotFound
    return _reading(row)


def _reading(row: q.ReadingRow) -> TextReading:
    seen = row.seen if row.is_on else UNSEEN
    correction = None
    if row.answer is not None and row.at is not None:
        correction = Correction(answer=row.answer, emotion=row.emotion, at=row.at)
    return TextReading(
        checkin_id=row.id,
        reading=row.reading_state,
        ai_emotion_primary=seen.primary,
        ai_emotion_secondary=seen.secondary,
        ai_confidence_score=rounded(seen.confidence),
        journal_sentiment_score=rounded(seen.sentiment),
        journal_emotion_classification=_by_name(seen.scores or []),
        versions=row.versions,
        correction=correction,
    )


def _by_name(scores: list[float]) -> dict[str, float]:
    return {name: round(score, 3) for name, score in zip(EMOTIONS, scores, strict=False)}


async def correct(tx: Tx, person_id: UUID, row_id: UUID, said: CorrectionWrite) -> TextReading:
    """Keep what somebody says of a reading; a later answer takes the place of an earlier one.

    Raises NotFound, NothingRead, WordsChanged, Invalid.
    """
    if (said.emotion is None) == (said.answer == "other"):
        raise Invalid.of(
            "emotion", "emotion_only_with_other", "Name an emotion when the answer is other, and only then."
        )
    about = None if said.answer == "other" else said.about
    if not await tx.do(q.CORRECT, person_id, row_id, said.answer, said.emotion, about, said.updated_at):
        await _of_what_was_shown(tx, person_id, row_id, said, about)
    await stream.publish(tx, person_id, "checkin.changed", row_id)
    return await reading_of(tx, person_id, row_id)


async def _of_what_was_shown(tx: Tx, person_id: UUID, row_id: UUID, said: CorrectionWrite, about: str | None) -> None:
    """Keep what an answer to an earlier reading of the same words still says."""
    row = await tx.maybe(q.READING, person_id, row_id)
    if row is None:
        raise NotFound
    is_same = row.version == 1 if said.updated_at is None else row.updated_at == said.updated_at
    if not is_same and (said.updated_at is not None or about is not None):
        raise WordsChanged
    if about is None or not row.is_on or row.primary is None:
        raise NothingRead
    if said.answer == "no":
        await tx.do(q.DROP, person_id, row_id)
    else:
        await tx.do(q.CORRECT, person_id, row_id, "other", about, None, said.updated_at)


async def take_back(tx: Tx, person_id: UUID, row_id: UUID) -> None:
    """Remove what somebody said of a reading; raises NotFound."""
    if not await tx.do(q.DROP, person_id, row_id):
        raise NotFound
    await stream.publish(tx, person_id, "checkin.changed", row_id)


class Example(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One correction as training reads it: no name, no id of this system.

    `id` and `writer` are keyed digests, the same in each export: they tell which lines are about one entry or by one
    person, and which have gone. `emotion` is what the person says it was, None for a plain no.
    """

    id: str
    writer: str
    answer: str
    emotion: str | None
    read_primary: str
    read_secondary: str | None
    read_confidence: float
    read_emotions: dict[str, float]
    read_versions: dict[str, str]
    language: str | None = None
    text: str | None = None


async def examples(db: Database, keys: Keyring) -> AsyncIterator[list[Example]]:
    """Yield, person by person, the corrections of those who agree that they train a model.

    The text goes along only with a second consent. Each person is opened in a transaction of their own, with its audit
    row; who withdraws is left out of the next export, and who took back that data about their health is kept, too.
    """
    last = ids.NIL
    while True:
        async with db.begin(DbRole.MAINTENANCE, read_only=True) as tx:
            people = await tx.all(q.WHO, last)
        for person_id in people:
            async with db.begin(DbRole.WORKER, subject=person_id) as tx:
                found = await _of_one(tx, keys, person_id)
            if found:
                yield found
        if not people:
            return
        last = people[-1]


async def _of_one(tx: Tx, keys: Keyring, person_id: UUID) -> list[Example]:
    consent_id = await has_consent(tx, person_id, "corrections")
    if consent_id is None or await refused(tx, person_id, "health_data"):
        return []
    texts = await has_consent(tx, person_id, "correction_texts")
    rows = await tx.all(q.CORRECTED, person_id)
    await audit.record(
        tx,
        audit.Access(
            action="checkins:correction:export",
            section="journals" if texts else "checkins",
            person_id=person_id,
            count=len(rows),
            consent_id=texts or consent_id,
        ),
    )
    return [_example(row, keys, person_id, with_text=texts is not None) for row in rows]


def _example(row: q.Corrected, keys: Keyring, person_id: UUID, *, with_text: bool) -> Example:
    text = None
    if with_text:
        text = words.unseal(row.sealed, keys.sealer(row.wrapped, person_id), row.id).journal_text
    return Example(
        id=keys.digest(_EXAMPLE, str(row.id)).hex()[:24],
        writer=keys.digest(_EXAMPLE, str(person_id)).hex()[:24],
        answer=row.answer,
        emotion=row.emotion,
        read_primary=row.primary,
        read_secondary=row.secondary,
        read_confidence=round(row.confidence, 3),
        read_emotions=_by_name(row.scores),
        read_versions=row.versions,
        language=read(text).language if text else None,
        text=text,
    )
