"""A check-in's form: what it offers, what it sends, and what it shows of a stored entry."""

from datetime import datetime
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from wellspring.checkins.schemas import Area, Checkin, CheckinChange, CheckinCreate, FactorType
from wellspring.checkins.words import LABELS
from wellspring.identity.schemas import Preferences
from wellspring.kernel import i18n
from wellspring.kernel.errors import Invalid
from wellspring.kernel.forms import Sent

EMOTIONS: Final = (
    "joy",
    "calm",
    "hopeful",
    "surprise",
    "neutral",
    "sadness",
    "anxiety",
    "fear",
    "overwhelm",
    "anger",
    "frustrated",
    "disgust",
)
"""The twelve shared labels in the order in which a form offers them."""
SCALES: Final = (
    "energy_level",
    "anxiety_level",
    "stress_level",
    "sensory_load_score",
    "executive_function_score",
    "masking_level",
)
_PLAIN: Final = ("context_location", "context_social", "context_activity", "journal_text")


def offered(chosen: Preferences, language: str, activities: list[str]) -> dict[str, Any]:
    """Return what the form offers to a person with these preferences."""
    extra = ["sensory_load_score", "masking_level"] if chosen.sensory_load_tracking else []
    extra += ["executive_function_score"] if chosen.time_blindness_support else []
    return {
        "emotions": EMOTIONS,
        "extra_scales": extra,
        "explain_emotions": chosen.emotion_scaffolding_level >= 2,
        "emotions_open": chosen.emotion_scaffolding_level == 3,
        "factors": get_args(FactorType),
        "body_areas": [(area, i18n.say(language, "body_area", area)) for area in get_args(Area)],
        "activities": [(one, one) for one in activities],
    }


def _emotions(sent: Sent) -> list[dict[str, Any]]:
    found = []
    for name in dict.fromkeys(sent.every("emotions")):
        strength = sent.one(f"intensity_{name}")
        found.append({"emotion": name, **({"intensity": strength} if strength else {})})
    return found


def _factors(sent: Sent) -> list[dict[str, Any]]:
    given = ((kind, sent.one(f"factor_{kind}")) for kind in get_args(FactorType))
    return [{"type": kind, "value": value} for kind, value in given if value]


def _body(sent: Sent) -> dict[str, str] | None:
    given = {area: value for area in get_args(Area) if (value := sent.one(f"body_{area}"))}
    return given or None


def _triggers(sent: Sent) -> list[str]:
    return [part.strip() for part in sent.one("triggers").split(",") if part.strip()]


def _shared(sent: Sent) -> dict[str, Any]:
    """Return the fields that both a new and a changed entry have; an empty one is None."""
    plain = {name: sent.one(name).strip() or None for name in (*_PLAIN, *SCALES)}
    return plain | {
        "mood_score": sent.one("mood_score") or None,
        "emotions": _emotions(sent),
        "factors": _factors(sent),
        "activities": sent.every("activities"),
        "triggers": _triggers(sent),
        "body_scan_data": _body(sent),
    }


def _moment(sent: Sent, timezone: str) -> datetime | None:
    """Return when it was, as somebody wrote it down by their own clock; raises Invalid."""
    text = sent.one("logged_at")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))
    except ValueError as error:
        raise Invalid.of("logged_at", "invalid", "This is not a date and time.") from error


def created(sent: Sent, timezone: str) -> CheckinCreate:
    """Return a new check-in; raises Invalid."""
    given = _shared(sent)
    if given["mood_score"] is None:
        del given["mood_score"]
    weather = sent.one("weather_condition").strip()
    at = _moment(sent, timezone)
    return sent.to(
        CheckinCreate,
        **given,
        weather={"condition": weather} if weather else None,
        occurred_at=at,
        duration=sent.one("time_taken_seconds") or None,
        timezone=None,
    )


def changed(sent: Sent, before: Checkin) -> CheckinChange:
    """Return the change of an entry; what the form cannot show (own words, notes) stays. Raises Invalid."""
    given = _shared(sent)
    given["emotions"] += [
        {"emotion": e.emotion, "intensity": e.intensity} for e in before.emotions if e.emotion not in LABELS
    ]
    notes = {factor.type: factor.notes for factor in before.factors}
    for factor in given["factors"]:
        factor["notes"] = notes.get(factor["type"])
    condition = sent.one("weather_condition").strip()
    weather: dict[str, Any] | None = None
    if condition:
        weather = {"condition": condition}
        if before.weather is not None:
            weather |= {"temperature": before.weather.temperature, "humidity": before.weather.humidity}
    return sent.to(CheckinChange, **given, weather=weather)


def values_of(found: Checkin) -> dict[str, Any]:
    """Return a stored entry as the form shows it."""
    values: dict[str, Any] = {name: getattr(found, name) for name in ("mood_score", *SCALES, *_PLAIN)}
    values |= {f"factor_{factor.type}": factor.value for factor in found.factors}
    values |= {f"body_{area}": tension for area, tension in (found.body_scan_data or {}).items()}
    return values | {
        "emotions": {e.emotion: e.intensity for e in found.emotions},
        "activities": found.activities,
        "triggers": ", ".join(found.triggers),
        "weather_condition": found.weather.condition if found.weather else None,
    }


def values_sent(sent: Sent) -> dict[str, Any]:
    """Return what was entered, to be shown again."""
    return sent.values() | {
        "emotions": {name: sent.number(f"intensity_{name}") for name in sent.every("emotions")},
        "activities": sent.every("activities"),
    }
