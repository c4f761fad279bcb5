"""What the program would read about a person before judging a check-in, kept while their year is played."""

import math
from collections import deque
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from wellspring.checkins.queries import Context
from wellspring.checkins.schemas import CheckinCreate
from wellspring.interventions import recommend
from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened
from wellspring.interventions.moment import History

_WEEK: Final = timedelta(days=7)
_HELD: Final = timedelta(hours=72)
_MOST: Final = 60
_OFFERED: Final = 9


class _Stored(Struct, frozen=True):
    at: datetime
    data: CheckinCreate
    sleep: int | None

    @property
    def alone(self) -> bool | None:
        return None if self.data.context_social is None else self.data.context_social == "alone"


class _Sum(Struct):
    count: int = 0
    mood: int = 0
    said: int = 0
    alone: int = 0


class Memory:
    """The last week, the four weeks before it, recent events, offers, and what is learned of one person."""

    def __init__(self, timezone: str) -> None:
        self._zone = ZoneInfo(timezone)
        self._week: deque[_Stored] = deque(maxlen=_MOST)
        self._days: dict[date, _Sum] = {}
        self._events: list[tuple[str, datetime]] = []
        self._offers: deque[tuple[UUID, datetime]] = deque(maxlen=_OFFERED)
        self.kept = b""

    def keep(self, at: datetime, data: CheckinCreate) -> None:
        """Remember a check-in."""
        sleep = next((f.value for f in data.factors if f.type == "sleep"), None)
        stored = _Stored(at, data, sleep)
        self._week.append(stored)
        day = self._days.setdefault(at.astimezone(self._zone).date(), _Sum())
        day.count += 1
        day.mood += data.mood_score
        if stored.alone is not None:
            day.said += 1
            day.alone += stored.alone

    def keep_event(self, level: str, at: datetime) -> None:
        """Remember a crisis event."""
        self._events.append((level, at))

    def keep_offers(self, offered: list[UUID], at: datetime) -> None:
        """Remember what was offered."""
        self._offers.extend((i, at) for i in offered)

    def keep_outcome(self, happened: Happened) -> None:
        """Remember what was done and what it taught."""
        self.kept = kept.added(self.kept, happened)

    def _baseline(self, today: date) -> list[float | None]:
        """Return what `checkins.queries.CONTEXT` computes of the days before the last seven."""
        window = [self._days.get(today - timedelta(days=ago)) for ago in range(7, 35)]
        known = [day for day in window if day is not None]
        moods = [day.mood / day.count for day in known]
        shares = [day.alone / day.said for day in known if day.said]
        mean = sum(moods) / len(moods) if moods else None
        spread = None
        if mean is not None and len(moods) > 1:
            spread = math.sqrt(sum((m - mean) ** 2 for m in moods) / (len(moods) - 1))
        alone = sum(shares) / len(shares) if shares else None
        total = sum(day.count for day in known)
        return [len(known), mean, spread, len(shares), alone, total if known else None]

    def context(self, at: datetime) -> Context:
        """Return what the program would have read at `at`, newest first."""
        while self._week and self._week[0].at <= at - _WEEK:
            self._week.popleft()
        week = list(reversed(self._week))
        events = [(level, then) for level, then in self._events if then > at - _HELD]
        seen = self._seen(at)
        return Context(
            free=True,
            stored=None,
            now=at,
            wrapped=b"",
            person=[],
            contraindications=[],
            at=[s.at.timestamp() for s in week] or None,
            mood=[s.data.mood_score for s in week] or None,
            energy=[s.data.energy_level for s in week] or None,
            anxiety=[s.data.anxiety_level for s in week] or None,
            stress=[s.data.stress_level for s in week] or None,
            sleep=[s.sleep for s in week] or None,
            alone=[s.alone for s in week] or None,
            baseline=self._baseline(at.astimezone(UTC).date()),
            event_levels=[level for level, _ in events] or None,
            event_hours=[(at - then) / timedelta(hours=1) for _, then in events] or None,
            event_waits=False,
            hard_time=any(level in ("high", "critical") for level, _ in events),
            recent_ids=[i for i, _ in seen] or None,
            recent_hours=[hours for _, hours in seen] or None,
            kept=self.kept,
            refused=False,
        )

    def _seen(self, at: datetime) -> list[tuple[UUID, float]]:
        return [(i, (at - then) / timedelta(hours=1)) for i, then in reversed(self._offers)]


def history(context: Context) -> History:
    """Return the part of a context that choosing needs."""
    return recommend.history(context.recent_ids, context.recent_hours, context.kept, context.now)
