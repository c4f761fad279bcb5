"""Lines within days: what is set in is found again, says what it said, and never comes from a day of danger."""

import random

from wellspring.language.training.examples import Example
from wellspring.language.training.within import lines_within

DAY = "The bus was late again and it rained. " * 8
CALM = Example(DAY.strip(), "long", long=True, crisis=0.0, about=0.0, spans=[(0, 37, 0.0, 0.0), (38, 75, 0.0, 0.0)])
GRIM = Example("x" + DAY, "long", long=True, crisis=0.0, about=1.0)
DANGER = Example("i want to be dead", "short", crisis=1.0, about=1.0, category="plan")
VEILED = Example("it is all arranged now", "short", crisis=1.0, about=1.0, category="euphemism")
DENIED = Example("i am not suicidal.", "pair", crisis=0.0, about=1.0)
PLAIN = Example("my feet hurt", "short", crisis=0.0, about=0.0)
FELT = Example("a kept feeling of no weight", "emotion", crisis=0.0, about=0.0, weight=0.3)
OWN = [CALM, GRIM, DANGER, VEILED, DENIED, PLAIN, FELT]


def test_a_line_is_found_where_the_span_says() -> None:
    made = lines_within(OWN, 60, random.Random(1))
    assert len(made) == 60
    for one in made:
        start, end, crisis, about = one.spans[-1]
        line = one.text[start:end]
        assert line in {"i want to be dead.", "i am not suicidal.", "my feet hurt."}
        assert crisis == one.crisis == (line == "i want to be dead.")
        assert about == one.about == (line != "my feet hurt.")
        assert one.text.replace(line, "").split() == DAY.split(), "nothing of the day is lost"
    assert len({one.text.index(one.text[slice(*one.spans[-1][:2])]) for one in made}) > 2, "at several places"


def test_the_sentences_of_the_day_keep_their_places() -> None:
    for one in lines_within(OWN, 30, random.Random(2)):
        for start, end, _, _ in one.spans[:-1]:
            assert one.text[start:end] == "The bus was late again and it rained."


def test_a_line_stays_in_its_language() -> None:
    french = [Example("je veux mourir", "short", lang="fr", crisis=1.0, about=1.0, category="explicit")]
    assert not any("mourir" in one.text for one in lines_within([*OWN, *french], 40, random.Random(3)))


def test_nothing_comes_of_nothing() -> None:
    assert lines_within([DANGER, PLAIN], 5, random.Random(4)) == []
    assert lines_within([CALM, VEILED], 5, random.Random(4)) == []
