"""Tell English, French and other languages apart by their small words; short texts lean on the person's language."""

import tomllib
from importlib import resources

from wellspring.language.schemas import Language

VERSION = "words-1"

_RAW = tomllib.loads(resources.files("wellspring.language").joinpath("data", "languages.toml").read_text("utf-8"))
_OWN = ("en", "fr")
_ENOUGH = 200  # words looked at
_HINT_WEIGHT = 1.5  # what the person's own language is worth, in small words
_FIRM = 4.0  # evidence at which a lead counts in full
SURE = _HINT_WEIGHT / _FIRM
"""Above this confidence the lead is larger than what a hint is worth: no hint changes the language."""
_FAINT = 0.12  # share of small words below which a text is in none of these languages


def _weights() -> dict[str, list[tuple[str, float]]]:
    """Each word with its languages; a word that n languages share is worth 1/n to each."""
    by_word: dict[str, set[str]] = {}
    for language, words in _RAW.items():
        for word in str(words).split():
            by_word.setdefault(word, set()).add(language)
    return {word: [(name, 1 / len(names)) for name in sorted(names)] for word, names in by_word.items()}


_WEIGHTS = _weights()


def _scores(words: list[str]) -> dict[str, float]:
    scores = dict.fromkeys(_RAW, 0.0)
    for word in words:
        for language, weight in _WEIGHTS.get(word, ()):
            scores[language] += weight
    return scores


def identify(words: list[str], letters: int, latin: int, hint: str | None) -> tuple[Language, float]:
    """Language and confidence 0..1 of folded words.

    `letters` counts the letters of the original text, `latin` those of Latin script;
    `hint` is the person's language tag.
    """
    own = (hint or "").lower()[:2]
    if letters and latin < letters / 2:
        return "other", 0.99
    if not words:
        return ("und", 0.0) if own not in _OWN else (_as_language(own), 0.3)
    words = words[:_ENOUGH]
    scores = _scores(words)
    seen = sum(scores.values())
    if own in scores:
        scores[own] += _HINT_WEIGHT
    best, second = sorted(scores, key=lambda name: scores[name], reverse=True)[:2]
    if seen < _FAINT * len(words) and len(words) > 12:
        return "other", 0.5
    if scores[best] == 0:
        return "und", 0.0
    lead = (scores[best] - scores[second]) / scores[best]
    return _as_language(best), round(lead * min(1.0, scores[best] / _FIRM), 3)


def _as_language(name: str) -> Language:
    return "en" if name == "en" else "fr" if name == "fr" else "other"
