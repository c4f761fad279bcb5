"""The consent ledger: what a person was asked, in which version, and what they answered. Rows are only added."""

from typing import Final, get_args
from uuid import UUID

from wellspring.identity import contact
from wellspring.identity.events import PersonRegistered
from wellspring.identity.schemas import ConsentKind
from wellspring.kernel import events, ids, stream
from wellspring.kernel.db import Tx
from wellspring.privacy import queries as q
from wellspring.privacy.errors import TextChanged, TextsMissing
from wellspring.privacy.events import ConsentAnswered
from wellspring.privacy.schemas import Consent, ConsentWrite

KINDS: Final[tuple[ConsentKind, ...]] = get_args(ConsentKind)


async def has_consent(tx: Tx, person_id: UUID, kind: ConsentKind) -> UUID | None:
    """Return the id of the ledger row on which a processing may rest, None when it is not given or was withdrawn.

    Runs in a transaction that may see this person's rows: theirs, or a staff or worker one that opened them.
    """
    latest = await tx.maybe(q.LATEST, person_id, kind)
    return latest.id if latest is not None and latest.given else None


async def refused(tx: Tx, person_id: UUID, kind: ConsentKind) -> bool:
    """Return whether the last word of a person on a kind is no; who was never asked has said nothing."""
    latest = await tx.maybe(q.LATEST, person_id, kind)
    return latest is not None and not latest.given


async def state(tx: Tx, person_id: UUID) -> list[Consent]:
    """Return every kind with today's text in the person's language and their last answer."""
    rows = await tx.all(q.CONSENTS, person_id, await contact.language_of(tx, person_id))
    by_kind = {row.kind: row for row in rows}
    return [_view(kind, by_kind[kind]) for kind in KINDS if kind in by_kind]


async def one(tx: Tx, person_id: UUID, kind: ConsentKind) -> Consent:
    """Return one kind, whose text exists."""
    return next(found for found in await state(tx, person_id) if found.kind == kind)


def _view(kind: ConsentKind, row: q.ConsentRow) -> Consent:
    return Consent(
        kind=kind,
        version=row.version,
        title=row.title,
        text=row.body,
        given=bool(row.given),
        answered_version=row.answered_version,
        answered_at=row.answered_at,
    )


async def answer(tx: Tx, person_id: UUID, kind: ConsentKind, given: ConsentWrite) -> None:
    """Append an answer; the same answer again adds nothing.

    A yes to another version than today's is refused (TextChanged); a no is always taken. Raises TextsMissing.
    """
    await tx.do(q.IN_TURN, person_id)
    today = await tx.maybe(q.TEXT_VERSION, kind)
    if today is None:
        raise TextsMissing
    if given.given and given.version not in (None, today):
        raise TextChanged
    latest = await tx.maybe(q.LATEST, person_id, kind)
    if latest is not None and latest.given == given.given and latest.text_version == today:
        return
    row_id = ids.new()
    await tx.do(q.ADD_CONSENT, person_id, row_id, kind, today, given.given)
    await events.publish(tx, ConsentAnswered(person_id=person_id, kind=kind, given=given.given))
    await stream.publish(tx, person_id, "consent.changed", row_id)


@events.on(PersonRegistered)
async def record_ticked(tx: Tx, event: PersonRegistered) -> None:
    """Record what was ticked at registration, in its transaction; raises TextsMissing."""
    if not event.consents:
        return
    kinds = list(event.consents)
    if await tx.do(q.ADD_TICKED, event.person_id, [ids.new() for _ in kinds], kinds) != len(kinds):
        raise TextsMissing
