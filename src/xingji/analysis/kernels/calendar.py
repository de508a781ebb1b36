"""Finding the calendar bucket of every event."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.compiled import kernel
from xingji.lake.part import Int64s

Uint16s = npt.NDArray[np.uint16]


@kernel
def place_in_buckets(time: Int64s, edges_us: Int64s, first_us: int, end_us: int, out: Uint16s) -> None:
    """1 + the bucket [edges_us[b], edges_us[b + 1]) of each instant: 0 before all, the highest after all.

    0 also outside [first_us, end_us). The place is guessed from the mean length, and then put right.
    """
    last = len(edges_us) - 2
    per_us = (last + 1) / max(float(edges_us[-1] - edges_us[0]), 1.0)
    for at in range(len(time)):
        now = time[at]
        bucket = min(max(int((now - edges_us[0]) * per_us), 0), last)
        while bucket >= 0 and edges_us[bucket] > now:
            bucket -= 1
        while bucket <= last and edges_us[bucket + 1] <= now:
            bucket += 1
        out[at] = bucket + 1 if first_us <= now < end_us else 0


@kernel
def hours_of(time: Int64s, first_hour: int, hour_us: int, out: Uint16s) -> None:
    """How many whole hours each instant lies after the beginning of an hour (counted since the epoch)."""
    for at in range(len(time)):
        out[at] = time[at] // hour_us - first_hour
