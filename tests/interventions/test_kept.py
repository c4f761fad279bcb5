"""What is kept of a person, packed: it comes back, it stays small, it forgets the least telling first."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.interventions.learning import kept
from wellspring.interventions.learning.kept import Happened

happened = st.builds(
    Happened,
    key=st.integers(0, (1 << 24) - 1),
    day=st.integers(0, 4000),
    rating=st.none() | st.sampled_from((0.0, 0.25, 0.5, 0.75, 1.0)),
    residual=st.floats(-1, 1),
    weight=st.sampled_from((0.0, 0.5, 1.0)),
)


def plainly(done: list[Happened]) -> dict[int, tuple[float, float, int]]:
    """Ratings, sum of residuals, last day by key, without packing."""
    found: dict[int, tuple[float, float, int]] = {}
    for one in done:
        count, total, last = found.get(one.key, (0.0, 0.0, one.day))
        found[one.key] = (count + one.weight, total + one.weight * one.residual, max(last, one.day))
    return found


@given(st.lists(happened, max_size=40))
def test_what_is_packed_comes_back(done: list[Happened]) -> None:
    expected, packed = plainly(done), kept.added(b"", *done)
    columns = kept.columns(packed, 4000)
    found = zip(columns.keys.tolist(), columns.counts, columns.sums, columns.days_ago, strict=True)
    newest = max((one.day for one in done), default=0)
    for key, count, total, days_ago in found:
        ratings, residuals, last = expected.pop(key)
        assert count == ratings
        assert total == pytest.approx(residuals, abs=len(done) / 512 + 1e-9)
        assert days_ago == 4000 - newest + min(newest - last, kept.LONG_AGO)
    assert not expected


@given(st.lists(happened, max_size=40), st.integers(0, 40))
def test_one_after_the_other_is_all_at_once(done: list[Happened], cut: int) -> None:
    """A new day rounds nothing away but how long ago very old things were."""
    step = kept.added(kept.added(b"", *done[:cut]), *done[cut:])
    at_once = kept.added(b"", *done)
    if max((one.day for one in done), default=0) - min((one.day for one in done), default=0) < kept.LONG_AGO:
        assert step[1:] == at_once[1:]


@given(st.lists(happened, max_size=300))
def test_it_never_grows_past_its_limit(done: list[Happened]) -> None:
    assert len(kept.added(b"", *done)) <= 424


def test_of_too_many_the_unrated_and_the_oldest_go_first() -> None:
    rated = [Happened(key, 100 + key, 0.5, 0.1, 1.0) for key in range(kept.MOST)]
    done = [Happened(1000, 400), *rated, Happened(2000, 900, 0.5, 0.2, 1.0)]
    keys = set(kept.columns(kept.added(b"", *done), 900).keys.tolist())
    assert 1000 not in keys
    assert 0 not in keys
    assert {1, kept.MOST - 1, 2000} <= keys


def test_hundreds_of_ratings_weigh_as_much_as_they_can_and_keep_their_mean() -> None:
    packed = kept.added(b"", *[Happened(7, 10, 0.5, 0.25, 1.0)] * 1000)
    columns = kept.columns(packed, 10)
    assert 63 <= columns.counts[0] <= 127
    assert columns.sums[0] / columns.counts[0] == pytest.approx(0.25, abs=0.01)


def test_the_last_ratings_weigh_most() -> None:
    assert kept.recent(b"") is None
    assert kept.recent(kept.added(b"", Happened(1, 5))) is None
    ratings = [0.0] * 20 + [1.0] * 5
    mean = kept.recent(kept.added(b"", *[Happened(1, 5, rating, 0.0, 1.0) for rating in ratings]))
    assert mean == pytest.approx(1 - (2 / 3) ** 5, abs=0.02)


def test_a_skip_counts_half() -> None:
    packed = kept.added(b"", Happened(1, 5, None, -0.5, 0.5))
    columns = kept.columns(packed, 5)
    assert (columns.counts.tolist(), columns.sums.tolist()) == ([0.5], [-0.25])


def test_days_are_counted_from_2020_in_utc() -> None:
    assert kept.day_of(datetime(2020, 1, 2, 1, tzinfo=UTC)) == 1
    assert kept.day_of(datetime.fromisoformat("2020-01-02T01:00:00+02:00")) == 0


def test_nothing_kept_is_nothing() -> None:
    columns = kept.columns(b"", 9)
    assert [len(one) for one in (columns.keys, columns.counts, columns.sums, columns.days_ago)] == [0] * 4
    assert columns.counts.dtype == np.float64


WHOLE = kept.added(b"", Happened(7, 100, 1.0, 0.5, 1.0))


@pytest.mark.parametrize(
    "damaged", [b"\x01", b"\x01\x00\x00\x00\x05", WHOLE[:-1], WHOLE + b"\x00", b"\x02" + WHOLE[1:]]
)
def test_what_cannot_be_read_counts_as_nothing(damaged: bytes) -> None:
    assert kept.recent(damaged) is None
    assert not len(kept.columns(damaged, 100).keys)
    assert kept.added(damaged, Happened(7, 100, 1.0, 0.5, 1.0)) == WHOLE
