"""The models that ship, together with the rules: usable out of the box, never below the rules, honest about it."""

import hashlib
import json
from pathlib import Path

import msgspec
import pytest
import structlog

from tests.language import made
from wellspring.language import higher, model, read
from wellspring.language.model import MODELS, Models, read_fully, read_lightly, read_many
from wellspring.language.schemas import EMOTIONS, LEVELS, PLUTCHIK

GOODBYE = [
    "I am going to kill myself tonight, goodbye",
    "I’m going to kill myself tonight, goodbye 😞",
    "I am going to k\u200bill my\u200bself tonight, goodbye",
    "Ｉ am going to ｋｉｌｌ myself tonight, goodbye",
    "Je vais me tuer ce soir, adieu",
    "Je vais me tuer ce soir… adieu 🖤",
]
ORDINARY = [
    "this deadline is killing me",
    "this deadline is killing me 😂",
    "ce délai me tue",
    "We had pizza at my sister's and the kids fell asleep in the car.",
    "My bus was late again so I missed the first half of the match.",
    "Finished the report, then a long walk by the river with the dog.",
]


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


@pytest.mark.parametrize("text", GOODBYE)
def test_plain_danger_is_critical(text: str) -> None:
    assert read_fully(text).level == "critical"
    assert read_lightly(text).level == "critical"


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_words_stay_low(text: str) -> None:
    assert read_fully(text).level in ("low", "mentioned")
    assert read_lightly(text).level in ("low", "mentioned")


@pytest.mark.parametrize("text", [*GOODBYE, *ORDINARY, "", "   ", "?", "😞", "a" * 30_000, "没有人想要我了。"])
def test_no_text_breaks_it_and_no_model_lowers_the_rules(text: str) -> None:
    rules, light, full = read(text), read_lightly(text), read_fully(text)
    for reading in (light, full):
        assert reading.rules_level == rules.level
        assert higher(reading.level, rules.level) == reading.level
        assert reading.hits == rules.hits
        for span in reading.evidence:
            assert 0 <= span.start < span.end <= len(text)
            assert 0 <= span.probability <= 1


def test_a_reading_tells_everything_at_once() -> None:
    reading = read_fully("I'm so happy, my daughter passed her exam!", feedback=True)
    assert set(reading.emotions) == set(EMOTIONS)
    assert sum(reading.emotions.values()) == pytest.approx(1, abs=1e-3)
    assert set(reading.plutchik) == set(PLUTCHIK)
    assert max(reading.emotions, key=lambda label: reading.emotions[label]) == "joy"
    assert reading.sentiment is not None
    assert reading.sentiment > 0.2
    assert reading.crisis is not None
    assert reading.crisis < 0.2
    assert reading.feedback is not None
    assert {"rules", "language", "light", "combine", "encoder"} <= set(reading.versions)


def test_evidence_points_at_the_sentence_that_matters() -> None:
    text = "We went to the shop. I want to die and I can’t go on like this. Then we cooked pasta for everyone at home."
    spans = [text[span.start : span.end] for span in read_fully(text).evidence]
    assert any("want to die" in span for span in spans)
    assert not any("pasta" in span for span in spans)


def test_a_worse_sentence_does_not_lower_the_level() -> None:
    quiet = read_fully("The day was long and grey.").level
    worse = read_fully("The day was long and grey. I want to kill myself.").level
    assert LEVELS.index(worse) > LEVELS.index(quiet)


def test_feedback_is_read_when_asked_for() -> None:
    late = read_fully("I waited three hours past my appointment and nobody told me why.", feedback=True).feedback
    kind = read_fully("Thank you, the nurses were lovely and so patient with my dad.", feedback=True).feedback
    assert late is not None
    assert kind is not None
    assert late.urgency_score > kind.urgency_score
    assert read_fully("The food was cold.").feedback is None


def test_feedback_of_somebody_in_danger_is_urgent() -> None:
    found = read_fully("The app is slow. I am going to kill myself tonight.", feedback=True).feedback
    assert found is not None
    assert found.urgency == "high"
    assert found.urgency_score >= 0.9


def test_many_are_read_like_one() -> None:
    texts = [*GOODBYE[:2], *ORDINARY[:2]]
    assert read_many(texts) == [read_fully(text) for text in texts]


def test_the_files_are_what_their_manifest_says() -> None:
    manifest = json.loads((MODELS / "manifest.json").read_text())
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == digest, name
    assert {"encoder.onnx", "memory.onnx", "light.npz", "tokenizer.json"} == set(manifest["sha256"])
    assert sum(path.stat().st_size for path in MODELS.iterdir()) < 55_000_000


def test_without_files_it_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(OSError, match="combine"):
        Models(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("left", [0, 40, 700_000, -1_000])
def test_damaged_files_leave_the_rules(left: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("combine.json", "light.npz"):
        (tmp_path / name).write_bytes((MODELS / name).read_bytes())
    light = tmp_path / "light.npz"
    light.write_bytes(light.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"light\.npz"):
        Models(tmp_path)
    monkeypatch.setattr(model, "Models", lambda: Models(tmp_path))
    model.shipped.cache_clear()
    with structlog.testing.capture_logs() as lines:
        found = [read_lightly("I want to die.") for _ in range(2)]
    model.shipped.cache_clear()
    assert found == [read("I want to die.")] * 2
    assert [line["event"] for line in lines] == ["models_not_loaded"], "who runs this must learn of it, once"


def test_files_that_were_left_out_are_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "Models", lambda: Models(tmp_path))
    monkeypatch.setattr(model, "MODELS", tmp_path)
    model.shipped.cache_clear()
    with structlog.testing.capture_logs() as lines:
        assert model.shipped() is None
    model.shipped.cache_clear()
    assert not lines


def test_without_an_encoder_the_light_reading_is_all(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Models, "has_encoder", False)
    assert "encoder" not in read_fully("I feel fine today.").versions


@pytest.mark.parametrize(
    "text", ["😭😭😭", "🔪", "\u200b\u200b", "\x00\x00", "\u202e\u200f", "...", "?!", "—", "❤️" * 50]
)
def test_what_holds_no_word_is_read_by_no_model(text: str) -> None:
    """Nothing is known of it: it has no probability of danger, and no feeling is named."""
    for reading in (read_lightly(text), read_fully(text)):
        assert (reading.crisis, reading.emotions, reading.evidence, reading.level) == (None, {}, (), "low")


def test_what_is_raised_shows_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The level may rest on the whole while no sentence by itself is likely: the gravest is shown then."""
    unsure = msgspec.structs.replace(made.META, part=(0.01, -3.0))
    folder = made.folder(tmp_path / "own")
    made.write(folder / "light.npz", meta=unsure)
    own = Models(folder)
    calm, danger = msgspec.structs.replace(own.settings.light.weights, bias=-50), own.settings.light.weights
    text = "😞 Soup at noon, then the bus. The “river” was high\u200b today, I saw it from the bridge. Then I slept."
    for weights, found in ((calm, 0), (msgspec.structs.replace(danger, bias=50.0), 1)):
        light = msgspec.structs.replace(own.settings.light, weights=weights)
        monkeypatch.setattr(own, "settings", msgspec.structs.replace(own.settings, light=light))
        reading = own.lightly(text)
        assert (reading.level, len(reading.evidence)) == ("high" if found else "low", found)
        assert all(text[s.start : s.end] in text and 0 < s.probability < 0.5 for s in reading.evidence)


def test_a_sentence_of_the_light_model_is_shown_where_the_encoder_has_none(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = msgspec.structs.replace(models.settings.full.weights, bias=50.0)
    settings = msgspec.structs.replace(
        models.settings, full=msgspec.structs.replace(models.settings.full, weights=full), part_bias=-50.0
    )
    monkeypatch.setattr(models, "settings", settings)
    text = "Soup at noon. Then the bus home again.  The “river” was high today 😞, I saw it from the bridge."
    reading = models.fully(text)
    assert (reading.rules_level, reading.level) == ("low", "high")
    (span,) = reading.evidence
    assert text[span.start : span.end] == text[span.start : span.end].strip()
    assert span.probability > 0.001, "the encoder gives none of them as much"
