"""Somebody else in danger: what the rules tell of it, what the encoder adds, and that it only ever says "mentioned"."""

import msgspec
import pytest

from wellspring.language import read
from wellspring.language.corpus import Text
from wellspring.language.encoder import Encoder, Scores
from wellspring.language.explain import StaffLanguage, explain
from wellspring.language.model import MODELS, Models
from wellspring.language.training import calibrate
from wellspring.language.training.examples import another_of

VEILED = "Lunch was fine. She gave her dog away and won't pick up. I went to work."


@pytest.mark.parametrize(
    ("text", "another"),
    [
        ("my brother says he is going to kill himself tonight", True),
        ("my mum doesn't want to live any more", True),
        ("mon frère veut se tuer", True),
        ("My friend took pills and won't answer", True),
        ("my sister has just taken a load of tablets. she’s not waking up", True),
        ("She swallowed all her meds and now she isn't responding!!", True),
        ("mon ami a avalé des médicaments et ne répond plus", True),
        ("Elle a pris plein de cachets, elle décroche pas", True),
        ("my gran took her tablets and went to the match", False),
        ("I took my pills and my friend won't answer the phone", False),
        ("Il a pris ses cachets et regarde la télé", False),
        ("My uncle took his own life before I was born", False),
        ("She told me in 2010 she wanted to die", False),
        ("The hero wants to kill himself in the last chapter of the novel.", False),
        ("I want to die", False),
        ("he is so tired these days", False),
    ],
)
def test_rules_tell_of_another_in_danger_now(text: str, another: bool) -> None:
    found = read(text)
    assert found.another is another
    if another:
        assert found.level == "mentioned"


class _Told:
    """Stands for the encoder: says one thing of danger and one of somebody else, for three segments."""

    def __init__(self, danger: float, another: float | None) -> None:
        self.danger, self.another = danger, another

    def score(self, text: str) -> Scores:
        spans = [(0, 15), (16, 57), (58, len(text))]
        others = [] if self.another is None else [-5.0, self.another, -4.0]
        return Scores(self.danger, [-4.0, -3.0, -4.0], spans, [0.0] * 12, [0.0] * 8, 0.0, self.another, others)


def _models(monkeypatch: pytest.MonkeyPatch, told: _Told, least: float | None = 1.0) -> Models:
    models = Models(MODELS)
    models.settings = msgspec.structs.replace(models.settings, another=least)
    monkeypatch.setattr(models, "open", lambda: told)
    return models


def test_the_encoder_raises_to_mentioned_and_shows_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _models(monkeypatch, _Told(-4.0, 2.0)).fully(VEILED)
    assert (found.another, found.level, found.rules_level) == (True, "mentioned", "low")
    assert [VEILED[span.start : span.end] for span in found.evidence] == ["She gave her dog away and won't pick up."]


@pytest.mark.parametrize(
    ("language", "line"), [("en", "somebody else's danger"), ("fr", "danger d'une autre personne")]
)
def test_staff_are_told_whose_danger_it_is(monkeypatch: pytest.MonkeyPatch, language: StaffLanguage, line: str) -> None:
    told = explain(_models(monkeypatch, _Told(-4.0, 2.0)).fully(VEILED), language)
    assert sum(line in one for one in told) == 1
    assert not any("raises the rules" in one or "finds danger in this" in one for one in told)
    assert sum("somebody else who is" in one or "autre personne, en danger" in one for one in told) == 1


@pytest.mark.parametrize(("said", "least"), [(0.9, 1.0), (None, 1.0), (2.0, None)])
def test_below_its_threshold_and_from_older_models_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, said: float | None, least: float | None
) -> None:
    found = _models(monkeypatch, _Told(-4.0, said), least).fully(VEILED)
    assert (found.another, found.level, found.evidence) == (False, "low", ())


def test_it_lowers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _models(monkeypatch, _Told(12.0, 2.0)).fully(VEILED)
    assert found.another
    assert found.level in ("moderate", "high")


def test_a_graph_of_before_says_nothing_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder(MODELS)
    real = encoder._run
    monkeypatch.setattr(encoder, "_run", lambda ids, groups: real(ids, groups)[:4])
    scores = encoder.score("she gave her dog away. i went to work.")
    assert (scores.another, scores.others) == (None, [])
    assert len(scores.parts) == len(scores.spans) == 2


def _text(label: str, category: str, person: str, tense: str) -> Text:
    return Text(id="1", text="x", label=label, category=category, person=person, tense=tense)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (_text("m", "third_person", "3", "now"), 1.0),
        (_text("m", "third_person", "3", "past"), 0.0),
        (_text("m", "third_person", "1", "now"), None),
        (_text("m", "question", "3", "now"), None),
        (_text("m", "question", "1", "now"), 0.0),
        (_text("m", "fiction", "3", "now"), 0.0),
        (_text("d", "explicit", "1", "now"), 0.0),
        (_text("-", "relationship", "3", "now"), 0.0),
    ],
)
def test_labels_say_who_is_meant_or_leave_it_open(text: Text, known: float | None) -> None:
    assert another_of(text) == known


def test_a_threshold_keeps_to_each_share() -> None:
    ours, others = [n / 100 for n in range(100)], [n / 1000 for n in range(1000)]
    least = calibrate.least({0.05: ours, 0.001: others})
    assert least is not None
    assert sum(score >= least for score in ours) <= 5
    assert sum(score >= least for score in others) <= 1
    assert calibrate.least({0.05: ours, 0.001: []}) is None
