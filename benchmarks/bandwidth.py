"""What memory gives on this machine, and what the least is that each question has to read."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from benchmarks.cases import FUNNEL_EVENTS, RETURN_EVENT, START_EVENT
from benchmarks.engine import THREADS

_ITEMS = 32_000_000
_CODE, _TIME, _PLACE = 1, 8, 4
"""Bytes of an event's code, of its time, and of its place in a list of an event's rows."""


@numba.njit(nogil=True)
def _triad(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], c: npt.NDArray[np.float64]) -> None:
    for at in range(len(a)):
        a[at] = b[at] + 3.0 * c[at]


def triad_bytes_per_s(repeats: int = 5) -> float:
    """The best rate of `a = b + 3 c` over arrays too large for a cache, on all threads, in bytes a second."""
    a, b, c = (np.ones(_ITEMS) for _ in range(3))
    edges = np.linspace(0, _ITEMS, THREADS + 1).astype(int)
    spans = [slice(low, high) for low, high in pairwise(edges)]
    _triad(a[:1], b[:1], c[:1])
    best_s = np.inf
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(repeats):
            started = time.perf_counter()
            list(pool.map(lambda span: _triad(a[span], b[span], c[span]), spans))
            best_s = min(best_s, time.perf_counter() - started)
    return 3 * 8 * _ITEMS / best_s


def least_bytes(rows: int, rows_of: dict[str, int]) -> dict[str, float]:
    """For each question the bytes of the columns that it cannot be answered without.

    The code of every event, or of the named ones alone through a list of their places; the times of the
    events that count.
    """
    steps = sum(rows_of.get(name, 0) for name in FUNNEL_EVENTS)
    ends = sum(rows_of.get(name, 0) for name in (START_EVENT, RETURN_EVENT))
    return {
        "funnel": steps * (_PLACE + _TIME),
        "funnel_by_city": steps * (_PLACE + _TIME) + rows_of.get(FUNNEL_EVENTS[0], 0) * 2,
        "event_day": rows * (_CODE + _TIME),
        "rolling_users": rows * _TIME,
        "retention": ends * (_PLACE + _TIME),
        "transitions": rows * _CODE,
        "paths": rows * (_CODE + _TIME),
    }
