"""A report counts what it should, beside readings that are known."""

import re

import msgspec
import numpy as np
import pytest

from wellspring.language import card
from wellspring.language.corpus import Text, identity
from wellspring.language.reader import read
from wellspring.language.report import SIX, Line, Report, bins, compared, ekman_f1, evaluated, judged
from wellspring.language.schemas import EMOTIONS, Feedback, Level, Reading


def text(words: str, label: str, category: str, **more: object) -> Text:
    return Text(id=identity(words), text=words, label=label, category=category, **more)  # type: ignore[arg-type]


TEXTS = [
    *(text(f"danger number {n}", "d", "plan" if n < 10 else "passive", pair=f"p{n}") for n in range(20)),
    *(text(f"denied number {n}", "m", "negated", pair=f"p{n}") for n in range(20)),
    *(text("ordinary and long " * 20 + str(n), "-", "work") for n in range(10)),
]


def by_first_word(words: str, _: str | None) -> Reading:
    """Find every plan, half of the passive ones; raise one in four of the denied and nothing ordinary."""
    number = int(words.split()[-1])
    first = words.split()[0]
    found = (first == "danger" and (number < 10 or number % 2 == 0)) or (first == "denied" and number % 4 == 0)
    level: Level = "high" if found else "mentioned" if first == "denied" else "low"
    crisis = {"danger": 0.9, "denied": 0.4, "ordinary": 0.1}[first]
    plain = read("")
    emotions = dict.fromkeys(EMOTIONS, 0.0) | {"joy": 1.0}
    return Reading("en", 1.0, level, 0, (), True, plain.versions, crisis=crisis, emotions=emotions)


def values(report: Report) -> dict[tuple[str, str], float]:
    return {(line.section, line.name): line.found.value for line in report.lines}


def test_figures_by_category_length_and_language() -> None:
    report = evaluated(TEXTS, by_first_word, resamples=20)
    found = values(report)
    assert report.texts == 50
    assert found["danger", "AUC"] == 1.0
    assert found["danger", "found (above mentioned)"] == 0.75
    assert found["danger", "false alarms per 1,000 without danger"] == pytest.approx(1000 * 5 / 30)
    assert found["danger", "false alarms per 1,000 ordinary"] == 0
    assert found["danger", "contrast pairs in order"] == 1.0
    assert found["danger", "calibration error"] == pytest.approx((20 * 0.1 + 20 * 0.4 + 10 * 0.1) / 50)
    assert found["found, by category", "plan"] == 1.0
    assert found["found, by category", "passive"] == 0.5
    assert found["raised though only mentioned", "negated"] == 0.25
    assert found["raised though ordinary", "work"] == 0.0
    assert found["to 15 words", "AUC"] == 1.0
    assert ("41 to 120 words", "AUC") not in found, "one class only gives no figure"
    assert found["language en", "found (above mentioned)"] == 0.75


def test_false_alarms_stand_beside_the_texts_that_could_be_one() -> None:
    counts = {(line.section, line.name): line.found.count for line in evaluated(TEXTS, by_first_word).lines}
    assert counts["danger", "false alarms per 1,000 without danger"] == 30
    assert counts["danger", "false alarms per 1,000 ordinary"] == 10


def test_a_failure_with_a_figure_names_the_version_that_it_was_measured_on() -> None:
    """The words stay when models are trained again; other figures of the card are worked out anew."""
    measured = [one for one in card.FAILURES.split("\n- ") if re.search(r"\d %|\.\d{3}", one)]
    assert len(measured) == 2
    assert all(re.search(r"20\d\d\.\d+\.\d+", one) for one in measured)


def test_a_change_is_that_of_the_same_texts() -> None:
    """One in ten is found more, always: two intervals beside each other overlap, that of the change does not hold 0."""

    def better(words: str, lang: str | None) -> Reading:
        found = by_first_word(words, lang)
        return msgspec.structs.replace(found, level="high") if "number 11" in words or "number 13" in words else found

    first, second = compared(TEXTS, [by_first_word, better])
    assert (first, second.lines) == (evaluated(TEXTS, by_first_word), evaluated(TEXTS, better).lines)
    assert first.changes == []
    changes = {(line.section, line.name): line.found for line in second.changes}
    assert set(changes) == set(values(second))
    found = changes["danger", "found (above mentioned)"]
    assert found.value == pytest.approx(0.1)
    assert 0 <= found.low < found.value < found.high < 0.3
    same = changes["raised though ordinary", "work"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert "| +0.100 (" in card.sections([("old", first), ("new", second)])
    assert "| old | new | new, change |" in card.sections([("old", first), ("new", second)])


def test_emotions_and_feedback() -> None:
    happy = [
        Text(id=str(n), text=f"ordinary {n}", kind="emotion", emotion="joy" if n < 6 else "fear") for n in range(8)
    ]
    found = values(evaluated(happy, by_first_word, resamples=20))
    assert found["emotions", "accuracy"] == 0.75

    def about_food(words: str, _: str | None) -> Reading:
        plain = read(words)
        feedback = Feedback(("food",), "low", 0.1)
        return Reading("en", 1.0, "low", 0, (), True, plain.versions, feedback=feedback)

    asked = [
        Text(id=str(n), text=f"t {n}", kind="feedback", topics=("food", "other")[: 1 + n % 2], urgency="low")
        for n in range(8)
    ]
    found = values(evaluated(asked, about_food, resamples=20))
    assert found["feedback", "urgency, macro-F1"] == 1.0
    assert found["feedback", "topics, micro-F1"] == pytest.approx(16 / 20)


def test_without_a_model_the_level_stands_for_the_probability() -> None:
    reading = read("I want to kill myself")
    row = judged(text("I want to kill myself", "d", "explicit"), reading)
    assert (row.crisis, row.raised, row.emotion) == (1.0, True, None)


def test_tenths_of_the_probability() -> None:
    rows = [judged(one, by_first_word(one.text, None)) for one in TEXTS]
    assert [(b.count, round(b.probability, 2), b.danger) for b in bins(rows)] == [
        (10, 0.1, 0.0),
        (20, 0.4, 0.0),
        (20, 0.9, 1.0),
    ]


def test_reports_stand_side_by_side() -> None:
    report = evaluated(TEXTS, by_first_word, resamples=20)
    other = Report({}, 1, [Line("danger", "only here", report.lines[0].found)], [])
    shown = card.sections([("one", report), ("two", other)])
    assert "|  | texts | one | two |" in shown
    assert "| AUC | 50 | 1.000 (1.000 to 1.000) |  |" in shown
    assert "| only here | 50 |  | 1.000 (1.000 to 1.000) |" in shown
    assert "| false alarms per 1,000 ordinary | 10 | 0.0 (0.0 to 0.0) |" in shown


def test_the_weakest_categories_are_named() -> None:
    said = card.weakest(evaluated(TEXTS, by_first_word, resamples=20).lines)
    assert "Least found on these texts: passive (50% of 10), plan (100% of 10)." in said
    assert "Most often raised wrongly: negated (25% of 20)" in said


def test_ekmans_six_count_what_belongs_together_and_take_either_label() -> None:
    """Two texts of anger and fear, one of joy or surprise, one of sadness read as neutral."""
    bit = {name: 1 << SIX.index(name) for name in SIX}
    said = np.array([SIX.index(name) for name in ("anger", "fear", "surprise", "neutral")])
    truth = np.array([bit["anger"], bit["fear"], bit["joy"] | bit["surprise"], bit["sadness"]])
    assert ekman_f1(said, truth) == pytest.approx(np.mean([1, 1, 0, 1, 0]))  # joy and sadness were never named
    reading = msgspec.structs.replace(read("a"), emotions={"anxiety": 0.3, "fear": 0.3, "joy": 0.4})
    assert judged(Text(id="a", text="a"), reading).ekman == "fear"
