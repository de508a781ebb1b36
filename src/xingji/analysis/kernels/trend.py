"""Counting events and distinct units by calendar bucket, in one pass over each unit's events."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import EventNumbers, Int32s, Int64s, Rows

Uint64s = npt.NDArray[np.uint64]
Uint16s = npt.NDArray[np.uint16]
Codes = EventNumbers | Int32s
Grid = npt.NDArray[np.int64]


@kernel
def time_bounds(
    begin: Rows, end: Rows, codes: EventNumbers, lines_of: Uint64s, time: Int64s, first_us: int, end_us: int
) -> tuple[int, int]:
    """The first and the last time in [first_us, end_us) of the rows whose code has lines; (end_us, first_us)
    if none."""
    low, high = end_us, first_us
    for unit in range(len(begin)):
        for row in range(begin[unit], end[unit]):
            if time[row] >= low:
                break
            if time[row] >= first_us and lines_of[codes[row]] != np.uint64(0):
                low = time[row]
        for back in range(end[unit] - begin[unit]):
            row = end[unit] - 1 - back
            if time[row] <= high:
                break
            if time[row] < end_us and lines_of[codes[row]] != np.uint64(0):
                high = time[row]
    return low, high


@kernel
def count(
    begin: Rows, end: Rows, codes: EventNumbers, key_of: Int32s, slot: Uint16s, place_of: Int32s,
    group: Codes | None, group_of: Int32s, counted_from: int, reach: int | None, cells: Uint64s,
    units: Grid, total_units: Int64s,
) -> None:  # fmt: skip
    """Count events and distinct units by key and bucket.

    A row counts in the bucket `place_of[slot[row]] - 1` (beyond all buckets: in none), for the key
    `key_of[codes[row]]` (-1: for none); with `group`, for the key `group_of[group[row]]` instead. `cells:
    uint64[n_keys, n_buckets]` holds events in its lower 32 bits, units in its upper ones. `total_units:
    int64[n_keys]`: units with events from `counted_from` on. With `reach`, an event in bucket b makes its
    unit present in the buckets b … b + reach - 1: `units: int64[n_keys, n_buckets + 1]` is filled as
    differences along the buckets instead.
    """
    n_buckets = cells.shape[1]
    last_of = np.full(len(cells), -1, np.int64)  # the unit and bucket of the last row, in one number
    until = np.zeros(len(cells), np.int64)
    for unit in range(len(begin)):
        base = unit * n_buckets
        for row in range(begin[unit], end[unit]):
            key = key_of[codes[row]]
            if key < 0:
                continue
            bucket = np.int64(place_of[slot[row]]) - 1
            if bucket < 0 or bucket >= n_buckets:
                continue
            if group is not None:
                key = group_of[group[row]]
                if key < 0:
                    continue
            present, before = base + bucket, last_of[key]
            last_of[key] = present
            if reach is None:
                cells[key, bucket] += np.uint64(1) + (np.uint64(before != present) << np.uint64(32))
            else:
                cells[key, bucket] += np.uint64(1)
                if before < base:
                    until[key] = -1
                last = min(bucket + reach, n_buckets) - 1
                if last > until[key]:
                    units[key, max(bucket, until[key] + 1)] += 1
                    units[key, last + 1] -= 1
                    until[key] = last
            if before < base + counted_from and bucket >= counted_from:
                total_units[key] += 1
