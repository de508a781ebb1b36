"""The calendar bucket of every row: through the hour it lies in, where all buckets begin on whole hours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.calendar import hours_of, place_in_buckets
from xingji.lake.part import Int32s, Int64s, ViewLike

HOUR_US = 3_600_000_000
_MAX_HOURS = 1 << 16
_MOST_CALENDARS = 512
"""Calendars of views that are remembered, some kilobytes each: questions ask for the same days again."""
Uint16s = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Slots:
    """Row r lies in the bucket numbered `place_of[codes[r]]`, from 1 on (`codes: uint16[n_rows]`).

    0: before all buckets, or out of the span that was asked for; the highest number: after all.
    """

    codes: Uint16s
    place_of: Int32s


@dataclass(frozen=True, slots=True)
class Hours:
    """The whole hours from `first_us`'s on at which rows lie (`codes: uint16[n]`), up to `last_us`'s."""

    codes: Uint16s
    first_us: int
    last_us: int


def hours_of_times(time: Int64s, first_us: int, last_us: int) -> Hours | None:
    """The hours of instants within [first_us, last_us]; None where these are too far apart."""
    first_hour = first_us // HOUR_US
    if last_us // HOUR_US - first_hour >= _MAX_HOURS:
        return None
    codes = np.empty(len(time), np.uint16)
    hours_of(time, first_hour, HOUR_US, codes)
    return Hours(codes, first_us, last_us)


def hours_of_view(view: ViewLike) -> Hours | None:
    """The hours of a view's rows, which it keeps; None where it keeps nothing."""
    if view.kept is None:
        return None
    if "hours" not in view.kept:
        view.kept["hours"] = hours_of_times(view.time, view.first_us, view.last_us)
    found: Hours | None = view.kept["hours"]
    return found


def slots(time: Int64s, hours: Hours | None, edges_us: Int64s, first_us: int, end_us: int) -> Slots:
    """The buckets [edges_us[b], edges_us[b + 1]) of rows; 0 outside the span [first_us, end_us)."""
    if hours is not None:
        place_of = _place_of_hours(hours.first_us, hours.last_us, edges_us.tobytes(), first_us, end_us)
        if place_of is not None:
            return Slots(hours.codes, place_of)
    codes = np.empty(len(time), np.uint16)
    place_in_buckets(time, edges_us, first_us, end_us, codes)
    return Slots(codes, _frozen(np.arange(len(edges_us) + 1, dtype=np.int32)))


def _frozen(place_of: Int32s) -> Int32s:
    """Places that may not be written: those of a calendar are shared by all who ask for it."""
    place_of.flags.writeable = False
    return place_of


@lru_cache(_MOST_CALENDARS)
def _place_of_hours(
    rows_first_us: int, rows_last_us: int, edges: bytes, first_us: int, end_us: int
) -> Int32s | None:
    """The bucket of each hour from the rows' first to their last; None where a bucket or the span begins or
    ends within one. `edges`: the bytes of int64 edges."""
    edges_us = np.frombuffer(edges, np.int64)
    cuts = np.append(edges_us, [first_us, end_us])
    cuts = cuts[(cuts > rows_first_us) & (cuts <= rows_last_us)]
    if bool((cuts % HOUR_US).any()):
        return None
    starts = np.arange(rows_first_us // HOUR_US, rows_last_us // HOUR_US + 1) * HOUR_US
    starts[0] = rows_first_us
    place_of = np.searchsorted(edges_us, starts, side="right").astype(np.int32)
    place_of[(starts < first_us) | (starts >= end_us)] = 0
    return _frozen(place_of)
