"""When the events that a query selects begin and end: the range of a question that leaves a side open."""

from __future__ import annotations

from collections.abc import Sequence

from xingji.analysis.context import Context
from xingji.analysis.kernels.trend import time_bounds
from xingji.analysis.selection import Target, select
from xingji.analysis.stream import Request, Stream, over_streams
from xingji.lake.part import ViewLike
from xingji.model.query import EventSelector


def walks_views(context: Context, lines: Sequence[EventSelector]) -> bool:
    """Whether the rows of views are best taken as they are: all are selected, and units are users."""
    every = any(line.events is None for line in lines)
    return every and context.scope.count_by.kind == "user" and not any(line.first_time for line in lines)


def known_bounds(
    context: Context, lines: Sequence[EventSelector], first_us: int, end_us: int
) -> tuple[int, int] | None:
    """The times (µs) of the first and the last event in [first_us, end_us) that a line selects; None without
    any."""
    targets = [Target(line) for line in lines]

    def of_view(view: ViewLike) -> tuple[int, int]:
        chosen = select(targets, context.scope.filter, view, context.snapshot, context.as_of_us)
        return time_bounds(view.begin, view.end, chosen.codes, chosen.bits_of, view.time, first_us, end_us)

    def of_stream(stream: Stream) -> tuple[int, int]:
        return (int(stream.time.min()), int(stream.time.max())) if len(stream.time) else (end_us, first_us)

    if walks_views(context, lines):
        found = context.over_buckets(of_view, (first_us, end_us))
    else:
        found = over_streams(context, Request(targets, first_us, end_us), of_stream)
    low, high = min(first for first, _ in found), max(last for _, last in found)
    return (low, high) if low <= high else None
