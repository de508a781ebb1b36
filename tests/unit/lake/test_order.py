"""Order by packed words is the order by keys."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xingji.lake.order import repeated_rows, row_order, user_order

ROW = st.tuples(st.integers(1, 5), st.integers(0, 4), st.integers(0, 30))


@given(groups=st.lists(st.integers(0, 3), max_size=40), times=st.data(), wide=st.booleans())
def test_row_order_is_stable_by_group_and_time(groups: list[int], times: st.DataObject, wide: bool) -> None:
    time = times.draw(st.lists(st.integers(0, 3), min_size=len(groups), max_size=len(groups)))
    group, at = np.array(groups, np.int64), np.array(time, np.int64)
    n_groups = 1 << 62 if wide else 4
    assert row_order(group, n_groups, at).tolist() == np.lexsort((at, group)).tolist()


@given(rows=st.lists(ROW, max_size=40, unique_by=lambda row: row[2]))
def test_user_order_sorts_by_user_time_and_place_in_the_log(rows: list[tuple[int, int, int]]) -> None:
    users, time, seq = (np.array([row[at] for row in rows], np.int64) for at in range(3))
    assert [rows[at] for at in user_order(users, time, seq)] == sorted(rows)


@given(rows=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 3)), max_size=30))
def test_repeats_are_all_but_the_first_of_an_id(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows, key=lambda row: row[:2])
    users, time = (np.array([row[at] for row in rows], np.int64) for at in range(2))
    ids = np.frombuffer(b"".join(row[2].to_bytes(16, "little") for row in rows), "V16")
    expected = [at for at, row in enumerate(rows) if row in rows[:at]]
    assert repeated_rows(users, time, ids, np.arange(len(rows))).tolist() == expected


def test_events_that_came_for_different_users_do_not_repeat_each_other() -> None:
    users, own = np.array([7, 7, 7, 7]), np.array([7, 3, 7, 3])
    ids = np.frombuffer(b"x" * 64, "V16")
    rows = np.arange(4)
    assert repeated_rows(users, np.zeros(4, np.int64), ids, rows).tolist() == [1, 2, 3]
    assert repeated_rows(users, np.zeros(4, np.int64), ids, rows, own).tolist() == [2, 3]
