"""Statistics of a numeric property by group and bucket: exact, from how often each value occurs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from xingji.analysis.context import Context
from xingji.analysis.exact import Number, weighted_mean, weighted_percentile, weighted_sum
from xingji.analysis.selection import Target
from xingji.analysis.stream import Request, Stream, by_columns, over_streams
from xingji.analysis.trend_counts import Plan
from xingji.analysis.values import Instant, ValueTable, canonical, number_to_json
from xingji.lake.order import starts_of
from xingji.lake.part import Int64s
from xingji.model.predicate import PropertyRef
from xingji.model.query import EventSelector, Statistic

Table = tuple[Int64s, Int64s, Int64s, Int64s]
"""Key, bucket, value code and how often they occur together, sorted by the three."""

_SHARES = {"median": Fraction(1, 2), "p75": Fraction(3, 4), "p90": Fraction(9, 10), "p95": Fraction(19, 20),
           "p99": Fraction(99, 100)}  # fmt: skip


def count_values(
    context: Context, plan: Plan, line: EventSelector, ref: PropertyRef
) -> tuple[Table, ValueTable]:
    """How often each value of a property occurs at a line's events, by packed breakdown key and bucket; and
    the values."""
    columns = by_columns(plan.breakdown) | {"number": ref}
    request = Request([Target(line)], plan.first_us, plan.end_us, columns, values=plan.values)

    def task(stream: Stream) -> Table:
        bucket = plan.buckets.of_times(stream.time).astype(np.int64)
        key = stream.by_key(plan.breakdown)
        return tally(key, bucket, stream.columns.of("number"), np.ones(len(key), np.int64))

    parts = over_streams(context, request, task)
    return tally(*(np.concatenate(column) for column in zip(*parts, strict=True))), request.numbers


def tally(key: Int64s, bucket: Int64s, value: Int64s, times: Int64s) -> Table:
    """The same table with equal rows added up."""
    order = np.lexsort((value, bucket, key))
    key, bucket, value, times = key[order], bucket[order], value[order], times[order]
    starts = starts_of(key, bucket, value)[:-1]
    added = np.add.reduceat(times, starts) if len(starts) else times
    return key[starts], bucket[starts], value[starts], added


def statistic(kind: Statistic, codes: Int64s, times: Int64s, values: ValueTable) -> Number | None:
    """One statistic of values (codes, each once) that occur `times`; `distinct` counts any, the others
    numbers only."""
    if kind == "distinct":
        there = codes[codes != 0]
        if not values.has_doubles:
            return len(there)
        return len({canonical(values.values[code]) for code in there.tolist()})
    pairs = [(values.values[code], count) for code, count in zip(codes.tolist(), times.tolist(), strict=True)]
    pairs = sorted(pair for pair in pairs if is_number(pair[0]))
    return _STATISTICS[kind]([value for value, _ in pairs], [count for _, count in pairs])


def is_number(value: Any) -> bool:
    """Whether a value is a number: true, false and times are not."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool | Instant)


_Figure = Callable[[Sequence[Number], Sequence[int]], Number | None]
_STATISTICS: dict[str, _Figure] = {
    "sum": weighted_sum,
    "avg": weighted_mean,
    "min": lambda values, _: number_to_json(values[0]) if values else None,
    "max": lambda values, _: number_to_json(values[-1]) if values else None,
    **{name: lambda v, n, share=share: weighted_percentile(v, n, share) for name, share in _SHARES.items()},  # type: ignore[misc]
}
