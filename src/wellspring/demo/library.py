"""The data files of the demo, read once."""

import tomllib
from functools import cache
from importlib.resources import files
from random import Random
from typing import TypeVar

import msgspec
from msgspec import Struct

_T = TypeVar("_T")


class Tones(Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences by tone of the day."""

    good: tuple[str, ...]
    even: tuple[str, ...]
    bad: tuple[str, ...]


class Phases(Struct, frozen=True, forbid_unknown_fields=True):
    """Sentences by how far somebody is through an event."""

    start: tuple[str, ...]
    during: tuple[str, ...]
    after: tuple[str, ...]


class Voice(Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of writer adds before and after."""

    open: tuple[str, ...]
    close: tuple[str, ...]


class Sentences(Struct, frozen=True, forbid_unknown_fields=True):
    """All sentences of one language."""

    themes: dict[str, Tones]
    mind: Tones
    events: dict[str, Phases]
    voices: dict[str, Voice]
    weekday: dict[str, tuple[str, ...]]
    dark: dict[str, tuple[str, ...]]


class Home(Struct, frozen=True, forbid_unknown_fields=True):
    """A country and language that people live in. `phone` is a range kept for fiction, empty where we know none."""

    country: str
    language: str
    weight: int
    timezones: tuple[str, ...]
    names: str
    phone: str


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """First and last names."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    last: tuple[str, ...]


class Places(Struct, frozen=True, forbid_unknown_fields=True):
    """Homes, names and slot fillers."""

    home: tuple[Home, ...]
    names: dict[str, Names]
    slots: dict[str, dict[str, tuple[str, ...]]]


Phrases = dict[str, tuple[str, ...]]
"""The steps of safety plans and other short own words, by use."""


def _read(name: str, kind: type[_T]) -> _T:
    raw = files("wellspring.demo").joinpath(f"data/{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(raw), kind)


@cache
def sentences(language: str) -> Sentences:
    """Return the sentences of a language, `en` or `fr`."""
    return _read(language, Sentences)


@cache
def places() -> Places:
    """Return homes, names and slots."""
    return _read("places", Places)


@cache
def phrases(language: str) -> Phrases:
    """Return the short own words of a language."""
    return _read("plans", dict[str, Phrases])[language]


def rng(*parts: object) -> Random:
    """Return a source of numbers that is the same for the same parts, on every machine."""
    return Random("/".join(map(str, parts)))  # noqa: S311  people are made up with it, nothing is guarded
