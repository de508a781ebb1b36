"""Retention: who enters a period, and in which later ones they come back.

A unit enters the period [edges_us[p], edges_us[p + 1]) of the first start event in it, if that is in
[first_us, end_us), in the group `group[event]` (-1: none). A later return event lies k periods after, or,
`by_time`, k whole lengths of time; it counts, if k >= 1, for column `column_of[k]` (the one after the last:
for none; beyond all: as the last, when rolling). A unit came back in a column with at least `minimum` events;
rolling: with those of later columns too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.analysis.kernels.trend import bucket_at
from xingji.lake.part import Int32s, Int64s

START, RETURN, GATE = 1, 2, 4
"""Bits of the events a retention walks: starts, returns, and (unless every start may enter) the start that
may."""


@kernel
def find_periods(time: Int64s, first: int, last: int, edges_us: Int64s, period_of: Int64s) -> None:
    """The period of each event of a run, from `period_of[0]` on; -1 before all, `len(edges_us)` after."""
    mean_us = max((edges_us[-1] - edges_us[0]) // (len(edges_us) - 1), 1)
    period, low, high = -1, np.int64(0), np.int64(0)
    for event in range(first, last):
        now = time[event]
        if now < low or now >= high:
            period, low, high = -1 if now < edges_us[0] else len(edges_us), np.int64(0), np.int64(0)
            if edges_us[0] <= now < edges_us[-1]:
                period = bucket_at(now, edges_us, (now - edges_us[0]) // mean_us)
                low, high = edges_us[period], edges_us[period + 1]
        period_of[event - first] = period


@kernel
def fold_returns(
    time: Int64s, bits: npt.NDArray[np.uint64], first: int, last: int, period_of: Int64s, by_time: bool,
    place: Int64s, count: Int64s,
) -> int:  # fmt: skip
    """The places (period or time, rising) of a run's returns and how many are at each; gives their number."""
    n = 0
    for event in range(first, last):
        if not bits[event] & np.uint64(RETURN):
            continue
        here = time[event] if by_time else period_of[event - first]
        if n and place[n - 1] == here:
            count[n - 1] += 1
        else:
            place[n], count[n] = here, 1
            n += 1
    return n


@kernel
def tally_returns(
    place: Int64s, count: Int64s, first: int, n: int, here: int, length: int, column_of: Int32s,
    rolling: bool, tally: Int64s,
) -> None:  # fmt: skip
    """How many returns fall in each column, seen from an entry at `here`; rolling: in it or a later one."""
    tally[:] = 0
    for back in range(first, n):
        k = (place[back] - here) // length
        if k >= len(column_of):
            if not rolling:
                break
            k = len(column_of) - 1
        tally[column_of[k]] += count[back]
    if rolling:
        for column in range(len(tally) - 3, -1, -1):
            tally[column] += tally[column + 1]


@kernel
def retained(
    offsets: Int64s, time: Int64s, bits: npt.NDArray[np.uint64], edges_us: Int64s, by_time: bool, length: int,
    group: Int32s | None, gated: bool, first_us: int, end_us: int, column_of: Int32s, rolling: bool,
    minimum: int, size: npt.NDArray[np.int64], returned: npt.NDArray[np.int64], want: Int64s,
    wanted: npt.NDArray[np.uint8],
) -> None:  # fmt: skip
    """Count entries in `size[group, cohort]` and those that came back in `returned[group, cohort, column]`.

    `want`: (group, cohort, column or -1 for the entry) of the units to flag in `wanted: uint8[n_units]`.
    """
    n_columns = returned.shape[2]
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    back_place, back_count = np.empty(longest, np.int64), np.empty(longest, np.int64)
    period_of = np.empty(longest, np.int64)
    tally = np.zeros(n_columns + 1, np.int64)
    for unit in range(len(offsets) - 1):
        first, last = offsets[unit], offsets[unit + 1]
        find_periods(time, first, last, edges_us, period_of)
        n_back = fold_returns(time, bits, first, last, period_of, by_time, back_place, back_count)
        entered, first_back = np.int64(-1), 0
        for event in range(first, last):
            period = period_of[event - first]
            if (
                not bits[event] & np.uint64(START)
                or period == entered
                or period < 0
                or period >= size.shape[1]
            ):
                continue
            if (
                time[event] < first_us
                or time[event] >= end_us
                or (gated and not bits[event] & np.uint64(GATE))
            ):
                continue
            entered = period
            in_group = 0 if group is None else group[event]
            if in_group < 0:
                continue
            size[in_group, entered] += 1
            asked = in_group == want[0] and entered == want[1]
            if asked and want[2] < 0:
                wanted[unit] = 1
            here = time[event] if by_time else period
            while first_back < n_back and back_place[first_back] < here + length:
                first_back += 1
            if first_back == n_back:
                continue
            tally_returns(back_place, back_count, first_back, n_back, here, length, column_of, rolling, tally)
            for column in range(n_columns):
                hit = np.int64(tally[column] >= minimum)
                returned[in_group, entered, column] += hit
                if asked and hit and want[2] == column:
                    wanted[unit] = 1
