"""Read what people write for signs of crisis, in English and French."""

from wellspring.language.explain import explain
from wellspring.language.judge import higher
from wellspring.language.reader import CAP, RULES_VERSION, hinted, read
from wellspring.language.schemas import LEVELS, Category, Hit, Language, Level, Person, Reading, Reason, Tense

__all__ = [
    "CAP",
    "LEVELS",
    "RULES_VERSION",
    "Category",
    "Hit",
    "Language",
    "Level",
    "Person",
    "Reading",
    "Reason",
    "Tense",
    "explain",
    "higher",
    "hinted",
    "read",
]
