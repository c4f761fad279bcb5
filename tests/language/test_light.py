"""The light model: features and arithmetic, on weights made up here; the shipped weights are evaluated elsewhere."""

import math
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.language.made import write
from wellspring.language import hashing
from wellspring.language.fold import fold
from wellspring.language.light import Light, Meta, feedback_of, sigmoid
from wellspring.language.segments import segments

TEXT = "I can't go on like this. Is it my fault? He said \"no\" 14 times, and it's raining again."


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Light:
    return Light(write(tmp_path_factory.mktemp("light") / "light.npz"))


def by_hand(light: Light, text: str) -> np.ndarray:
    """What training counts, weighed one bucket at a time."""
    words = [word for token in hashing.tokens(text) for word in hashing.words_of(token)]
    row = light._bias.astype(float)
    for block in hashing.blocks(words):
        for bucket in block:
            row = row + light._weights[bucket] * light._scales / math.sqrt(len(block))
    return row


def test_words_are_plain_before_they_are_counted() -> None:
    found = [
        word
        for token in hashing.tokens(fold("I don’t know… 23 times? “k1ll”").text)
        for word in hashing.words_of(token)
    ]
    assert found == ["i", "do", "not", "know", "#", "times", "?", '"', "kill", '"']


def test_accents_and_curly_quotes_change_nothing(light: Light) -> None:
    one, other = fold("Je n’ai plus envie d’être là").text, fold("je n'ai plus envie d'etre la").text
    assert light.score(one) == light.score(other)


@pytest.mark.parametrize("text", [TEXT, "no", "so tired", "one two three", "a " * 300])
def test_serving_weighs_as_training_counts(light: Light, text: str) -> None:
    folded = fold(text).text
    spans = segments(folded)
    rows = light.logits(folded, spans)
    expected = [by_hand(light, folded), *(by_hand(light, folded[a:b]) for a, b in spans)]
    np.testing.assert_allclose(rows, np.array(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(light.logits(folded, spans), rows, err_msg="remembered words give the same")


def test_scores_are_combined_and_calibrated_as_the_file_says(light: Light) -> None:
    folded = fold(TEXT).text
    spans = segments(folded)
    assert len(spans) == 3
    whole, *parts = light.logits(folded, spans)
    scores = light.score(folded)
    assert scores.spans == spans
    assert scores.crisis == pytest.approx(
        0.4 * whole[0] + 0.3 * max(p[0] for p in parts) - 0.2 * math.log(3) + 0.1, abs=1e-5
    )
    assert scores.parts == pytest.approx([1 / (1 + math.exp(-(1.1 * p[0] - 0.3))) for p in parts], abs=1e-5)
    powers = np.exp(0.8 * whole[1:13])
    assert scores.emotions == pytest.approx((powers / powers.sum()).tolist(), abs=1e-5)
    assert scores.topics["waiting_time"] == pytest.approx(1 / (1 + math.exp(-(2 * whole[23] - 0.5))), abs=1e-5)
    assert sum(scores.urgencies) == pytest.approx(1, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=400))
def test_any_text_gives_numbers(light: Light, text: str) -> None:
    scores = light.score(fold(text).text)
    numbers = [scores.crisis, scores.sentiment, *scores.parts, *scores.emotions, *scores.plutchik, *scores.urgencies]
    assert all(math.isfinite(number) for number in numbers)
    assert -1 <= scores.sentiment <= 1
    assert len(scores.parts) == len(scores.spans) >= 1


def test_what_is_remembered_stays_bounded(light: Light, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wellspring.language.light._KNOWN", 50)
    for n in range(200):
        light.score(f"word{n}a and word{n}b")
    assert len(light._words) <= 50


def test_forty_words_take_less_than_a_millisecond_and_a_half(light: Light) -> None:
    folded = fold(
        "Work was long and my sister rang again about the money, so I walked home in the rain. " * 2 + TEXT
    ).text
    light.score(folded)
    times = []
    for _ in range(30):
        before = time.process_time()
        light.score(folded)
        times.append(time.process_time() - before)
    assert min(times) < 0.0015


def test_feedback_names_its_topics_and_urgency(light: Light) -> None:
    scores = msgspec.structs.replace(
        light.score("x"), topics={"food": 0.6, "waiting_time": 0.9}, urgencies=[0.1, 0.2, 0.7]
    )
    found = feedback_of(scores)
    assert found.topics == ("waiting_time", "food")
    assert (found.urgency, found.urgency_score) == ("high", pytest.approx(0.8))
    assert feedback_of(msgspec.structs.replace(scores, topics={"food": 0.4})).topics == ()


def test_sigmoid_is_safe_far_out() -> None:
    assert sigmoid(1000.0) == 1.0
    assert sigmoid(-1000.0) == 0.0
    assert sigmoid(0.0) == 0.5


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "light.npz", np.zeros((hashing.BUCKETS, 7), np.int8), Meta("x"))
    with pytest.raises(ValueError, match=r"light\.npz"):
        Light(path)
    with pytest.raises(FileNotFoundError):
        Light(tmp_path / "none.npz")


def test_danger_is_weighed_stretch_by_stretch(light: Light) -> None:
    """A page of other things around a sentence neither hides it nor adds up to danger by its length alone."""
    first = "the bus was late and it rained a lot all over the quiet town. " * 7
    second = "i cannot carry this any longer, not one day, not a night. " * 7
    alone = [light.score(text.strip()).crisis for text in (first, second)]
    assert light.score(first + second).crisis == pytest.approx(max(alone), abs=1e-3)
    assert light.score(second + first).crisis == pytest.approx(max(alone), abs=1e-3)
    assert light.score(first * 40).crisis == pytest.approx(alone[0], abs=0.05)
