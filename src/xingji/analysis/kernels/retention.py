"""Retention: who enters a period, and in which later ones they come back.

An event lies in the period numbered `place_of[slot[event]]`, from 1 on (0: before all; the highest: after
all). A unit enters a period with the first event in it that may enter, in the group `group[event]` (-1:
none). A return event lies k periods later, or, with `length`, k whole lengths of time; it counts, if k >= 1,
for column `column_of[k]` (the one after the last: for none; beyond all: as the last, when rolling). A unit
came back in a column with at least `minimum` events; rolling: with those of later columns too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import inline, kernel
from xingji.lake.part import Int32s, Int64s

_LONG_AGO = -(2**62)

Uint16s = npt.NDArray[np.uint16]
Flags = npt.NDArray[np.uint8]
Grid = npt.NDArray[np.int64]


@inline
def fold(
    time: Int64s | None, slot: Uint16s, place_of: Int32s, first: int, last: int, place: Int64s, count: Int64s
) -> int:  # fmt: skip
    """The places (times, or without them periods) of a run of events, rising, from `place[1]` on, and how
    many are at each; gives the number of places."""
    n_places, latest = 0, _LONG_AGO
    for event in range(first, last):
        here = int(place_of[slot[event]]) if time is None else int(time[event])
        fresh = int(here != latest)
        latest = here
        n_places += fresh
        place[n_places] = here
        count[n_places] = count[n_places] * (1 - fresh) + 1
    return n_places


@kernel
def longest_run(offsets: Int64s) -> int:
    """The most events that a unit has."""
    longest = 0
    for unit in range(len(offsets) - 1):
        longest = max(longest, offsets[unit + 1] - offsets[unit])
    return int(longest)


@inline
def column_at(place: int, here: int, length: int | None, column_of: Int32s, rolling: bool) -> int:
    """The column of a return seen from an entry at `here`; -1 beyond all."""
    k = place - here if length is None else (place - here) // length
    if k >= len(column_of):
        return int(column_of[-1]) if rolling else -1
    return int(column_of[k])


@kernel
def retained(
    offsets: Int64s, time: Int64s | None, slot: Uint16s, place_of: Int32s, enters: Flags,
    group: Int32s | None, entry_end_us: int, back_offsets: Int64s, back_time: Int64s | None,
    back_slot: Uint16s, back_place_of: Int32s, length: int | None, column_of: Int32s, rolling: bool,
    minimum: int, size: Grid, returned: Grid, want: Int64s, wanted: Flags,
) -> None:  # fmt: skip
    """Count entries in `size[group, cohort]` and those that came back in `returned[group, cohort, column]`.

    Start events are the runs of `offsets`; those may enter for which `enters` holds and that,
    with `time`, lie before `entry_end_us`. Return events are the runs of `back_offsets`, of the same units.
    `length`: µs of a period where it is a length of time (None: periods are the calendar's). `want`: (group,
    cohort, column or -1 for the entry) of the units to flag in `wanted: uint8[n_units]`.
    """
    n_columns, n_cohorts, longest = returned.shape[2], size.shape[1], longest_run(back_offsets)
    place, count = np.zeros(longest + 1, np.int64), np.zeros(longest + 1, np.int64)
    tally = np.zeros(n_columns + 1, np.int64)
    for unit in range(len(offsets) - 1):
        if offsets[unit] == offsets[unit + 1]:
            continue
        n_places = fold(
            back_time, back_slot, back_place_of, back_offsets[unit], back_offsets[unit + 1], place, count
        )
        entered, after = 0, 1
        for event in range(offsets[unit], offsets[unit + 1]):
            at = int(place_of[slot[event]])
            if at == entered or at == 0 or at > n_cohorts or enters[event] == 0:
                continue
            if time is not None and time[event] >= entry_end_us:
                continue
            entered, cohort = at, at - 1
            in_group = 0 if group is None else group[event]
            if in_group < 0:
                continue
            size[in_group, cohort] += 1
            asked = in_group == want[0] and cohort == want[1]
            wanted[unit] |= np.uint8(asked and want[2] < 0)
            here = at if length is None or time is None else time[event]
            while after <= n_places and place[after] < here + (1 if length is None else length):
                after += 1
            last = after
            while last <= n_places:
                column = column_at(place[last], here, length, column_of, rolling)
                if column < 0:
                    break
                tally[column] += count[last]
                if not rolling and column < n_columns and tally[column] >= minimum:
                    returned[in_group, cohort, column] += int(tally[column] - count[last] < minimum)
                    if asked and want[2] == column:
                        wanted[unit] = 1
                last += 1
            if rolling:
                for column in range(n_columns - 1, -1, -1):
                    tally[column] += tally[column + 1] if column + 1 < n_columns else 0
                    returned[in_group, cohort, column] += int(tally[column] >= minimum)
                    if asked and want[2] == column and tally[column] >= minimum:
                        wanted[unit] = 1
                tally[:] = 0
            else:
                for back in range(after, last):
                    tally[column_at(place[back], here, length, column_of, rolling)] = 0
