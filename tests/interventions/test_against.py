"""What is not offered to somebody is still in the library, and says there why they would not be offered it."""

from typing import Any, get_args

import asyncpg
import httpx
import pytest

from tests.interventions.people import LIBRARY, MODEL
from tests.interventions.test_later_danger import ask_for_help
from tests.support.people import Person
from wellspring.identity.schemas import AgeRange
from wellspring.interventions import Context, choose
from wellspring.interventions.filters import against
from wellspring.interventions.vocabulary import CONTRAINDICATIONS, age_band_of

pytestmark = pytest.mark.anyio
HURTS = next(item for item in LIBRARY if item.slug == "brisk-walk")
FOR_ADULTS = next(item for item in LIBRARY if item.facts.age_appropriate == ("18+",))
LIST, ONE = "/v1/interventions?limit=100", f"/v1/interventions/{HURTS.id}"


async def listed(who: Person) -> dict[str, list[str]]:
    answer = await who.get(LIST)
    assert answer.status_code == 200, answer.text
    return {item["slug"]: item["advised_against"] for item in answer.json()["items"]}


async def test_a_stranger_sees_nothing_and_somebody_else_nothing_of_hers(
    client: httpx.AsyncClient, alice: Person, charlie: Person
) -> None:
    await alice.patch("/v1/users/me", json={"contraindications": ["injury"]})
    for path in (LIST, ONE):
        assert (await client.get(path)).status_code == 401
    assert (await charlie.get(ONE)).json()["advised_against"] == []
    assert "injury" not in {word for words in (await listed(charlie)).values() for word in words}


async def test_what_hurts_her_says_so_and_can_be_started(alice: Person, owner: asyncpg.Connection) -> None:
    assert (await alice.get(ONE)).json()["advised_against"] == []
    await alice.patch("/v1/users/me", json={"contraindications": ["injury", "epilepsy"], "age_range": "25-34"})
    assert (await alice.get(ONE)).json()["advised_against"] == ["injury"]
    found = await listed(alice)
    expected = {item.slug: [w for w in item.facts.contraindications if w in ("injury", "epilepsy")] for item in LIBRARY}
    assert found == {slug: words for slug, words in expected.items() if slug in found}
    assert sum(map(bool, found.values())) > 10
    actions = await owner.fetch("SELECT action FROM kernel.audit WHERE action LIKE 'interventions:library:%'")
    assert [row["action"].rsplit(":", 1)[1] for row in actions] == ["read", "read", "list"], "it is about her health"
    started = await alice.post(f"{ONE}/start", json={})
    assert started.status_code == 201, "she decides"


@pytest.mark.parametrize(("age", "against"), [("16-17", ["age"]), ("25-34", []), (None, ["age"])])
async def test_what_is_for_adults_says_so_to_others(alice: Person, age: str | None, against: list[str]) -> None:
    await alice.patch("/v1/users/me", json={"age_range": age})
    assert (await listed(alice))[FOR_ADULTS.slug] == against


async def test_in_a_hard_time_what_is_not_made_for_it_says_so(alice: Person) -> None:
    await ask_for_help(alice)
    safe = {item.slug: item.facts.crisis_safe for item in LIBRARY}
    found = await listed(alice)
    assert {slug: "hard_time" not in words for slug, words in found.items()} == {slug: safe[slug] for slug in found}


@pytest.mark.parametrize("danger", [True, False])
@pytest.mark.parametrize("age", [None, *get_args(AgeRange)])
def test_nothing_that_is_advised_against_is_offered_and_the_rest_may_be(age: str | None, *, danger: bool) -> None:
    """The library and the offers go by the same rules, for everything that somebody can say."""
    for told in (set[Any](), {"injury"}, {"dizziness", "psychosis"}, set(CONTRAINDICATIONS)):
        band = age_band_of(age)
        context = Context(mood=5, contraindications=frozenset(told), age=band, premium=True, danger=danger)
        offered = {offer.intervention.slug for offer in choose(context, MODEL, k=len(LIBRARY))}
        assert offered == {item.slug for item in LIBRARY if not against(item, told, band, danger=danger)}
