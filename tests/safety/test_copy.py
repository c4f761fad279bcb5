"""The words: complete in both languages, plain, truthful about time and duty, filled in without a gap."""

import re
from typing import get_args

import msgspec
import pytest

from wellspring.safety import copy
from wellspring.safety.behaviour import Baseline, Day, Earlier, FactorName, Moment, Signals
from wellspring.safety.copy import (
    Kind,
    Notice,
    channel_label,
    crisis_copy,
    emergency_line,
    explain,
    notice,
    words,
)
from wellspring.safety.levels import LEVELS, Level
from wellspring.safety.protocol import PROTOCOLS, Outcome, State
from wellspring.safety.resources import ChannelKind, Evidence, Need, load
from wellspring.safety.risk import SCREENER_LEVELS, judge

BOOK = words()
ALL = {f"{section}.{key}": said for section in BOOK.__struct_fields__ for key, said in getattr(BOOK, section).items()}
MEMBER = {
    k: w for k, w in ALL.items() if k.split(".")[0] in {"headline", "one_thing", "what_next", "who_sees", "notice"}
}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("headline", get_args(Kind)), ("one_thing", get_args(Kind)), ("what_next", get_args(Kind)),
        ("who_sees", get_args(Kind)), ("notice", get_args(Notice)), ("need", get_args(Need)),
        ("channel", (*get_args(ChannelKind), "keyword")), ("evidence", get_args(Evidence)), ("level", LEVELS),
        ("state", get_args(State)), ("outcome", get_args(Outcome)), ("factor", get_args(FactorName)),
    ],
)  # fmt: skip
def test_every_name_of_the_code_has_its_words(section: str, names: tuple[str, ...]) -> None:
    assert set(getattr(BOOK, section)) == set(names)


@pytest.mark.parametrize("key", ALL)
def test_words_are_plain_and_complete(key: str) -> None:
    said = ALL[key]
    assert said.en
    assert said.fr
    assert set(re.findall(r"{\w+", said.en)) == set(re.findall(r"{\w+", said.fr))
    assert "!" not in said.en + said.fr
    assert not re.search(r"\b(tu|te|toi|ton|ta|tes)\b", said.fr, re.IGNORECASE)
    assert "'" not in said.en + said.fr  # typographic apostrophes only


@pytest.mark.parametrize("key", MEMBER)
def test_members_read_short_sentences_without_jargon(key: str) -> None:
    said = MEMBER[key].en
    assert all(len(sentence.split()) <= 26 for sentence in re.split(r"[.:?]", said)), said
    assert not re.search(r"\b(risk|level|critical|severe|event|protocol|user|patient|commit)\b", said, re.IGNORECASE)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("on_duty", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_a_member_is_told_the_truth(level: Level, on_duty: bool, asked: bool, language: str) -> None:
    said = crisis_copy(level, language, emergency="15", on_duty=on_duty, asked=asked)
    text = " ".join(msgspec.structs.astuple(said))
    assert "{" not in text
    alone = not on_duty and (asked or level != "low")
    assert (notice("duty_none", language) in text) is alone
    hours = re.findall(r"(\d+) (?:hours|heures)", text)
    if alone or level in ("low", "critical"):
        assert hours == [] or (asked and level == "low" and not alone)
    if hours:
        spoken = "high" if asked else level
        assert [int(h) * 3600 for h in hours] == [PROTOCOLS[spoken].first_response.total_seconds()]
    if level == "critical":
        assert "15" in said.one_thing


def test_who_asked_is_heard_but_critical_words_stay() -> None:
    heard = crisis_copy("high", "en", emergency="911", on_duty=True, asked=True)
    assert heard.headline == BOOK.headline["asked"].en
    danger = crisis_copy("critical", "fr", emergency="15", on_duty=True, asked=True)
    assert danger.headline == BOOK.headline["critical"].fr


def test_low_promises_nothing_and_tells_nobody() -> None:
    said = crisis_copy("low", "en", emergency="911", on_duty=False)
    assert said.duty == ""
    assert said.what_next == BOOK.what_next["low"].en


def test_the_emergency_line_says_when_the_country_is_not_known() -> None:
    assert "999" in emergency_line("en", "999", known=True)
    assert emergency_line("en", "112", known=False) != emergency_line("en", "112", known=True)
    assert "112" in emergency_line("fr", "112", known=False)


def test_buttons_say_what_they_do() -> None:
    assert channel_label("call", "988", None, "en") == "Call 988"
    assert channel_label("text", "741741", "HOME", "en") == "Text HOME to 741741"
    assert channel_label("text", "741741", "HOME", "fr") == "Envoyez HOME au 741741"
    for resource in load().resources:
        for channel in resource.channels:
            assert channel_label(channel.kind, channel.value, channel.keyword, "fr")


class Hit(msgspec.Struct, frozen=True):
    category: str = "plan"
    start: int = 0
    end: int = 4
    counted: bool = False
    reason: str | None = "quoted"


class Reading(msgspec.Struct, frozen=True):
    level: str
    tier: int = 0
    hits: tuple[Hit, ...] = ()
    fully_read: bool = True
    rules_level: str = "low"
    crisis: float | None = None
    versions: dict[str, str] = {}
    another: bool = False


BAD = Day(ago=0, mood=1, stress=10, anxiety=10, energy=1, sleep=1, alone=1)
KNOWN = Baseline(
    mood_days=9, mood_mean=7, mood_sd=1, alone_days=9, alone_share=0.1, observed_days=9, checkins_per_week=7
)
FULL = Signals(
    days=(BAD,) * 4,
    moment=Moment(mood=1, stress=10, anxiety=10),
    baseline=KNOWN,
    gap_days=9.0,
    earlier=(Earlier("critical", 12.0),),
)


def test_every_sentence_of_an_explanation_can_be_said() -> None:
    used: set[str] = set()
    for level in ("low", "mentioned", *LEVELS):
        for signals in (Signals(), FULL, *(Signals(screener=outcome) for outcome in SCREENER_LEVELS)):
            for fully in (True, False):
                by_rules = judge(Reading(level, 0, (), fully, level), signals, asked_for_help=True)
                by_model = judge(Reading(level, 0, (), fully, crisis=0.5, another=True), signals, asked_for_help=True)
                for part in (*by_rules.explanation, *by_model.explanation):
                    used.add(part.code.removesuffix("_partly"))
                    for language in ("en", "fr"):
                        assert "{" not in explain(part, language)
    assert used | {"partly"} == set(copy.words().explain)


@pytest.mark.parametrize("language", ["en", "fr", "fr-CA"])
def test_who_worries_about_another_reads_the_number_first_and_no_brace(language: str) -> None:
    said = [copy.helping_copy(step, language, "112") for step in copy.HELPING]
    assert "112" in said[0]
    assert not any("{" in sentence for sentence in said)
    assert set(copy.words().helping) == set(get_args(copy.Step))


@pytest.mark.parametrize(
    ("language", "danger", "grief"),
    [
        ("en", r"danger|suicid|risk|urgent|worried|\bstay\b", r"grief|lost"),
        ("fr", r"danger|suicid|risque|urgen|inquiétez|\brestez\b", r"deuil|perdu"),
    ],
)
def test_what_a_bereaved_person_reads_first_fits_them_too(language: str, danger: str, grief: str) -> None:
    """The headline and the first sentence claim neither danger nor loss; loss has a line of help of its own."""
    headline, why, lost, told = (
        copy.helping_copy(step, language, "112") for step in ("headline", "why", "lost", "told")
    )
    first = why.split(". ")[0]
    for said in (headline, first, told):
        assert not re.search(danger, said, re.IGNORECASE), said
    assert re.search(grief, first)
    assert re.search("you have lost|vous avez perdu", why, re.IGNORECASE)
    assert re.search("help lines|lignes d’écoute", lost)
    assert not re.search(r"suicid", why + lost + told, re.IGNORECASE)
    assert not re.search(r"\d", why + lost)


def test_what_a_model_said_names_its_version_and_how_sure_it_was() -> None:
    text = Reading("high", 0, (), True, "low", 0.734, {"rules": "9", "encoder": "2026.11", "light": "7"})
    part = next(p for p in judge(text, Signals()).explanation if p.layer == "model")
    assert explain(part, "en") == (
        "A model (encoder 2026.11, light 7) puts the probability of danger at 0.73. It raises the text to high."
    )
    assert "encoder 2026.11, light 7" in explain(part, "fr")
    assert "0.73" in explain(part, "fr")


def test_a_text_not_fully_read_says_so() -> None:
    part = next(
        p for p in judge(Reading("high", 2, (Hit(),), False, "high"), Signals()).explanation if p.layer == "text"
    )
    assert explain(part, "en").endswith(BOOK.explain["partly"].en)
