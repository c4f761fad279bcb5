"""The last seven days as the typed signals that safety judges."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from wellspring.checkins.queries import Context, Week
from wellspring.checkins.schemas import CheckinCreate
from wellspring.safety.behaviour import Baseline, Day, Earlier, Moment, Signals

_DAYS_OF_BASELINE = 28


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def _days(context: Context | Week, data: CheckinCreate, at: datetime, zone: ZoneInfo) -> tuple[Day, ...]:
    """Group the stored rows and the new one by the person's own days."""
    sleep = next((f.value for f in data.factors if f.type == "sleep"), None)
    alone = None if data.context_social is None else data.context_social == "alone"
    rows: list[tuple[float, Sequence[float | None]]] = [
        (at.timestamp(), (data.mood_score, data.stress_level, data.anxiety_level, data.energy_level, sleep, alone))
    ]
    if context.at:
        arrays = (context.mood, context.stress, context.anxiety, context.energy, context.sleep, context.alone)
        stored = zip(*(array or () for array in arrays), strict=True)
        rows += zip(context.at, stored, strict=True)
    today = context.now.astimezone(zone).toordinal()
    grouped: dict[int, list[Sequence[float | None]]] = defaultdict(list)
    for moment, values in rows:
        ago = today - datetime.fromtimestamp(moment, zone).toordinal()
        if 0 <= ago <= 6:
            grouped[ago].append(values)
    return tuple([_day(ago, grouped[ago]) for ago in sorted(grouped)])


def _day(ago: int, group: list[Sequence[float | None]]) -> Day:
    """Return the means of one day. By position: days are made in each request, most of them of one check-in."""
    if len(group) == 1:
        return Day(ago, 1, *[None if value is None else float(value) for value in group[0]])
    return Day(ago, len(group), *map(_mean, zip(*group, strict=True)))


def _baseline(numbers: Sequence[float | None]) -> Baseline:
    days, mean, sd, alone_days, alone, total = numbers
    return Baseline(
        mood_days=int(days or 0),
        mood_mean=mean,
        mood_sd=sd,
        alone_days=int(alone_days or 0),
        alone_share=alone,
        observed_days=_DAYS_OF_BASELINE if days else 0,
        checkins_per_week=None if not total else total / (_DAYS_OF_BASELINE / 7),
    )


def of(context: Context | Week, data: CheckinCreate, at: datetime, timezone: str) -> Signals:
    """Return the signals for a check-in at a moment; a past entry is judged with today's week all the same."""
    moment = at.timestamp()
    before = next((earlier for earlier in context.at or () if earlier < moment), None)
    gap = None if before is None else (moment - before) / 86_400
    return Signals(
        days=_days(context, data, at, ZoneInfo(timezone)),
        moment=Moment(mood=data.mood_score, stress=data.stress_level, anxiety=data.anxiety_level),
        baseline=_baseline(context.baseline),
        gap_days=gap,
        earlier=tuple(
            Earlier(level, hours)  # type: ignore[arg-type]
            for level, hours in zip(context.event_levels or (), context.event_hours or (), strict=True)
        ),
    )
