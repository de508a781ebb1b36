"""Retention: cohorts of units by the period they entered, and how many of each came back later."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from xingji.analysis.bounds import known_bounds
from xingji.analysis.calendar import Buckets, bucket_index, make_buckets
from xingji.analysis.context import Context
from xingji.analysis.groups import Groups, count_keys, rank
from xingji.analysis.kernels.retention import retained
from xingji.analysis.listing import list_units
from xingji.analysis.selection import Target
from xingji.analysis.slots import slots
from xingji.analysis.stream import Request, Stream, by_columns, over_side_by_side, over_streams
from xingji.lake.order import starts_of
from xingji.lake.part import Int32s, Int64s
from xingji.model.errors import FieldError
from xingji.model.predicate import properties_of
from xingji.model.query import DAY_US, EventSelector, Retention

T = TypeVar("T")
Grid = npt.NDArray[np.int64]
_LENGTH_US = {"hour": DAY_US // 24, "day": DAY_US, "week": 7 * DAY_US, "month": 30 * DAY_US}
_LONGEST_US = _LENGTH_US | {"month": 31 * DAY_US, "hour": DAY_US // 12}
_NOBODY = np.array([-1, -1, -2], np.int64)
_START, _GATE = np.uint64(1), np.uint64(2)
"""Bits of the events that may enter: starts and (unless every start may enter) the start that may."""


@dataclass(frozen=True)
class _Work:
    """One retention at work: `cohorts` are its first `n_cohorts` calendar periods, followed by those they
    reach."""

    context: Context
    query: Retention
    entering: Request
    returning: Request
    periods: Buckets
    n_cohorts: int
    column_of: Int32s
    n_columns: int


def answer_retention(context: Context, query: Retention) -> dict[str, Any]:
    """The result of a retention."""
    work = _prepare(context, query)
    groups = _groups(work)
    if query.scope.users_of is not None:
        return _users(work, groups)
    shape = (len(groups.labels), work.n_cohorts)
    context.check_figures(*shape, work.n_columns + 1)
    size, returned = np.zeros(shape, np.int64), np.zeros((*shape, work.n_columns), np.int64)

    def task(streams: Sequence[Stream]) -> tuple[Grid, Grid]:
        part = np.zeros(shape, np.int64), np.zeros((*shape, work.n_columns), np.int64)
        _count(work, streams, _members(work, groups, streams[0]), *part)
        return part

    for one_size, one_returned in _over_both(work, task) if work.n_cohorts else []:
        size += one_size
        returned += one_returned
    shown = [
        {"breakdown": label, "cohorts": _cohorts(work, size[at], returned[at])}
        for at, label in enumerate(groups.labels)
    ]
    return {"kind": "retention", "period": query.period, "groups": shown}


def _prepare(context: Context, query: Retention) -> _Work:
    scope = query.scope
    used = (*scope.breakdown, *properties_of(scope.filter), *properties_of(query.start.filter))
    context.check_properties([*used, *properties_of(query.returning.filter)])
    targets = [Target(query.start)]
    if query.type == "first_time":
        targets.append(Target(dataclasses.replace(query.start, first_time=True)))
    elif query.type == "first_ever":
        targets.append(Target(EventSelector(None, first_time=True), filtered=False))
    span = context.first_us, context.followed_until_us
    entering = Request(targets, *span, by_columns(scope.breakdown))
    returning = Request([Target(query.returning)], *span, unit_values=entering.unit_values)
    periods, n_cohorts = _periods(context, query)
    column_of, n_columns = _columns(query)
    return _Work(context, query, entering, returning, periods, n_cohorts, column_of, n_columns)


def _over_both(work: _Work, task: Callable[[Sequence[Stream]], T]) -> list[T]:
    """The task's result for the streams of those who enter and of those who come back."""
    return over_side_by_side(work.context, (work.entering, work.returning), task)


def _periods(context: Context, query: Retention) -> tuple[Buckets, int]:
    """The calendar periods of the cohorts and those that follow, and the number of cohorts."""
    scope = query.scope
    first_us, last_us = context.first_us, context.end_us - 1
    if scope.date_from is None or scope.date_to is None:
        known = known_bounds(context, [query.start], first_us, context.end_us)
        if known is None:
            return Buckets(np.zeros(1, np.int64), ()), 0
        first_us = known[0] if scope.date_from is None else first_us
        last_us = known[1] if scope.date_to is None else last_us
    reach_us = last_us + (query.periods + 1) * _LONGEST_US[query.period]
    periods = make_buckets(first_us, reach_us, query.period, scope.timezone, scope.week_start)
    return periods, int(np.searchsorted(periods.edges_us, last_us, side="right"))


def _columns(query: Retention) -> tuple[Int32s, int]:
    """For k = 0, 1, … the column it counts for (the one after the last: none), and the number of columns."""
    if query.brackets is None:
        return np.array([query.periods, *range(query.periods)], np.int32), query.periods
    column_of = np.full(query.brackets[-1][1] + 1, len(query.brackets), np.int32)
    for at, (low, high) in enumerate(query.brackets):
        column_of[low : high + 1] = at
    return column_of, len(query.brackets)


def _members(work: _Work, groups: Groups, entering: Stream) -> Int32s | None:
    """The group of each start event; None where all are in one."""
    breakdown = work.query.scope.breakdown
    return groups.member(entering.by_key(breakdown)).astype(np.int32) if breakdown else None


def _count(
    work: _Work, streams: Sequence[Stream], group: Int32s | None, size: Grid, returned: Grid,
    want: Int64s = _NOBODY,
) -> npt.NDArray[np.uint8]:  # fmt: skip
    """Add the entries and returns of two streams to the counts; flags the wanted units."""
    query, context, (entering, returning) = work.query, work.context, streams
    wanted = np.zeros(len(entering.unit), np.uint8)
    span = context.first_us, context.followed_until_us
    came, back = (slots(stream.time, stream.hours, work.periods.edges_us, *span) for stream in streams)
    by_time, cut = query.clock == "24h", context.followed_until_us > context.end_us
    enters = _enters(work, entering).view(np.uint8)
    retained(
        entering.offsets, entering.time if by_time or cut else None, came.codes, came.place_of,
        enters, group,
        context.end_us, returning.offsets, returning.time if by_time else None, back.codes,
        back.place_of,
        _LENGTH_US[query.period] if by_time else None, work.column_of, query.rolling,
        query.minimum_occurrences, size, returned, want, wanted,
    )  # fmt: skip
    return wanted


def _enters(work: _Work, entering: Stream) -> npt.NDArray[np.bool_]:
    """Which start events may enter by their type, `bool[n]`."""
    if work.query.type == "recurring":
        return np.ones(len(entering.time), np.bool_)
    enters: npt.NDArray[np.bool_] = entering.bits == _START | _GATE
    return enters


def _groups(work: _Work) -> Groups:
    """The groups of the result, ranked by how many entered."""
    scope = work.query.scope
    if not scope.breakdown or not work.n_cohorts:
        return rank(
            np.empty(0, np.int64), [], len(scope.breakdown), scope.breakdown_limit, work.entering.values
        )

    def task(entering: Stream) -> tuple[Int64s, Int64s]:
        return count_keys(entering.by_key(scope.breakdown, _entries(work, entering)))

    found = over_streams(work.context, work.entering, task)
    keys, place = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    sizes = np.zeros(len(keys), np.int64)
    np.add.at(sizes, place, np.concatenate([size for _, size in found]))
    return rank(keys, sizes.tolist(), len(scope.breakdown), scope.breakdown_limit, work.entering.values)


def _entries(work: _Work, entering: Stream) -> Int64s:
    """The start events with which units enter: the first in each cohort that may."""
    context = work.context
    span = context.first_us, context.end_us
    found = slots(entering.time, entering.hours, work.periods.edges_us, *span)
    cohort = found.place_of[found.codes]
    may = _enters(work, entering) & (cohort > 0) & (cohort <= work.n_cohorts)
    events = np.flatnonzero(may)
    return events[starts_of(entering.unit_of_event()[events], cohort[events].astype(np.int64))[:-1]]


def _cohorts(work: _Work, size: Int64s, returned: Grid) -> list[dict[str, Any]]:
    out = []
    edges_us = work.periods.edges_us.tolist()
    for at in range(work.n_cohorts):
        row = {
            "start": work.periods.labels[at],
            "size": int(size[at]),
            "returned": [int(size[at]), *returned[at].tolist()],
        }
        partial = _partial_from(work, edges_us, at)
        out.append(row if partial is None else {**row, "partial_from": partial})
    return out


def _partial_from(work: _Work, edges_us: list[int], cohort: int) -> int | None:
    """The first place in `returned` whose last period is not over at the query's `as_of`."""
    query = work.query
    last = [high for _, high in query.brackets] if query.brackets else range(1, query.periods + 1)
    for place, k in enumerate(last, start=1):
        if query.clock == "24h":
            over_us = edges_us[cohort + 1] + (k + 1) * _LENGTH_US[query.period]
        else:
            over_us = edges_us[cohort + k + 1]
        if over_us > work.context.as_of_us:
            return place
    return None


def _users(work: _Work, groups: Groups) -> dict[str, Any]:
    spot = work.query.scope.users_of
    assert spot is not None
    group, cohort = groups.find(spot.breakdown), _cohort_index(work)
    if group is None:
        raise FieldError("users_of.breakdown", spot.breakdown, "the breakdown of a group of the result")
    if spot.period > work.n_columns:
        raise FieldError("users_of.period", spot.period, f"a place in returned, from 0 to {work.n_columns}")
    want = np.array([group, cohort, spot.period - 1], np.int64)
    found = _over_both(work, lambda streams: _cell(work, groups, want, streams))
    unit, owner = (np.concatenate(column) for column in zip(*found, strict=True))
    listed = list_units(work.context, unit, owner, spot, work.entering.unit_values)
    return {"kind": "retention", "view": "users", **listed}


def _cohort_index(work: _Work) -> int:
    spot = work.query.scope.users_of
    label = spot.cohort if spot else None
    index = None if label is None else bucket_index(work.periods, label)
    if index is None or index >= work.n_cohorts:
        raise FieldError("users_of.cohort", label, "the start of a cohort of the result")
    return index


def _cell(work: _Work, groups: Groups, want: Int64s, streams: Sequence[Stream]) -> tuple[Int64s, Int64s]:
    shape = (len(groups.labels), work.n_cohorts)
    counts = np.zeros(shape, np.int64), np.zeros((*shape, work.n_columns), np.int64)
    flags = _count(work, streams, _members(work, groups, streams[0]), *counts, want=want)
    owners = [stream.owners(flags[stream.unit_of_event()] != 0) for stream in streams]
    return streams[0].unit[flags != 0], np.union1d(*owners)
