"""The calendar bucket of every row: through the hour it lies in, where all buckets begin on whole hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.calendar import hours_of, place_in_buckets
from xingji.lake.part import Int32s, Int64s, ViewLike

HOUR_US = 3_600_000_000
_MAX_HOURS = 1 << 16
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
    by_hour = None if hours is None else _by_hour(hours, edges_us, first_us, end_us)
    if by_hour is not None:
        return by_hour
    codes = np.empty(len(time), np.uint16)
    place_in_buckets(time, edges_us, first_us, end_us, codes)
    return Slots(codes, np.arange(len(edges_us) + 1, dtype=np.int32))


def _by_hour(hours: Hours, edges_us: Int64s, first_us: int, end_us: int) -> Slots | None:
    """The buckets through the hours; None where a bucket or the span begins or ends within one."""
    cuts = np.append(edges_us, [first_us, end_us])
    cuts = cuts[(cuts > hours.first_us) & (cuts <= hours.last_us)]
    if bool((cuts % HOUR_US).any()):
        return None
    starts = np.arange(hours.first_us // HOUR_US, hours.last_us // HOUR_US + 1) * HOUR_US
    starts[0] = hours.first_us
    place_of = np.searchsorted(edges_us, starts, side="right")
    place_of[(starts < first_us) | (starts >= end_us)] = 0
    return Slots(hours.codes, place_of.astype(np.int32))
