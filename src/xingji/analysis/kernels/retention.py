"""Retention: who enters a period, and in which later ones they come back.

Periods are numbered from 1 (`period: uint16[n]`; 0: before all, or not looked at; the highest: after all). A
unit enters a period of the first start event in it that may enter, in the group `group[event]` (-1: none). A
later return event lies k periods after, or, with `time`, k whole lengths of time; it counts, if k >= 1, for
column `column_of[k]` (the one after the last: for none; beyond all: as the last, when rolling). A unit came
back in a column with at least `minimum` events; rolling: with those of later columns too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int32s, Int64s

START, RETURN, GATE = 1, 2, 4
"""Bits of the events a retention walks: starts, returns, and (unless every start may enter) the start that
may."""
_LONG_AGO = -(2**62)

Uint16s = npt.NDArray[np.uint16]
Uint64s = npt.NDArray[np.uint64]
Grid = npt.NDArray[np.int64]


@kernel
def fold(
    time: Int64s, period: Uint16s, bits: Uint64s, first: int, last: int, by_time: bool, entering: np.uint64,
    entry_end_us: int | None, n_cohorts: int, entry: Int64s, place: Int64s, count: Int64s,
) -> tuple[int, int]:  # fmt: skip
    """Of a run of events the entries (from `entry[0]` on) and the places where it returns (rising, from
    `place[1]` on) with how many returns are at each; gives how many there are of both.

    An event enters that has all bits of `entering`, lies before `entry_end_us`, and is the first such of its
    period. What is found is written and kept or not, without a branch that could not be predicted.
    """
    n_entries, n_places, entered, latest = 0, 0, 0, _LONG_AGO
    for event in range(first, last):
        at, now = int(period[event]), int(time[event])
        enters = (bits[event] & entering == entering) & (at != entered) & (at > 0) & (at <= n_cohorts)
        if entry_end_us is not None:
            enters = enters & (now < entry_end_us)
        entry[n_entries] = event
        n_entries += int(enters)
        entered = at if enters else entered
        here = now if by_time else at
        returns = bits[event] & np.uint64(RETURN) != np.uint64(0)
        fresh = returns & (here != latest)
        latest = here if returns else latest
        n_places += int(fresh)
        place[n_places] = here if fresh else place[n_places]
        count[n_places] = (0 if fresh else count[n_places]) + int(returns)
    return n_entries, n_places


@kernel
def column_at(place: int, here: int, length: int | None, column_of: Int32s, rolling: bool) -> int:
    """The column of a return seen from an entry at `here`; -1 beyond all."""
    k = place - here if length is None else (place - here) // length
    if k >= len(column_of):
        return int(column_of[-1]) if rolling else -1
    return int(column_of[k])


@kernel
def retained(
    offsets: Int64s, time: Int64s, period: Uint16s, bits: Uint64s, length: int | None, group: Int32s | None,
    entering: np.uint64, entry_end_us: int | None, column_of: Int32s, rolling: bool, minimum: int, size: Grid,
    returned: Grid, want: Int64s, wanted: npt.NDArray[np.uint8],
) -> None:  # fmt: skip
    """Count entries in `size[group, cohort]` and those that came back in `returned[group, cohort, column]`.

    `length`: µs of a period where it is a length of time (None: periods are the calendar's). `want`: (group,
    cohort, column or -1 for the entry) of the units to flag in `wanted: uint8[n_units]`.
    """
    n_columns, longest = returned.shape[2], 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    entry, place, count = (
        np.zeros(longest + 1, np.int64), np.zeros(longest + 1, np.int64), np.zeros(longest + 1, np.int64),
    )  # fmt: skip
    tally = np.zeros(n_columns + 1, np.int64)
    for unit in range(len(offsets) - 1):
        n_entries, n_places = fold(
            time, period, bits, offsets[unit], offsets[unit + 1], length is not None, entering, entry_end_us,
            size.shape[1], entry, place, count,
        )  # fmt: skip
        after = 1
        for at in range(n_entries):
            event = entry[at]
            cohort = np.int64(period[event]) - 1
            in_group = 0 if group is None else group[event]
            if in_group < 0:
                continue
            size[in_group, cohort] += 1
            asked = in_group == want[0] and cohort == want[1]
            if asked and want[2] < 0:
                wanted[unit] = 1
            here = cohort + 1 if length is None else time[event]
            while after <= n_places and place[after] < here + (1 if length is None else length):
                after += 1
            last = after
            while last <= n_places:
                column = column_at(place[last], here, length, column_of, rolling)
                if column < 0:
                    break
                tally[column] += count[last]
                if not rolling and column < n_columns and tally[column] >= minimum:
                    returned[in_group, cohort, column] += np.int64(tally[column] - count[last] < minimum)
                    if asked and want[2] == column:
                        wanted[unit] = 1
                last += 1
            if rolling:
                for column in range(n_columns - 1, -1, -1):
                    tally[column] += tally[column + 1] if column + 1 < n_columns else 0
                    returned[in_group, cohort, column] += np.int64(tally[column] >= minimum)
                    if asked and want[2] == column and tally[column] >= minimum:
                        wanted[unit] = 1
                tally[:] = 0
            else:
                for back in range(after, last):
                    tally[column_at(place[back], here, length, column_of, rolling)] = 0
