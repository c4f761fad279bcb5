"""What pages say when something cannot be kept, and where."""

import re

import pytest

from tests.pages.support import Browser, fields, text

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "value"),
    [("logged_at", "2999-01-01T10:00"), ("triggers", "x" * 51), ("weather_condition", "x" * 101)],
)
async def test_a_refusal_stands_at_its_field_and_the_field_is_in_sight(at_home: Browser, name: str, value: str) -> None:
    page = (await at_home.fill("/check-in", "/check-in", mood_score="5", body_jaw="0", **{name: value})).text
    assert f'href="#{name}"' in page
    assert f'id="{name}-error"' in page
    folds = re.findall(r'<details class="fold"( open)?>(.*?)</details>', page, re.DOTALL)
    for opened, inside in folds:
        holds = any(f'id="{one}"' in inside for one in (name, "body_jaw"))
        assert bool(opened) is holds, inside[:80]


@pytest.mark.parametrize("words", ["", " ", "z"])
async def test_a_search_that_was_not_made_finds_nothing_to_say(at_home: Browser, words: str) -> None:
    await at_home.fill("/check-in", "/check-in", mood_score="5", journal_text="A zebra")
    answer = await at_home.fill("/history", "/history/search", text=words)
    assert answer.status_code == 422
    assert "at least two letters" in text(answer.text)
    assert "Nothing found" not in answer.text
    assert "A zebra" in answer.text
    assert fields(answer.text, "/history/search")["text"] == words.strip()


async def test_a_copy_on_the_device_is_named_for_its_owner(at_home: Browser, stranger: Browser) -> None:
    names = [re.findall(r'data-draft="([^"]+)"', (await one.get("/check-in")).text) for one in (at_home, stranger)]
    assert [len(found) for found in names] == [1, 1]
    assert names[0] != names[1]


async def test_days_that_cannot_be_shown_stay_in_their_fields(at_home: Browser) -> None:
    answer = await at_home.get("/history?start_date=2026-03-02&end_date=2026-03-01")
    assert answer.status_code == 422
    asked = fields(answer.text, "/history")
    assert (asked["start_date"], asked["end_date"]) == ("2026-03-02", "2026-03-01")


async def test_browsers_may_keep_an_empty_form_and_nothing_that_was_written(at_home: Browser) -> None:
    """Firefox forgets what is typed in a page that says no-store as soon as a link is followed."""
    assert (await at_home.get("/check-in")).headers["cache-control"] == "private, no-cache"
    given = fields((await at_home.get("/check-in")).text, "/check-in") | {"journal_text": "words"}
    for answer in (await at_home.post("/check-in", given), await at_home.get("/home")):
        assert answer.headers["cache-control"] == "no-store"
