"""Composing a bucket's parts into views: each user's events in order, however many files they came from.

Base parts follow each other in time (months) and are joined into one. Loose parts (the tail, rows of merged
users) may fall anywhere; the users they touch become a view of their own, so that every user's rows lie
together in some view and kernels never merge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from xingji.lake.gathered import KEPT_PROPERTIES, JoinedPart, MixedPart, SortedPart, owners_of, sort_rows
from xingji.lake.part import Coded, History, Int64s, Part, Rows
from xingji.model.errors import CallerError

HistorySource = Callable[[str, Int64s], History | None]
Join = Callable[[Sequence[Part]], Part]
_NOBODY = np.empty(0, np.int64)


class View:
    """Some users of a part; see `xingji.lake.part.ViewLike`."""

    def __init__(
        self, part: Part, kept: npt.NDArray[np.bool_] | None, histories: HistorySource | None
    ) -> None:
        if part.n_rows >= 2**31:
            raise CallerError(
                f"a bucket holds {part.n_rows} events; allowed: under 2^31, with more buckets in the lake"
            )
        self._part, self._histories = part, histories
        every = np.s_[:] if kept is None else kept
        self.user_ids: Int64s = part.user_ids[every]
        self.begin: Rows = part.user_offsets[:-1][every].astype(np.uint32)
        self.end: Rows = part.user_offsets[1:][every].astype(np.uint32)
        self.n_rows = part.n_rows
        self.first_us, self.last_us = part.first_us, part.last_us
        self._coded: dict[str, Coded | None] = {}
        self.kept: dict[str, Any] | None = {}

    @cached_property
    def time(self) -> Int64s:
        return self._part.time()

    @cached_property
    def seq(self) -> Int64s:
        return self._part.seq()

    @cached_property
    def event(self) -> npt.NDArray[np.uint16]:
        return self._part.event()

    def coded(self, name: str) -> Coded | None:
        if name not in self._coded:
            self._coded[name] = self._part.coded(name)
            while len(self._coded) > KEPT_PROPERTIES:
                self._coded.pop(next(iter(self._coded)))
        return self._coded[name]

    def history(self, name: str) -> History | None:
        return self._histories(name, self.user_ids) if self._histories else None


def compose_views(
    base: Sequence[Part],
    loose: Sequence[Part],
    hidden: Int64s = _NOBODY,
    histories: HistorySource | None = None,
    join: Join = JoinedPart,
) -> tuple[View, ...]:
    """The views that together hold the users of a bucket, each once.

    `base`: parts that follow each other in time (those that overlap another in time and share users with it
    are treated as loose). `loose`: parts that may fall anywhere. `hidden`: sorted ids of users whose rows in
    these parts are not theirs any more (erased, or absorbed by another user).
    """
    ordered, misfits = _ordered([part for part in base if part.n_rows])
    strays = [part for part in (*misfits, *loose) if part.n_rows]
    if not ordered:
        return (View(_late(strays, hidden), None, histories),)
    whole = ordered[0] if len(ordered) == 1 else join(ordered)
    if not strays:
        return (View(whole, _others(whole, hidden), histories),)
    late = _late(strays, hidden)
    rest = View(whole, _others(whole, np.union1d(hidden, late.user_ids)), histories)
    return rest, View(MixedPart(whole, late), None, histories)


def _others(part: Part, user_ids: Int64s) -> npt.NDArray[np.bool_] | None:
    """Which users of a part are none of the given; None where all are."""
    if not len(user_ids):
        return None
    return np.isin(part.user_ids, user_ids, assume_unique=True, invert=True)


def _late(strays: Sequence[Part], hidden: Int64s) -> SortedPart:
    """The rows of loose parts, but for those of hidden users, as one part."""
    owners = [owners_of(part) for part in strays]
    rows = [np.flatnonzero(np.isin(owner, hidden, invert=True)) for owner in owners]
    own = [owner[chosen] for owner, chosen in zip(owners, rows, strict=True)]
    return sort_rows("+".join(part.key for part in strays), strays, rows, own)


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
