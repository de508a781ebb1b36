"""The units behind one number of a trend."""

from __future__ import annotations

from typing import Any

import numpy as np

from xingji.analysis.calendar import bucket_index
from xingji.analysis.context import Context
from xingji.analysis.groups import Groups
from xingji.analysis.listing import list_units
from xingji.analysis.selection import Target
from xingji.analysis.stream import Request, Stream, by_columns, over_streams
from xingji.analysis.trend_counts import Plan
from xingji.lake.part import Int64s
from xingji.model.errors import FieldError
from xingji.model.query import Trend


def trend_users(context: Context, query: Trend, plan: Plan, groups: Groups) -> dict[str, Any]:
    """The units with an event in a series, group and bucket (or in the whole range)."""
    spot = query.scope.users_of
    assert spot is not None
    if spot.series >= len(query.series):
        raise FieldError("users_of.series", spot.series, f"a series from 0 to {len(query.series) - 1}")
    group = groups.find(spot.breakdown)
    if group is None:
        raise FieldError("users_of.breakdown", spot.breakdown, "the breakdown of a group of the result")
    first_us, end_us = _span(context, query, plan, spot.bucket)
    columns = by_columns(plan.breakdown)
    request = Request(
        [Target(query.series[spot.series].selector)], plan.first_us, plan.end_us, columns, values=plan.values
    )

    def task(stream: Stream) -> tuple[Int64s, Int64s]:
        key = stream.by_key(plan.breakdown)
        inside = (stream.time >= first_us) & (stream.time < end_us) & (groups.member(key) == group)
        return stream.unit[np.unique(stream.unit_of_event()[inside])], stream.owners(inside)

    found = over_streams(context, request, task)
    unit, owner = (np.concatenate(column) for column in zip(*found, strict=True))
    listed = list_units(context, unit, owner, spot, request.unit_values)
    return {"kind": "trend", "view": "users", **listed}


def _span(context: Context, query: Trend, plan: Plan, label: str | None) -> tuple[int, int]:
    """The instants [first, end) a figure counts: its bucket, its rolling days, or all up to it."""
    edges = plan.buckets.edges_us
    if label is None or not len(plan.buckets):
        return context.first_us, plan.end_us
    index = bucket_index(plan.buckets, label)
    if index is None or index < plan.counted_from:
        raise FieldError("users_of.bucket", label, "the label of a bucket of the result")
    first = 0 if query.cumulative else max(index + 1 - (query.rolling_days or 1), 0)
    return max(int(edges[first]), plan.first_us), min(int(edges[index + 1]), plan.end_us)
