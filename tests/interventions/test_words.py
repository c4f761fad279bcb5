"""Every reason has a sentence in both languages, in the voice of the rest."""

import re

import pytest

from wellspring.interventions import Context, History, Reason, Recommendation, Seen, Tally, choose, load, prepare, why
from wellspring.interventions.reasons import Signal
from wellspring.interventions.vocabulary import EMOTIONS, ENERGIES

SIGNALS: tuple[Signal, ...] = ("anxiety_high", "stress_high", "mood_low", "mood_middle", "mood_good")
REASONS = [
    Reason(key="reach_out"),
    Reason(key="steady"),
    Reason(key="others"),
    Reason(key="evidence"),
    Reason(key="small"),
    Reason(key="rated", rating=4.5),
    Reason(key="time", minutes=1),
    Reason(key="time", minutes=12),
    *(Reason(key="emotion", emotion=emotion) for emotion in EMOTIONS),
    *(Reason(key="signal", signal=signal) for signal in SIGNALS),
    *(Reason(key="energy", energy=energy) for energy in ENERGIES),
]


def offer(reason: Reason, number: int = 0) -> Recommendation:
    return Recommendation(load()[number], 0.5, reason, 1.0)


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_every_reason_reads_well_in_both_languages(reason: Reason) -> None:
    english, french = why(offer(reason), "en"), why(offer(reason), "fr-CA")
    assert english != french
    for sentence in (english, french):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert not re.search(r"[!{}]|None", sentence)
    assert why(offer(reason), "de") == english


def test_numbers_are_said_as_people_say_them() -> None:
    assert "4.5 out of 5" in why(offer(Reason(key="rated", rating=4.5)), "en")
    assert "4,5 sur 5" in why(offer(Reason(key="rated", rating=4.5)), "fr")
    assert "gave it 5 out" in why(offer(Reason(key="rated", rating=5.0)), "en")
    assert "1 minute." in why(offer(Reason(key="time", minutes=1)), "en")
    assert why(offer(Reason(key="small")), "en").endswith("It takes about 1 minute and very little energy.")


def test_in_danger_the_sentence_is_short() -> None:
    assert why(offer(Reason(key="steady")), "en").endswith("comes first.")


def only(slug: str, context: Context, history: History | None = None, tally: Tally | None = None) -> Reason:
    """The reason given when there is only this one."""
    item = next(item for item in load() if item.slug == slug)
    shelf = prepare([item], {item.id: tally} if tally else None)
    return choose(context, shelf, history)[0].reason


def test_the_part_that_mattered_most_is_named() -> None:
    item = next(item for item in load() if item.slug == "brisk-walk")
    unrelated = Context(mood=5, emotions={"disgust": 5})
    loved = History((Seen(item.id, 9, 5), Seen(item.id, 20, 4)))
    assert only("brisk-walk", unrelated, loved) == Reason(key="rated", rating=4.5)
    assert only("brisk-walk", unrelated, tally=Tally(count=500, total=2400)).key == "others"
    assert only("brisk-walk", Context(mood=5, emotions={"disgust": 5}, energy=9)) == Reason(key="energy", energy="high")
    minutes = Context(mood=5, emotions={"disgust": 5}, time_available_minutes=30)
    assert only("brisk-walk", minutes) == Reason(key="time", minutes=30)
    assert only("brisk-walk", unrelated) == Reason(key="evidence")
    assert only("up-the-stairs", unrelated) == only("let-shoulders-fall", unrelated) == Reason(key="small")
    assert only("brisk-walk", Context(mood=5, emotions={"sadness": 1})) == Reason(key="emotion", emotion="sadness")


def test_what_does_not_fit_is_not_said_to_fit() -> None:
    squeezed = Context(mood=5, emotions={"disgust": 5}, energy=1, time_available_minutes=1)
    assert only("brisk-walk", squeezed) == Reason(key="evidence")
