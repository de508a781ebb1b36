"""What every analysis of one query shares: the snapshot, the range, the instant it speaks for, and where its
work runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

import numpy as np

from xingji.analysis.calendar import range_us
from xingji.analysis.columns import check_known
from xingji.lake.part import Int64s, Rows, Snapshot, ViewLike
from xingji.model.errors import Cancelled, QueryTooLargeError
from xingji.model.predicate import PropertyRef
from xingji.model.query import Scope

_VALUE_BYTES = 200
"""What one value of a property takes in a table of values, with its place there."""
_FIGURE_BYTES = 100
"""What one figure of an answer takes, from its counter to the JSON."""
T = TypeVar("T")
U = TypeVar("U")


class Runner(Protocol):
    """Runs a task for each item, perhaps several at a time, and yields the results in the items' order."""

    def map(self, task: Callable[[U], T], items: Iterable[U]) -> Iterator[T]: ...


class SerialRunner:
    """Runs one task after the other in the caller's thread."""

    def map(self, task: Callable[[U], T], items: Iterable[U]) -> Iterator[T]:
        return map(task, items)


@dataclass(frozen=True)
class Context:
    """One query at work; `first_us`, `end_us` are its range as [first, end), `memory_bound_bytes` what it may
    hold at once."""

    snapshot: Snapshot
    scope: Scope
    runner: Runner
    cancelled: Callable[[], bool]
    memory_bound_bytes: int
    first_us: int = field(init=False)
    end_us: int = field(init=False)
    as_of_us: int = field(init=False)
    kept_users: Int64s | None = field(init=False)

    def __post_init__(self) -> None:
        first_us, end_us = range_us(self.scope)
        segment, asked = self.scope.segment, self.scope.as_of_us
        as_of_us = self.snapshot.as_of_us if asked is None else asked
        object.__setattr__(self, "first_us", first_us)
        object.__setattr__(self, "end_us", end_us)
        object.__setattr__(self, "as_of_us", as_of_us)
        kept = self.snapshot.user_ids_of(sorted(segment.users)) if segment else None
        object.__setattr__(self, "kept_users", kept)

    @property
    def followed_until_us(self) -> int:
        """Up to where later steps and returns count: up to `as_of` where the range limits entries only."""
        return max(self.end_us, self.as_of_us + 1) if self.scope.range_applies_to == "entry" else self.end_us

    def check_properties(self, refs: Iterable[PropertyRef]) -> None:
        """Raise UnknownNameError for the first property that nobody has."""
        for ref in refs:
            check_known(ref, self.snapshot)

    def watch(self, values: Sized) -> None:
        """Raise Cancelled once the query is, and QueryTooLargeError where the distinct values met so far take
        more than the memory bound."""
        if self.cancelled():
            raise Cancelled
        self._check_bytes(len(values) * _VALUE_BYTES, "name properties of fewer values, or narrow its range")

    def check_figures(self, *counts: int) -> None:
        """Raise QueryTooLargeError for an answer of too many figures; `counts` are multiplied."""
        self._check_bytes(math.prod(counts) * _FIGURE_BYTES, "take fewer groups, or longer or fewer periods")

    def _check_bytes(self, needed_bytes: int, hint: str) -> None:
        if needed_bytes > self.memory_bound_bytes:
            raise QueryTooLargeError(needed_bytes, self.memory_bound_bytes, hint)

    def over_buckets(self, task: Callable[[ViewLike], T], bounds: tuple[int, int] | None) -> list[T]:
        """The task's result for the views of every bucket; `bounds` (µs, [first, end)): only their rows
        matter."""

        def run(index: int) -> list[T]:
            first_us, last_us = (bounds[0], bounds[1] - 1) if bounds else (None, None)
            results = []
            for view in self.snapshot.views(index, first_us, last_us):
                if self.cancelled():
                    raise Cancelled
                results.append(task(self._kept(view)))
            return results

        found = self.runner.map(run, range(self.snapshot.n_buckets))
        return [result for of_bucket in found for result in of_bucket]

    def _kept(self, view: ViewLike) -> ViewLike:
        return view if self.kept_users is None else cast(ViewLike, Restricted(view, self.kept_users))

    def over(self, task: Callable[[U], T], items: Sequence[U]) -> list[T]:
        """The task's result for every item, in order."""

        def run(item: U) -> T:
            if self.cancelled():
                raise Cancelled
            return task(item)

        return list(self.runner.map(run, items))


class Restricted:
    """A view in which only the given users (sorted ids) have rows."""

    def __init__(self, view: ViewLike, kept_users: Int64s) -> None:
        self._view, self.n_rows = view, view.n_rows
        self.first_us, self.last_us = view.first_us, view.last_us
        self.kept = None
        self.user_ids: Int64s = view.user_ids
        dropped = ~np.isin(view.user_ids, kept_users)
        self.begin: Rows = view.begin.copy()
        self.end: Rows = view.end.copy()
        self.begin[dropped] = self.end[dropped] = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._view, name)
