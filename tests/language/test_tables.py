"""The tables hold together: every pattern compiles and can be reached."""

import re

import pytest

from wellspring.language.spelling import CANONICAL, plain_words
from wellspring.language.tables import TABLES


@pytest.mark.parametrize("language", TABLES)
def test_every_pattern_compiles(language: str) -> None:
    table = TABLES[language]
    rules = {rule.order: rule for group in table.by_anchor.values() for rule in group}
    for entry in (*rules.values(), *table.masks, *table.caps):
        assert entry.pattern.regex().search("nothing to see") is None
        assert "{" not in re.sub(r"\{\d+,?\d*\}", "", entry.pattern.source), entry.pattern.source


@pytest.mark.parametrize("language", TABLES)
def test_what_must_stand_beside_a_phrase_is_told(language: str) -> None:
    table = TABLES[language]
    named = {rule.group.beside for group in table.by_anchor.values() for rule in group if rule.group.beside}
    assert named == set(table.scenes)
    for name, source in table.scenes.items():
        assert "{" not in re.sub(r"\{\d+,?\d*\}", "", source)
        only_absent = name.startswith(("no_", "sans_"))  # says what must not stand there
        assert (re.search(source, "nothing to see | # | nothing ") is not None) == only_absent


@pytest.mark.parametrize("language", TABLES)
def test_anchors_are_words_that_a_text_can_hold(language: str) -> None:
    table = TABLES[language]
    for anchor in table.by_anchor:
        assert plain_words(anchor) == (anchor,), anchor


def test_plain_words_are_plain_already() -> None:
    for word, plain in CANONICAL.items():
        assert all(plain_words(part) == (part,) for part in plain), (word, plain)


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("don't", "do not"),
        ("k1ll", "kill"),
        ("ki11", "kill"),
        ("k*ll", "kill"),
        ("killllll", "kill"),
        ("sucide", "suicide"),
        ("myslef", "myself"),
        ("j'veux", "je veux"),
        ("m'endormir", "me endormir"),
        ("skilled", "skilled"),
        ("homeless", "homeless"),
        ("courir", "courir"),
        ("15", "15"),
    ],
)
def test_spelling(typed: str, plain: str) -> None:
    assert " ".join(plain_words(typed)) == plain
