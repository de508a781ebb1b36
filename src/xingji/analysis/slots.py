"""The calendar bucket of every row: through the hour it lies in, where all buckets begin on whole hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.calendar import hours_of, place_in_periods
from xingji.lake.part import Int32s, Int64s, ViewLike

HOUR_US = 3_600_000_000
_MAX_HOURS = 1 << 16


@dataclass(frozen=True, slots=True)
class Slots:
    """Row r lies in the bucket `bucket_of[codes[r]]`, -1 for none (`codes: uint16[n_rows]`)."""

    codes: npt.NDArray[np.uint16]
    bucket_of: Int32s


def slots_of_times(time: Int64s, edges_us: Int64s, first_us: int, end_us: int) -> Slots:
    """The buckets [edges_us[b], edges_us[b + 1]) of instants; none outside [first_us, end_us)."""
    codes = np.empty(len(time), np.uint16)
    place_in_periods(time, edges_us, first_us, end_us, codes)
    bucket_of = np.arange(-1, len(edges_us), dtype=np.int32)
    bucket_of[-1] = -1
    return Slots(codes, bucket_of)


def slots_of_view(view: ViewLike, edges_us: Int64s, first_us: int, end_us: int) -> Slots:
    """The buckets of a view's rows, by the hour of each, which the view keeps, where that is exact."""
    first_us, end_us = max(first_us, int(edges_us[0])), min(end_us, int(edges_us[-1]))
    cuts = np.append(edges_us, [first_us, end_us])
    cuts = cuts[(cuts > view.first_us) & (cuts <= view.last_us)]
    first_hour, n_hours = view.first_us // HOUR_US, view.last_us // HOUR_US - view.first_us // HOUR_US + 1
    if view.kept is None or n_hours > _MAX_HOURS or bool((cuts % HOUR_US).any()):
        return slots_of_times(view.time, edges_us, first_us, end_us)
    if "hours" not in view.kept:
        hours = np.empty(view.n_rows, np.uint16)
        hours_of(view.time, first_hour, HOUR_US, hours)
        view.kept["hours"] = hours
    starts = (first_hour + np.arange(n_hours)) * HOUR_US
    starts[0] = max(view.first_us, starts[0])
    bucket_of = np.searchsorted(edges_us, starts, side="right") - 1
    bucket_of[(starts < first_us) | (starts >= end_us)] = -1
    return Slots(view.kept["hours"], bucket_of.astype(np.int32))
