"""Families of oblique danger and their turned sides, in words that neither the rules nor the corpus hold."""

import pytest

from wellspring.language import LEVELS, explain, read

from .corpus import Labelled, load

FAMILIES = [*load("en", "families"), *load("fr", "families")]


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: f"{row.language}-{row.category}-{row.text[:40]}")
def test_each_side_of_a_family_has_its_level(row: Labelled) -> None:
    reading = read(row.text, hint=row.language)
    assert reading.rules_level in row.levels, explain(reading, "en")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_family_has_both_sides(language: str) -> None:
    rows = [row for row in FAMILIES if row.language == language]
    danger = {row.category for row in rows if not row.levels & {"low", "mentioned"}}
    turned = {row.category for row in rows if row.levels & {"low", "mentioned"}}
    assert len(danger) >= 10
    assert danger <= turned


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("I’m going to kill myself tonight, goodbye", "critical"),
        ("I am going to kill my\u200bself tonight 😢, goodbye", "critical"),
        ("This deadline’s killing me 😂", "low"),
        ("Je vais me tuer ce soir, adieu", "critical"),
        ("J’vais me t\u200buer ce soir 😢, adieu", "critical"),
        ("Ce délai me tue 😂", "low"),
    ],
)
def test_the_plainest_texts_keep_their_level(text: str, level: str) -> None:
    assert read(text).rules_level == level


def test_what_is_oblique_stays_below_high_however_long_the_text() -> None:
    oblique = next(row.text for row in FAMILIES if row.levels == frozenset({"moderate"}))
    reading = read("We had soup for dinner. " * 20 + oblique)
    assert LEVELS.index(reading.rules_level) == LEVELS.index("moderate")
