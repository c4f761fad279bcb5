"""JSON lines in, JSON lines out: order, exact keys, errors that stop nothing."""

import json
from typing import Any

import pytest

from wellspring.language.reader import read
from wellspring.language.schemas import EMOTIONS, Reading, Span
from wellspring.language.scoring import answer, scored

KEYS = {"id", "level", "crisis", "tier", "evidence", "emotions", "sentiment", "versions"}
KEYS |= {"language", "fully_read", "another"}


def by_rules(text: str, lang: str | None) -> Reading:
    return read(text, hint=lang)


def test_keys_and_values_of_an_answer() -> None:
    def model(text: str, _: str | None) -> Reading:
        emotions = dict.fromkeys(EMOTIONS, 1 / 12)
        spans = (Span(0, 5, 0.75),)
        return Reading("en", 1, "high", 0, (), True, {"x": "1"}, "low", 0.8123456789, emotions, {}, -0.5, spans)

    found = answer(b'{"id": "a", "text": "Words."}', model)
    assert found == {
        "id": "a",
        "level": "high",
        "crisis": 0.812346,
        "tier": 0,
        "language": "en",
        "fully_read": True,
        "another": False,
        "evidence": [{"by": "model", "start": 0, "end": 5, "probability": 0.75}],
        "emotions": dict.fromkeys(EMOTIONS, 0.083333),
        "sentiment": -0.5,
        "versions": {"x": "1"},
    }
    assert set(found) == KEYS


def test_rules_explain_what_they_found_and_do_not_repeat_it() -> None:
    text = "My friend said she wants to die."
    found = answer(json.dumps({"id": 1, "text": text}).encode(), by_rules)
    (hit,) = found["evidence"]
    assert text[hit["start"] : hit["end"]] == "wants to die"
    assert (hit["by"], hit["counted"], hit["reason"]) == ("rules", False, "third_person")
    assert (found["level"], found["crisis"], found["emotions"]) == ("mentioned", None, {})
    assert "die" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "language", "fully"),
    [
        ("I want to stay in bed today, that is all.", "en", True),
        (
            "\u092e\u0948\u0902 \u092e\u0930\u0928\u093e \u091a\u093e\u0939\u0924\u093e \u0939\u0942\u0901",
            "other",
            False,
        ),
        ("Quiero morir esta noche, no puedo m\u00e1s con todo esto.", "other", False),
        ("The day was quiet and I went home. " * 8_000, "en", False),
    ],
)
def test_what_was_not_fully_read_is_marked(text: str, language: str, fully: bool) -> None:
    """A level of low would say there that nothing was found, where nobody has looked."""
    found = answer(json.dumps({"id": 1, "text": text}).encode(), by_rules)
    assert (found["level"], found["language"], found["fully_read"]) == ("low", language, fully)


def test_somebody_else_in_danger_is_marked() -> None:
    found = answer(b'{"id": 1, "text": "My brother has taken all his pills and does not answer."}', by_rules)
    assert found["another"]


def test_the_writers_language_is_a_hint() -> None:
    seen: list[str | None] = []

    def remember(text: str, lang: str | None) -> Reading:
        seen.append(lang)
        return read(text)

    list(scored([b'{"id": 1, "text": "ok", "lang": "fr"}', b'{"id": 2, "text": "ok"}'], remember))
    assert seen == ["fr", None]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"nonsense", None),
        (b'{"id": 7}', 7),
        (b'{"id": 7, "text": null}', 7),
        (b'{"id": "b", "text": 3}', "b"),
        (b'{"text": "no id"}', None),
        (b"[1, 2]", None),
        (b'{"id": 1, "text": "half', None),
        (b'{"id": 1, "text": "\xff\xfe"}', 1),
        (b'{"id": 1, "text": "\\ud800"}', None),
        (b'{"id": ' + b"[" * 5_000 + b"]" * 5_000 + b', "text": "deep"}', None),
        (b'{"id": 1, "text": "deep", "more": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", None),
    ],
)
def test_a_bad_line_gets_an_error_and_the_rest_goes_on(line: bytes, name: Any) -> None:
    good = b'{"id": "good", "text": "Nice weather."}'
    bad, fine = scored([line, good], by_rules)
    assert bad["id"] == name
    assert bad["error"]
    assert (fine["id"], fine["level"]) == ("good", "low")


def test_ten_thousand_lines_stream_in_order() -> None:
    taken: list[int] = []

    def lines() -> Any:
        for n in range(10_000):
            taken.append(n)
            yield b'{"id": %d, "text": "line %d"}\n' % (n, n)

    for n, found in enumerate(scored(lines(), by_rules)):
        assert found["id"] == n
        assert len(taken) == n + 1, "nothing is read ahead"
    assert len(taken) == 10_000
