"""From counted phrases to one level for the whole text."""

from wellspring.language.schemas import LEVELS, Hit, Level

# A serious wish together with a step towards it is active danger.
_WISH = frozenset({"explicit", "passive", "euphemism", "attempt", "burden"})
_STEP = frozenset({"plan", "means", "goodbye"})
_MANY = 3  # kinds of distress that weigh as one serious sign


def tier_of(hits: tuple[Hit, ...]) -> int:
    """0..3; more hits never lower it."""
    counted = [hit for hit in hits if hit.counted]
    tier = max((hit.tier for hit in counted), default=0)
    serious = {hit.category for hit in counted if hit.tier >= 2}
    if serious & _WISH and serious & _STEP:
        return 3
    if tier == 1 and len({hit.category for hit in counted}) >= _MANY:
        return 2
    return tier


def level_of(hits: tuple[Hit, ...]) -> Level:
    """The level that the rules give; a model that joins later may raise it and never lower it."""
    tier = tier_of(hits)
    if tier:
        return LEVELS[tier + 1]
    return "mentioned" if any(hit.reason not in (None, "idiom") for hit in hits) else "low"


def higher(one: Level, other: Level) -> Level:
    """The graver of two levels: how a second opinion joins the rules."""
    return one if LEVELS.index(one) >= LEVELS.index(other) else other
