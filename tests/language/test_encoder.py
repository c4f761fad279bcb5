"""The encoder that ships: what a pass returns, how long texts are cut, that it stays within its means."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.language import encoder, vectors
from wellspring.language.encoder import TOKENS, WINDOW, Encoder
from wellspring.language.fold import fold
from wellspring.language.model import MODELS
from wellspring.language.segments import segments

LONG = "the bus was late and it rained. i went home, made some tea and read a book about ships. " * 400


@pytest.fixture(scope="module")
def loaded() -> Encoder:
    return Encoder(MODELS)


@pytest.fixture(scope="module")
def memory() -> vectors.Vectors:
    return vectors.Vectors(MODELS)


@pytest.fixture
def passes(loaded: Encoder, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of each pass from now on: how many tokens, and how many segments."""
    seen: list[tuple[int, int]] = []
    real = loaded._run

    def counting(ids: list[int], groups: list[tuple[int, int]]) -> list[encoder.Floats]:
        seen.append((len(ids), len(groups)))
        return real(ids, groups)

    monkeypatch.setattr(loaded, "_run", counting)
    return seen


def test_one_sentence_is_its_own_part(loaded: Encoder) -> None:
    scores = loaded.score("i want to go home now")
    assert scores.parts == [scores.whole]
    assert scores.spans == [(0, 21)]
    assert (len(scores.emotions), len(scores.plutchik)) == (12, 8)
    assert -1 <= scores.sentiment <= 1


def test_each_sentence_gets_a_score_of_its_own(loaded: Encoder) -> None:
    text = "the match was good and we won it. i want to die tonight and i mean it. then we had pizza at home."
    scores = loaded.score(text)
    assert [text[a:b] for a, b in scores.spans] == [text[a:b].strip() for a, b in segments(text)]
    assert scores.parts[1] == max(scores.parts)


def test_nothing_to_read_is_nothing_found(loaded: Encoder) -> None:
    for text in ("", "\n \n"):
        scores = loaded.score(text)
        assert (scores.whole, scores.parts, scores.spans) == (0.0, [], [])


def test_a_long_text_costs_a_bounded_number_of_passes(loaded: Encoder, passes: list[tuple[int, int]]) -> None:
    scores = loaded.score(LONG)
    sizes = [tokens for tokens, _ in passes]
    assert TOKENS - 2 * WINDOW < sum(sizes) <= TOKENS
    assert max(sizes) <= WINDOW
    assert scores.spans[0][0] == 0
    assert scores.spans[-1][1] >= len(LONG.rstrip()) - 1


def test_an_entry_of_three_hundred_words_is_read_at_once(loaded: Encoder, passes: list[tuple[int, int]]) -> None:
    entry = LONG[:1_600]
    loaded.score(entry)
    assert [segments_of for _, segments_of in passes] == [len(segments(entry))]


def test_an_entry_longer_than_one_pass_is_read_in_like_parts(loaded: Encoder, passes: list[tuple[int, int]]) -> None:
    loaded.score(LONG[:2_500])
    sizes = [tokens for tokens, _ in passes]
    assert len(sizes) == 2
    assert WINDOW < sum(sizes) < WINDOW * 3 / 2
    assert min(sizes) > WINDOW / 2


def test_every_sentence_of_the_longest_entry_is_read(loaded: Encoder) -> None:
    text = (LONG * 2)[:20_000]
    assert [text[a:b] for a, b in loaded.score(text).spans] == [text[a:b].strip() for a, b in segments(text)]


@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_gives_numbers(loaded: Encoder, text: str) -> None:
    folded = fold(text).text
    scores = loaded.score(folded)
    numbers = [scores.whole, scores.sentiment, *scores.parts, *scores.emotions, *scores.plutchik]
    assert all(math.isfinite(number) for number in numbers)
    assert all(0 <= a < b <= len(folded) for a, b in scores.spans)


def test_a_folder_without_the_files_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(FileNotFoundError):
        Encoder(tmp_path_factory.mktemp("empty"))


def test_a_memory_is_found_by_what_it_means(memory: vectors.Vectors) -> None:
    asked = memory.embed("how is my dog doing")
    near, far = memory.embed("my puppy was ill last week"), memory.embed("the tax form is due on monday")
    assert float(asked @ near) > float(asked @ far) + 0.2


def test_vectors_have_length_one_and_long_texts_one_vector(memory: vectors.Vectors) -> None:
    assert memory.embed(LONG).shape == (vectors.WIDTH,)
    assert float(memory.embed(LONG) @ memory.embed(LONG)) == pytest.approx(1, abs=1e-5)
    assert not memory.embed("").any()


def test_a_stored_vector_does_not_move_when_the_encoder_reads_more_at_once(memory: vectors.Vectors) -> None:
    ids = memory._tokenizer.encode(LONG[:1_800], add_special_tokens=False).ids
    assert 254 < len(ids) < 508
    halves = [memory.embed(memory._tokenizer.decode(part)) * len(part) for part in (ids[:254], ids[254:])]
    mean = halves[0] + halves[1]
    assert abs(float(mean @ memory.embed(LONG[:1_800])) / math.sqrt(float(mean @ mean)) - 1) < 1e-4
