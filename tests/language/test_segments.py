"""Segments: in order, without gaps of words, neither tiny nor endless."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from wellspring.language.fold import fold
from wellspring.language.segments import LEAST, MOST, segments


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in segments(text)]


def test_a_text_is_cut_at_its_sentences() -> None:
    assert cut("i slept badly. the bus was late again! why is it me?") == [
        "i slept badly.",
        " the bus was late again!",
        " why is it me?",
    ]


def test_a_tiny_sentence_joins_the_one_before() -> None:
    assert cut("nothing went right today. sigh. ok.") == ["nothing went right today. sigh. ok."]


def test_lines_are_sentences() -> None:
    assert len(cut("a title of some length\nthen the first line of it\n\nand another paragraph")) == 3


def test_a_run_without_full_stops_is_cut_at_a_pause() -> None:
    run = "and then i went to the shop and there was nobody, so i came back and sat in the car, " * 8
    found = cut(run)
    assert len(found) > 2
    assert all(len(part) <= MOST for part in found)


def test_a_run_without_any_space_is_cut_too() -> None:
    assert max(len(part) for part in cut("a" * 5000)) <= MOST


def test_nothing_has_no_segments() -> None:
    assert segments("") == []
    assert segments("\n \n") == []


@given(st.text(max_size=2000))
def test_every_word_lies_in_exactly_one_segment(text: str) -> None:
    folded = fold(text).text
    ranges = segments(folded)
    assert all(start < end for start, end in ranges)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ranges))
    joined = "".join(folded[start:end] for start, end in ranges)
    assert re.sub(r"\s", "", joined) == re.sub(r"\s", "", folded)


@given(st.text(alphabet="ab. \n", max_size=400))
def test_only_the_first_segment_may_be_tiny(text: str) -> None:
    parts = [end - start for start, end in segments(text)]
    assert all(size >= LEAST for size in parts[1:])
