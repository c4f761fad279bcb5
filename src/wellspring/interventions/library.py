"""The shipped micro-actions: reads `data/<approach>/facts.toml` and its texts, and refuses anything incomplete.

Facts and words lie apart so that a language is one more file per approach and can be reviewed alone. Reading happens
once a process; nothing here needs a database or a network.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Final, TypeVar
from uuid import UUID, uuid5

import msgspec

from wellspring.interventions.vocabulary import (
    PLACES,
    TIMES_OF_DAY,
    AgeBand,
    Approach,
    Contraindication,
    Emotion,
    Energy,
    MediaType,
    Place,
    SensoryIntensity,
    Strength,
    TimeOfDay,
)

NAMESPACE: Final = UUID("6f0b1d0e-3c57-5d0a-9c1e-6b8c0f2a7d41")
"""An intervention's id is `uuid5(NAMESPACE, slug)`: the same on every installation, for ever."""

FALLBACK: Final = "en"

_FOLDERS: Final[Mapping[str, Approach]] = {
    "dbt": "DBT",
    "act": "ACT",
    "cbt": "CBT",
    "mindfulness": "Mindfulness",
    "sensory": "Sensory",
    "physical": "Physical",
}
_FACTS: Final = "facts.toml"
_T = TypeVar("_T")

_Line = Annotated[str, msgspec.Meta(min_length=3, max_length=240, pattern=r"^\S(.*\S)?$")]
_Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class LibraryError(ValueError):
    """A shipped data file is wrong. The message names the file, the entry and what is wrong with it."""


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one micro-action in one language. `detailed_instructions` are three to six short steps."""

    name: Annotated[str, msgspec.Meta(min_length=3, max_length=60)]
    short_description: Annotated[str, msgspec.Meta(min_length=10, max_length=120)]
    detailed_instructions: Annotated[tuple[_Line, ...], msgspec.Meta(min_length=3, max_length=6)]


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of `facts.toml`, every field stated. `places` may hold "anywhere", then nothing else."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    reviewed: date
    sub_category: _Line
    duration_seconds: Annotated[int, msgspec.Meta(ge=15, le=1800)]
    effort_level: Energy
    energy_required: Energy
    target_emotions: Annotated[tuple[Emotion, ...], msgspec.Meta(min_length=1, max_length=5)]
    sensory_intensity: SensoryIntensity
    requires_verbal: bool
    requires_movement: bool
    adhd_friendly: bool
    asd_friendly: bool
    contraindications: tuple[Contraindication, ...]
    age_appropriate: Annotated[tuple[AgeBand, ...], msgspec.Meta(min_length=1)]
    places: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    times_of_day: Annotated[tuple[TimeOfDay, ...], msgspec.Meta(min_length=1)] = TIMES_OF_DAY
    crisis_safe: bool
    is_active: bool
    is_premium: bool
    media_type: MediaType
    media_url: str | None = None
    evidence_source: Annotated[str, msgspec.Meta(min_length=10, max_length=400)]
    evidence_strength: Strength


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """One micro-action: its facts and its words by language. `places` is expanded: "anywhere" became every place."""

    id: UUID
    slug: str
    therapeutic_approach: Approach
    facts: Facts
    places: tuple[Place, ...]
    anywhere: bool
    texts: dict[str, Text]

    def text(self, language: str) -> Text:
        """The words in this language (`fr`, `fr-CA`), else in English."""
        return self.texts.get(language.partition("-")[0].lower(), self.texts[FALLBACK])


def intervention_id(slug: str) -> UUID:
    """The fixed id of a slug."""
    return uuid5(NAMESPACE, slug)


def _read(folder: Traversable, name: str, kind: type[_T]) -> dict[str, _T]:
    """The entries of one file by slug. Raises LibraryError naming file and entry."""
    where = f"{folder.name}/{name}"
    try:
        raw = tomllib.loads((folder / name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LibraryError(f"{where}: cannot be read: {error}") from error
    entries: dict[str, _T] = {}
    for slug, entry in raw.items():
        try:
            entries[msgspec.convert(slug, _Slug)] = msgspec.convert(entry, kind)
        except msgspec.ValidationError as error:
            raise LibraryError(f"{where}: {slug}: {error}") from error
    return entries


def _places(facts: Facts) -> tuple[tuple[Place, ...], bool]:
    """The places and whether it suits anywhere. Raises ValueError for a word outside the vocabulary."""
    if facts.places == ("anywhere",):
        return PLACES, True
    if unknown := sorted(set(facts.places) - set(PLACES)):
        raise ValueError(f"places: {', '.join(unknown)} is not one of {', '.join(PLACES)}, or anywhere alone")
    return tuple(place for place in PLACES if place in facts.places), False


def _complaints(facts: Facts, texts: Mapping[str, Text]) -> str | None:
    """The first rule between fields that an entry breaks, or None."""
    lists = (facts.target_emotions, facts.contraindications, facts.age_appropriate, facts.places, facts.times_of_day)
    if any(len(set(words)) < len(words) for words in lists):
        return "a list names the same word twice"
    if FALLBACK not in texts:
        return f"has no text in {FALLBACK}"
    if len({len(text.detailed_instructions) for text in texts.values()}) > 1:
        return "has more steps in one language than in another"
    if facts.crisis_safe and (facts.is_premium or facts.energy_required not in ("minimal", "low")):
        return "is crisis_safe, so it must be free and need little energy"
    if (facts.media_type == "text") != (facts.media_url is None):
        return "media_url goes with audio, video and interactive, and only with them"
    return None


def _one(where: str, approach: Approach, slug: str, facts: Facts, texts: dict[str, Text]) -> Intervention:
    try:
        places, anywhere = _places(facts)
    except ValueError as error:
        raise LibraryError(f"{where}: {slug}: {error}") from error
    if complaint := _complaints(facts, texts):
        raise LibraryError(f"{where}: {slug}: {complaint}")
    return Intervention(
        id=intervention_id(slug),
        slug=slug,
        therapeutic_approach=approach,
        facts=facts,
        places=places,
        anywhere=anywhere,
        texts=texts,
    )


def _approach(folder: Traversable, approach: Approach) -> list[Intervention]:
    """The interventions of one folder. Raises LibraryError, also for words that belong to no entry."""
    facts = _read(folder, _FACTS, Facts)
    languages: dict[str, dict[str, Text]] = {}
    for file in sorted(folder.iterdir(), key=lambda found: found.name):
        if file.name.endswith(".toml") and file.name != _FACTS:
            languages[file.name.removesuffix(".toml")] = _read(folder, file.name, Text)
    for language, entries in languages.items():
        if stray := sorted(entries.keys() - facts.keys()):
            raise LibraryError(f"{folder.name}/{language}.toml: {stray[0]}: not in {_FACTS}")
    return [
        _one(
            f"{folder.name}/{_FACTS}",
            approach,
            slug,
            entry,
            {language: entries[slug] for language, entries in languages.items() if slug in entries},
        )
        for slug, entry in facts.items()
    ]


def read(folder: Traversable) -> tuple[Intervention, ...]:
    """Reads a folder laid out like `data/`. Raises LibraryError naming the file and the entry."""
    library = [item for name, approach in _FOLDERS.items() for item in _approach(folder / name, approach)]
    slugs = [item.slug for item in library]
    if twice := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
        raise LibraryError(f"{twice[0]}: the same slug in two approaches")
    return tuple(library)


@cache
def load() -> tuple[Intervention, ...]:
    """The shipped library in a stable order, read once a process. Raises LibraryError."""
    return read(files("wellspring.interventions") / "data")
