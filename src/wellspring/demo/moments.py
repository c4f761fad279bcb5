"""The moments at which somebody checks in, and what they say of themselves in numbers and labels."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from wellspring.checkins.schemas import Area, CheckinCreate, Company, Emotion, Factor, FactorType, Location, Weather
from wellspring.demo.cast import Persona
from wellspring.demo.journal import Writer
from wellspring.demo.library import phrases
from wellspring.demo.life import Day

_SPREAD: Final = 0.6
_TIRED_EVENING: Final = 0.8
_AREAS: Final[tuple[Area, ...]] = ("head", "jaw", "neck", "shoulders", "chest", "stomach", "back")
_AWAY: Final = 0.02
"""The chance on any day that a week or so of silence begins."""


class Moment(Struct, frozen=True):
    """When: UTC, the day it belongs to on the person's own clock, and whether it is that day's first."""

    at: datetime
    day: Day
    first: bool
    forced: str | None = None


def _local(day: Day, hour: float, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day.date, time(), zone) + timedelta(minutes=int(hour * 60))
    return wall.astimezone(UTC)


def _count(persona: Persona, day: Day, r: Random) -> int:
    """Return how often somebody checks in on a day: in bad times some go quiet, others need it more."""
    habit = persona.habit
    rate = habit.rate * (0.85 if day.date.weekday() >= 5 else 1.0)
    if r.random() >= rate:
        return 0
    return 1 + (r.random() < habit.second) + (r.random() < habit.second * 0.3)


def _away(days: list[Day], r: Random) -> set[int]:
    quiet: set[int] = set()
    for number in range(len(days)):
        if r.random() < _AWAY:
            quiet.update(range(number, number + r.randrange(2, 10)))
    return quiet


def moments(persona: Persona, days: list[Day], now: datetime, r: Random) -> list[Moment]:
    """Return the moments of a year up to `now`, oldest first."""
    habit, zone, found = persona.habit, ZoneInfo(persona.timezone), list[Moment]()
    away = set[int]() if persona.arc else _away(days, r)
    last = len(days) if habit.leaves_after is None else habit.joined + habit.leaves_after
    for number, day in enumerate(days):
        count = _count(persona, day, r)
        if not habit.joined <= number < last or number in away or not count:
            continue
        hours = sorted(r.choice(habit.hours) + r.gauss(0, _SPREAD) for _ in range(count))
        for place, hour in enumerate(hours):
            at = _local(day, min(max(hour, 0.1) + 0.02 * place, 23.9), zone)
            if at <= now:
                found.append(Moment(at, day, place == 0))
    return found


def _ten(value: float, r: Random, noise: float = 0.55) -> int:
    return min(max(round(value + r.gauss(0, noise)), 1), 10)


def _five(value: float) -> int:
    return min(max(round(value), 1), 5)


def _emotions(mood: int, anxiety: int, stress: int, day: Day, r: Random) -> list[Emotion]:
    """Return one to three labels that fit, the strongest first."""
    weights = {
        "joy": mood - 6.5,
        "calm": (mood - 5 + 5 - anxiety) / 2 - 0.5,
        "hopeful": (mood - 5.5) / 1.5 + (1.0 if day.phase == "after" else 0.0),
        "neutral": 1.2 - abs(mood - 5.5),
        "sadness": 5.0 - mood,
        "anxiety": anxiety - 5.0,
        "fear": anxiety - 7.5,
        "overwhelm": stress - 6.0,
        "frustrated": (stress - 4.5 + 5.5 - mood) / 2 - 0.8,
        "anger": 2.0 if day.episode == "conflict" and day.phase != "after" else -1.0,
        "surprise": 1.5 if day.episode == "good_news" and day.phase == "start" else -2.0,
        "disgust": -2.2,
    }
    scored = sorted(((w + r.gauss(0, 0.7), e) for e, w in weights.items()), reverse=True)
    wanted = r.choices((1, 2, 3), (5, 4, 2))[0]
    picked = [(w, e) for w, e in scored[:wanted] if w > 0.2] or scored[:1]
    return [Emotion(e, _five(1.5 + 0.8 * w)) for w, e in picked]


def _company(persona: Persona, day: Day, hour: int, r: Random) -> tuple[Location, Company]:
    working = day.date.weekday() < 5 and 9 <= hour < 17
    if r.random() < min(max(day.alone, 0.05), 0.95):
        return (("work" if persona.works else "school") if working and r.random() < 0.4 else "home"), "alone"
    if working:
        return ("work" if persona.works else "school"), ("with_coworkers" if persona.works else "with_friends")
    if r.random() < 0.2:
        return r.choice(("social", "outdoors")), "with_friends"
    at_home: dict[str, Company] = {"partner": "with_partner", "family": "with_family", "friends": "with_friends"}
    return "home", at_home.get(persona.lives_with, "with_others")


def _factors(persona: Persona, moment: Moment, r: Random) -> list[Factor]:
    day, detail = moment.day, persona.habit.detail
    values: dict[FactorType, float] = {
        "sleep": day.sleep,
        "exercise": 3 + (day.energy - 5) / 2,
        "work": 4.6 - day.stress / 3,
        "relationships": 3.6 - 1.6 * (day.episode in ("conflict", "break_up")) - day.alone / 2,
    }
    chances: dict[FactorType, float] = {"sleep": detail if moment.first else 0.05}
    return [
        Factor(kind, _five(value + r.gauss(0, 0.5)))
        for kind, value in values.items()
        if r.random() < chances.get(kind, 0.25 * detail)
    ]


def _weather(moment: Moment, r: Random) -> Weather:
    month = moment.day.date.month
    warm = 9 - abs(month - 7) * 3.2 + 9
    sky = r.choice(("clear", "cloudy", "rain", "wind") if 4 <= month <= 10 else ("cloudy", "rain", "snow", "fog"))
    return Weather(condition=sky, temperature=round(warm + r.gauss(0, 3), 1), humidity=float(r.randrange(40, 95)))


def quick(moment: Moment, row_id: UUID, r: Random) -> CheckinCreate:
    """Return a check-in of one tap."""
    return CheckinCreate(mood_score=_ten(moment.day.mood, r), id=row_id, duration=r.randrange(2, 6))


def full(persona: Persona, moment: Moment, row_id: UUID, writer: Writer, r: Random) -> CheckinCreate:
    """Return a check-in with as much detail as this person gives."""
    day, detail = moment.day, persona.habit.detail
    hour = moment.at.astimezone(ZoneInfo(persona.timezone)).hour
    mood = _ten(day.mood, r)
    energy = _ten(day.energy - (_TIRED_EVENING if hour >= 20 else 0.0), r)
    anxiety, stress = _ten(day.anxiety, r), _ten(day.stress, r)
    place, company = _company(persona, day, hour, r)
    own = phrases(persona.home.language)
    said = r.random() < 0.35 + 0.6 * detail
    emotions = _emotions(mood, anxiety, stress, day, r)
    if r.random() < 0.06:
        emotions.append(Emotion(r.choice(own["own_emotions"]), 3))
    writes = moment.forced is not None or r.random() < persona.habit.writes * (1.15 if mood <= 4 else 1.0)
    neuro = persona.has_adhd or persona.has_autism_spectrum
    return CheckinCreate(
        mood_score=mood,
        id=row_id,
        energy_level=energy,
        anxiety_level=anxiety if said else None,
        stress_level=stress if said else None,
        emotions=emotions,
        context_location=place if said else None,
        context_social=company if said else None,
        context_activity=r.choice(own["activities"]) if r.random() < 0.3 * detail else None,
        factors=_factors(persona, moment, r),
        activities=r.sample(own["activities"], 2) if r.random() < 0.3 * detail else [],
        triggers=[r.choice(own["triggers"])] if stress >= 7 and r.random() < detail else [],
        weather=_weather(moment, r) if r.random() < 0.15 * detail else None,
        journal_text=writer.write(moment.day, mood, moment.forced) if writes else None,
        body_scan_data={a: _five(stress / 2) for a in r.sample(_AREAS, 3)} if r.random() < 0.08 * detail else None,
        sensory_load_score=_ten(stress, r) if persona.has_autism_spectrum and said else None,
        executive_function_score=_ten(energy, r) if neuro and said else None,
        masking_level=_ten(stress - 1, r) if persona.has_autism_spectrum and company != "alone" and said else None,
        duration=r.randrange(8, 40) + (r.randrange(30, 400) if writes else 0),
    )
