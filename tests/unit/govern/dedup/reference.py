"""What is seen, by a dictionary of every copy ever stored; and limits that small logs reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from xingji.govern.dedup import age, crowd, keys_of, look_up, upkeep
from xingji.govern.dedup.keys import Ids, Int64s, Uint64s

HORIZON_US = 700
LATE_US = 200
START_US = 1_780_000_000_000_000


def id_of(number: int) -> bytes:
    """Ids of which some share their first half, and some their second."""
    return (number % 7).to_bytes(8, "big") + (number % 11).to_bytes(8, "little")


def keys(numbers: Iterable[int]) -> Uint64s:
    return keys_of([id_of(number) for number in numbers])


def times(values: Sequence[int]) -> Int64s:
    return np.array(values, np.int64)


def random_ids(n: int, seed: int = 1, span_us: int = 1_000) -> Ids:
    """Ids in order, no key twice, received within `span_us` of START_US."""
    dice = np.random.default_rng(seed)
    words = dice.integers(0, 2**64, (2, n), dtype=np.uint64)
    ids = Ids(words[0], words[1], START_US + dice.integers(0, span_us, n))
    return ids.take(ids.order())


class Reference:
    """Obviously right, and slow."""

    def __init__(self, horizon_us: int = HORIZON_US) -> None:
        self.stored: dict[int, list[int]] = {}
        self._horizon_us = horizon_us

    def split(self, numbers: Sequence[int], received_us: Sequence[int]) -> list[bool]:
        fresh = []
        for number, now_us in zip(numbers, received_us, strict=True):
            copies = self.stored.setdefault(number, [])
            fresh.append(all(abs(now_us - other) > self._horizon_us for other in copies))
            if fresh[-1]:
                copies.append(now_us)
        return fresh


def make_small(patch: pytest.MonkeyPatch) -> None:
    """Merge threes, in steps of a few ids, and have candidates compared by fives."""
    patch.setattr(crowd, "FAN", 3)
    patch.setattr(crowd, "LARGEST_IDS", 60)
    patch.setattr(crowd, "QUIET_COMMITS", 5)
    patch.setattr(upkeep, "WORK_RATE", 1)
    patch.setattr(upkeep, "LEAST_STEP_IDS", 3)
    patch.setattr(look_up, "_AT_ONCE", 5)
    patch.setattr(age, "PATIENCE_LOTS", 4)
