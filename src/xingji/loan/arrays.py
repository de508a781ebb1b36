"""Names for the NumPy columns the simulation is made of, and how each of them says "no value"."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
I16 = npt.NDArray[np.int16]
I8 = npt.NDArray[np.int8]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.integer[Any]]
Column = npt.NDArray[Any]

NONE = -1  # codes, counts, flags, row numbers and fen are never negative, so -1 is "no value"

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


def rank_within(group: Ints) -> I32:
    """Running number 0, 1, … of each row among the rows of its group, in row order."""
    n = len(group)
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]] if n else np.zeros(0, np.bool_)
    starts = np.flatnonzero(first)
    ranks = np.arange(n) - np.repeat(starts, np.diff(np.r_[starts, n]))
    out = np.empty(n, np.int32)
    out[order] = ranks
    return out
