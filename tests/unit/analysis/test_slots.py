"""Buckets found through the hours of rows are those found from their times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.analysis.calendar import make_buckets
from xingji.analysis.slots import HOUR_US, hours_of_times, slots

FIRST = 1_774_000_000_000_000
"""A week before the clocks of Berlin changed in March 2026."""
TIMES = st.lists(st.integers(FIRST, FIRST + 20 * 24 * HOUR_US), min_size=1, max_size=50)


@given(
    times=TIMES,
    zone=st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"]),
    interval=st.sampled_from(["hour", "day", "week"]),
    cut=st.integers(0, 20 * 24 * HOUR_US),
    on_the_hour=st.booleans(),
)
def test_hours_give_the_buckets_of_times(
    times: list[int], zone: str, interval: str, cut: int, on_the_hour: bool
) -> None:
    time = np.array(times, np.int64)
    cut = FIRST + cut
    cut -= cut % HOUR_US if on_the_hour else 0
    edges = make_buckets(
        FIRST + 2 * 24 * HOUR_US, FIRST + 9 * 24 * HOUR_US, interval, zone, "monday"
    ).edges_us  # type: ignore[arg-type]
    hours = hours_of_times(time, int(time.min()), int(time.max()))
    assert hours is not None
    for span in ((-(2**62), 2**62), (cut, 2**62), (-(2**62), cut)):
        expected = np.searchsorted(edges, time, side="right")
        expected[(time < span[0]) | (time >= span[1])] = 0
        for known in (hours, None):
            found = slots(time, known, edges, *span)
            assert found.place_of[found.codes].tolist() == expected.tolist()


def test_hours_that_no_code_holds_are_not_kept() -> None:
    far = np.array([0, 70_000 * HOUR_US], np.int64)
    assert hours_of_times(far, 0, 70_000 * HOUR_US) is None


@pytest.mark.parametrize("time", [-(10**15), -1, 0, 10**15])
def test_without_buckets_everything_is_after_or_before(time: int) -> None:
    found = slots(np.array([time], np.int64), None, np.zeros(1, np.int64), -(2**62), 2**62)
    assert found.place_of[found.codes].tolist() == [0 if time < 0 else 1]
