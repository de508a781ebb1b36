"""Composing a bucket's parts into views: each user's events in order, however many files they came from.

Base parts follow each other in time (months) and are joined into one. Loose parts (the tail, rows of merged
users) may fall anywhere; the users they touch become a view of their own, so that every user's rows lie
together in some view and kernels never merge.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.lake.dictionary import narrow_events
from xingji.lake.gathered import JoinedPart, MixedPart, Properties, SortedPart, owners_of, sort_rows
from xingji.lake.part import Coded, EventNumbers, History, Int64s, Part, Rows
from xingji.model.errors import CallerError

HistorySource = Callable[[str, Int64s], History | None]
Join = Callable[[Sequence[Part]], Part]
_NOBODY = np.empty(0, np.int64)
MOST_ROWS = 1 << 22
"""Rows of a view that has more than one user: some hundred megabytes of work at the most."""


class Held:
    """A part whose columns are brought together once, however many views are made of it."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self._properties = Properties(part.coded)

    @cached_property
    def time(self) -> Int64s:
        """Times of all rows."""
        return _frozen(self.part.time())

    @cached_property
    def seq(self) -> Int64s:
        """Log order of all rows."""
        return _frozen(self.part.seq())

    @cached_property
    def event(self) -> EventNumbers:
        """Event codes of all rows."""
        return _frozen(narrow_events(self.part.event()))

    def coded(self, name: str) -> Coded | None:
        """A property of all rows."""
        return self._properties.coded(name)


def _frozen(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A column that may not be written: one type to the kernels, wherever it comes from."""
    same = column.view()
    same.flags.writeable = False
    return same


class View:
    """Users `users` (a run) of a part, but for those not `kept`; see `xingji.lake.part.ViewLike`."""

    def __init__(
        self, held: Held, users: slice, kept: npt.NDArray[np.bool_] | None, histories: HistorySource | None
    ) -> None:
        part = held.part
        first, last = part.user_offsets[users.start], part.user_offsets[users.stop]
        self._held, self._rows, self._histories = held, slice(int(first), int(last)), histories
        every = np.s_[:] if kept is None else kept[users]
        self.user_ids: Int64s = part.user_ids[users][every]
        self.begin: Rows = (part.user_offsets[:-1][users][every] - first).astype(np.uint32)
        self.end: Rows = (part.user_offsets[1:][users][every] - first).astype(np.uint32)
        self.n_rows = int(last - first)
        if self.n_rows >= 2**31:
            raise CallerError(f"a user has {self.n_rows} events; allowed: under 2^31")
        self.first_us, self.last_us = part.first_us, part.last_us
        self.kept: dict[str, Any] | None = {}

    @property
    def time(self) -> Int64s:
        return self._held.time[self._rows]

    @property
    def seq(self) -> Int64s:
        return self._held.seq[self._rows]

    @property
    def event(self) -> EventNumbers:
        return self._held.event[self._rows]

    def coded(self, name: str) -> Coded | None:
        whole = self._held.coded(name)
        return None if whole is None else Coded(whole.codes[self._rows], whole.dictionary)

    def history(self, name: str) -> History | None:
        return self._histories(name, self.user_ids) if self._histories else None


def compose_views(
    base: Sequence[Part],
    loose: Sequence[Part],
    moved: Sequence[Part] = (),
    hidden: Int64s = _NOBODY,
    histories: HistorySource | None = None,
    join: Join = JoinedPart,
    most_rows: int = MOST_ROWS,
) -> tuple[View, ...]:
    """The views that together hold the users of a bucket, each once.

    `base`: parts that follow each other in time (those that overlap another in time and share users with it
    are treated as loose). `loose`: parts that may fall anywhere. `hidden`: sorted ids of users whose rows in
    these parts are not, or not all, theirs (absorbed by another user, or set apart again). `moved`: those
    rows, as far as they belong here, under whom they belong to. `most_rows`: rows of a view that has more
    than one user.
    """
    ordered, misfits = _ordered([part for part in base if part.n_rows])
    strays = [part for part in (*misfits, *loose) if part.n_rows]
    if not ordered:
        return _cut(_late(strays, moved, hidden), _NOBODY, histories, most_rows)
    whole = ordered[0] if len(ordered) == 1 else join(ordered)
    if not strays and not moved:
        return _cut(whole, hidden, histories, most_rows)
    late = _late(strays, moved, hidden)
    rest = _cut(whole, np.union1d(hidden, late.user_ids), histories, most_rows)
    return *rest, *_cut(MixedPart(whole, late, hidden), _NOBODY, histories, most_rows)


def _cut(part: Part, others: Int64s, histories: HistorySource | None, most_rows: int) -> tuple[View, ...]:
    """The users of a part, but for some others, in views of at most so many rows: a query's work on one view
    takes little memory, and is soon over when the query is cancelled."""
    held, kept = Held(part), _others(part, others)
    n_users, cuts = len(part.user_ids), [0]
    while cuts[-1] < n_users:
        end_row = part.user_offsets[cuts[-1]] + most_rows
        cuts.append(max(int(np.searchsorted(part.user_offsets, end_row, side="right")) - 1, cuts[-1] + 1))
    spans = itertools.pairwise(cuts) if n_users else [(0, 0)]
    return tuple(View(held, slice(first, last), kept, histories) for first, last in spans)


def _others(part: Part, user_ids: Int64s) -> npt.NDArray[np.bool_] | None:
    """Which users of a part are none of the given; None where all are."""
    if not len(user_ids):
        return None
    return np.isin(part.user_ids, user_ids, assume_unique=True, invert=True)


def _late(strays: Sequence[Part], moved: Sequence[Part], hidden: Int64s) -> SortedPart:
    """The rows of loose parts, but for those of hidden users, and of moved ones, as one part."""
    parts = [*strays, *moved]
    owners = [owners_of(part) for part in parts]
    rows = [np.flatnonzero(np.isin(owner, hidden, invert=True)) for owner in owners[: len(strays)]]
    rows += [np.arange(part.n_rows) for part in moved]
    own = [owner[chosen] for owner, chosen in zip(owners, rows, strict=True)]
    return sort_rows("+".join(part.key for part in parts), parts, rows, own)


def _ordered(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Parts in order of time, and those that share users with one whose times overlap theirs."""
    ordered: list[Part] = []
    misfits: list[Part] = []
    together: list[Part] = []
    last = 0
    for part in sorted(parts, key=lambda part: (part.first_us, part.last_us)):
        if not together or part.first_us > last:
            together = []
            last = part.last_us
        elif any(len(np.intersect1d(part.user_ids, p.user_ids, assume_unique=True)) for p in together):
            misfits.append(part)
            continue
        together.append(part)
        ordered.append(part)
        last = max(last, part.last_us)
    return ordered, misfits
