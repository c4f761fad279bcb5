"""Danger known only after an offer was made: what is shown then is safe in a crisis, and teaches nobody else."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.interventions.test_sessions import TEA, agree, begin, outcome, rate
from tests.support.people import Person
from wellspring.interventions import load, recommend
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio

BY_ID = {item.id: item for item in load()}


async def check_in(who: Person, **said: Any) -> dict[str, Any]:
    answer = await who.post("/v1/checkins", json={"mood_score": 7, **said})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def ask_for_help(who: Person) -> None:
    answer = await who.post("/v1/crisis/report", json={})
    assert answer.status_code == 201, answer.text


async def shown(parts: Edge, who: Person, checkin_id: str) -> list[UUID]:
    async with parts.db.begin(DbRole.MEMBER, actor=who.id) as tx:
        return [one.intervention_id for one in await recommend.logged(tx, who.id, UUID(checkin_id), "en")]


async def test_offers_of_a_good_hour_give_way_when_danger_comes(parts: Edge, alice: Person) -> None:
    """Alice is offered a walk uphill; later she asks a person to contact her, and looks at the page again."""
    made = await check_in(alice, energy_level=9)
    checkin_id = made["checkin"]["id"]
    before = [UUID(offer["intervention_id"]) for offer in made["recommendations"]]
    assert not all(BY_ID[one].facts.crisis_safe for one in before)
    assert await shown(parts, alice, checkin_id) == before
    await ask_for_help(alice)
    first, *others = [BY_ID[one].facts for one in await shown(parts, alice, checkin_id)]
    assert first.sub_category == "safety planning"
    assert len(others) == 2
    assert all(facts.crisis_safe for facts in others)


async def test_what_was_chosen_for_danger_is_shown_as_it_was(parts: Edge, alice: Person) -> None:
    await ask_for_help(alice)
    made = await check_in(alice)
    again = await shown(parts, alice, made["checkin"]["id"])
    assert again == [UUID(offer["intervention_id"]) for offer in made["recommendations"]]


async def test_what_has_become_contraindicated_is_shown_no_more(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    made = await check_in(alice)
    row = await owner.fetchrow("SELECT intervention_ids FROM interventions.recommendation")
    forbidden = next(item for item in load() if "injury" in item.facts.contraindications)
    assert row is not None
    await owner.execute(
        "UPDATE interventions.recommendation SET intervention_ids = $1", [forbidden.id, *row["intervention_ids"][1:]]
    )
    assert forbidden.id in await shown(parts, alice, made["checkin"]["id"])
    assert (await alice.patch("/v1/users/me", json={"contraindications": ["injury"]})).status_code == 200
    assert forbidden.id not in await shown(parts, alice, made["checkin"]["id"])


async def test_offers_from_before_the_deviations_were_kept_are_shown(
    parts: Edge, alice: Person, owner: asyncpg.Connection
) -> None:
    made = await check_in(alice)
    await owner.execute("UPDATE interventions.recommendation SET predicted_effectiveness_sds = DEFAULT")
    assert len(await shown(parts, alice, made["checkin"]["id"])) == 3


@pytest.mark.parametrize("offered", [True, False])
async def test_what_is_rated_in_danger_teaches_nobody_else_wherever_it_was_found(
    alice: Person, owner: asyncpg.Connection, *, offered: bool
) -> None:
    """Offered before, or found in the library: alice is in danger when she does it."""
    await agree(alice, "shared_ratings")
    made = await check_in(alice)
    offer = UUID(made["recommendations"][0]["intervention_id"])
    await ask_for_help(alice)
    session = await rate(alice, 5, offer, checkin_id=made["checkin"]["id"]) if offered else await rate(alice, 5, TEA)
    found = await outcome(owner, session)
    assert (found["in_danger"], found["pooled"]) == (True, False)
    await agree(alice, "shared_ratings")
    assert not (await outcome(owner, session))["pooled"]


async def test_what_a_broken_choice_offered_in_danger_teaches_nobody_else(
    alice: Person, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    await agree(alice, "shared_ratings")
    monkeypatch.setattr(recommend, "choose", broken)
    made = await check_in(alice, journal_text="I am going to kill myself tonight, goodbye")
    first = made["recommendations"][0]
    assert BY_ID[UUID(first["intervention_id"])].facts.sub_category == "safety planning"
    session = await begin(alice, UUID(first["intervention_id"]), checkin_id=made["checkin"]["id"])
    await owner.execute("DELETE FROM safety.crisis_event")  # long ago
    await alice.post(f"/v1/interventions/sessions/{session}/complete", json={"effectiveness_rating": 5})
    assert (await outcome(owner, session))["in_danger"]
