"""What must hold for every text, not only for those we thought of."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wellspring.language import CAP, LEVELS, explain, read
from wellspring.language.rules import _candidates
from wellspring.language.tables import TABLES

from .corpus import CORPUS, Labelled

_ROWS = st.sampled_from(CORPUS)
_PIECES = st.sampled_from(
    ["I want to die", "kill myself", "not", "never", "je veux", "mourir", "pas", "if I", "my friend", "he said", "sooo"]
) | st.sampled_from(["k i l l", "k1ll", *"\"“',.\n\u200b😂\x00\u0301İßﬁＡ🇰9*"])
_ANY_TEXT = st.one_of(
    st.text(max_size=200), st.lists(_PIECES, max_size=30).map(" ".join), st.lists(_PIECES).map("".join)
)
_ORDINARY = ["We had soup for dinner.", "The bus was late again.", "On a mangé des pâtes.", "Il pleuvait ce matin."]
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


@given(_ANY_TEXT, st.sampled_from([None, "en", "fr", "fr-CA", "de", ""]))
@settings(max_examples=300, deadline=None)
def test_any_text_reads_with_offsets_inside_it(text: str, hint: str | None) -> None:
    reading = read(text, hint=hint)
    assert reading.level in LEVELS
    assert 0 <= reading.language_confidence <= 1
    assert all(0 <= hit.start < hit.end <= len(text) for hit in reading.hits)
    assert all(hit.counted == (hit.reason is None) for hit in reading.hits)
    assert len(explain(reading, "en")) == len(explain(reading, "fr")) >= 1 + len(reading.hits)


@given(_ROWS, st.data())
@settings(max_examples=300, deadline=None)
def test_zero_width_characters_hide_nothing(row: Labelled, data: st.DataObject) -> None:
    text = row.text
    at = data.draw(st.integers(0, len(text)))
    hidden = text[:at] + data.draw(st.sampled_from(_ZERO_WIDTH)) + text[at:]
    assert read(hidden, hint="en").level == read(text, hint="en").level


@given(_ROWS)
@settings(max_examples=300, deadline=None)
def test_curly_quotes_and_upper_case_change_nothing(row: Labelled) -> None:
    text = row.text
    level = read(text, hint="en").level
    assert read(text.replace("'", "’"), hint="en").level == level
    assert read(text.replace("’", "'"), hint="en").level == level
    assert read(text.upper(), hint="en").level == level
    parts = text.split('"')
    curly = "".join(part + ("“" if i % 2 == 0 else "”") for i, part in enumerate(parts[:-1])) + parts[-1]
    assert read(curly, hint="en").level == level


@given(_ROWS, st.lists(st.sampled_from(_ORDINARY), min_size=1, max_size=4), st.booleans())
@settings(max_examples=300, deadline=None)
def test_an_ordinary_sentence_lowers_nothing(row: Labelled, ordinary: list[str], before: bool) -> None:
    text = row.text
    extra = " ".join(ordinary)
    whole = f"{extra} {text}" if before else f"{text}. {extra}"
    assert LEVELS.index(read(whole).level) >= LEVELS.index(read(text).level)


@given(_ROWS)
@settings(max_examples=200, deadline=None)
def test_hits_point_at_the_words(row: Labelled) -> None:
    text = row.text
    padded = "Ça va. " + text
    moved = read(padded, hint="fr").hits
    assert [padded[h.start : h.end] for h in moved] == [text[h.start : h.end] for h in read(text, hint="fr").hits]


def test_a_long_text_is_read_from_both_ends_and_says_so() -> None:
    filler = "We had soup for dinner. " * 1000
    for text in ("I want to die. " + filler, filler + "I want to die."):
        reading = read(text)
        assert reading.level == "high"
        assert not reading.fully_read
        hit = next(hit for hit in reading.hits if hit.counted)
        assert text[hit.start : hit.end] == "want to die"
    assert read("a" * CAP).fully_read is False  # no language either
    assert read(("We had soup for dinner. " * 800)[:CAP]).fully_read


_HOSTILE = {
    "die": "die " * 25_000,
    "openers": "'a " * 33_000,
    "one word": "a" * 100_000,
    "letters apart": "k i l l " * 12_500,
    "adverbs": "i want to " + "really " * 14_000 + "die",
    "emoji": "😂a" * 50_000,
    "hits": "kill myself i do not want to die, " * 3_000,
    "quotes": '"' * 100_000,
    "digits": "9a" * 50_000,
    "stars": "a*" * 50_000,
    "quotations": ("“die” " * 4_000)[:CAP],
    "open quotations": ('"die ' * 4_000)[:CAP],
    "hits in one sentence": ("$uicide " * 2_500)[:CAP],
}


@pytest.mark.parametrize("text", _HOSTILE.values(), ids=_HOSTILE)
def test_a_hostile_text_costs_linear_time(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 1.5


def test_every_process_names_a_phrase_alike() -> None:
    for language, table in TABLES.items():
        orders = [rule.order for rule in _candidates(set(table.by_anchor), table.by_anchor)]
        assert orders == sorted(orders), f"{language}: a set has another order in each process"


def test_one_bad_sentence_among_fifty_is_found() -> None:
    entry = " ".join(
        ["The bus was late and I read my book."] * 25 + ["I want to kill myself."] + ["We ate at six."] * 25
    )
    assert read(entry).level == "critical"


def test_other_languages_are_read_but_not_fully() -> None:
    for text in ("Hoy ha sido un día muy largo y estoy cansado de todo.", "Сегодня был длинный день.", "今天很累"):
        reading = read(text, hint="en")
        assert reading.language == "other"
        assert not reading.fully_read
    assert read("Estoy muy mal y no puedo más, I want to kill myself").level == "critical"


def test_code_switching_hides_nothing() -> None:
    assert read("Aujourd'hui c'était nul, I want to kill myself", hint="fr").level == "critical"
    assert read("It was fine but je veux mourir", hint="en").level == "high"


def test_a_hint_decides_a_short_text() -> None:
    assert read("ok", hint="fr").language == "fr"
    assert read("ok", hint="en-GB").language == "en"
    assert read("").level == "low"
