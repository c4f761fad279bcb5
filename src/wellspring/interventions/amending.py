"""Saying something else of a session that is over, taking that back, removing it; what was learned of it follows."""

from typing import get_args
from uuid import UUID

from msgspec import UNSET

from wellspring.interventions import learn, service
from wellspring.interventions import queries as q
from wellspring.interventions.schemas import SessionChange, Tag
from wellspring.kernel import stream
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import Conflict, Invalid, NotFound, PreconditionFailed


class SessionRunning(Conflict):
    """This one is not finished yet."""

    code = "session_running"


def _check(state: str, wanted: SessionChange) -> None:
    """Raise SessionRunning before the end, and Invalid for a rating of what was not done."""
    if state == "started":
        raise SessionRunning
    if state == "skipped" and wanted.effectiveness_rating:
        raise Invalid.of("effectiveness_rating", "session_skipped", "A session that was left has no rating.")


async def amend(
    tx: Tx, keys: Keyring, person_id: UUID, session_id: UUID, wanted: SessionChange, seen: int | None
) -> None:
    """Change what somebody said of their session; learning keeps to what they say now.

    Words that stay as they are are not new ones: a form sends everything. Raises NotFound, PreconditionFailed (`seen`
    is another version), SessionRunning, Invalid, and HealthDataRefused as `service.sealed_words` does.
    """
    row = await tx.maybe(q.SESSION_LOCKED, person_id, session_id)
    if row is None:
        raise NotFound
    if seen is not None and seen != row.version:
        raise PreconditionFailed
    _check(row.state, wanted)
    rating, words = row.effectiveness_rating, row.feedback_text
    tags: list[Tag] = [tag for tag in get_args(Tag) if tag in row.feedback_tags]
    if wanted.effectiveness_rating is not UNSET:
        rating = wanted.effectiveness_rating
    if wanted.feedback_tags is not UNSET:
        tags = list(dict.fromkeys(wanted.feedback_tags))
    if wanted.feedback_text is not UNSET and not service.same_words(
        service.session_view(row, keys, person_id).feedback_text, wanted.feedback_text
    ):
        words = await service.sealed_words(tx, keys, person_id, session_id, wanted.feedback_text)
    await tx.do(q.AMEND, person_id, session_id, rating, tags, words)
    await learn.amend(tx, person_id, session_id, rating, tags, skipped=row.state == "skipped")
    await stream.publish(tx, person_id, "intervention.changed", session_id)


async def remove(tx: Tx, person_id: UUID, session_id: UUID) -> None:
    """Remove one of the person's sessions for good, begun or over, with what was learned of it. Raises NotFound."""
    if await tx.maybe(q.SESSION_LOCKED, person_id, session_id) is None:
        raise NotFound
    await learn.drop(tx, person_id, session_id)
    await stream.publish(tx, person_id, "intervention.removed", session_id)
