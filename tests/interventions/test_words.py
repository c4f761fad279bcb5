"""Every reason has a sentence in both languages, in the voice of the rest."""

import re

import pytest

from tests.interventions.people import LIBRARY, MODEL, SHELF, after, outcome, taught
from wellspring.interventions import Context, History, Reason, choose, intervention_id, load, why
from wellspring.interventions.learning.features import TIMES
from wellspring.interventions.model import Model, make
from wellspring.interventions.outcomes import relearn
from wellspring.interventions.reasons import Signal
from wellspring.interventions.vocabulary import EMOTIONS, ENERGIES

SIGNALS: tuple[Signal, ...] = ("anxiety_high", "stress_high", "mood_low", "mood_middle", "mood_good")
REASONS = [
    Reason(key="reach_out"),
    Reason(key="steady"),
    Reason(key="others"),
    Reason(key="evidence"),
    Reason(key="small"),
    Reason(key="rated"),
    Reason(key="kind"),
    Reason(key="felt"),
    Reason(key="hour"),
    Reason(key="time", minutes=1),
    Reason(key="time", minutes=12),
    *(Reason(key="emotion", emotion=emotion) for emotion in EMOTIONS),
    *(Reason(key="signal", signal=signal) for signal in SIGNALS),
    *(Reason(key="energy", energy=energy) for energy in ENERGIES),
]


def said(reason: Reason, language: str) -> str:
    return why(load()[0], reason, language)


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_every_reason_reads_well_in_both_languages(reason: Reason) -> None:
    english, french = said(reason, "en"), said(reason, "fr-CA")
    assert english != french
    for sentence in (english, french):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not re.search(r"[!{}]|None", sentence)
    assert said(reason, "de") == english


def test_numbers_are_said_as_people_say_them() -> None:
    assert "1 minute." in said(Reason(key="time", minutes=1), "en")
    assert said(Reason(key="small"), "en").endswith("It takes about 1 minute and very little energy.")


def test_in_danger_the_sentence_is_short() -> None:
    assert said(Reason(key="steady"), "en").endswith("comes first.")


def given(slug: str, context: Context, history: History | None = None, model: Model = MODEL) -> Reason:
    """The reason given for this one when everything is offered."""
    every = choose(context, model, history, k=len(LIBRARY))
    return next(offer.reason for offer in every if offer.intervention.slug == slug)


def test_the_part_that_mattered_most_is_named() -> None:
    unrelated = Context(mood=5, emotions={"disgust": 5}, age="18+")
    assert given("brisk-walk", unrelated, after(*[("brisk-walk", 0.4)] * 6)) == Reason(key="rated")
    assert given("brisk-walk", unrelated, model=taught({"brisk-walk": 1.0})).key in ("others", "felt")
    assert given("brisk-walk", Context(mood=5, emotions={"disgust": 5}, energy=9)) == Reason(
        key="energy", energy="high"
    )
    minutes = Context(mood=5, emotions={"disgust": 5}, time_available_minutes=2)
    assert given("let-shoulders-fall", minutes) == Reason(key="time", minutes=2)
    assert given("brisk-walk", unrelated) == Reason(key="evidence")
    assert given("up-the-stairs", unrelated) == given("let-shoulders-fall", unrelated) == Reason(key="small")
    assert given("brisk-walk", Context(mood=5, emotions={"sadness": 1})) == Reason(key="emotion", emotion="sadness")


def test_what_does_not_fit_is_not_said_to_fit() -> None:
    squeezed = Context(mood=5, emotions={"disgust": 5}, energy=1, time_available_minutes=1)
    assert given("brisk-walk", squeezed) == Reason(key="evidence")


def test_what_did_no_good_is_not_said_to_have_done_good() -> None:
    """Tried six times and rated a little better than expected, of something nobody expects much of."""
    nobody_likes = taught({"brisk-walk": 0.0}, usual=0.5)
    reason = given("brisk-walk", Context(mood=5, energy=5, age="18+"), after(*[("brisk-walk", 0.1)] * 6), nobody_likes)
    assert reason.key not in ("rated", "kind", "others", "felt", "hour")


def test_the_time_of_day_is_named_when_others_found_that_it_matters() -> None:
    everything = [
        outcome(person, item.slug, 0.9 if evening and item.slug == "warm-hands" else 0.5, at)
        for person in range(30)
        for item in SHELF.items
        for evening, at in ((True, EVENING), (False, MORNING))
    ]
    model = make(SHELF, relearn(everything, SHELF).blocks, 1)
    assert given("warm-hands", EVENING, model=model).key in ("hour", "others")
    mean = model.weights.mean[SHELF.position[intervention_id("warm-hands")], TIMES]
    assert mean[2] == max(mean) > mean[0]


EVENING = Context(mood=5, emotions={"disgust": 3}, time_of_day="evening", age="18+")
MORNING = Context(mood=5, emotions={"disgust": 3}, time_of_day="morning", age="18+")
