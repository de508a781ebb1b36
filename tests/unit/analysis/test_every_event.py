"""Counters of every event agree with counting one by one, whichever tables they use."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xingji.analysis import every_event
from xingji.analysis.every_event import Counters, NeighbourCounter
from xingji.analysis.sessions import Sessions


class _View:
    """Users as runs of rows, with rows of nobody between some of them."""

    def __init__(self, users: list[list[int]], strangers: list[int]) -> None:
        codes: list[int] = []
        begin, end = [], []
        for user, events in enumerate(users):
            codes += strangers if user % 3 == 2 else []
            begin.append(len(codes))
            codes += events
            end.append(len(codes))
        self.event = np.array(codes, np.uint16)
        self.begin, self.end = np.array(begin, np.uint32), np.array(end, np.uint32)
        self.n_rows = len(codes)


USERS = st.lists(st.lists(st.integers(0, 39), max_size=40), min_size=1, max_size=12)


def _no_sessions() -> Sessions:
    raise AssertionError("neighbours need no sessions")


@pytest.mark.parametrize("n_names", [40, 64, 65, 200])
@given(users=USERS, strangers=st.lists(st.integers(0, 39), max_size=3), collapse=st.booleans())
def test_neighbours(n_names: int, users: list[list[int]], strangers: list[int], collapse: bool) -> None:
    view: Any = _View(users, strangers)
    counter = NeighbourCounter(np.arange(n_names, dtype=np.int32), collapse)
    other = NeighbourCounter(np.arange(n_names, dtype=np.int32), collapse)
    counter.add(view, _no_sessions)
    other.add(view, _no_sessions)
    edge, figures, node, counts = counter.counted([other])
    pairs = Counter(
        pair for user in users for pair in itertools.pairwise(user) if not (collapse and pair[0] == pair[1])
    )
    lasts = Counter(user[-1] for user in users if user)
    assert {(s, t): n for (_, s, t), (n, _) in zip(edge.tolist(), figures.tolist(), strict=True)} == {
        pair: 2 * n for pair, n in pairs.items()
    }
    assert dict(zip(node[:, 1].tolist(), counts.tolist(), strict=True)) == {
        c: 2 * n for c, n in lasts.items()
    }


@pytest.mark.parametrize("n_names", [3, 70])
def test_counters_of_32_bits_are_added_up_in_time(n_names: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every_event, "_MOST_ROWS", 20)
    view: Any = _View([[0, 1, 2] * 5], [])
    counter = NeighbourCounter(np.arange(n_names, dtype=np.int32), collapse=False)
    for _ in range(4):
        counter.add(view, _no_sessions)
    edge, figures, _, _ = counter.counted([])
    counts = {(s, t): n for (_, s, t), (n, _) in zip(edge.tolist(), figures.tolist(), strict=True)}
    assert counts == {(0, 1): 20, (1, 2): 20, (2, 0): 16}


def test_a_counter_is_lent_to_one_at_a_time() -> None:
    counters = Counters(lambda: NeighbourCounter(np.arange(2, dtype=np.int32), collapse=False))
    with counters.one() as first, counters.one() as second:
        assert first is not second
    with counters.one() as third:
        assert third in (first, second)
    assert len(counters.made) == 2
