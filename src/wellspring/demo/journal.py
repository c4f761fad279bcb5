"""Journal entries: sentences that fit the day, in one person's voice, seldom the same twice in a row."""

from collections import deque
from random import Random
from typing import Final, Literal

from wellspring.demo.cast import Persona
from wellspring.demo.library import Sentences, Tones, places, sentences
from wellspring.demo.life import Day

Tone = Literal["good", "even", "bad"]
_REMEMBERED: Final = 120
_EVENT: Final = 0.65
_WEEKDAYS: Final = {0: "monday", 4: "friday", 6: "sunday"}
_SEASONS: Final = ("winter", "spring", "summer", "autumn")
_RARE: Final[dict[str, float]] = {"worry": 0.002, "idiom": 0.008, "negation": 0.0015}
"""How often any entry holds words that only sound like danger."""
_PASSIVE: Final = 0.10
_ACTIVE: Final = 0.05
"""How often an entry at somebody's lowest point holds heavy words."""


def tone_of(mood: int) -> Tone:
    """Return the tone in which somebody of this mood writes."""
    return "good" if mood >= 7 else "even" if mood >= 5 else "bad"


def _slots(persona: Persona, r: Random) -> dict[str, str]:
    """Return the people and things of one life: the same friend and the same cat all year."""
    names, fill = places().names[persona.home.names], places().slots[persona.home.language]
    everyone = [n for n in (*names.women, *names.men) if n != persona.first]
    friend, colleague, partner = r.sample(everyone, 3)
    own = {key: r.choice(values) for key, values in fill.items()}
    return {
        **own,
        "friend": friend,
        "colleague": colleague,
        "partner": partner,
        "her": r.choice(names.women),
        "him": r.choice(names.men),
        "e": "e" if persona.woman else "",
    }


class Writer:
    """Writes one person's entries."""

    def __init__(self, persona: Persona, r: Random) -> None:
        self._persona = persona
        self._r = r
        self._all: Sentences = sentences(persona.home.language)
        self._slots = _slots(persona, r)
        self._used: deque[str] = deque(maxlen=_REMEMBERED)

    def write(self, day: Day, mood: int, forced: str | None = None) -> str:
        """Return an entry; `forced` names the heavy words that it must hold."""
        tone = tone_of(mood)
        parts = self._ordinary(day, tone)
        heavy = forced or self._heavy(day, tone)
        if heavy:
            parts.insert(self._r.randrange(1, len(parts) + 1), self._pick(self._all.dark[heavy]))
        return self._voiced(parts)

    def _ordinary(self, day: Day, tone: Tone) -> list[str]:
        r, parts = self._r, list[str]()
        weekday = _WEEKDAYS.get(day.date.weekday())
        if weekday and r.random() < 0.12:
            parts.append(self._pick(self._all.weekday[weekday]))
        if day.episode and r.random() < _EVENT:
            parts.append(self._pick(getattr(self._all.events[day.episode], day.phase)))
        for theme in r.sample(self._themes(day), r.choices((0, 1, 2), (2, 5, 2))[0] if parts else r.choice((1, 1, 2))):
            parts.append(self._pick(getattr(self._all.themes[theme], tone)))
        if r.random() < (0.55 if tone == "bad" else 0.35):
            mind: Tones = self._all.mind
            parts.append(self._pick(getattr(mind, tone)))
        return parts

    def _themes(self, day: Day) -> list[str]:
        """Return what somebody may write about today; the weekend has no office."""
        home = ["friends", "family", "sleep", "body", "home", "outdoors", "hobby", _SEASONS[day.date.month % 12 // 3]]
        if self._persona.lives_with == "partner":
            home.append("partner")
        if self._persona.lives_with == "family" and self._persona.works:
            home.append("kids")
        if day.date.day in (1, 2, 28, 29, 30):
            home.append("money")
        return home if day.date.weekday() >= 5 else [*home, "work" if self._persona.works else "school"]

    def _heavy(self, day: Day, tone: Tone) -> str | None:
        r = self._r
        if tone == "bad" and day.dark:
            chance = r.random() / day.dark
            if chance < _ACTIVE + _PASSIVE:
                return "active" if chance < _ACTIVE else "passive"
        return next((kind for kind, chance in _RARE.items() if r.random() < chance), None)

    def _pick(self, pool: tuple[str, ...]) -> str:
        """Return a sentence that this person has not used lately, with its slots filled."""
        fresh = [s for s in pool if s not in self._used] or list(pool)
        chosen = self._r.choice(fresh)
        self._used.append(chosen)
        text = chosen.format(**self._slots) if "{" in chosen else chosen
        return text[:1].upper() + text[1:]

    def _voiced(self, parts: list[str]) -> str:
        r, voice = self._r, self._persona.habit.voice
        own = self._all.voices[voice]
        if own.open and r.random() < 0.15:
            parts.insert(0, r.choice(own.open))
        if own.close and r.random() < 0.15:
            parts.append(r.choice(own.close))
        if voice == "texting":
            return " ".join(p.lower().replace(".", ",") for p in parts).rstrip(", ").replace(",,", ",")
        return ("\n" if voice == "careful" and r.random() < 0.2 else " ").join(parts)
