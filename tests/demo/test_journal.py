"""What people write: enough of it, fitting, seldom dark, and never ordinary words that the rules take for danger."""

import re
from collections.abc import Iterator

import pytest

from tests.demo.conftest import TODAY
from wellspring.demo.cast import member
from wellspring.demo.journal import Writer, tone_of
from wellspring.demo.library import Phases, Tones, Voice, phrases, places, rng, sentences
from wellspring.demo.life import days
from wellspring.language import read

LANGUAGES = ("en", "fr")


def _ordinary(language: str) -> Iterator[str]:
    found = sentences(language)
    groups: list[Tones | Phases | Voice] = [*found.themes.values(), found.mind, *found.events.values()]
    groups += list(found.voices.values())
    for group in groups:
        for name in group.__struct_fields__:
            yield from getattr(group, name)
    for pool in found.weekday.values():
        yield from pool


def _filled(sentence: str, language: str) -> str:
    fill = {key: values[0] for key, values in places().slots[language].items()}
    return sentence.format(**fill, e="e", friend="Ruth", partner="Tom", colleague="Beth", her="Ella", him="Finn")


def test_more_than_four_hundred_sentences() -> None:
    every = {s for language in LANGUAGES for s in _ordinary(language)}
    assert len(every) >= 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_have_the_same_shape(language: str) -> None:
    mine, english = sentences(language), sentences("en")
    for part in ("themes", "events", "voices", "weekday", "dark"):
        assert getattr(mine, part).keys() == getattr(english, part).keys(), part
    assert phrases(language).keys() == phrases("en").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_sentences_are_not_danger(language: str) -> None:
    """One sentence, "I feel like a burden", deserves a look, and is meant to."""
    taken = [s for s in _ordinary(language) if read(_filled(s, language), hint=language).level != "low"]
    assert taken == (["I feel like a burden to everyone around me."] if language == "en" else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_dark_words_are_found_for_what_they_are(language: str) -> None:
    dark = sentences(language).dark

    def levels(kind: str) -> set[str]:
        return {read(_filled(s, language), hint=language).level for s in dark[kind]}

    assert levels("active") <= {"high", "critical"}
    assert levels("urgent") == {"critical"}
    assert levels("burden") == {"moderate"}
    assert levels("worry") == levels("negation") == {"mentioned"}
    assert levels("idiom") == {"low"}


def test_no_sentence_names_a_means() -> None:
    means = re.compile(r"\b(pills?|rope|gun|knife|blade|razor|bridge|overdose|corde|lame|couteau|arme|pont)\b", re.I)
    for language in LANGUAGES:
        pools = sentences(language).dark.values()
        assert not [s for pool in pools for s in pool if means.search(s)]


@pytest.mark.parametrize("index", [0, 1, 9, 14, 33])
def test_entries_fit_and_vary(index: int) -> None:
    persona = member(7, index)
    writer, lived = Writer(persona, rng(1)), days(persona, 7, TODAY)
    entries = [writer.write(day, round(min(max(day.mood, 1), 10))) for day in lived]
    assert len(set(entries)) > 0.88 * len(entries)
    assert not [e for e in entries if "{" in e or not e.strip()]


def test_a_heavy_word_is_there_when_it_must_be() -> None:
    persona = member(7, 2)
    text = Writer(persona, rng(1)).write(days(persona, 7, TODAY)[-1], 2, "urgent")
    assert read(text, hint=persona.home.language).level == "critical"


def test_tones() -> None:
    assert [tone_of(m) for m in (1, 4, 5, 6, 7, 10)] == ["bad", "bad", "even", "even", "good", "good"]


def test_voices_differ() -> None:
    texter = next(p for n in range(200) if (p := member(7, n)).habit.voice == "texting")
    day = days(texter, 7, TODAY)[-1]
    assert all(e == e.lower() and not e.endswith(".") for e in (Writer(texter, rng(n)).write(day, 5) for n in range(9)))
    carefuls = Writer(member(7, 0), rng(1))
    assert carefuls.write(day, 5)[0].isupper()
