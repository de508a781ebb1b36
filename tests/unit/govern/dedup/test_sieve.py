"""A sieve lets all pass that are there, and few others."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.govern.dedup.reference import random_ids
from xingji.govern.dedup.keys import Uint64s
from xingji.govern.dedup.sieve import Marks, mark, new_sieve, passing

N = 50_000


def in_sequence(first: int) -> tuple[Uint64s, Uint64s]:
    """Ids with a time in front and a fixed mark, as UUIDs of version 7 have."""
    at = np.arange(first, first + N, dtype=np.uint64)
    return (at << np.uint64(16)) | np.uint64(0x7000), np.uint64(1 << 63) | at


def at_random(first: int) -> tuple[Uint64s, Uint64s]:
    ids = random_ids(N, seed=first)
    return ids.high, ids.low


@pytest.mark.parametrize("make", [in_sequence, at_random])
def test_who_passes(make: object) -> None:
    here, absent = Marks.of(*make(1)), Marks.of(*make(10 * N))  # type: ignore[operator]
    sieve = new_sieve(N)
    mark(sieve, here)
    assert len(passing(sieve, here)) == N
    assert len(passing(sieve, absent)) < N // 400


def test_an_empty_sieve_lets_nobody_pass() -> None:
    assert len(passing(new_sieve(0), Marks.of(*at_random(1)))) == 0
