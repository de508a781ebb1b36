"""Composing a bucket's parts into one view: each user's events in order, however many files they came from.

Base parts follow each other in time (months). Loose parts (the tail, rows of merged users) may fall anywhere;
the users they touch, in the months they touch, are gathered with their base rows into a patch, so that
kernels never merge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xingji.lake.dictionary import join, narrow
from xingji.lake.order import starts_of
from xingji.lake.part import Coded, Dictionary, History, Int64s, Part, Rows
from xingji.model.errors import CallerError

HistorySource = Callable[[str, Int64s], History | None]
Number = TypeVar("Number", bound=np.generic)
_NOBODY = np.empty(0, np.int64)
_KEPT_PROPERTIES = 12
"""Of how many properties a view keeps the codes of its parts brought together."""


class GatherPart:
    """Rows gathered from other parts, under users of its own choosing: `rows[i]` of `sources[source[i]]`."""

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

    def _gather(
        self, column: Callable[[Part], npt.NDArray[Number]], kind: type[Number]
    ) -> npt.NDArray[Number]:
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

    def event(self) -> npt.NDArray[np.uint16]:
        return self._gather(lambda part: part.event(), np.uint16)

    def coded(self, name: str) -> Coded | None:
        codes, shift = np.zeros(self.n_rows, np.int64), 0
        chunks: list[pa.Array] = []
        for at, part in enumerate(self._sources):
            coded = part.coded(name)
            if coded is None:
                continue
            here = self._source == at
            own = coded.codes[self._row[here]].astype(np.int64)
            codes[here] = np.where(own == 0, 0, own + shift)
            chunks.extend(coded.dictionary.chunks)
            shift += len(coded.dictionary) - 1
        return Coded(narrow(codes, shift + 1), Dictionary(tuple(chunks))) if shift else None


def owners_of(part: Part) -> Int64s:
    """The user id of every row of a part."""
    return np.repeat(part.user_ids, np.diff(part.user_offsets))


def gather(key: str, parts: Sequence[Part], rows: Sequence[Int64s], owners: Sequence[Int64s]) -> GatherPart:
    """The given rows of each part, under the given users, sorted by (user, time, seq)."""
    source = np.concatenate([np.full(len(r), at, np.int64) for at, r in enumerate(rows)] or [_NOBODY])
    row, owner = np.concatenate([*rows, _NOBODY]), np.concatenate([*owners, _NOBODY])
    time = np.concatenate([part.time()[r] for part, r in zip(parts, rows, strict=True)] or [_NOBODY])
    seq = np.concatenate([part.seq()[r] for part, r in zip(parts, rows, strict=True)] or [_NOBODY])
    order = np.lexsort((seq, time, owner))
    return GatherPart(key, parts, source[order], row[order], owner[order])


class View:
    """One bucket as a query sees it; see `xingji.lake.part.ViewLike`."""

    def __init__(
        self, user_ids: Int64s, begin: Rows, end: Rows, parts: Sequence[Part], starts: Sequence[int],
        histories: HistorySource | None,
    ) -> None:  # fmt: skip
        self.user_ids, self.begin, self.end = user_ids, begin, end
        self._parts, self._starts, self._histories = parts, starts, histories
        self._coded: dict[str, Coded | None] = {}
        self.n_rows = starts[-1]
        self.first_us = min((part.first_us for part in parts), default=0)
        self.last_us = max((part.last_us for part in parts), default=0)

    def _column(
        self, column: Callable[[Part], npt.NDArray[Number]], kind: type[Number]
    ) -> npt.NDArray[Number]:
        if len(self._parts) == 1:
            return column(self._parts[0])
        return np.concatenate([column(part) for part in self._parts]) if self._parts else np.zeros(0, kind)

    @cached_property
    def time(self) -> Int64s:
        return self._column(lambda part: part.time(), np.int64)

    @cached_property
    def seq(self) -> Int64s:
        return self._column(lambda part: part.seq(), np.int64)

    @cached_property
    def event(self) -> npt.NDArray[np.uint16]:
        return self._column(lambda part: part.event(), np.uint16)

    def coded(self, name: str) -> Coded | None:
        if name not in self._coded:
            found = [part.coded(name) for part in self._parts]
            whole = found[0] if len(found) == 1 else join(found, [part.n_rows for part in self._parts])
            self._coded[name] = whole if whole and len(whole.dictionary) > 1 else None
            while len(self._coded) > _KEPT_PROPERTIES:
                self._coded.pop(next(iter(self._coded)))
        return self._coded[name]

    def history(self, name: str) -> History | None:
        return self._histories(name, self.user_ids) if self._histories else None


def compose_view(
    base: Sequence[Part],
    loose: Sequence[Part],
    hidden: Int64s = _NOBODY,
    histories: HistorySource | None = None,
) -> View:
    """The view of a bucket.

    `base`: parts that follow each other in time (those that overlap another in time and share users with it
    are treated as loose). `loose`: parts that may fall anywhere. `hidden`: sorted ids of users whose rows in
    these parts are not theirs any more (erased, or absorbed by another user).
    """
    slots, misfits = _slots([part for part in base if part.n_rows])
    strays = [part for part in (*misfits, *loose) if part.n_rows]
    patches = _patches(slots, strays)
    parts = [part for slot in slots for part in slot] + [patch for patch in patches if patch]
    starts = [0, *np.cumsum([part.n_rows for part in parts]).tolist()]
    if starts[-1] >= 2**31:
        raise CallerError(
            f"a bucket holds {starts[-1]} events; allowed: under 2^31, with more buckets in the lake"
        )
    ids = [part.user_ids for part in parts]
    user_ids = np.unique(np.concatenate(ids)) if len(ids) > 1 else (ids[0] if ids else _NOBODY)
    user_ids = np.setdiff1d(user_ids, hidden, assume_unique=True) if len(hidden) else user_ids
    begin = np.zeros((len(user_ids), max(len(slots), 1)), np.uint32)
    end = np.zeros_like(begin)
    start_of = {id(part): start for part, start in zip(parts, starts, strict=False)}
    for at, slot in enumerate(slots):
        patch = patches[at]
        for part in [*slot, *([patch] if patch else [])]:  # the patch last: it replaces
            _place(part, start_of[id(part)], user_ids, begin[:, at], end[:, at])
    return View(user_ids, begin, end, parts, starts, histories)


def _place(part: Part, start: int, user_ids: Int64s, begin: Rows, end: Rows) -> None:
    if not len(user_ids):
        return
    place = np.searchsorted(user_ids, part.user_ids)
    known = (place < len(user_ids)) & (user_ids[np.minimum(place, len(user_ids) - 1)] == part.user_ids)
    begin[place[known]] = part.user_offsets[:-1][known] + start
    end[place[known]] = part.user_offsets[1:][known] + start


def _slots(parts: Sequence[Part]) -> tuple[list[list[Part]], list[Part]]:
    """Parts grouped where their times overlap, in order of time, and the parts that share users within a
    group."""
    slots: list[list[Part]] = []
    misfits: list[Part] = []
    last = 0
    for part in sorted(parts, key=lambda part: (part.first_us, part.last_us)):
        if not slots or part.first_us > last:
            slots.append([part])
        elif any(
            len(np.intersect1d(part.user_ids, other.user_ids, assume_unique=True)) for other in slots[-1]
        ):
            misfits.append(part)
            continue
        else:
            slots[-1].append(part)
        last = max(last, part.last_us) if len(slots[-1]) > 1 else part.last_us
    return slots, misfits


def _patches(slots: list[list[Part]], strays: Sequence[Part]) -> list[Part | None]:
    """For each slot the rows of every user whom a stray part touches there; adds a slot if there is none."""
    if not strays:
        return [None] * len(slots)
    if not slots:
        slots.append([])
    cuts = np.array([min(part.first_us for part in slot) for slot in slots[1:]], np.int64)
    slot_of = [np.searchsorted(cuts, part.time(), side="right") for part in strays]
    owners = [owners_of(part) for part in strays]
    patches: list[Part | None] = []
    for at, slot in enumerate(slots):
        picked = [np.flatnonzero(where == at) for where in slot_of]
        touched = np.unique(np.concatenate([owner[rows] for owner, rows in zip(owners, picked, strict=True)]))
        if not len(touched):
            patches.append(None)
            continue
        parts, rows = [*strays], [*picked]
        users = [owner[chosen] for owner, chosen in zip(owners, picked, strict=True)]
        for part in slot:
            rows.append(_rows_of(part, touched))
            parts.append(part)
            users.append(owners_of(part)[rows[-1]])
        key = "+".join(part.key for part in parts)
        used = [i for i, chosen in enumerate(rows) if len(chosen)]
        patches.append(
            gather(key, [parts[i] for i in used], [rows[i] for i in used], [users[i] for i in used])
        )
    return patches


def _rows_of(part: Part, user_ids: Int64s) -> Int64s:
    """The rows of the given users (sorted ids) in a part."""
    _, place, _ = np.intersect1d(part.user_ids, user_ids, assume_unique=True, return_indices=True)
    first, lengths = part.user_offsets[place], np.diff(part.user_offsets)[place]
    shift = np.repeat(
        first - np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(first) else first, lengths
    )
    return shift + np.arange(int(lengths.sum()), dtype=np.int64)
