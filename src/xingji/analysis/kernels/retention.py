"""Retention: who enters a period, and in which later ones they come back."""

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
def retained(
    offsets: Int64s, time: Int64s, bits: npt.NDArray[np.uint64], edges_us: Int64s, length_us: int | None,
    group: Int32s | None, gated: bool, first_us: int, end_us: int, column_of: Int32s, rolling: bool,
    minimum: int, size: npt.NDArray[np.int64], returned: npt.NDArray[np.int64], want: Int64s,
    wanted: npt.NDArray[np.uint8],
) -> None:  # fmt: skip
    """Count entries in `size[group, cohort]` and those that came back in `returned[group, cohort, column]`.

    A unit enters the period [edges_us[p], edges_us[p + 1]) of the first start event in it, if that is in
    [first_us, end_us), in the group `group[event]` (-1: none). A later return event lies k periods after, or,
    with `length_us`, k whole lengths; it counts, if k >= 1, for column `column_of[k]` (-1: none; beyond the
    last: as the last, when rolling). A unit came back in a column with at least `minimum` events; `rolling`:
    with those of later columns too. `want`: (group, cohort, column or -1 for the entry itself) of the units
    to flag in `wanted: uint8[n_units]`.
    """
    n_columns = returned.shape[2]
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    back_place, back_count = np.empty(longest, np.int64), np.empty(longest, np.int64)
    period_of = np.empty(longest, np.int64)
    tally = np.zeros(n_columns + 1, np.int64)
    mean_us = max((edges_us[-1] - edges_us[0]) // (len(edges_us) - 1), 1)
    length = np.int64(1)
    if length_us is not None:
        length = np.int64(length_us)
    period, low, high = 0, np.int64(0), np.int64(0)
    for unit in range(len(offsets) - 1):
        first = offsets[unit]
        n_back = 0
        for event in range(first, offsets[unit + 1]):
            now = time[event]
            if now < low or now >= high:
                period, low, high = -1, np.int64(0), np.int64(0)
                if edges_us[0] <= now < edges_us[-1]:
                    period = bucket_at(now, edges_us, (now - edges_us[0]) // mean_us)
                    low, high = edges_us[period], edges_us[period + 1]
            period_of[event - first] = period
            if bits[event] & np.uint64(RETURN):
                place = np.int64(period if period >= 0 else len(edges_us))
                if length_us is not None:
                    place = now
                if n_back and back_place[n_back - 1] == place:
                    back_count[n_back - 1] += 1
                else:
                    back_place[n_back], back_count[n_back] = place, 1
                    n_back += 1
        entered = -1
        first_back = 0
        for event in range(first, offsets[unit + 1]):
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
            in_group = 0
            if group is not None:
                in_group = group[event]
                if in_group < 0:
                    continue
            size[in_group, entered] += 1
            asked = in_group == want[0] and entered == want[1]
            if asked and want[2] < 0:
                wanted[unit] = 1
            tally[:] = 0
            here = np.int64(entered)
            if length_us is not None:
                here = time[event]
            while first_back < n_back and back_place[first_back] < here + length:
                first_back += 1
            came = False
            for back in range(first_back, n_back):
                k = back_place[back] - here
                if length_us is not None:
                    k //= length
                if k >= len(column_of):
                    if not rolling:
                        break
                    k = len(column_of) - 1
                tally[column_of[k]] += back_count[back]
                came = True
            if not came:
                continue
            for column in range(n_columns - 1, -1, -1):
                if rolling and column + 1 < n_columns:
                    tally[column] += tally[column + 1]
                hit = np.int64(tally[column] >= minimum)
                returned[in_group, entered, column] += hit
                if asked and hit and want[2] == column:
                    wanted[unit] = 1
        period, low, high = 0, np.int64(0), np.int64(0)  # the entries have moved it: look the next one up
