"""What is said over and over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.language.fold import fold
from wellspring.language.model import read_fully, read_lightly
from wellspring.language.repeats import fewer

NONSENSE = (
    "x ",
    "ok. ",
    "ok\n",
    "la la la ",
    "please ",
    "asdf jkl ",
    "yes ",
    "mama ",
    "left right left ",
    "test, test\n",
)


@pytest.mark.parametrize("unit", NONSENSE)
def test_a_word_without_end_is_no_danger(unit: str) -> None:
    for copies in (5, 40, 500):
        assert read_lightly(unit * copies).level == "low"
        assert read_fully(unit * copies).level == "low"


@pytest.mark.parametrize("unit", ["I want to die. ", "I am going to kill myself tonight. ", "je veux mourir "])
def test_danger_without_end_is_danger(unit: str) -> None:
    for copies in (1, 5, 40, 500):
        assert read_fully(unit * copies).level in {"high", "critical"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("no no no", "no no no"),
        ("no no no no no more", "no no no more"),
        ("a b a b a b a b a c", "a b a b a b c"),
        ("so\n so so  so sorry", "so\n so so  sorry"),
        ("Ha ha ha HA ha", "ha ha ha "),
        ("one two three four", "one two three four"),
        ("je suis là. " * 9, "je suis la. " * 3),
    ],
)
def test_three_copies_stay(text: str, said: str) -> None:
    assert fewer(fold(text)).text == said


@given(
    st.lists(st.sampled_from(["so", "nó", "\u200byes", "\n", ",", "d’accord"]), max_size=40),
    st.sampled_from([" ", "\n"]),
)
def test_each_letter_knows_where_it_came_from(words: list[str], space: str) -> None:
    text = space.join(words)
    folded, kept = fold(text), fewer(fold(text))
    if kept.offsets is None:
        assert kept == folded
    else:
        assert list(kept.offsets) == sorted(set(kept.offsets))
        assert kept.text == "".join(fold(text[at]).text for at in kept.offsets)


def test_the_place_of_what_is_shown_is_in_the_text() -> None:
    text = "ok. " * 50 + "the letters are written and I have what I need for tonight, goodbye everyone. " + "ok. " * 50
    reading = read_fully(text)
    assert reading.level in {"high", "critical", "moderate"}
    assert all(
        "goodbye" in text[span.start : span.end] or "need" in text[span.start : span.end] for span in reading.evidence
    )
    assert reading.evidence
