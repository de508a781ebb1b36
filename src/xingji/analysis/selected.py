"""The rows of a view that a request's selectors match: from lists of each event's rows or row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xingji.analysis.kernels.collect import (
    collect,
    compress,
    count_codes,
    count_marks,
    mark,
    weave,
    weave_offsets,
)
from xingji.analysis.predicates import row_mask
from xingji.analysis.selection import Target, condition_of, event_bits
from xingji.analysis.slots import Hours, hours_of_times
from xingji.lake.order import offsets_of
from xingji.lake.part import Int64s, Rows, Snapshot, ViewLike
from xingji.model.predicate import AllOf, Predicate

Uint64s = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]
Span = tuple[int, int] | None
Condition = tuple[Predicate, ...]
_SPARSE = 0.5
"""Lists of rows are kept for events that together are at most this share of a view's rows."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The matching rows of a view user by user: user u's are [offsets[u], offsets[u + 1]).

    `rows: uint32[n]`, `time: int64[n]` µs; `matched: uint64[n]`: the targets each row matches, at least one
    (one number where all match the same).
    """

    offsets: Int64s
    rows: Rows
    time: Int64s
    matched: Uint64s | np.uint64
    hours: Hours | None = None
    """The hours of the rows, where they are known."""

    @property
    def bits(self) -> Uint64s:
        """The targets of every row, `uint64[n]`."""
        return spelt(self.matched, len(self.rows))

    def keep(self, kept: Mask) -> Selected:
        """Those for which `kept: bool[n]` holds."""
        before = offsets_of(kept)
        return Selected(before[self.offsets], self.rows[kept], self.time[kept], self.bits[kept])


def spelt(matched: Uint64s | np.uint64, length: int) -> Uint64s:
    """The targets that rows match, one number a row."""
    return matched if isinstance(matched, np.ndarray) else np.full(length, matched)


@dataclass(frozen=True, slots=True)
class Posting:
    """The rows of one event in a view, and their times."""

    rows: Rows
    time: Int64s
    offsets: Int64s | None = None
    hours: Hours | None = None
    marks: Uint64s | None = None
    """Of a list that is whole: where each user's rows begin, the hours of the rows, and a bit for each."""

    def keep(self, kept: Mask) -> Posting:
        """The rows for which `kept` holds."""
        rows, time = np.empty(len(self.rows) + 1, np.uint32), np.empty(len(self.rows) + 1, np.int64)
        count = compress(self.rows, self.time, kept, rows, time)
        return Posting(rows[:count], time[:count])

    def within(self, span: Span) -> Posting:
        """The rows with times in the span."""
        return self if span is None else self.keep((self.time >= span[0]) & (self.time < span[1]))


class Search:
    """What is looked for in every view: which events, and what their rows must satisfy beside.

    `by_event: uint64[n_names]`: bits of each event by its code; `conditions`: of which bits more is asked.
    """

    def __init__(
        self, targets: Sequence[Target], filter_: Predicate | None, snapshot: Snapshot, as_of_us: int
    ) -> None:
        self._snapshot, self._as_of_us = snapshot, as_of_us
        self.by_event = event_bits([target.selector for target in targets], snapshot.event_names)
        self.codes: list[int] = np.flatnonzero(self.by_event).tolist()
        self.conditions: dict[Condition, np.uint64] = {}
        for at, target in enumerate(targets):
            if condition := condition_of(target, filter_):
                known = self.conditions.get(condition, np.uint64(0))
                self.conditions[condition] = known | np.uint64(1 << at)

    def holds(self, condition: Condition, view: ViewLike, rows: Rows) -> Mask:
        """At which rows a condition holds."""
        return row_mask(AllOf(condition), view, self._snapshot, self._as_of_us, rows)

    def rows(self, view: ViewLike, span: Span) -> Selected:
        """The rows that match some target (bit i: target i), with times in the span (µs, [first, end); None:
        all)."""
        span = None if span and span[0] <= view.first_us and span[1] > view.last_us else span
        return _woven(self, view, span) if self._is_sparse(view) else _scanned(self, view, span)

    def _is_sparse(self, view: ViewLike) -> bool:
        if view.kept is None or not view.n_rows:
            return False
        if "events" not in view.kept:
            counts = np.zeros(len(self.by_event), np.int64)
            count_codes(view.event, counts)
            view.kept["events"] = counts.tolist()
        return bool(sum(map(view.kept["events"].__getitem__, self.codes)) <= _SPARSE * view.n_rows)


def _scanned(search: Search, view: ViewLike, span: Span) -> Selected:
    """The rows found one by one."""
    found = _every(search.by_event, view, span)
    if not search.conditions:
        return found
    bits = found.bits
    for condition, theirs in search.conditions.items():
        asked = np.flatnonzero(bits & theirs)
        failed = asked[~search.holds(condition, view, found.rows[asked])]
        bits[failed] &= ~theirs
    return found.keep(bits != 0)


def _every(by_event: Uint64s, view: ViewLike, span: Span) -> Selected:
    offsets = np.zeros(len(view.user_ids) + 1, np.int64)
    room = view.n_rows + 1
    rows, time, bits = np.empty(room, np.uint32), np.empty(room, np.int64), np.empty(room, np.uint64)
    first_us, end_us = span or (None, None)
    count = collect(
        view.begin, view.end, view.event, by_event, view.time, first_us, end_us, offsets, rows, time, bits
    )
    return Selected(offsets, rows[:count], time[:count], bits[:count])


def _woven(search: Search, view: ViewLike, span: Span) -> Selected:
    """The lists of the events' rows, split where rows match fewer targets, put in the view's order."""
    lists: list[tuple[Posting, np.uint64]] = []
    for code, posting in postings_of(search.codes, view).items():
        lists += _split(posting.within(span), search.by_event[code], search, view)
    if len(lists) == 1 and (only := lists[0][0]).offsets is not None:
        return Selected(only.offsets, only.rows, only.time, lists[0][1], only.hours)
    marks = np.zeros(view.n_rows // 64 + 1, np.uint64)
    for each, _ in lists:
        if each.marks is None:
            mark(each.rows, marks)
        else:
            np.bitwise_or(marks, each.marks, out=marks)
    before = _counted(marks)
    count = sum(len(each.rows) for each, _ in lists)
    rows, time, bits = np.empty(count, np.uint32), np.empty(count, np.int64), np.empty(count, np.uint64)
    for each, matched in lists:
        weave(each.rows, each.time, matched, marks, before, rows, time, bits)
    return Selected(_offsets(view, marks, before), rows, time, bits)


def _counted(marks: Uint64s) -> Rows:
    """How many marks there are before each word of them."""
    before = np.empty(len(marks), np.uint32)
    count_marks(marks, before)
    return before


def _offsets(view: ViewLike, marks: Uint64s, before: Rows) -> Int64s:
    """Where each user's marked rows begin."""
    offsets = np.empty(len(view.user_ids) + 1, np.int64)
    weave_offsets(view.begin, view.end, marks, before, offsets)
    return offsets


def _split(
    posting: Posting, matched: np.uint64, search: Search, view: ViewLike
) -> list[tuple[Posting, np.uint64]]:
    """A list in parts by the targets that its rows match; rows that match none are left out."""
    lists = [(posting, matched)]
    for condition, theirs in search.conditions.items():
        parts: list[tuple[Posting, np.uint64]] = []
        for each, bits in lists:
            if not bits & theirs:
                parts.append((each, bits))
                continue
            mask = search.holds(condition, view, each.rows)
            parts.append((each.keep(mask), bits))
            if bits & ~theirs:
                parts.append((each.keep(~mask), bits & ~theirs))
        lists = parts
    return lists


def postings_of(codes: Sequence[int], view: ViewLike) -> dict[int, Posting]:
    """The rows of each event, found in one walk and kept with the view while there is room."""
    if view.kept is None:
        raise ValueError("this view keeps nothing")
    kept: dict[int, Posting] = view.kept.setdefault("postings", {})
    found = {code: posting for code in codes if (posting := kept.pop(code, None)) is not None}
    found |= _listed([code for code in codes if code not in found], view)
    kept |= found  # those asked for last are let go last
    held = sum(len(each.rows) for each in list(kept.values()))
    for code in list(kept):
        if held <= _SPARSE * view.n_rows or code in found:
            break
        gone = kept.pop(code, None)  # another question may have let it go
        held -= len(gone.rows) if gone else 0
    return {code: found[code] for code in codes}


def _listed(codes: Sequence[int], view: ViewLike) -> dict[int, Posting]:
    if not codes:
        return {}
    wanted = np.zeros(1 << 16, np.uint64)
    wanted[codes] = 1
    every = _every(wanted, view, None)
    whole, event = Posting(every.rows, every.time), view.event[every.rows]
    found = {}
    for code in codes:
        mine = whole.keep(event == code)
        rows, time = mine.rows.copy(), mine.time.copy()  # without the room they were found in
        marks = np.zeros(view.n_rows // 64 + 1, np.uint64)
        mark(rows, marks)
        offsets = _offsets(view, marks, _counted(marks))
        hours = hours_of_times(time, view.first_us, view.last_us)
        found[code] = Posting(rows, time, offsets, hours, marks)
    return found
