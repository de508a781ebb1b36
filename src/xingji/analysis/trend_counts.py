"""Events and distinct units by line, group and bucket: what the counting measures of a trend read."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.bounds import walks_views
from xingji.analysis.calendar import Buckets
from xingji.analysis.columns import EVENT_NAME, row_values
from xingji.analysis.context import Context
from xingji.analysis.groups import Groups, pack
from xingji.analysis.kernels.trend import count
from xingji.analysis.selection import Target, of_bits, select
from xingji.analysis.slots import Slots, hours_of_view, slots
from xingji.analysis.stream import Request, Stream, by_columns, over_streams
from xingji.analysis.values import ValueTable
from xingji.lake.dictionary import encode_values
from xingji.lake.part import EventNumbers, Int32s, Int64s, Rows, ViewLike
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

    begin: Rows
    end: Rows
    codes: EventNumbers
    bits_of: npt.NDArray[np.uint64]
    slots: Slots
    group: EventNumbers | Int32s | None
    keys: Int64s


def count_lines(context: Context, plan: Plan) -> Counts:
    """The counts of a plan."""
    targets = [Target(line) for line in plan.lines]
    names = None
    if plan.breakdown == (EVENT_NAME,):
        names = plan.values.encode(encode_values(context.snapshot.event_names)[1])[1:]
    if walks_views(context, plan.lines):
        bounds = (plan.first_us, plan.end_us)
        parts = context.over_buckets(
            lambda view: _count(plan, _view_rows(context, plan, targets, names, view)), bounds
        )
    else:
        columns = by_columns(plan.breakdown)
        request = Request(
            targets, plan.first_us, plan.end_us, columns, values=plan.values, first_of_user=plan.first_of_user
        )
        parts = over_streams(context, request, lambda stream: _count(plan, _stream_rows(plan, stream)))
    return merge(parts, plan)


def _view_rows(
    context: Context, plan: Plan, targets: Sequence[Target], names: Int64s | None, view: ViewLike
) -> _Rows:
    chosen = select(targets, context.scope.filter, view, context.snapshot, context.as_of_us)
    group, keys = (view.event, names) if names is not None else _group_column(context, plan, view)
    found = slots(view.time, hours_of_view(view), plan.buckets.edges_us, plan.first_us, plan.end_us)
    return _Rows(view.begin, view.end, chosen.codes, chosen.bits_of, found, group, keys)


def _group_column(
    context: Context, plan: Plan, view: ViewLike
) -> tuple[EventNumbers | Int32s | None, Int64s]:
    """A code a row, and the packed key of each code."""
    if not plan.breakdown:
        return None, np.zeros(1, np.int64)
    lookup = functools.partial(plan.values.encode, watch=context.watch)
    columns = [row_values(view, context.snapshot, ref, lookup, np.int32) for ref in plan.breakdown]
    if len(columns) == 1:
        return columns[0], np.arange(len(plan.values))
    keys, codes = np.unique(pack(columns, view.n_rows), return_inverse=True)
    return codes.astype(np.int32), keys


def _stream_rows(plan: Plan, stream: Stream) -> _Rows:
    chosen = of_bits(stream.bits)
    offsets = stream.offsets.astype(np.uint32)
    group, keys = None, np.zeros(1, np.int64)
    if plan.breakdown:
        keys, inverse = np.unique(stream.by_key(plan.breakdown), return_inverse=True)
        group = inverse.astype(np.int32)
    found = slots(stream.time, stream.hours, plan.buckets.edges_us, plan.first_us, plan.end_us)
    return _Rows(offsets[:-1], offsets[1:], chosen.codes, chosen.bits_of, found, group, keys)


def _count(plan: Plan, rows: _Rows) -> Counts:
    n_lines, n_buckets = len(plan.lines), len(plan.buckets)
    if plan.groups is None:
        n_groups, group_of = len(rows.keys), np.arange(len(rows.keys), dtype=np.int32)
    else:
        n_groups, group_of = len(plan.groups.labels), plan.groups.member(rows.keys).astype(np.int32)
    events = np.zeros((n_lines, n_groups, n_buckets), np.int64)
    units = np.zeros((n_lines, n_groups, n_buckets + 1), np.int64)
    total_units = np.zeros((n_lines, n_groups), np.int64)
    for line in range(n_lines):
        key_of = -1 + ((rows.bits_of >> np.uint64(line)) & np.uint64(1)).astype(np.int32)
        places = rows.slots.codes, rows.slots.place_of
        reach = None if plan.reach == 1 else plan.reach
        cells = np.zeros((n_groups, n_buckets), np.uint64)
        count(
            rows.begin, rows.end, rows.codes, key_of, *places, rows.group, group_of, plan.counted_from, reach,
            cells, units[line], total_units[line],
        )  # fmt: skip
        events[line] = cells & np.uint64(0xFFFFFFFF)
        if reach is None:
            units[line, :, :-1] = cells >> np.uint64(32)
    present = units[:, :, :-1] if plan.reach == 1 else np.cumsum(units[:, :, :-1], axis=2)
    met = np.arange(n_groups)
    if plan.groups is None and plan.breakdown:
        met = np.flatnonzero(events.any(axis=(0, 2)))
    total_events = events[:, :, plan.counted_from :].sum(axis=2)
    keys = met if plan.groups else rows.keys[met]
    return Counts(keys, events[:, met], present[:, met], total_events[:, met], total_units[:, met])


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


def regroup(counts: Counts, groups: Groups) -> Counts:
    """Counts of keys put in the order of groups that show every key."""
    place = np.searchsorted(counts.keys, groups.keys)
    arrays = (counts.events, counts.units, counts.total_events, counts.total_units)
    return Counts(np.arange(len(place)), *(array[:, place] for array in arrays))
