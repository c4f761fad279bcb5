"""The texts the models learn from keep to their format, hold nothing personal and stay apart from the sealed ones."""

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from wellspring.language import corpus
from wellspring.language.corpus import BadCorpus, Text, parse

TRAINING = corpus.shipped()
SEALED = corpus.shipped(sealed=True)
PRIVATE = {
    "mail address": r"\S@\S+\.\w",
    "web address": r"(?i)https?:|www\.|\b[\w-]+\.(?:com|org|net|co\.uk)\b",
    "telephone": r"(?<!\d)(?:\+?\d[\s().-]?){7,}\d",
    "postcode": r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b",
    "street": r"(?i)\b\d+[a-z]?,? (?:\w+ ){0,2}(?:street|road|avenue|lane|drive|rue|boulevard)\b",
    "dose": r"(?i)\b\d+\s?(?:mg|milligram\w*|pills|tablets|comprim\w+)\b",
}


def test_there_is_enough_of_everything() -> None:
    kinds = Counter((text.kind, text.label) for text in TRAINING)
    assert kinds["short", "d"] >= 900
    assert kinds["pair", "d"] >= 500
    assert kinds["pair", "m"] + kinds["pair", "-"] == kinds["pair", "d"]
    assert kinds["long", "d"] >= 150
    assert kinds["long", "-"] + kinds["long", "m"] >= kinds["long", "d"]
    assert len({text.group for text in TRAINING}) >= 700
    assert len(SEALED) >= 600


@pytest.mark.parametrize("texts", [TRAINING, SEALED], ids=["training", "sealed"])
def test_texts_have_their_words(texts: list[Text]) -> None:
    for text in texts:
        assert text.lang in {"en", "fr"}, text.id
        assert text.voice, text.id
        assert text.place in {"journal", "forum", "chat", "counselling", "feedback"}, text.id
        assert (text.category is None) == (text.label is None), text.id
        assert (text.emotion is not None) == (text.kind == "emotion"), text.id
        assert bool(text.topics and text.urgency) == (text.kind == "feedback"), text.id
        assert text.text == text.text.strip(), text.id


@pytest.mark.parametrize("texts", [TRAINING, SEALED], ids=["training", "sealed"])
def test_nothing_personal_and_no_method(texts: list[Text]) -> None:
    for text in texts:
        for what, pattern in PRIVATE.items():
            assert not re.search(pattern, text.text), f"{text.id} of {text.hand}: {what}"


def test_no_text_twice() -> None:
    count = Counter(corpus.plain(text.text) for text in (*TRAINING, *SEALED))
    assert [words for words, times in count.items() if times > 1] == []


def test_sealed_texts_share_no_long_run_of_words_with_training() -> None:
    def runs(texts: list[Text]) -> set[str]:
        words = [corpus.plain(text.text).split() for text in texts]
        return {" ".join(one[i : i + 10]) for one in words for i in range(len(one) - 9)}

    assert runs(TRAINING) & runs(SEALED) == set()


def test_sides_of_a_pair_belong_together() -> None:
    pairs = defaultdict[str, list[Text]](list)
    for text in (*TRAINING, *SEALED):
        if text.kind == "pair":
            assert text.pair
            pairs[text.pair].append(text)
    for plus, minus in pairs.values():
        assert plus.label == "d"
        assert minus.label in {"m", "-"}
        assert plus.voice == minus.voice


def test_sentences_cover_their_entry() -> None:
    for text in (*TRAINING, *SEALED):
        assert bool(text.sentences) == (text.kind == "long"), text.id
        rest = text.text
        for sentence in reversed(text.sentences):
            assert text.text[sentence.start : sentence.end].strip() == text.text[sentence.start : sentence.end] != ""
            rest = rest[: sentence.start] + rest[sentence.end :]
        assert not text.sentences or not rest.strip()
        if text.label == "d" and text.sentences:
            assert any(sentence.label == "d" for sentence in text.sentences), text.id


def test_long_entries_keep_paragraphs() -> None:
    lines = ["# kind=long label=d category=passive voice=a", "- One.", "d Two.", "/", "m Three.", ""]
    (text,) = parse(lines, "x.txt", "z")
    assert text.text == "One. Two.\n\nThree."
    assert [text.text[s.start : s.end] for s in text.sentences] == ["One.", "Two.", "Three."]
    assert [s.label for s in text.sentences] == ["-", "d", "m"]
    assert text.group == "z/a"


@pytest.mark.parametrize(
    "lines",
    [
        ["a text"],
        ["# kind=verse label=d"],
        ["# kind=short", "a text"],
        ["# kind=short label=x category=passive", "a text"],
        ["# kind=short label=d category=idiom", "a text"],
        ["# kind=emotion emotion=dread", "a text"],
        ["# kind=emotion emotion=joy urgency=soon", "a text"],
        ["# kind=pair label=m category=past plus=plan", "- a text"],
        ["# kind=pair label=m category=past plus=plan", "+ a text"],
        ["# kind=pair label=m category=past plus=plan", "+ a text", "+ another"],
        ["# kind=long label=d category=passive", "a text"],
        ["# kind=long label=d category=passive"],
    ],
)
def test_what_breaks_the_format_is_named_with_its_line(lines: list[str]) -> None:
    with pytest.raises(BadCorpus, match=r"^x\.txt:\d+: "):
        list(parse(lines, "x.txt"))


def test_an_operators_own_data(tmp_path: Path) -> None:
    rows = [
        {"text": "Fine day.", "label": "-", "extra": 1},
        {"text": "Slow lift", "topics": ["lift"], "urgency": "low"},
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    (tmp_path / "own.txt").write_text("# kind=short label=- category=happy voice=a\nSun.\n\nMore sun.\n", "utf-8")
    texts = corpus.load(tmp_path)
    assert [(t.text, t.kind, t.label) for t in texts] == [
        ("Fine day.", "short", "-"),
        ("Slow lift", "feedback", None),
        ("Sun.", "short", "-"),
        ("More sun.", "short", "-"),
    ]


def test_a_bad_json_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"text": "a", "label": "-"}\n{"text": "a", "label": "x"}\n', "utf-8")
    with pytest.raises(BadCorpus, match=r"^own\.jsonl:2: "):
        corpus.load(path)


@pytest.mark.parametrize(
    "row",
    [
        {"text": "d", "label": "I was so tired of it' - at `$.x`"},
        {"text": "d", "urgency": "I was so tired of it", "topics": ["lift"]},
        {"text": "Fine", "emotion": "I was so tired of it"},
        {"text": "Fine", "label": "-", "category": "I was so tired of it"},
    ],
    ids=["label", "urgency", "emotion", "category"],
)
def test_columns_that_were_swapped_show_nobodys_words(tmp_path: Path, row: dict[str, object]) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(BadCorpus, match=r"^own\.jsonl:1: ") as wrong:
        corpus.load(path)
    assert "tired" not in str(wrong.value)


def test_a_header_that_is_none_shows_nobodys_words() -> None:
    with pytest.raises(BadCorpus, match=r"^x\.txt:1: .*short") as wrong:
        list(parse(["# kind=tired of it"], "x.txt"))
    assert "tired" not in str(wrong.value)


@pytest.mark.parametrize("name", ["own.jsonl", "own.txt"])
def test_bytes_that_are_no_utf8_are_named_with_their_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes("# kind=short label=-\nFine.\nUn caf\u00e9 ferm\u00e9".encode("latin-1"))
    with pytest.raises(BadCorpus, match=rf"^{name}:3: this is no UTF-8$"):
        corpus.load(tmp_path)
