"""What pages say when something cannot be kept, and where."""

import re

import pytest

from tests.pages.support import Browser

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
