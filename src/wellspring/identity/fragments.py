"""What identity lends to the statements of other slices: SQL expressions about one person."""

from typing import Final

from msgspec import Struct

_ABOUT: Final = (
    "ARRAY[p.language, p.country, p.timezone, p.has_adhd::text, p.has_autism_spectrum::text,"
    " coalesce(p.age_range, ''), p.subscription_tier,"
    " coalesce((SELECT f.chosen->>'emotion_reading' FROM identity.preferences f WHERE f.person_id = p.person_id), '')]"
)
PERSON: Final = f"(SELECT {_ABOUT} FROM identity.person p WHERE p.person_id = {{person}})"
PERSON_ROW: Final = (
    f"SELECT {_ABOUT} AS about, p.contraindications FROM identity.person p WHERE p.person_id = {{person}}"
)
"""The same with what the person must not be offered, as a sub-select: one look at the row."""
READS_FEELINGS: Final = (
    "coalesce((SELECT f.chosen->>'emotion_reading' FROM identity.preferences f WHERE f.person_id = {person}), '')"
    " <> 'false'"
)
SUBJECT_READS_FEELINGS: Final = "(SELECT identity.subject_reads_feelings())"
"""The same for staff, of the person whom they have opened."""
TIMEZONE: Final = "(SELECT p.timezone FROM identity.person p WHERE p.person_id = {person})"


class About(Struct, frozen=True):
    """What `PERSON` returns, in words of the program."""

    language: str
    country: str
    timezone: str
    has_adhd: bool
    has_autism_spectrum: bool
    age_range: str | None
    is_premium: bool
    emotion_reading: bool = True


def about(row: list[str]) -> About:
    """Return the typed form of `PERSON`."""
    language, country, timezone, adhd, autism, age, tier, feelings = row
    return About(
        language,
        country,
        timezone,
        adhd == "true",
        autism == "true",
        age or None,
        tier != "free",
        feelings != "false",
    )
