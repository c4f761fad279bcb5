"""What the rules find and leave alone in the labelled sentences."""

import pytest

from wellspring.language import LEVELS, read

from .corpus import CORPUS, Labelled

_FOUND = (
    "explicit",
    "euphemism",
    "plan",
    "means",
    "goodbye",
    "typo",
    "passive",
    "burden",
    "self_harm",
    "hopelessness",
    "fresh_danger",
)
_LEFT = ("negation", "idiom", "quoted", "third_person", "question", "fiction", "fresh_harmless")
_ORDINARY = ("sad", "grief", "stress", "sport", "game", "film", "medicine", "news", "worry", "hope", "boundary")


def _rows(category: str) -> list[Labelled]:
    return [row for row in CORPUS if row.category == category]


def _raised(row: Labelled) -> bool:
    return LEVELS.index(read(row.text, hint=row.language).level) > LEVELS.index("mentioned")


def test_the_corpus_is_large_enough_in_both_languages() -> None:
    assert sum(row.language == "en" for row in CORPUS) >= 300
    assert sum(row.language == "fr" for row in CORPUS) >= 200
    assert len({row.text for row in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("category", _FOUND)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_danger_is_found(category: str, language: str) -> None:
    rows = [row for row in _rows(category) if row.language == language]
    missed = [row.text for row in rows if not _raised(row)]
    assert rows
    assert len(missed) <= 0.1 * len(rows), missed


@pytest.mark.parametrize("category", _LEFT)
def test_what_is_not_the_writers_danger_stays_at_mentioned(category: str) -> None:
    rows = _rows(category)
    raised = [row.text for row in rows if _raised(row)]
    assert rows
    assert len(raised) <= 0.1 * len(rows), raised


def test_ordinary_days_raise_nothing() -> None:
    raised = [row.text for category in _ORDINARY for row in _rows(category) if _raised(row)]
    assert raised == []


def test_levels_are_as_labelled() -> None:
    wrong = [row.text for row in CORPUS if read(row.text, hint=row.language).level not in row.levels]
    assert len(wrong) <= 0.03 * len(CORPUS), wrong


def test_language_is_told_from_the_text_and_the_hint() -> None:
    wrong = [row.text for row in CORPUS if read(row.text, hint=row.language).language != row.language]
    assert len(wrong) <= 0.03 * len(CORPUS), wrong
