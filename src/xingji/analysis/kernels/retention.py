"""Retention: who enters a period, and in which later ones they come back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int32s, Int64s

START, RETURN, GATE = 1, 2, 4
"""Bits of the events a retention walks: starts, returns, and (unless every start may enter) the start that
may."""


@kernel
def retained(
    offsets: Int64s, bits: npt.NDArray[np.uint64], period: Int32s, place: Int64s, length: int, group: Int32s,
    gated: bool, may_enter: npt.NDArray[np.uint8], column_of: Int32s, rolling: bool, minimum: int,
    size: npt.NDArray[np.int64], returned: npt.NDArray[np.int64], want: Int64s, wanted: npt.NDArray[np.uint8],
) -> None:  # fmt: skip
    """Count entries in `size[group, cohort]` and those that came back in `returned[group, cohort, column]`.

    A unit enters the period of the first start event in it (`period: int32[n]`, -1 none; `may_enter:
    uint8[n]`). A later return event lies k = (place - entry's place) // length periods after; it counts, if k
    >= 1, for column `column_of[k]` (-1: none; beyond the last: as the last, when rolling). A unit came back
    in a column with at least `minimum` events; `rolling`: with those of later columns too. `want`: (group,
    cohort, column or -1 for the entry itself) of the units to flag in `wanted: uint8[n_units]`.
    """
    n_columns = returned.shape[2]
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    back_place, back_count = np.empty(longest, np.int64), np.empty(longest, np.int64)
    tally = np.zeros(n_columns + 1, np.int64)
    for unit in range(len(offsets) - 1):
        n_back = 0
        for event in range(offsets[unit], offsets[unit + 1]):
            if bits[event] & np.uint64(RETURN):
                if n_back and back_place[n_back - 1] == place[event]:
                    back_count[n_back - 1] += 1
                else:
                    back_place[n_back], back_count[n_back] = place[event], 1
                    n_back += 1
        entered = -1
        first_back = 0
        for event in range(offsets[unit], offsets[unit + 1]):
            if not bits[event] & np.uint64(START) or period[event] == entered or not may_enter[event]:
                continue
            if period[event] < 0 or (gated and not bits[event] & np.uint64(GATE)):
                continue
            entered = period[event]
            in_group = group[event] if len(group) else 0
            if in_group < 0 or entered >= size.shape[1]:
                continue
            size[in_group, entered] += 1
            asked = in_group == want[0] and entered == want[1]
            if asked and want[2] < 0:
                wanted[unit] = 1
            tally[:] = 0
            while first_back < n_back and back_place[first_back] < place[event] + length:
                first_back += 1
            for back in range(first_back, n_back):
                k = (back_place[back] - place[event]) // length
                if k >= len(column_of):
                    if not rolling:
                        break
                    k = len(column_of) - 1
                tally[column_of[k]] += back_count[back]
            for column in range(n_columns - 1, -1, -1):
                if rolling and column + 1 < n_columns:
                    tally[column] += tally[column + 1]
                if tally[column] >= minimum:
                    returned[in_group, entered, column] += 1
                    if asked and want[2] == column:
                        wanted[unit] = 1
