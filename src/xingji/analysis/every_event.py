"""Paths of which every event is a node: counted without looking for anything, in counters that views share.

Event codes and labels are those of a snapshot, so one set of counters serves all views that a thread walks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels import every_event as kernels
from xingji.analysis.sessions import Sessions
from xingji.lake.part import Int32s, Int64s, ViewLike

MOST_NAMES = 256
"""With more event names than this, counters of their pairs leave the caches."""
_MOST_BY_THREES = 64
"""With more event names than this, counters of three of them do (and their kernel shifts by six bits)."""
_SKEW = 80
"""Counters between two tables: else the same counter of all tables would have one place in the cache."""
_MOST_ROWS = 1 << 31
"""Rows after which counters of 32 bits are added up."""
Grid = npt.NDArray[np.int64]
Counted = tuple[Grid, Grid, Grid, Int64s]
"""Edges (step, source, target), their count and µs, last nodes (step, label), and their counts."""


class Counter(Protocol):
    """Counts the ways in views, one after the other."""

    def add(self, view: ViewLike, sessions: Callable[[], Sessions]) -> None:
        """Count those of a view."""
        ...

    def counted(self, others: Sequence[Self]) -> Counted:
        """What was counted, here and by other counters of the kind; they count no more."""
        ...


C = TypeVar("C", bound=Counter)


class Counters(Generic[C]):
    """As many counters as are at work at the same time."""

    def __init__(self, make: Callable[[], C]) -> None:
        self._make, self._free = make, list[C]()
        self.made: list[C] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[C]:
        """A counter that nobody else uses meanwhile."""
        try:
            counter = self._free.pop()
        except IndexError:
            counter = self._make()
            self.made.append(counter)
        yield counter
        self._free.append(counter)

    def counted(self) -> Counted | None:
        """What was counted by all; None where nobody counted."""
        return self.made[0].counted(self.made[1:]) if self.made else None


class NodeCounter:
    """The edges of each session's first `most` nodes with their times, and its last node.

    `label_of: int32[n_names]` is the label of each event's name; without `most`, nodes have no step.
    """

    def __init__(self, label_of: Int32s, collapse: bool, most: int | None) -> None:
        self._labels, local = np.unique(label_of, return_inverse=True)
        self._label_of, self._collapse, self._most = local.astype(np.int32), collapse, most
        n_nodes = (most or 1) * len(self._labels)
        self._cells = np.zeros(2 * n_nodes * len(self._labels), np.int64)
        self._ends = np.zeros(n_nodes, np.int64)

    def add(self, view: ViewLike, sessions: Callable[[], Sessions]) -> None:
        found = sessions()
        kernels.first_nodes(
            found.begin, found.end, view.time, view.event, self._label_of, len(self._labels), self._collapse,
            self._most, self._cells, self._ends,
        )  # fmt: skip

    def counted(self, others: Sequence[Self]) -> Counted:
        for other in others:
            self._cells += other._cells
            self._ends += other._ends
        labels, n_labels = self._labels, len(self._labels)
        cells = self._cells.reshape(-1, 2)
        met, last = np.flatnonzero(cells[:, 0]), np.flatnonzero(self._ends)
        step, source = np.divmod(met // n_labels, n_labels)
        edge = np.stack([step, labels[source], labels[met % n_labels]], axis=1).astype(np.int64)
        node = np.stack([last // n_labels, labels[last % n_labels]], axis=1).astype(np.int64)
        return edge, cells[met], node, self._ends[last]


class NeighbourCounter:
    """How often an event follows another, whenever that was, and the last event of each user."""

    def __init__(self, label_of: Int32s, collapse: bool) -> None:
        self._label_of, self._collapse, self._rows = label_of, collapse, 0
        self._by_threes = len(label_of) <= _MOST_BY_THREES
        self._width = _MOST_BY_THREES if self._by_threes else len(label_of)
        n_tables, size = (2, self._width**3) if self._by_threes else (4, self._width**2)
        self._tables = np.zeros((n_tables, size + _SKEW), np.uint32)
        self._pairs, self._ends = np.zeros(self._width**2, np.int64), np.zeros(self._width, np.int64)

    def add(self, view: ViewLike, sessions: Callable[[], Sessions]) -> None:
        self._rows += view.n_rows
        if self._rows >= _MOST_ROWS:
            self._add_up()
            self._tables[:], self._rows = 0, view.n_rows
        rows = view.begin, view.end, view.event
        if self._by_threes:
            kernels.neighbours_by_threes(*rows, self._tables, self._pairs, self._ends)
        else:
            kernels.neighbours(*rows, self._width, self._tables, self._ends)

    def _add_up(self) -> None:
        if self._by_threes:
            kernels.sum_threes(self._tables, len(self._label_of), self._pairs)
        else:
            self._pairs += self._tables[:, : len(self._pairs)].sum(axis=0, dtype=np.int64)

    def counted(self, others: Sequence[Self]) -> Counted:
        self._add_up()
        for other in others:
            other._add_up()
            self._pairs += other._pairs
            self._ends += other._ends
        label_of, width = self._label_of, self._width
        met, last = np.flatnonzero(self._pairs), np.flatnonzero(self._ends)
        source, target = label_of[met // width], label_of[met % width]
        if self._collapse:
            met, source, target = (array[source != target] for array in (met, source, target))
        edge = np.stack([np.zeros_like(source), source, target], axis=1).astype(np.int64)
        node = np.stack([np.zeros_like(last), label_of[last]], axis=1).astype(np.int64)
        return edge, np.stack([self._pairs[met], np.zeros_like(met)], axis=1), node, self._ends[last]
