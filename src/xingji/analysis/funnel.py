"""Funnels: a table of units with the time of every step of their chosen attempt, and the views made of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.analysis.attempts import FOREVER_US, Attempts, best_rows, choose, required_steps
from xingji.analysis.context import Context
from xingji.analysis.funnel_values import expand, first_values, restricted_bits
from xingji.analysis.groups import Groups, count_keys, pack, rank
from xingji.analysis.kernels.funnel import look_up
from xingji.analysis.selection import Target
from xingji.analysis.stream import Request, Stream, by_columns, over_streams, search_of, view_stream
from xingji.analysis.values import ValueTable
from xingji.lake.part import Int64s, ViewLike
from xingji.model.predicate import properties_of
from xingji.model.query import EventSelector, Funnel

Grid = npt.NDArray[np.int64]
NEVER = np.int64(-(2**63))
"""The time of a step that was not reached."""


@dataclass(frozen=True)
class FunnelUnits:
    """Units with an attempt; of the rows of a table, those of `rows` (None: all), brought together when asked
    for.

    Table: `unit: int64[n]`, `step_us: int64[n, n_steps]` (NEVER: not reached), `key: int64[n]` (breakdown),
    `baseline: bool[n]` (the run without any event of the attributed step), `owner: int64[n, n_steps]` (users,
    -1).
    """

    units: ValueTable
    values: ValueTable
    table: tuple[Int64s, Grid, Int64s, npt.NDArray[np.bool_], Grid]
    rows: Int64s | None = None

    def __len__(self) -> int:
        return len(self.table[0]) if self.rows is None else len(self.rows)

    def _of(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return column if self.rows is None else column[self.rows]

    @functools.cached_property
    def unit(self) -> Int64s:
        return self._of(self.table[0])

    @functools.cached_property
    def step_us(self) -> Grid:
        return self._of(self.table[1])

    @functools.cached_property
    def key(self) -> Int64s:
        return self._of(self.table[2])

    @functools.cached_property
    def baseline(self) -> npt.NDArray[np.bool_]:
        return self._of(self.table[3])

    @functools.cached_property
    def owner(self) -> Grid:
        return self._of(self.table[4])

    def step(self, at: int) -> Int64s:
        """The times of one step, `int64[n]`."""
        return self._of(self.table[1][:, at])

    def take(self, rows: npt.NDArray[Any]) -> FunnelUnits:
        """The units of some rows (numbers or a mask)."""
        numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        chosen = numbers if self.rows is None else self.rows[numbers]
        return FunnelUnits(self.units, self.values, self.table, chosen)


def funnel_units(context: Context, query: Funnel) -> FunnelUnits:
    """The chosen attempt of every unit that has one (per value where the attribution runs once per value)."""
    request = _request(context, query)
    tables = over_streams(context, request, lambda stream: _table(context, query, stream))
    joined = [np.concatenate(column) for column in zip(*tables, strict=True)]
    return FunnelUnits(request.unit_values, request.values, tuple(joined))  # type: ignore[arg-type]


def _request(context: Context, query: Funnel) -> Request:
    scope = query.scope
    context.check_properties([*scope.breakdown, *query.hold_constant, *properties_of(scope.filter)])
    targets = [Target(step.selector) for step in query.steps] + [Target(x.selector) for x in query.exclusions]
    for target in targets:
        context.check_properties(properties_of(target.selector.filter))
    if query.order == "strict":
        targets.append(Target(EventSelector(None), filtered=False))
    columns = by_columns(scope.breakdown)
    columns |= {f"hold{at}": ref for at, ref in enumerate(query.hold_constant)}
    until_us = context.followed_until_us
    return Request(targets, context.first_us, until_us, columns, sessions=query.window.session)


def choose_in_view(context: Context, query: Funnel, view: ViewLike) -> tuple[Int64s, Grid]:
    """The chosen attempts of a view's users: numbers of users in the view, and the row of each step (-1: not
    reached)."""
    request = _request(context, query)
    stream = view_stream(context, request, search_of(context, request), view)
    attempts = _choose(context, query, stream)
    rows = np.empty_like(attempts.at)
    look_up(attempts.at, stream.columns.of("row"), -1, rows)
    return attempts.unit, rows


_Table = tuple[Int64s, Grid, Int64s, npt.NDArray[np.bool_], Grid]


def _table(context: Context, query: Funnel, stream: Stream) -> _Table:
    by_value = query.attribution.kind in ("step", "all_steps")
    if not by_value:
        attempts = _choose(context, query, stream)
        last = query.attribution.kind == "last_touch"
        values = [
            first_values(functools.partial(stream.columns.of, name), attempts.at, last)
            for name in by_columns(query.scope.breakdown)
        ]
        return _rows(stream, attempts, pack(values, len(attempts.unit)), baseline=False)
    value = stream.by_key(query.scope.breakdown)
    restricted, naming = restricted_bits(query)
    expanded, pair_value = expand(stream, value, restricted, naming)
    attempts = _choose(context, query, expanded)
    table = _rows(expanded, attempts, pair_value[attempts.unit], baseline=False)
    if not _later_step(query):
        return table
    named = _named(np.unique(pair_value), len(query.steps), table[4].shape[1])
    without = dataclasses.replace(stream, matched=stream.bits & ~restricted)
    attempts = _choose(context, query, without)
    other = _rows(without, attempts, np.zeros(len(attempts.unit), np.int64), baseline=True)
    return tuple(np.concatenate(three) for three in zip(table, named, other, strict=True))  # type: ignore[return-value]


def _later_step(query: Funnel) -> bool:
    return query.attribution.kind == "step" and query.attribution.step > 1


def _named(values: Int64s, n_steps: int, n_owners: int) -> _Table:
    """Rows that belong to no unit and only say that a value occurs."""
    nobody = np.full(len(values), -1, np.int64)
    never = np.full((len(values), n_steps), NEVER)
    return nobody, never, values, np.zeros(len(values), np.bool_), np.full((len(values), n_owners), -1)


def _choose(context: Context, query: Funnel, stream: Stream) -> Attempts:
    keys = [stream.columns.of(f"hold{at}") for at in range(len(query.hold_constant))]
    if keys:
        held = np.all([key != 0 for key in keys], axis=0)
        stream = dataclasses.replace(stream, matched=np.where(held, stream.bits, np.uint64(0)))
    if query.window.session:
        session = stream.columns.of("session")
        lonely = -2 - np.arange(len(session))  # an event in no session shares one with nobody
        keys += [*([] if stream.owner is None else [stream.owner]), np.where(session >= 0, session, lonely)]
    return choose(stream, query, keys, min(context.end_us, FOREVER_US))


def _rows(stream: Stream, attempts: Attempts, key: Int64s, baseline: bool) -> _Table:
    step_us = np.empty(attempts.at.shape, np.int64, order="F")  # views read it step by step
    look_up(attempts.at, stream.time, NEVER, step_us)
    owner = np.empty((len(key), 0), np.int64)
    if stream.owner is not None:
        owner = np.empty_like(attempts.at)
        look_up(attempts.at, stream.owner, -1, owner)
    return stream.unit[attempts.unit], step_us, key, np.full(len(key), baseline), owner


def by_group(query: Funnel, units: FunnelUnits) -> tuple[Groups, list[FunnelUnits]]:
    """The groups of the result and the units of each."""
    if _later_step(query):
        return _by_later_step(query, units)
    if not query.scope.breakdown:
        return _rank(query, units, np.zeros(0, np.int64), np.zeros(0, np.int64)), [units]
    keys, counts = count_keys(units.key)
    groups = _rank(query, units, keys, counts)
    tables = _split(units, groups.member(units.key), len(groups.labels))
    if groups.has_other and query.attribution.kind in ("step", "all_steps"):
        tables[-1] = best_per_unit(query, tables[-1])
    return groups, tables


def _split(units: FunnelUnits, member: Int64s, n_groups: int) -> list[FunnelUnits]:
    """The units of each group."""
    if n_groups == 1 and bool((member == 0).all()):
        return [units]
    narrow = member.astype(np.uint16) if n_groups < 1 << 16 else member  # a radix sort, not a merge sort
    order = np.argsort(narrow, kind="stable")
    cuts = np.searchsorted(narrow[order], np.arange(n_groups + 1))
    return [units.take(order[cuts[at] : cuts[at + 1]]) for at in range(n_groups)]


def _by_later_step(query: Funnel, units: FunnelUnits) -> tuple[Groups, list[FunnelUnits]]:
    """Where a later step is attributed, a unit is in every group: with its own run, or the run without that
    step."""
    own, without = units.take(~units.baseline), units.take(units.baseline)
    keys = np.unique(own.key)
    own = own.take(own.step(0) != NEVER)
    entered = np.array([len(np.union1d(own.unit[own.key == key], without.unit)) for key in keys.tolist()])
    groups = _rank(query, units, keys[entered > 0], entered[entered > 0])
    member = groups.member(own.key)
    tables = []
    for at in range(len(groups.labels)):
        mine = own.take(member == at)
        last = groups.has_other and at == len(groups.labels) - 1
        others = without if last else without.take(~np.isin(without.unit, mine.unit))
        both = join(mine, others)
        tables.append(best_per_unit(query, both) if last else both)
    return groups, tables


def _rank(query: Funnel, units: FunnelUnits, keys: Int64s, counts: Int64s) -> Groups:
    scope = query.scope
    return rank(keys, counts.tolist(), len(scope.breakdown), scope.breakdown_limit, units.values)


def join(one: FunnelUnits, two: FunnelUnits) -> FunnelUnits:
    """The units of two tables, one after the other."""
    names = ("unit", "step_us", "key", "baseline", "owner")
    columns = tuple(np.concatenate([getattr(one, name), getattr(two, name)]) for name in names)
    return FunnelUnits(one.units, one.values, columns)  # type: ignore[arg-type]


def best_per_unit(query: Funnel, units: FunnelUnits) -> FunnelUnits:
    """Of several runs of a unit the one that goes furthest, then ends earliest, then starts latest; of those
    that differ in optional steps only, the one that has the first of them, and has it earliest."""
    steps = units.step_us[:, required_steps(query)]
    optional = units.step_us[:, [at for at, step in enumerate(query.steps) if step.optional]]
    found = np.where(optional == NEVER, np.iinfo(np.int64).max, optional)
    return units.take(best_rows(units.unit, steps, NEVER, list(found.T)))


def previous_required(query: Funnel) -> Sequence[int]:
    """For each listed step (from 0) the required step before it; -1 for the first."""
    found, last = [], -1
    for at, step in enumerate(query.steps):
        found.append(last)
        last = last if step.optional else at
    return found
