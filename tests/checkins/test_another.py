"""Somebody writes that another is in danger: what helps is shown, nobody is raised, and it is sealed with the words."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.support.models import FRIEND, TUNNEL, StandIn, in_time, install, late
from tests.support.people import Circle, Person

from wellspring.checkins.read_later import read_on
from wellspring.kernel.edge import Edge

pytestmark = pytest.mark.anyio
TOLD = "my brother says he is going to kill himself tonight and I don't know what to do"


@pytest.fixture
def models(parts: Edge) -> StandIn:
    return install(parts)


async def check_in(who: Person, text: str | None, **extra: Any) -> dict[str, Any]:
    answer = await who.post("/v1/checkins", json={"mood_score": 5, "journal_text": text}, **extra)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_stranger_is_told_nothing(client: httpx.AsyncClient, alice: Person, charlie: Person) -> None:
    answer = await client.post("/v1/checkins", json={"mood_score": 5, "journal_text": TOLD})
    assert answer.status_code == 401
    assert "helping" not in answer.text
    made = (await check_in(alice, TOLD))["checkin"]["id"]
    assert (await charlie.get(f"/v1/checkins/{made}")).status_code == 404
    assert (await charlie.get(f"/results/{made}")).status_code == 404


@pytest.mark.parametrize("text", [TOLD, f"Long shift. And {FRIEND}."])
async def test_who_writes_of_another_is_shown_what_helps(models: StandIn, alice: Person, text: str) -> None:
    found = await check_in(alice, text)
    assert found["crisis"] is None
    assert found["crisis_alert"] is False
    assert found["checkin"]["crisis_flagged"] is False
    helping = found["helping"]
    assert helping["emergency_number"] in helping["steps"][0]
    assert len(helping["steps"]) == 4
    assert helping["resources"]
    assert "lost somebody" in helping["lost"]


async def test_sent_twice_it_is_said_twice(models: StandIn, alice: Person) -> None:
    sent = {"headers": {"Idempotency-Key": "worried-about-somebody"}}
    once = await check_in(alice, TOLD, **sent)
    again = await check_in(alice, TOLD, **sent)
    assert again["helping"] == once["helping"] is not None


async def test_an_ordinary_day_and_ones_own_danger_say_nothing_of_others(models: StandIn, alice: Person) -> None:
    assert (await check_in(alice, "The bus was late."))["helping"] is None
    assert (await check_in(alice, None))["helping"] is None
    own = await check_in(alice, f"All I see is {TUNNEL}.")
    assert own["crisis"] is not None
    assert own["helping"] is None


async def test_both_may_be_in_danger(models: StandIn, alice: Person) -> None:
    found = await check_in(alice, f"All I see is {TUNNEL}. And {FRIEND}.")
    assert found["crisis_alert"] is True
    assert found["helping"] is not None


async def test_it_goes_with_the_words_and_stays_when_they_stay(models: StandIn, alice: Person) -> None:
    made = (await check_in(alice, f"Long shift. And {FRIEND}."))["checkin"]["id"]
    path = f"/v1/checkins/{made}"
    kept = await alice.patch(path, json={"energy_level": 3})
    assert kept.status_code == 200, kept.text
    assert kept.json()["helping"] is None, "an entry whose words stay says nothing anew"
    assert 'id="helping"' in (await alice.get(f"/results/{made}")).text
    changed = await alice.patch(path, json={"journal_text": "Long shift."})
    assert changed.json()["helping"] is None
    assert 'id="helping"' not in (await alice.get(f"/results/{made}")).text
    back = await alice.patch(path, json={"journal_text": f"And {FRIEND}."})
    assert back.json()["helping"] is not None


async def test_what_a_job_finds_later_is_offered_then(models: StandIn, parts: Edge, alice: Person) -> None:
    late(models, parts)
    found = await check_in(alice, f"Long shift. And {FRIEND}.")
    assert found["helping"] is None
    made = found["checkin"]["id"]
    await read_on(in_time(models, parts), alice.id, UUID(made))
    assert "All of your words are read now" in (await alice.get(f"/results/{made}/news?asked=1")).text
    assert 'id="helping"' in (await alice.get(f"/results/{made}")).text


async def test_a_job_that_finds_only_a_denial_offers_nothing(models: StandIn, parts: Edge, alice: Person) -> None:
    late(models, parts)
    made = (await check_in(alice, "I don't want to kill myself."))["checkin"]["id"]
    await read_on(in_time(models, parts), alice.id, UUID(made))
    assert "are read now" not in (await alice.get(f"/results/{made}/news?asked=1")).text


async def test_the_page_has_the_number_first_and_says_who_is_told(models: StandIn, alice: Person) -> None:
    found = await check_in(alice, f"And {FRIEND}.")
    page = (await alice.get(f"/results/{found['checkin']['id']}")).text
    card = page[page.index('id="helping"') : page.index('id="try"')]
    helping = found["helping"]
    number, why = card.index(f'href="tel:{helping["emergency_number"]}"'), card.index(helping["why"])
    assert card.count("<li>") == len(helping["steps"])
    assert helping["told"] in card
    fold = card[card.index("<details") : card.index("</details>")]
    assert fold.count("<li>") == len(helping["steps"]), "who is grieving reads of suicide only if they ask"
    assert "open" not in fold.split(">")[0]
    assert number < why < card.index("<details") < card.index(helping["lost"]) < card.index("<article")
    page = (await alice.get(f"/results/{(await check_in(alice, None))['checkin']['id']}")).text
    assert 'id="helping"' not in page


BEREAVED = "Today it is three years since my son took his own life. He wanted to die and nobody saw it."


@pytest.mark.parametrize(("language", "first"), [("en", "worry from grief"), ("fr", "l’inquiétude du deuil")])
async def test_a_bereaved_mother_is_told_what_the_program_cannot_tell(
    models: StandIn, circle: Circle, language: str, first: str
) -> None:
    mother = await circle.member("maud", language=language)
    found = await check_in(mother, f"{BEREAVED} {FRIEND}.")
    assert first in found["helping"]["why"].split(". ")[0]
    page = (await mother.get(f"/results/{found['checkin']['id']}")).text
    card = page[page.index('id="helping"') : page.index('id="try"')]
    read = card[: card.index("<details")] + card[card.index("</details>") :]
    assert found["helping"]["lost"] in read
    assert "suicid" not in read.lower().split("<article")[0]
