"""If the recommender breaks, something safe is still offered."""

from typing import Any

import pytest

from wellspring.identity.fragments import About
from wellspring.interventions import recommend
from wellspring.interventions.moment import History
from wellspring.interventions.shelf import shipped
from wellspring.kernel import ids

ABOUT = About("fr", "FR", "Europe/Paris", has_adhd=False, has_autism_spectrum=False, age_range=None, is_premium=False)


def test_a_broken_choice_offers_what_is_safe_in_a_crisis(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(recommend, "choose", broken)
    forbidden = shipped().items[0].facts.contraindications
    found = recommend.careful(ABOUT, forbidden, recommend.Moment(mood=1, danger=True), History(), seed=ids.new())
    assert len(found.wire) == 3
    by_id = {item.id: item for item in shipped().items}
    for offer in found.wire:
        item = by_id[offer.intervention_id]
        assert item.facts.crisis_safe
        assert not set(item.facts.contraindications) & set(forbidden)
        assert offer.why_recommended
