"""A wrong data file is refused with its name and the entry's."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import wellspring.interventions
from wellspring.interventions import LibraryError, age_band_of, energy_of, load
from wellspring.interventions.library import read

SHIPPED = Path(wellspring.interventions.__file__).parent / "data"
Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped data to spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "data"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Replaces the first occurrence of a text in a file of the copy."""

    def replace(file: str, before: str, after: str) -> None:
        path = folder / file
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), "utf-8")

    return replace


def test_a_good_copy_reads_as_the_shipped_one(folder: Path) -> None:
    assert read(folder) == load()
    assert load() is load()


@pytest.mark.parametrize(
    ("file", "before", "after", "entry", "complaint"),
    [
        ("dbt/facts.toml", "duration_seconds = 60", "duration_seconds = 0", "stop-and-step-back", "duration_seconds"),
        ("dbt/facts.toml", '"anger", ', '"wrath", ', "stop-and-step-back", "wrath"),
        ("dbt/facts.toml", '"anger", ', '"fear", ', "stop-and-step-back", "twice"),
        ("dbt/facts.toml", "version = 1\n", "", "stop-and-step-back", "version"),
        ("dbt/facts.toml", "version = 1", "version = 1\nmood = 3", "stop-and-step-back", "mood"),
        ("dbt/facts.toml", '"anywhere"', '"the moon"', "stop-and-step-back", "the moon"),
        ("dbt/facts.toml", '["anywhere"]', '["anywhere", "home"]', "stop-and-step-back", "anywhere"),
        ("dbt/facts.toml", "is_premium = false", "is_premium = true", "stop-and-step-back", "crisis_safe"),
        ("dbt/facts.toml", 'energy_required = "minimal"', 'energy_required = "high"', "stop-and-step-back", "crisis"),
        ("dbt/facts.toml", 'media_type = "text"', 'media_type = "audio"', "stop-and-step-back", "media_url"),
        ("dbt/facts.toml", "contraindications = []", 'contraindications = ["bad luck"]', "stop-and-step", "bad luck"),
        ("act/facts.toml", "[drop-anchor]", "[Drop_Anchor]", "Drop_Anchor", "regex"),
        ("act/en.toml", "[drop-anchor]", "[drop-the-anchor]", "drop-the-anchor", "not in facts.toml"),
        ("act/fr.toml", '  "Redressez un peu le dos et bougez les doigts.",\n', "", "drop-anchor", "steps"),
        ("act/fr.toml", 'name = "Jeter l\'ancre"', 'title = "Jeter l\'ancre"', "drop-anchor", "title"),
        ("cbt/en.toml", 'name = "Reach a person"', "name = Reach", "", "cannot be read"),
        ("act/facts.toml", "[drop-anchor]", "[five-senses]", "", "drop-anchor"),
    ],
)
def test_a_wrong_entry_is_named(
    folder: Path, edit: Edit, file: str, before: str, after: str, entry: str, complaint: str
) -> None:
    edit(file, before, after)
    with pytest.raises(LibraryError) as refused:
        read(folder)
    message = str(refused.value)
    assert file.split("/")[0] in message
    assert entry in message
    assert complaint in message


def test_a_missing_english_text_is_refused(folder: Path, edit: Edit) -> None:
    (folder / "act" / "en.toml").write_text("")
    with pytest.raises(LibraryError, match=r"act/facts\.toml: drop-anchor: has no text in en"):
        read(folder)


def test_a_slug_in_two_approaches_is_refused(folder: Path, edit: Edit) -> None:
    for file in ("facts", "en", "fr"):
        edit(f"sensory/{file}.toml", "[five-senses]", "[drop-anchor]")
    with pytest.raises(LibraryError, match="drop-anchor: the same slug"):
        read(folder)


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "cbt" / "facts.toml").unlink()
    with pytest.raises(LibraryError, match=r"cbt/facts\.toml: cannot be read"):
        read(folder)


def test_a_language_that_is_not_there_reads_english(folder: Path) -> None:
    (folder / "act" / "fr.toml").unlink()
    item = next(item for item in read(folder) if item.slug == "drop-anchor")
    assert item.text("fr").name == item.text("de").name == item.text("en").name == "Drop anchor"
    assert next(item for item in load() if item.slug == "drop-anchor").text("fr-CA").name == "Jeter l'ancre"


@pytest.mark.parametrize(
    ("score", "word"),
    [(1, "minimal"), (2, "minimal"), (3, "low"), (4, "low"), (5, "medium"), (7, "medium"), (8, "high"), (10, "high")],
)
def test_energy_words(score: int, word: str) -> None:
    assert energy_of(score) == word


@pytest.mark.parametrize(
    ("said", "band"),
    [(None, None), ("", None), ("private", None), ("12", "under-13"), ("13-17", "13-17"), ("15-19", "13-17"),
     ("18-24", "18+"), ("65+", "18+")],
)  # fmt: skip
def test_age_bands_go_by_the_youngest(said: str | None, band: str | None) -> None:
    assert age_band_of(said) == band
