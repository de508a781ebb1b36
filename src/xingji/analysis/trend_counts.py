"""Events and distinct units by line, group and bucket: what the counting measures of a trend are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.calendar import Buckets
from xingji.analysis.columns import EVENT_NAME, row_values
from xingji.analysis.context import Context
from xingji.analysis.groups import Groups, pack
from xingji.analysis.kernels.trend import count
from xingji.analysis.selection import Target, select
from xingji.analysis.stream import Request, Stream, over_streams
from xingji.analysis.values import ValueTable
from xingji.lake.dictionary import encode_values
from xingji.lake.part import QUARTER_US, Int32s, Int64s, ViewLike
from xingji.model.predicate import PropertyRef
from xingji.model.query import EventSelector

Grid = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to count: `lines` (bit i of a row's bits), in `buckets` within [first_us, end_us), by the
    breakdown.

    An event makes its unit present for `reach` buckets; totals begin with bucket `counted_from`. `groups`:
    those to count in, by their number; None counts every key on its own.
    """

    lines: tuple[EventSelector, ...]
    buckets: Buckets
    first_us: int
    end_us: int
    breakdown: tuple[PropertyRef, ...]
    values: ValueTable
    groups: Groups | None = None
    reach: int = 1
    counted_from: int = 0
    first_of_user: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """`keys: int64[n_groups]` rising; `events`, `units: int64[n_lines, n_groups, n_buckets]`; totals without
    buckets."""

    keys: Int64s
    events: Grid
    units: Grid
    total_events: Grid
    total_units: Grid


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the kernel walks: a view, or a stream as one."""

    begin: Int32s
    end: Int32s
    codes: npt.NDArray[np.uint16]
    bits_of: npt.NDArray[np.uint64]
    slot: Int32s
    group: npt.NDArray[np.uint16] | Int32s
    keys: Int64s


def count_lines(context: Context, plan: Plan) -> Counts:
    """The counts of a plan."""
    targets = [Target(line) for line in plan.lines]
    if context.scope.count_by.kind == "user" and not any(line.first_time for line in plan.lines):
        bounds = (plan.first_us, plan.end_us)
        parts = context.over_buckets(
            lambda view: _count(plan, _view_rows(context, plan, targets, view)), bounds
        )
    else:
        columns = {f"by{at}": ref for at, ref in enumerate(plan.breakdown)}
        request = Request(
            targets, plan.first_us, plan.end_us, columns, values=plan.values, first_of_user=plan.first_of_user
        )
        parts = over_streams(context, request, lambda stream: _count(plan, _stream_rows(plan, stream)))
    return merge(parts, plan)


def _view_rows(context: Context, plan: Plan, targets: Sequence[Target], view: ViewLike) -> _Rows:
    chosen = select(targets, context.scope.filter, view, context.snapshot, context.as_of_us)
    group, keys = _group_column(context, plan, view)
    lut = _quarter_lut(plan)
    slot = view.quarter if lut is not None else _slots(plan, view.time)
    return _Rows(view.begin, view.end, chosen.codes, chosen.bits_of, slot, group, keys)


def _group_column(
    context: Context, plan: Plan, view: ViewLike
) -> tuple[npt.NDArray[np.uint16] | Int32s, Int64s]:
    """A code a row, and the packed key of each code."""
    if not plan.breakdown:
        return np.empty(0, np.uint16), np.zeros(1, np.int64)
    if plan.breakdown == (EVENT_NAME,):
        _, names = encode_values(context.snapshot.event_names)
        return view.event, plan.values.encode(names)[1:]
    columns = [
        row_values(view, context.snapshot, ref, plan.values.encode, np.int32) for ref in plan.breakdown
    ]
    if len(columns) == 1:
        return columns[0], np.arange(len(plan.values))  # type: ignore[return-value]
    keys, codes = np.unique(pack(columns, view.n_rows), return_inverse=True)  # type: ignore[arg-type]
    return codes.astype(np.int32), keys


def _stream_rows(plan: Plan, stream: Stream) -> _Rows:
    kinds, codes = np.unique(stream.bits, return_inverse=True)
    offsets = stream.offsets.astype(np.int32)
    group, keys = np.empty(0, np.int32), np.zeros(1, np.int64)
    if plan.breakdown:
        packed = pack([stream.columns[f"by{at}"] for at in range(len(plan.breakdown))], len(stream.time))
        keys, inverse = np.unique(packed, return_inverse=True)
        group = inverse.astype(np.int32)
    slot = (
        _slots(plan, stream.time)
        if _quarter_lut(plan) is None
        else (stream.time // QUARTER_US).astype(np.int32)
    )
    bounds = np.ascontiguousarray(offsets[:-1, None]), np.ascontiguousarray(offsets[1:, None])
    return _Rows(*bounds, codes.astype(np.uint16), kinds, slot, group, keys)


def _quarter_lut(plan: Plan) -> tuple[int, Int32s] | None:
    """The bucket of each quarter hour, -1 outside the range; None where a bucket or the range cuts a quarter
    hour."""
    lut = plan.buckets.of_quarters()
    if lut is None:
        return None
    first, bucket_of = lut
    edges = plan.buckets.edges_us
    low, high = max(plan.first_us, int(edges[0])), min(plan.end_us, int(edges[-1]))
    if low % QUARTER_US or high % QUARTER_US:
        return None
    bucket_of[: low // QUARTER_US - first] = -1
    bucket_of[max(high // QUARTER_US - first, 0) :] = -1
    return first, bucket_of


def _slots(plan: Plan, time_us: Int64s) -> Int32s:
    inside = (time_us >= plan.first_us) & (time_us < plan.end_us)
    return np.where(inside, plan.buckets.of_times(time_us), -1).astype(np.int32)


def _count(plan: Plan, rows: _Rows) -> Counts:
    n_lines, n_buckets = len(plan.lines), len(plan.buckets)
    if plan.groups is None:
        n_groups, group_of = len(rows.keys), np.arange(len(rows.keys), dtype=np.int32)
    else:
        n_groups, group_of = len(plan.groups.labels), plan.groups.member(rows.keys).astype(np.int32)
    first_slot, bucket_of = _quarter_lut(plan) or (0, np.arange(n_buckets, dtype=np.int32))
    events, units = (np.zeros((n_lines * n_groups, n_buckets + 1), np.int64) for _ in range(2))
    total_events, total_units = (np.zeros(n_lines * n_groups, np.int64) for _ in range(2))
    count(
        rows.begin, rows.end, rows.codes, rows.bits_of, rows.slot, first_slot, bucket_of, rows.group, group_of, n_groups,
        n_lines, plan.counted_from, plan.reach, events, units, total_events, total_units,
    )  # fmt: skip
    shape = (n_lines, n_groups, n_buckets)
    present = np.cumsum(units[:, :-1], axis=1).reshape(shape)
    totals = [total.reshape(n_lines, n_groups) for total in (total_events, total_units)]
    keys = np.arange(n_groups) if plan.groups else rows.keys
    met = np.flatnonzero(totals[0].any(axis=0) | (events[:, :-1].reshape(shape).any(axis=(0, 2))))
    met = np.arange(n_groups) if plan.groups or not plan.breakdown else met
    counted = events[:, :-1].reshape(shape)
    return Counts(keys[met], counted[:, met], present[:, met], totals[0][:, met], totals[1][:, met])


def merge(parts: Sequence[Counts], plan: Plan) -> Counts:
    """The sum of counts that share no unit."""
    keys = np.unique(np.concatenate([part.keys for part in parts]))
    n_lines, n_buckets = len(plan.lines), len(plan.buckets)
    whole = Counts(
        keys,
        *(np.zeros((n_lines, len(keys), n_buckets), np.int64) for _ in range(2)),
        *(np.zeros((n_lines, len(keys)), np.int64) for _ in range(2)),
    )
    for part in parts:
        place = np.searchsorted(keys, part.keys)
        whole.events[:, place] += part.events
        whole.units[:, place] += part.units
        whole.total_events[:, place] += part.total_events
        whole.total_units[:, place] += part.total_units
    return whole
