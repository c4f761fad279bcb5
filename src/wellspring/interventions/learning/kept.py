"""What is kept of one person, packed: for each intervention tried, how many ratings, what they were above expectation,
and when it was last done. At most 424 bytes; with the rest of its row below 500.

A header of four bytes (format, running mean of the last ratings, day of the last entry), then seven bytes for
each intervention: its key, ratings in halves (a skip counts half a rating), days between the last time and the header's
day, and the sum of residuals in 1/256.
"""

from datetime import UTC, date, datetime
from struct import Struct as Packed
from typing import Final

import numpy as np
from msgspec import Struct

from wellspring.interventions.learning.features import Floats, Numbers

MOST: Final = 60
"""Interventions kept; of more, those with the fewest ratings and done longest ago go first."""
LONG_AGO: Final = 255
_FORMAT: Final = 1
_SCALE: Final = 256
_MOST_HALVES: Final = 254
_LARGEST: Final = 32_767
_LAST_WEIGHS: Final = 1 / 3
"""The running mean moves by a third towards each rating: it stands for about the last five."""
_UNKNOWN: Final = 0
_EPOCH: Final = date(2020, 1, 1)
_HEAD: Final = Packed("<BBH")
_ENTRY: Final = Packed("<HBBBh")
# The same seven bytes, with key and halves as one word: two operations fewer for each decision.
_COLUMNS: Final = np.dtype(
    {"names": ["word", "ago", "sum"], "formats": ["<u4", "u1", "<i2"], "offsets": [0, 4, 5], "itemsize": _ENTRY.size}
)


def day_of(now: datetime) -> int:
    """Return the day as it is kept: days since the start of 2020, UTC."""
    return (now.astimezone(UTC).date() - _EPOCH).days


class Happened(Struct, frozen=True):
    """One session that ended: with which intervention (`key`), on which day, what it was rated (0..1, None: not rated),
    how much more that was than everybody's model expected, and how much it weighs (1, or .5 for a skip)."""

    key: int
    day: int
    rating: float | None = None
    residual: float = 0.0
    weight: float = 0.0


class Columns(Struct, frozen=True):
    """The kept numbers as arrays of the same length: keys, ratings, sums of residuals, days since the last time."""

    keys: Numbers
    counts: Floats
    sums: Floats
    days_ago: Numbers


def readable(kept: bytes) -> bool:
    """Tell whether this was packed here; what was not (another format, a damaged row) counts as nothing kept."""
    return len(kept) % _ENTRY.size == _HEAD.size and kept[0] == _FORMAT


def recent(kept: bytes) -> float | None:
    """Return the running mean of the last ratings, 0..1, or None."""
    return None if not readable(kept) or kept[1] == _UNKNOWN else (kept[1] - 1) / 254


def columns(kept: bytes, today: int) -> Columns:
    """Return what is kept, seen from `today` (see `day_of`)."""
    if len(kept) <= _HEAD.size or not readable(kept):
        return _NOTHING
    found = np.frombuffer(kept, _COLUMNS, offset=_HEAD.size)
    word: Numbers = found["word"].astype(np.intp)
    day: int = _HEAD.unpack_from(kept)[2]
    days_ago: Numbers = found["ago"].astype(np.intp) + (today - day)
    return Columns(word & 0xFFFFFF, _HALVES.take(word >> 24), found["sum"] * (1 / _SCALE), days_ago)


_HALVES: Final[Floats] = np.linspace(0.0, 127.5, 256)
_NOTHING: Final = Columns(np.zeros(0, np.intp), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))


class _Entry(Struct):
    halves: int
    last: int
    total: int

    def add(self, happened: Happened) -> None:
        self.halves += round(2 * happened.weight)
        self.total += round(happened.weight * happened.residual * _SCALE)
        self.last = max(self.last, happened.day)
        while self.halves > _MOST_HALVES or abs(self.total) > _LARGEST:
            self.halves, self.total = self.halves // 2, int(self.total / 2)


def _entries(kept: bytes) -> tuple[int, int, dict[int, _Entry]]:
    """Return mean of the last ratings as kept, day, and entries by key."""
    if not readable(kept):
        return _UNKNOWN, 0, {}
    _, mean, day = _HEAD.unpack_from(kept)
    rows = _ENTRY.iter_unpack(kept[_HEAD.size :])
    return mean, day, {low + (high << 16): _Entry(halves, day - ago, total) for low, high, halves, ago, total in rows}


def _mean(before: int, rating: float | None) -> int:
    if rating is None:
        return before
    old = rating if before == _UNKNOWN else (before - 1) / 254
    return 1 + round(254 * (old + _LAST_WEIGHS * (rating - old)))


def added(kept: bytes, *happened: Happened) -> bytes:
    """Return what is kept after these sessions, in the order in which they ended."""
    mean, day, entries = _entries(kept)
    for one in happened:
        mean, day = _mean(mean, one.rating), max(day, one.day)
        entries.setdefault(one.key, _Entry(0, one.day, 0)).add(one)
    left = sorted(entries.items(), key=lambda item: (item[1].halves > 0, item[1].last, item[1].halves))[-MOST:]
    packed = [
        _ENTRY.pack(key & 0xFFFF, key >> 16, entry.halves, min(day - entry.last, LONG_AGO), entry.total)
        for key, entry in sorted(left, key=lambda item: item[0])
    ]
    return _HEAD.pack(_FORMAT, mean, day) + b"".join(packed)
