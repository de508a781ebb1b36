"""Counting events and distinct units by calendar bucket, in one pass over each unit's events."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int32s, Int64s

Uint64s = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint16] | Int32s


@kernel
def count(
    begin: Int32s, end: Int32s, codes: npt.NDArray[np.uint16], lines_of: Uint64s, slot: Int32s, first_slot: int,
    bucket_of: Int32s, group: Codes, group_of: Int32s, n_groups: int, n_lines: int, counted_from: int, reach: int,
    events: Int64s, units: Int64s, total_events: Int64s, total_units: Int64s,
) -> None:  # fmt: skip
    """Count, for each line and group, events and distinct units a bucket.

    A row counts for the lines whose bits are in `lines_of[codes[row]]`, in the bucket `bucket_of[slot[row] -
    first_slot]` (outside or -1: in none), in the group `group_of[group[row]]` (-1: in none; `group` empty:
    all rows are in group 0). An event in bucket b makes its unit present in the buckets b … b + reach - 1.
    Totals hold buckets from `counted_from` on. `events`, `units: int64[n_lines * n_groups, n_buckets + 1]`:
    `units` is filled as differences, to be summed along buckets.
    """
    n_buckets = events.shape[1] - 1
    n_keys = n_lines * n_groups
    unit_of = np.full(n_keys, -1, np.int32)
    total_of = np.full(n_keys, -1, np.int32)
    until = np.zeros(n_keys, np.int32)
    for unit in range(begin.shape[0]):
        for part in range(begin.shape[1]):
            for row in range(begin[unit, part], end[unit, part]):
                lines = lines_of[codes[row]]
                if lines == np.uint64(0):
                    continue
                place = slot[row] - first_slot
                if place < 0 or place >= len(bucket_of):
                    continue
                bucket = bucket_of[place]
                at = group_of[group[row]] if len(group) else 0
                if bucket < 0 or at < 0:
                    continue
                key = at
                while lines != np.uint64(0):
                    if lines & np.uint64(1):
                        events[key, bucket] += 1
                        if unit_of[key] != unit:
                            unit_of[key] = unit
                            until[key] = -1
                        if bucket + reach - 1 > until[key]:
                            units[key, max(bucket, until[key] + 1)] += 1
                            until[key] = min(bucket + reach - 1, n_buckets - 1)
                            units[key, until[key] + 1] -= 1
                        if bucket >= counted_from:
                            total_events[key] += 1
                            if total_of[key] != unit:
                                total_of[key] = unit
                                total_units[key] += 1
                    lines >>= np.uint64(1)
                    key += n_groups
