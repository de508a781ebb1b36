"""Rows gathered from parts into one: sorted anew, one month after the other, or late ones among the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import RLock
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from xingji.lake.dictionary import join, narrow, narrow_events, unite
from xingji.lake.order import offsets_of, starts_of
from xingji.lake.part import Coded, Dictionary, EventNumbers, Int64s, Part

Number = TypeVar("Number", bound=np.generic)
Column = Callable[[Part], npt.NDArray[Number]]
_NOBODY = np.empty(0, np.int64)
_KEPT_PROPERTIES = 12


class Properties:
    """Properties as codes, each brought together when first asked for; those asked for first are let go."""

    def __init__(self, bring: Callable[[str], Coded | None]) -> None:
        self._bring = bring
        self._kept: dict[str, Coded | None] = {}
        self._mine = RLock()

    def coded(self, name: str) -> Coded | None:
        """A property; None where nobody has it."""
        with self._mine:
            if name not in self._kept:
                self._kept[name] = self._bring(name)
                while len(self._kept) > _KEPT_PROPERTIES:
                    self._kept.pop(next(iter(self._kept)))
            return self._kept[name]

    @property
    def n_bytes(self) -> int:
        """The memory of their codes."""
        with self._mine:
            return sum(coded.codes.nbytes for coded in self._kept.values() if coded)


def owners_of(part: Part) -> Int64s:
    """The user id of every row of a part."""
    return np.repeat(part.user_ids, np.diff(part.user_offsets))


def runs(first: Int64s, lengths: Int64s) -> Int64s:
    """The numbers of runs one after the other: `first[i]` up to `first[i] + lengths[i]`.

    >>> runs(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()), dtype=np.int64)


def rows_of(part: Part, user_ids: Int64s) -> tuple[Int64s, Int64s]:
    """The rows in a part of users (rising ids), user by user, and how many each of them has there."""
    there, lengths = part.user_ids, np.zeros(len(user_ids), np.int64)
    if not len(there):
        return _NOBODY, lengths
    place = np.minimum(np.searchsorted(there, user_ids), len(there) - 1)
    mine = np.flatnonzero(there[place] == user_ids)
    first = part.user_offsets[place[mine]]
    lengths[mine] = part.user_offsets[place[mine] + 1] - first
    return runs(first, lengths[mine]), lengths


class SortedPart:
    """Rows of other parts under users of its own choosing: `rows[i]` of `sources[source[i]]`."""

    def __init__(self, key: str, sources: Sequence[Part], source: Int64s, row: Int64s, owner: Int64s) -> None:
        self.key, self._sources, self._source, self._row = key, sources, source, row
        self.n_rows = len(row)
        self.user_offsets: Int64s = starts_of(owner)
        self.user_ids: Int64s = owner[self.user_offsets[:-1]]

    @property
    def first_us(self) -> int:
        return int(self.time().min()) if self.n_rows else 0

    @property
    def last_us(self) -> int:
        return int(self.time().max()) if self.n_rows else 0

    def _gather(self, column: Column[Number], kind: type[Number]) -> npt.NDArray[Number]:
        out = np.zeros(self.n_rows, kind)
        for at, part in enumerate(self._sources):
            here = self._source == at
            out[here] = column(part)[self._row[here]]
        return out

    @cached_property
    def _time(self) -> Int64s:
        return self._gather(lambda part: part.time(), np.int64)

    def time(self) -> Int64s:
        return self._time

    def seq(self) -> Int64s:
        return self._gather(lambda part: part.seq(), np.int64)

    def event(self) -> EventNumbers:
        return self._gather(lambda part: part.event().astype(np.uint16), np.uint16)

    def coded(self, name: str) -> Coded | None:
        found = [part.coded(name) for part in self._sources]
        code_of, dictionary = unite([coded.dictionary if coded else Dictionary(()) for coded in found])
        if len(dictionary) == 1:
            return None
        codes = np.zeros(self.n_rows, np.int64)
        for at, coded in enumerate(found):
            here = self._source == at
            if coded is not None:
                codes[here] = code_of[at][coded.codes[self._row[here]]]
        return Coded(narrow(codes, len(dictionary)), dictionary)


def sort_rows(
    key: str, parts: Sequence[Part], rows: Sequence[Int64s], owners: Sequence[Int64s]
) -> SortedPart:
    """The given rows of each part, under the given users, sorted by (user, time, seq)."""
    source = np.concatenate([np.full(len(r), at, np.int64) for at, r in enumerate(rows)] or [_NOBODY])
    row, owner = np.concatenate([*rows, _NOBODY]), np.concatenate([*owners, _NOBODY])
    time = np.concatenate([part.time()[r] for part, r in zip(parts, rows, strict=True)] or [_NOBODY])
    seq = np.concatenate([part.seq()[r] for part, r in zip(parts, rows, strict=True)] or [_NOBODY])
    order = np.lexsort((seq, time, owner))
    return SortedPart(key, parts, source[order], row[order], owner[order])


class JoinedPart:
    """Parts whose users have later rows in each than in those before, as one: a user's rows lie together.

    Columns are brought together when first asked for, and kept.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.key = "+".join(part.key for part in parts)
        self.n_rows = sum(part.n_rows for part in parts)
        self.first_us = min(part.first_us for part in parts)
        self.last_us = max(part.last_us for part in parts)
        self.user_ids: Int64s = np.unique(np.concatenate([part.user_ids for part in parts]))
        self._places = [np.searchsorted(self.user_ids, part.user_ids).astype(np.uint32) for part in parts]
        lengths = np.zeros(len(self.user_ids), np.int64)
        for part, place in zip(parts, self._places, strict=True):
            lengths[place] += np.diff(part.user_offsets)
        self.user_offsets: Int64s = offsets_of(lengths)
        self._mine = RLock()
        self._columns: dict[str, npt.NDArray[np.generic]] = {}
        self._properties = Properties(self._join)

    @property
    def n_bytes(self) -> int:
        """The memory its columns take."""
        with self._mine:
            columns = sum(column.nbytes for column in self._columns.values())
        return columns + self._properties.n_bytes

    def _spread(self, columns: Sequence[npt.NDArray[Number]]) -> npt.NDArray[Number]:
        """Columns of the parts, each user's rows behind each other."""
        out = np.empty(self.n_rows, columns[0].dtype)
        filled = self.user_offsets[:-1].copy()
        for part, place, column in zip(self.parts, self._places, columns, strict=True):
            lengths = np.diff(part.user_offsets)
            out[runs(filled[place], lengths)] = column
            filled[place] += lengths
        return out

    def _column(self, name: str, column: Column[Number]) -> npt.NDArray[Number]:
        with self._mine:
            if name not in self._columns:
                self._columns[name] = self._spread([column(part) for part in self.parts])
            return self._columns[name]  # type: ignore[return-value]

    def time(self) -> Int64s:
        return self._column("time", lambda part: part.time())

    def seq(self) -> Int64s:
        return self._column("seq", lambda part: part.seq())

    def event(self) -> EventNumbers:
        with self._mine:
            if "event" not in self._columns:
                narrowed = [narrow_events(part.event()) for part in self.parts]
                widest = np.result_type(*(column.dtype for column in narrowed))
                self._columns["event"] = self._spread([column.astype(widest) for column in narrowed])
            return self._columns["event"]  # type: ignore[return-value]

    def coded(self, name: str) -> Coded | None:
        return self._properties.coded(name)

    def _join(self, name: str) -> Coded | None:
        lengths = [part.n_rows for part in self.parts]
        whole = join([part.coded(name) for part in self.parts], lengths)
        if len(whole.dictionary) == 1:
            return None
        cuts = np.cumsum(lengths)[:-1]
        return Coded(self._spread(np.split(whole.codes, cuts)), whole.dictionary)  # type: ignore[arg-type]


class MixedPart:
    """The users of `late`, with the rows they have in `base` and their late ones among them.

    What is in `base` of users `apart` is not taken: those whose rows there are not all their own.
    """

    def __init__(self, base: Part, late: Part, apart: Int64s = _NOBODY) -> None:
        self.key = f"{base.key}&{late.key}"
        self._base, self._late = base, late
        self.user_ids: Int64s = late.user_ids
        mixed = np.isin(late.user_ids, apart, invert=True)
        base_lengths = np.zeros(len(late.user_ids), np.int64)
        self._base_rows, base_lengths[mixed] = rows_of(base, late.user_ids[mixed])
        late_lengths = np.diff(late.user_offsets)
        self.n_rows = len(self._base_rows) + late.n_rows
        self.user_offsets: Int64s = offsets_of(base_lengths + late_lengths)
        self._is_late = np.zeros(self.n_rows, np.bool_)
        before = np.cumsum(base_lengths) - base_lengths
        self._is_late[self._earlier(before, base_lengths) + np.arange(late.n_rows)] = True

    def _earlier(self, before: Int64s, lengths: Int64s) -> Int64s:
        """How many of the base's rows come before each late row, by bisection of its user's rows."""
        of_user = np.repeat(np.arange(len(self.user_ids)), np.diff(self._late.user_offsets))
        low, high = before[of_user], (before + lengths)[of_user]
        base_time, late_time = self._base.time(), self._late.time()
        base_seq = late_seq = None
        while True:
            open_ = np.flatnonzero(low < high)
            if not len(open_):
                return low
            middle = (low[open_] + high[open_]) // 2
            rows = self._base_rows[middle]
            there, here = base_time[rows], late_time[open_]
            less = there < here
            tied = np.flatnonzero(there == here)
            if len(tied):
                if base_seq is None or late_seq is None:
                    base_seq, late_seq = self._base.seq(), self._late.seq()
                less[tied] = base_seq[rows[tied]] < late_seq[open_[tied]]
            low[open_[less]] = middle[less] + 1
            high[open_[~less]] = middle[~less]

    @property
    def first_us(self) -> int:
        return min(self._base.first_us, self._late.first_us)

    @property
    def last_us(self) -> int:
        return max(self._base.last_us, self._late.last_us)

    def _mix(self, base: npt.NDArray[Number], late: npt.NDArray[Number]) -> npt.NDArray[Number]:
        out = np.empty(self.n_rows, base.dtype)
        out[~self._is_late] = base[self._base_rows]
        out[self._is_late] = late
        return out

    def time(self) -> Int64s:
        return self._mix(self._base.time(), self._late.time())

    def seq(self) -> Int64s:
        return self._mix(self._base.seq(), self._late.seq())

    def event(self) -> EventNumbers:
        base, late = self._base.event(), self._late.event()
        return narrow_events(self._mix(base.astype(np.uint16), late.astype(np.uint16)))

    def coded(self, name: str) -> Coded | None:
        base, late = self._base.coded(name), self._late.coded(name)
        taken = Coded(base.codes[self._base_rows], base.dictionary) if base else None
        whole = join([taken, late], [len(self._base_rows), self._late.n_rows])
        if len(whole.dictionary) == 1:
            return None
        codes = np.empty_like(whole.codes)
        codes[~self._is_late] = whole.codes[: len(self._base_rows)]
        codes[self._is_late] = whole.codes[len(self._base_rows) :]
        return Coded(codes, whole.dictionary)
