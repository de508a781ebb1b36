"""Age goes with received times, and wrong clocks move it little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.dedup.age import PATIENCE_LOTS, Age

LEAP_US = 100


def age_after(times_us: list[int]) -> int:
    age = Age()
    for time_us in times_us:
        age = age.after(time_us, LEAP_US)
    return age.age_us


@pytest.mark.parametrize(
    ("times_us", "expected"),
    [
        pytest.param([5], 0, id="the first lot"),
        pytest.param([5, 7, 7, 20], 15, id="forward"),
        pytest.param([50, 20, 50, 20, 60], 10, id="two clocks that differ a little"),
        pytest.param([0, 1_000_000], LEAP_US, id="a leap"),
        pytest.param([0, 1_000_000, 10, 20, 30], LEAP_US, id="a leap that was put right"),
        pytest.param([1_000, 0, 1_001, 5, 1_002], 2, id="replays between"),
        pytest.param([10_000, *range(PATIENCE_LOTS), PATIENCE_LOTS], 1, id="a clock put right for good"),
        pytest.param([-50, -20], 30, id="before the epoch"),
    ],
)
def test_how_old(times_us: list[int], expected: int) -> None:
    assert age_after(times_us) == expected


@given(st.lists(st.integers(0, 10_000)))
def test_age_is_never_ahead_of_the_way_that_time_went(times_us: list[int]) -> None:
    ahead_us = max(times_us, default=0) - min(times_us[:1], default=0)
    if len(times_us) < PATIENCE_LOTS:
        assert age_after(times_us) <= ahead_us


@given(st.lists(st.integers(0, LEAP_US)))
def test_steady_time_counts_in_full(steps_us: list[int]) -> None:
    times_us = [0]
    for step_us in steps_us:
        times_us.append(times_us[-1] + step_us)
    assert age_after(times_us) == times_us[-1]
