"""The first copies of a lot, beside the slow way."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xingji.govern.dedup.keys import Ids
from xingji.govern.dedup.lot import first_copies

HORIZON_US = 50


def slowly(events: list[tuple[int, int, bool]]) -> list[bool]:
    stored: list[tuple[int, int]] = []
    fresh = []
    for key, at_us, seen in events:
        near = any(other == key and abs(at_us - then_us) <= HORIZON_US for other, then_us in stored)
        fresh.append(not seen and not near)
        if fresh[-1]:
            stored.append((key, at_us))
    return fresh


@given(
    st.sampled_from([HORIZON_US, 300]).flatmap(
        lambda span_us: st.lists(st.tuples(st.integers(0, 4), st.integers(0, span_us), st.booleans()))
    )
)
def test_first_copies_are_those_of_the_slow_way(events: list[tuple[int, int, bool]]) -> None:
    columns = np.array(events, np.int64).reshape(-1, 3)
    key = columns[:, 0].astype(np.uint64)
    ids = Ids(key // 2, key, columns[:, 1])
    order = ids.order()
    fresh = first_copies(ids.take(order), columns[order, 2] == 1, HORIZON_US)
    assert fresh[np.argsort(order)].tolist() == slowly(events)
