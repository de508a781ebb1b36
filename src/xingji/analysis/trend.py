"""Trends: measures of events by calendar bucket and group."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xingji.analysis.bounds import known_bounds
from xingji.analysis.calendar import Buckets, make_buckets, next_day, range_us
from xingji.analysis.columns import EVENT_NAME
from xingji.analysis.context import Context
from xingji.analysis.groups import Groups, rank
from xingji.analysis.trend_counts import Counts, Plan, count_lines, regroup
from xingji.analysis.trend_users import trend_users
from xingji.analysis.trend_values import Table, count_values, statistic, tally
from xingji.analysis.values import ValueTable
from xingji.lake.part import Int64s
from xingji.model.errors import CallerError
from xingji.model.formula import parse_formula
from xingji.model.moments import from_us
from xingji.model.predicate import properties_of
from xingji.model.query import CountBy, EventSelector, Scope, Series, Trend

_NO_BUCKETS = Buckets(np.zeros(1, np.int64), ())
_COUNTS = ("events", "users", "events_per_user")


@dataclass(frozen=True, slots=True)
class _Line:
    """One series of one group: a figure a bucket and the total."""

    values: list[Any]
    total: Any


def answer_trend(context: Context, query: Trend) -> dict[str, Any]:
    """The result of a trend."""
    _check(context, query)
    values = ValueTable()
    plan = plan_of(context, query, values)
    groups, counts = _groups(context, query, plan)
    plan = dataclasses.replace(plan, groups=groups)
    if query.scope.users_of is not None:
        return trend_users(context, query, plan, groups)
    buckets, lines = _lines(context, query, plan, counts)
    result = {"kind": "trend", "interval": query.interval, **_shown(query, buckets, groups, lines)}
    if query.compare:
        earlier = dataclasses.replace(query, scope=previous_range(query.scope))
        other = dataclasses.replace(context, scope=earlier.scope)
        before = dataclasses.replace(plan_of(other, earlier, values), groups=groups)
        buckets, lines = _lines(other, earlier, before, None)
        result["compare"] = _shown(query, buckets, groups, lines)
    return result


def _check(context: Context, query: Trend) -> None:
    context.check_properties([*query.scope.breakdown, *properties_of(query.scope.filter)])
    for series in query.series:
        context.check_properties(properties_of(series.selector.filter))
        context.check_properties([series.measure.property] if series.measure.property else [])
        if series.measure.kind == "sessions" and query.scope.count_by.kind == "property":
            raise CallerError(
                'measure "sessions" cannot be given with count_by a property: sessions belong to users'
            )


def plan_of(context: Context, query: Trend, values: ValueTable) -> Plan:
    """The buckets of a trend and what is counted in them."""
    scope, first_us = query.scope, context.first_us
    prefix = (query.rolling_days or 1) - 1 if scope.date_from is not None else 0
    if prefix:
        first_us = range_us(dataclasses.replace(scope, date_from=_days_before(scope, prefix)))[0]
    lines = tuple(dict.fromkeys(_bare(series.selector) for series in query.series))
    plan = Plan(lines, _NO_BUCKETS, first_us, context.end_us, scope.breakdown, values)
    low, high = first_us, context.end_us - 1
    if scope.date_from is None or scope.date_to is None:
        known = known_bounds(context, lines, first_us, context.end_us)
        if known is None:
            return plan
        low = known[0] if scope.date_from is None else low
        high = known[1] if scope.date_to is None else high
    buckets = make_buckets(low, high, query.interval, scope.timezone, scope.week_start)
    reach = len(buckets) if query.cumulative else query.rolling_days or 1
    return dataclasses.replace(plan, buckets=buckets, reach=reach, counted_from=min(prefix, len(buckets) - 1))


def _bare(selector: EventSelector) -> EventSelector:
    return dataclasses.replace(selector, name="")


def _days_before(scope: Scope, days: int) -> dt.date:
    first = scope.date_from
    assert first is not None
    if isinstance(first, dt.datetime):
        first = first.astimezone(zoneinfo.ZoneInfo(scope.timezone)).date()
    return next_day(first, -days)


def _groups(context: Context, query: Trend, plan: Plan) -> tuple[Groups, Counts | None]:
    """The groups of the result, ranked by the first series' total; with their counts, where those are known
    by then."""
    scope, first = query.scope, query.series[0]
    if not scope.breakdown or not len(plan.buckets):
        return rank(np.empty(0, np.int64), [], len(scope.breakdown), scope.breakdown_limit, plan.values), None
    counted = all(series.measure.kind in _COUNTS for series in query.series)
    if plan.breakdown == (EVENT_NAME,) and counted and not _begins_within_a_bucket(context, plan):
        counts = count_lines(context, plan)
        line = plan.lines.index(_bare(first.selector))
        groups = rank(counts.keys, _count_totals(first, counts, line), 1, scope.breakdown_limit, plan.values)
        return groups, None if groups.has_other else regroup(counts, groups)
    keys, figures = _totals(context, query, _whole(context, plan), first)
    return rank(keys, figures, len(scope.breakdown), scope.breakdown_limit, plan.values), None


def _begins_within_a_bucket(context: Context, plan: Plan) -> bool:
    """Whether a rolling window's first day began before the range, so that its total is not its buckets'."""
    return plan.counted_from > 0 and context.first_us > int(plan.buckets.edges_us[plan.counted_from])


def _whole(context: Context, plan: Plan) -> Plan:
    """The plan with one bucket for the range, and one before it for the days that roll into it."""
    edges = plan.buckets.edges_us[[0, plan.counted_from, -1]]
    if not plan.counted_from:
        return dataclasses.replace(plan, buckets=Buckets(edges[1:], ("total",)), reach=1)
    edges[1] = max(int(edges[1]), context.first_us)
    return dataclasses.replace(plan, buckets=Buckets(edges, ("before", "total")), reach=1, counted_from=1)


def _totals(context: Context, query: Trend, plan: Plan, first: Series) -> tuple[Int64s, list[Any]]:
    """Every key that any series meets, and the first series' total in it."""
    counts = count_lines(context, plan)
    if first.measure.kind in _COUNTS:
        line = plan.lines.index(_bare(first.selector))
        return counts.keys, _count_totals(first, counts, line)
    found = _figures(context, query, plan, first)
    return counts.keys, [found(key, None) for key in counts.keys.tolist()]


def _count_totals(series: Series, counts: Counts, line: int) -> list[Any]:
    """A series' total in each group."""
    events, units = counts.total_events[line].tolist(), counts.total_units[line].tolist()
    return _all_counted(series.measure.kind, events, units)


def _all_counted(kind: str, events: list[int], units: list[int]) -> list[Any]:
    if kind == "events_per_user":
        return [_counted(kind, *pair) for pair in zip(events, units, strict=True)]
    return events if kind == "events" else units


def _counted(kind: str, events: int, units: int) -> Any:
    if kind == "events":
        return events
    return units if kind == "users" else events / units if units else None


def _figures(context: Context, query: Trend, plan: Plan, series: Series) -> Any:
    """A function (key, bucket or None for all) → the figure of a series that is no plain count."""
    line = _bare(series.selector)
    if series.measure.kind == "sessions":
        by_session = dataclasses.replace(
            context, scope=dataclasses.replace(context.scope, count_by=CountBy("session"))
        )
        counts = count_lines(
            by_session,
            dataclasses.replace(plan, lines=(line,), first_of_user=context.scope.count_by.kind == "user"),
        )
        place = {key: at for at, key in enumerate(counts.keys.tolist())}

        def sessions(key: int, bucket: int | None) -> int:
            at = place.get(key)
            grid = counts.total_units[0] if bucket is None else counts.units[0][:, bucket]
            return int(grid[at]) if at is not None else 0

        return sessions
    assert series.measure.property is not None
    return _statistics(series, plan, *count_values(context, plan, line, series.measure.property))


def _statistics(series: Series, plan: Plan, table: Table, numbers: ValueTable) -> Any:
    if plan.groups is not None:
        table = tally(plan.groups.member(table[0]), *table[1:])
    whole = tally(table[0], np.zeros(len(table[0]), np.int64), *table[2:])

    def figure(key: int, bucket: int | None) -> Any:
        keys, buckets, codes, times = whole if bucket is None else table
        low, high = np.searchsorted(keys, [key, key + 1])
        if bucket is not None:
            low, high = low + np.searchsorted(buckets[low:high], [bucket, bucket + 1])
        return statistic(series.measure.kind, codes[low:high], times[low:high], numbers)  # type: ignore[arg-type]

    return figure


def _lines(
    context: Context, query: Trend, plan: Plan, counts: Counts | None
) -> tuple[Buckets, list[list[_Line]]]:
    """For each series the line of each group, and the buckets they are over; `counts`: those of the groups,
    if known."""
    assert plan.groups is not None
    shown = range(plan.counted_from, len(plan.buckets))
    buckets = Buckets(plan.buckets.edges_us[plan.counted_from :], plan.buckets.labels[plan.counted_from :])
    context.check_figures(len(query.series), len(plan.groups.labels), len(plan.buckets))
    if not len(plan.buckets):
        return buckets, [[_Line([], _nothing(series)) for _ in plan.groups.labels] for series in query.series]
    if counts is None and any(series.measure.kind in _COUNTS for series in query.series):
        counts = count_lines(context, plan)
        if _begins_within_a_bucket(context, plan):
            whole = count_lines(context, _whole(context, plan))
            totals = {"total_events": whole.total_events, "total_units": whole.total_units}
            counts = dataclasses.replace(counts, **totals)
    lines = []
    for series in query.series:
        if series.measure.kind in _COUNTS:
            assert counts is not None
            lines.append(_count_lines(query, series, counts, plan, shown))
        else:
            figure = _figures(context, query, plan, series)
            groups = range(len(plan.groups.labels))
            lines.append([_Line([figure(g, b) for b in shown], figure(g, None)) for g in groups])
    return buckets, lines


def _nothing(series: Series) -> Any:
    return 0 if series.measure.kind in ("events", "users", "sessions", "sum", "distinct") else None


def _count_lines(
    query: Trend, series: Series, counts: Counts, plan: Plan, shown: Sequence[int]
) -> list[_Line]:
    line = plan.lines.index(_bare(series.selector))
    events = counts.events[line]
    if query.cumulative:
        events = np.cumsum(events, axis=1)
    elif query.rolling_days:
        running = np.concatenate([np.zeros((len(events), 1), np.int64), np.cumsum(events, axis=1)], axis=1)
        first = np.maximum(np.arange(events.shape[1]) + 1 - query.rolling_days, 0)
        events = running[:, 1:] - running[:, first]
    out, totals = [], _count_totals(series, counts, line)
    for group in range(events.shape[0]):
        figures = _all_counted(
            series.measure.kind, events[group, shown].tolist(), counts.units[line, group, shown].tolist()
        )
        out.append(_Line(figures, totals[group]))
    return out


def _shown(query: Trend, buckets: Buckets, groups: Groups, lines: list[list[_Line]]) -> dict[str, Any]:
    named = [(series.name, at, lines[at]) for at, series in enumerate(query.series)]
    if query.formula is not None:
        named = [(query.formula, 0, _formula_lines(query, lines))]
    series = [
        {"name": name, "series": at, "breakdown": label, "values": line.values, "total": line.total}
        for name, at, of_group in named
        for label, line in zip(groups.labels, of_group, strict=True)
    ]
    return {"buckets": list(buckets.labels), "series": series}


def _formula_lines(query: Trend, lines: list[list[_Line]]) -> list[_Line]:
    assert query.formula is not None
    formula = parse_formula(query.formula, len(query.series))
    out = []
    for of_series in zip(*lines, strict=True):
        by_bucket = zip(*(line.values for line in of_series), strict=True)
        out.append(
            _Line(
                [formula.value(row) for row in by_bucket], formula.value([line.total for line in of_series])
            )
        )
    return out


def previous_range(scope: Scope) -> Scope:
    """The scope moved back by its own length: whole days for days, the exact length for instants."""
    first, last = scope.date_from, scope.date_to
    assert first is not None
    assert last is not None
    if not isinstance(first, dt.datetime) and not isinstance(last, dt.datetime):
        days = (last - first).days + 1
        return dataclasses.replace(scope, date_from=next_day(first, -days), date_to=next_day(first, -1))
    first_us, end_us = range_us(scope)
    length = end_us - first_us
    return dataclasses.replace(scope, date_from=from_us(first_us - length), date_to=from_us(first_us - 1))
