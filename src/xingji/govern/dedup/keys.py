"""Ids as pairs of numbers, with the time at which each was received, in columns that can be put in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Uint64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
_ID_BYTES = 16


def keys_of(ids: Iterable[bytes]) -> Uint64s:
    """Keys (`uint64[n, 2]`) of ids of 16 bytes, as `event_id_bytes` makes them, and in order as those are."""
    return _words(b"".join(ids))


def keys_of_column(ids: pa.Array) -> Uint64s:
    """Keys (`uint64[n, 2]`) of a column binary[16] without nulls, as `event_ids` makes it."""
    return _words(memoryview(ids.buffers()[1])[_ID_BYTES * ids.offset :][: _ID_BYTES * len(ids)])


def _words(packed: bytes | memoryview) -> Uint64s:
    return np.frombuffer(packed, ">u8").reshape(-1, 2).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids (`high`, `low: uint64[n]`) and when each was received (`received_us: int64[n]`)."""

    high: Uint64s
    low: Uint64s
    received_us: Int64s

    def __len__(self) -> int:
        return len(self.high)

    def take(self, places: Places | Mask) -> Ids:
        """Some of the ids, in the order given."""
        return Ids(self.high[places], self.low[places], self.received_us[places])

    def slice(self, first: int, end: int) -> Ids:
        """The ids from `first` up to, not including, `end`."""
        return Ids(self.high[first:end], self.low[first:end], self.received_us[first:end])

    def order(self) -> Places:
        """The order by key; ids of one key stay in the order in which they are."""
        # Sorting by the first half alone takes a fifth of the time, and leaves nothing to do for most ids.
        order = np.argsort(self.high, kind="stable")
        high = self.high[order]
        if bool((high[1:] == high[:-1]).any()):
            return np.lexsort((self.low, self.high))
        return order

    def repeats(self) -> Mask:
        """Of ids in order: which have the key of the one before."""
        same = np.zeros(len(self), np.bool_)
        same[1:] = (self.high[1:] == self.high[:-1]) & (self.low[1:] == self.low[:-1])
        return same

    def are_among(self, others: Ids) -> Mask:
        """Which have the key of one of the others."""
        pair = np.dtype([("high", np.uint64), ("low", np.uint64)])
        mine, theirs = np.empty(len(self), pair), np.empty(len(others), pair)
        for name in ("high", "low"):
            mine[name], theirs[name] = getattr(self, name), getattr(others, name)
        return np.isin(mine, theirs)

    def count_up_to(self, bound: tuple[int, int]) -> int:
        """Of ids in order: how many have a key of at most `bound`."""
        high = np.uint64(bound[0])
        first, end = (int(np.searchsorted(self.high, high, side)) for side in ("left", "right"))
        return first + int(np.searchsorted(self.low[first:end], np.uint64(bound[1]), "right"))

    @staticmethod
    def joined(parts: Sequence[Ids]) -> Ids:
        """The ids of all parts, one part after the other."""
        if len(parts) == 1:
            return parts[0]
        return Ids(
            np.concatenate([part.high for part in parts]),
            np.concatenate([part.low for part in parts]),
            np.concatenate([part.received_us for part in parts]),
        )


NO_IDS = Ids(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
NO_KEYS: Uint64s = np.zeros((0, 2), np.uint64)
