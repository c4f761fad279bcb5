"""If the recommender breaks, something safe is still offered."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import asyncpg
import pytest

from tests.support.people import Person
from wellspring.identity.fragments import About
from wellspring.interventions import recommend
from wellspring.interventions.moment import History
from wellspring.interventions.shelf import shipped
from wellspring.kernel import ids

pytestmark = pytest.mark.anyio
ABOUT = About("fr", "FR", "Europe/Paris", has_adhd=False, has_autism_spectrum=False, age_range=None, is_premium=False)


def test_a_broken_choice_offers_what_is_safe_in_a_crisis(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(recommend, "choose", broken)
    forbidden = shipped().items[0].facts.contraindications
    found = recommend.careful(
        ABOUT, forbidden, recommend.Moment(mood=1, danger=True), History(), now=datetime.now(UTC), seed=ids.new()
    )
    assert len(found.wire) == 3
    by_id = {item.id: item for item in shipped().items}
    for offer in found.wire:
        item = by_id[offer.intervention_id]
        assert item.facts.crisis_safe
        assert not set(item.facts.contraindications) & set(forbidden)
        assert offer.why_recommended


async def test_the_time_of_day_is_the_database_s(
    alice: Person, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose clock is half a day off offers alice nothing for the night at noon."""

    class Off(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Off":
            return super().now(tz) + timedelta(hours=12)

    monkeypatch.setattr(recommend, "datetime", Off)
    assert (await alice.post("/v1/checkins", json={"mood_score": 5})).status_code == 201
    row = await owner.fetchrow(
        "SELECT r.context->>'time_of_day', now(), p.timezone"
        " FROM interventions.recommendation r JOIN identity.person p USING (person_id)"
    )
    assert row is not None
    said, now, zone = row
    assert said == recommend.time_of_day(now, zone)
