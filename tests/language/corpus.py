"""The labelled sentences of this folder."""

from pathlib import Path
from typing import NamedTuple

LETTERS = {"l": "low", "m": "mentioned", "o": "moderate", "h": "high", "c": "critical"}


class Labelled(NamedTuple):
    language: str
    category: str
    levels: frozenset[str]
    text: str


def load(language: str, name: str = "texts") -> list[Labelled]:
    lines = (Path(__file__).parent / f"{name}_{language}.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Labelled(language, c, frozenset(LETTERS[letter] for letter in levels), text) for c, levels, text in rows]


CORPUS = [*load("en"), *load("fr")]
