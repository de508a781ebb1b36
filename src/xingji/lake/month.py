"""Calendar months in UTC, counted from January 1970, as Iceberg's month transform counts them."""

from __future__ import annotations

import numpy as np

from xingji.lake.part import Int64s


def months_of(time_us: Int64s) -> Int64s:
    """The month of each instant (µs since the epoch)."""
    if not len(time_us):
        return np.zeros(0, np.int64)
    first, last = (int(_month(np.array([edge]))[0]) for edge in (time_us.min(), time_us.max()))
    if first == last:
        return np.full(len(time_us), first, np.int64)
    edges = np.arange(first + 1, last + 1).astype("M8[M]").astype("M8[us]").astype(np.int64)
    return first + np.searchsorted(edges, time_us, side="right").astype(np.int64)


def _month(time_us: Int64s) -> Int64s:
    return time_us.astype("M8[us]").astype("M8[M]").astype(np.int64)
