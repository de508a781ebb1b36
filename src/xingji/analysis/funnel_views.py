"""The views of a funnel: steps, trend, time to convert, and the units behind a number."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from xingji.analysis.calendar import Buckets, bucket_index, make_buckets
from xingji.analysis.context import Context
from xingji.analysis.exact import mean_seconds, median_seconds, ratio
from xingji.analysis.funnel import NEVER, FunnelUnits, by_group, funnel_units, previous_required
from xingji.analysis.kernels.funnel import durations
from xingji.analysis.listing import list_units
from xingji.lake.part import Int64s
from xingji.model.errors import CallerError, FieldError
from xingji.model.query import Funnel, UsersOf

_MAX_BINS = 60
Bins = list[tuple[float | None, float | None]]


def answer_funnel(context: Context, query: Funnel) -> dict[str, Any]:
    """The result of a funnel in the view it asks for."""
    spot = query.scope.users_of
    if query.view == "users" and spot is None:
        spot = UsersOf(step=query.step, state=query.state, limit=query.limit, offset=query.offset)
    units = funnel_units(context, query)
    groups, tables = by_group(query, units)
    if spot is not None:
        at = groups.find(spot.breakdown)
        if at is None:
            raise FieldError("users_of.breakdown", spot.breakdown, "the breakdown of a group of the result")
        return _users(context, query, spot, tables, tables[at])
    labels = groups.labels
    match query.view:
        case "trend":
            return _trend(context, query, labels, tables)
        case "time_to_convert":
            return _time_to_convert(query, labels, tables)
        case _:
            # Groups side by side, or the steps of the only one: a task's own tasks run in its thread.
            steps = (
                [_steps(context, query, tables[0])]
                if len(tables) == 1
                else context.over(lambda one: _steps(context, query, one), tables)
            )
            shown = [{"breakdown": label, "steps": one} for label, one in zip(labels, steps, strict=True)]
            return {"kind": "funnel", "view": "steps", "groups": shown}


def _steps(context: Context, query: Funnel, units: FunnelUnits) -> list[dict[str, Any]]:
    before = previous_required(query)

    def figures(at: int) -> tuple[int, float | None, float | None]:
        took = _durations(units, before[at], at) if at else np.empty(0, np.int64)
        return len(took) if at else len(units), mean_seconds(int(took.sum()), len(took)), median_seconds(took)

    found = context.over(figures, range(len(query.steps)))
    counts = [count for count, _, _ in found]
    out = []
    for at, (step, (_, mean, median)) in enumerate(zip(query.steps, found, strict=True)):
        previous = counts[before[at]] if at else counts[0]
        out.append(
            {
                "step": at + 1,
                "name": step.name,
                "optional": step.optional,
                "count": counts[at],
                "from_start": ratio(counts[at], counts[0]),
                "from_previous": ratio(counts[at], previous),
                "mean_seconds": mean,
                "median_seconds": median,
            }
        )
    return out


def _durations(units: FunnelUnits, first: int, last: int) -> Int64s:
    """µs from one step to another, of the units that reached it."""
    from_us, to_us = (np.ascontiguousarray(units.step(at)) for at in (first, last))
    took = np.empty(len(to_us) + 1, np.int64)
    return took[: durations(from_us, to_us, int(NEVER), took)]


def funnel_buckets(context: Context, query: Funnel, entries_us: Int64s) -> Buckets:
    """The periods of a trend: those of the range; on open sides, from the earliest or to the latest entry."""
    scope = query.scope
    if not len(entries_us) and (scope.date_from is None or scope.date_to is None):
        return Buckets(np.zeros(1, np.int64), ())
    first = context.first_us if scope.date_from is not None else int(entries_us.min())
    last = context.end_us - 1 if scope.date_to is not None else int(entries_us.max())
    return make_buckets(first, last, query.interval, scope.timezone, scope.week_start)


def _trend(
    context: Context, query: Funnel, labels: tuple[list[Any], ...], tables: list[FunnelUnits]
) -> dict[str, Any]:
    entries = _joined([units.step(0) for units in tables])
    buckets = funnel_buckets(context, query, entries)
    context.check_figures(len(labels), len(query.steps), len(buckets))
    groups = []
    for label, units in zip(labels, tables, strict=True):
        bucket = buckets.of_times(units.step(0))
        steps = []
        for at, step in enumerate(query.steps):
            reached = bucket[units.step(at) != NEVER]
            counts = np.bincount(reached, minlength=len(buckets)).tolist() if len(buckets) else []
            steps.append({"step": at + 1, "name": step.name, "counts": counts})
        groups.append({"breakdown": label, "steps": steps})
    result = {"kind": "funnel", "view": "trend", "interval": query.interval, "buckets": list(buckets.labels)}
    return {**result, **_open_from(context, query, buckets), "groups": groups}


def _open_from(context: Context, query: Funnel, buckets: Buckets) -> dict[str, str]:
    """From which bucket on attempts may still go further: those not over at the query's `as_of`."""
    length = query.window.length_us
    if length is None:
        return {}
    ends_us = np.minimum(buckets.edges_us[1:], context.end_us)
    if query.interval == "total":
        ends_us[:] = context.end_us
    still = np.flatnonzero(ends_us + length > context.as_of_us)
    return {"partial_from": buckets.labels[int(still[0])]} if len(still) else {}


def _time_to_convert(
    query: Funnel, labels: tuple[list[Any], ...], tables: list[FunnelUnits]
) -> dict[str, Any]:
    took = [_conversion_us(query, units) for units in tables]
    bins = _bins(query, _joined(took))
    groups = []
    for label, times in zip(labels, took, strict=True):
        counts = np.bincount(_bin_of(times, bins), minlength=len(bins)).tolist()
        groups.append(
            {
                "breakdown": label,
                "count": len(times),
                "mean_seconds": mean_seconds(int(times.sum()), len(times)),
                "median_seconds": median_seconds(times),
                "bins": [
                    {"from_seconds": low, "to_seconds": high, "count": count}
                    for (low, high), count in zip(bins, counts, strict=True)
                ],
            }
        )
    return {"kind": "funnel", "view": "time_to_convert", "groups": groups}


def _joined(arrays: list[Int64s]) -> Int64s:
    return np.concatenate([*arrays, np.empty(0, np.int64)])


def _conversion_us(query: Funnel, units: FunnelUnits) -> Int64s:
    return _durations(units, 0, _last_required(query))


def _last_required(query: Funnel) -> int:
    return max(at for at, step in enumerate(query.steps) if not step.optional)


def _bins(query: Funnel, times: Int64s) -> Bins:
    if isinstance(query.bins, tuple):
        edges = list(query.bins)
        return [(None, edges[0]), *itertools.pairwise(edges), (edges[-1], None)]
    if not len(times):
        return []
    low, high = int(times.min()), int(times.max())
    if low == high:
        return [(low / 1e6, high / 1e6)]
    n = query.bins or min(max(math.ceil(_cube_root(len(times))), 1), _MAX_BINS)
    cuts = [(low * (n - i) + high * i) / (n * 1_000_000) for i in range(n + 1)]
    return list(itertools.pairwise(cuts))


def _cube_root(count: int) -> float:
    root = round(count ** (1 / 3))
    return float(root) if root**3 == count else float(count ** (1 / 3))


def _bin_of(times: Int64s, bins: Bins) -> Int64s:
    """The bin of each time: [from, to), the last one that has an end closed."""
    if not bins:
        return np.empty(0, np.int64)
    inner = np.array([low for low, _ in bins[1:]], np.float64)
    seconds = times / 1e6
    place = np.searchsorted(inner, seconds, side="right")
    if bins[-1][1] is None:
        place[seconds == inner[-1]] -= 1
    return place.astype(np.int64)


def _users(
    context: Context, query: Funnel, spot: UsersOf, tables: list[FunnelUnits], units: FunnelUnits
) -> dict[str, Any]:
    if spot.step > len(query.steps):
        raise FieldError("users_of.step", spot.step, f"a step from 1 to {len(query.steps)}")
    at = spot.step - 1
    reached = units.step(at) != NEVER
    if spot.state == "dropped":
        before = previous_required(query)[at]
        reached = (units.step(before) != NEVER) & ~reached if at else np.zeros(len(reached), np.bool_)
    if spot.bucket is not None:
        buckets = funnel_buckets(context, query, _joined([one.step(0) for one in tables]))
        index = bucket_index(buckets, spot.bucket)
        if index is None:
            raise FieldError("users_of.bucket", spot.bucket, "the label of a bucket of the result")
        reached &= buckets.of_times(units.step(0)) == index
    if spot.bin is not None:
        reached &= _in_bin(query, spot.bin, tables, units)
    chosen = units.take(reached)
    listed = list_units(context, chosen.unit, chosen.owner, spot, units.units)
    return {"kind": "funnel", "view": "users", "step": spot.step, "state": spot.state, **listed}


def _in_bin(query: Funnel, index: int, tables: list[FunnelUnits], units: FunnelUnits) -> Any:
    bins = _bins(query, _joined([_conversion_us(query, one) for one in tables]))
    if index >= len(bins):
        raise CallerError(f"users_of.bin is {index}; allowed: 0 to {len(bins) - 1}, the bins of the result")
    last = _last_required(query)
    done = units.step(last) != NEVER
    hit = np.zeros(len(done), np.bool_)
    hit[done] = _bin_of(_conversion_us(query, units), bins) == index
    return hit
