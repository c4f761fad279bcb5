"""The shipped micro-actions are complete, spread out, kindly worded and safe where they say so."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest

from wellspring.interventions import Intervention, Text, intervention_id, load
from wellspring.interventions.vocabulary import APPROACHES, CONTRAINDICATIONS, EMOTIONS, ENERGIES, PLACES

LIBRARY = load()
CRISIS = [item for item in LIBRARY if item.facts.crisis_safe]

FORBIDDEN = {
    "en": r"\b(just|simply|should|shouldn't|must|obviously|easy-peasy|calm down|cheer up|failure)\b",
    "fr": r"\b(juste|simplement|devriez|devez|il faut|il suffit|évidemment|tu|te|toi|ton|ta|tes|échec)\b|\bt'",
}
MEDICAL = r"\b(dose|pill|tablet|medication|diagnos\w*|cure|mg|médicament\w*|comprimé\w*|guérir)\b"
HARMFUL = r"\b(ice|knife|knives|blade|rubber band|snap|alone with|glaçon|couteau|lame|élastique sur)\b"


def words(text: Text) -> str:
    """All words of one micro-action."""
    return "\n".join((text.name, text.short_description, *text.detailed_instructions))


def every_text() -> Iterator[tuple[str, str, Text]]:
    """Slug, language and text of all."""
    for item in LIBRARY:
        for language, text in item.texts.items():
            yield item.slug, language, text


def test_there_are_enough_of_every_approach() -> None:
    assert len(LIBRARY) >= 64
    assert sum(not item.facts.is_premium for item in LIBRARY) >= 64
    counts = Counter(item.therapeutic_approach for item in LIBRARY)
    assert {approach: counts[approach] for approach in APPROACHES if counts[approach] < 9} == {}


def test_every_emotion_and_every_energy_finds_something() -> None:
    emotions = Counter(emotion for item in LIBRARY for emotion in item.facts.target_emotions)
    energies = Counter(item.facts.energy_required for item in LIBRARY)
    assert [emotion for emotion in EMOTIONS if emotions[emotion] < 5] == []
    assert [energy for energy in ENERGIES if energies[energy] < 10] == []


def test_many_are_short_and_every_place_has_plenty() -> None:
    assert sum(item.facts.duration_seconds < 120 for item in LIBRARY) >= 12
    assert [place for place in PLACES if sum(place in item.places for item in LIBRARY) < 20] == []


def test_good_moments_can_be_savoured_planned_and_shared() -> None:
    kinds = {item.facts.sub_category for item in LIBRARY if {"joy", "hopeful"} & set(item.facts.target_emotions)}
    assert {"savouring", "planning", "sharing"} <= kinds


def test_crisis_safe_ones_are_many_and_varied() -> None:
    assert len(CRISIS) >= 15
    assert len({item.therapeutic_approach for item in CRISIS}) >= 3
    assert len({item.therapeutic_approach for item in CRISIS if "under-13" in item.facts.age_appropriate}) >= 3


@pytest.mark.parametrize("item", CRISIS, ids=lambda item: item.slug)
def test_crisis_safe_ones_ask_little_and_nothing_risky(item: Intervention) -> None:
    assert item.facts.energy_required in ("minimal", "low")
    assert item.facts.duration_seconds <= 600
    assert not item.facts.is_premium
    assert item.facts.sensory_intensity != "high"
    assert not {"heart_condition", "dissociation", "psychosis", "trauma_body_focus"} & set(item.facts.contraindications)
    for text in item.texts.values():
        risky = re.sub(r"\b(no ice|sans glaçons)\b", "", words(text).lower())
        assert not re.search(HARMFUL, risky)


def test_safety_comes_with_people() -> None:
    towards = [item.slug for item in CRISIS if item.facts.sub_category == "safety planning"]
    assert towards == ["reach-a-person", "put-distance", "go-where-people-are", "open-your-plan"]


def test_english_and_french_are_complete_and_differ() -> None:
    for item in LIBRARY:
        assert item.texts.keys() == {"en", "fr"}, item.slug
        english, french = item.texts["en"], item.texts["fr"]
        same = set(words(english).splitlines()) & set(words(french).splitlines())
        assert not same, (item.slug, same)


def test_names_are_told_apart() -> None:
    for language in ("en", "fr"):
        names = Counter(item.text(language).name for item in LIBRARY)
        assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("slug", "language", "text"), list(every_text()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_words_are_kind_short_and_no_medical_advice(slug: str, language: str, text: Text) -> None:
    said = words(text)
    assert "!" not in said
    assert not (found := re.search(FORBIDDEN[language], said.lower())), (slug, found)
    assert not (found := re.search(MEDICAL, said.lower())), (slug, found)
    assert not re.search(r"[<>{}]|\.\.|  ", said)
    for line in (text.short_description, *text.detailed_instructions):
        assert line[-1] in ".?", line
        for sentence in re.split(r"(?<=[.?]) ", line):
            assert len(sentence.split()) <= 30, sentence


@pytest.mark.parametrize(
    ("contraindication", "english", "french"),
    [("heart_condition", "heart", "cœur"), ("pregnancy", "pregnant", "enceinte"), ("breathing_problem", "breath", "")],
)
def test_bodily_effort_warns_in_words_too(contraindication: str, english: str, french: str) -> None:
    """Few people have told us their conditions: what strains the body says so itself."""
    for item in LIBRARY:
        strains = item.facts.requires_movement or item.facts.sensory_intensity == "high"
        if strains and contraindication in item.facts.contraindications and item.therapeutic_approach != "CBT":
            assert english in item.texts["en"].detailed_instructions[0], item.slug
            assert french in item.texts["fr"].detailed_instructions[0], item.slug


def test_cold_water_is_kept_from_hearts_and_children() -> None:
    (water,) = [item for item in LIBRARY if item.slug == "cool-water-face"]
    assert {"heart_condition", "eating_disorder", "dizziness"} <= set(water.facts.contraindications)
    assert water.facts.age_appropriate == ("18+",)
    assert not water.facts.crisis_safe


def test_driven_exercise_is_kept_from_eating_disorders() -> None:
    exercise = {"short exercise", "walking", "play"}
    found = [item for item in LIBRARY if item.facts.sub_category in exercise]
    assert len(found) >= 4
    assert all("eating_disorder" in item.facts.contraindications for item in found)


def test_anger_is_never_sent_to_work_itself_up() -> None:
    """Kjærvik and Bushman (2024): arousing activity does not lower anger, calming activity does."""
    physical = [item for item in LIBRARY if item.therapeutic_approach in ("Physical", "Sensory")]
    strenuous = [item for item in physical if item.facts.energy_required in ("medium", "high")]
    assert strenuous
    assert [item.slug for item in strenuous if "anger" in item.facts.target_emotions] == []


def test_every_contraindication_and_age_band_is_in_use() -> None:
    used = {word for item in LIBRARY for word in item.facts.contraindications}
    assert used == set(CONTRAINDICATIONS)
    assert {band for item in LIBRARY for band in item.facts.age_appropriate} == {"under-13", "13-17", "18+"}


def test_evidence_names_a_year_and_an_entry_its_review() -> None:
    for item in LIBRARY:
        assert re.search(r"\((19[6-9]\d|20[0-2]\d)\)", item.facts.evidence_source), item.slug
        assert date(2026, 1, 1) <= item.facts.reviewed
        assert item.facts.version >= 1


def test_ids_never_change() -> None:
    assert intervention_id("five-senses") == UUID("aa36a9ca-5fa6-53db-b1d2-d72f1c9373cf")
    assert len({item.id for item in LIBRARY}) == len(LIBRARY)
    assert all(item.id == intervention_id(item.slug) for item in LIBRARY)
