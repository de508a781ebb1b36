"""Ids of events as columns of numbers, in an order that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Uint64s = npt.NDArray[np.uint64]
Uint32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Keys:
    """Ids of 16 bytes as two numbers each (`high`, `low: uint64[n]`), and when each was received, in whole
    seconds since the epoch (`received_s: uint32[n]`)."""

    high: Uint64s
    low: Uint64s
    received_s: Uint32s

    @classmethod
    def of(cls, ids: Sequence[bytes], received_s: Sequence[int]) -> Keys:
        """Keys of ids as bytes."""
        words = np.frombuffer(b"".join(ids), ">u8").reshape(-1, 2).astype(np.uint64)
        return cls(words[:, 0].copy(), words[:, 1].copy(), np.array(received_s, np.uint32))

    def __len__(self) -> int:
        return len(self.high)

    def take(self, places: npt.NDArray[np.int64] | Mask) -> Keys:
        """Some of the keys, in the order given."""
        return Keys(self.high[places], self.low[places], self.received_s[places])

    def order(self) -> Int64s:
        """The order by id, then by when it was received, then by place."""
        return np.lexsort((self.received_s, self.low, self.high))

    def repeats_before(self) -> Mask:
        """Of keys in order: which have the id of the one before."""
        same = np.zeros(len(self), np.bool_)
        same[1:] = (self.high[1:] == self.high[:-1]) & (self.low[1:] == self.low[:-1])
        return same

    @staticmethod
    def joined(parts: Sequence[Keys]) -> Keys:
        """The keys of all parts, one after the other."""
        columns = ([getattr(part, name) for part in parts] for name in ("high", "low", "received_s"))
        return Keys(*(np.concatenate(column) for column in columns))
