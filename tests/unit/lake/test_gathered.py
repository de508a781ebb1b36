"""Views hold every user once, each with all rows in order, however the rows were spread over parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lake.rows import Event, event_table, some_events, values_of
from xingji.lake.gathered import JoinedPart, runs
from xingji.lake.lake import Lake
from xingji.lake.memory import MemoryPart
from xingji.lake.part import Part
from xingji.lake.view import compose_views
from xingji.model.event_table import TIME_TYPE

Row = tuple[int, int, int, str | None]
"""User, time, place in the log, and the value of a property."""
ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 30), st.sampled_from(["x", "y", "z", None])), max_size=60
)
MONTH = 10


NAMES = [f"event {code}" for code in range(300)]


def part_of(key: str, rows: Sequence[Row], code_of: Callable[[Row], int] = lambda row: 0) -> Part:
    """Rows as a part, their events chosen by code."""
    ordered = sorted(rows, key=lambda row: row[:3])
    table = pa.table(
        {
            "user_id": pa.array([row[0] for row in ordered], pa.int64()),
            "time": pa.array([row[1] for row in ordered], TIME_TYPE),
            "seq": pa.array([row[2] for row in ordered], pa.int64()),
            "event": pa.array([NAMES[code_of(row)] for row in ordered], pa.string()),
            "p_page": pa.array([row[3] for row in ordered], pa.string()),
        }
    )
    return MemoryPart.from_sorted_table(key, table, {name: code for code, name in enumerate(NAMES)})


@pytest.mark.parametrize(
    ("many", "bytes_a_row"), [(range(0), 1), ((0,), 2), ((1,), 2), ((2,), 2), (range(3), 2)]
)
def test_codes_of_events_have_one_byte_where_all_fit(many: Sequence[int], bytes_a_row: int) -> None:
    """Two months and late rows of one user, some with codes above 255: whoever has them, none is lost."""
    rows = [[(1, MONTH * at + 2 * minute, 100 * at + minute, "x") for minute in range(4)] for at in range(2)]
    late = [(1, 3, 50, "x"), (1, MONTH + 3, 150, "x")]
    shift = [256 if at in many else 0 for at in range(3)]
    parts = [part_of(f"m{at}", rows[at], lambda row, at=at: shift[at] + row[2] % 7) for at in range(2)]  # type: ignore[misc]
    loose = part_of("late", late, lambda row: shift[2] + row[2] % 7)
    (view,) = [view for view in compose_views(parts, [loose]) if len(view.user_ids)]
    expected = sorted(
        [(row[1], shift[at] + row[2] % 7) for at in range(2) for row in rows[at]]
        + [(row[1], shift[2] + row[2] % 7) for row in late]
    )
    assert list(zip(view.time.tolist(), view.event.tolist(), strict=True)) == expected
    assert view.event.itemsize == bytes_a_row
    assert not view.event.flags.writeable


@given(
    found=ROWS,
    late_percent=st.sampled_from([0, 20, 100]),
    hidden=st.sets(st.integers(1, 6), max_size=2),
    most_rows=st.sampled_from([1, 7, 1000]),
    dice=st.randoms(use_true_random=False),
)
def test_every_row_is_in_one_view_under_its_user_in_order(
    found: list[tuple[int, int, str | None]],
    late_percent: int,
    hidden: set[int],
    most_rows: int,
    dice: st.DataObject,
) -> None:
    rows: list[Row] = [(user, time, seq, value) for seq, (user, time, value) in enumerate(found)]
    late = [row for row in rows if dice.random() * 100 < late_percent]
    months = [[row for row in rows if row not in late and row[1] // MONTH == at] for at in range(4)]
    base = [part_of(f"month-{at}", month) for at, month in enumerate(months)]
    loose = [part_of(f"late-{at}", late[at::2]) for at in range(2)]
    returned = [(user + dice.choice([0, 0, 6]), *rest) for user, *rest in rows if user in hidden]
    back = [row for row in returned if dice.random() < 0.5]
    moved = [part_of("moved", back)] if back else []
    views = compose_views(base, loose, moved, np.array(sorted(hidden), np.int64), most_rows=most_rows)
    seen: list[Row] = []
    for view in views:
        coded = view.coded("page")
        values = values_of(coded) if coded else [None] * view.n_rows
        for at, user in enumerate(view.user_ids.tolist()):
            span = range(int(view.begin[at]), int(view.end[at]))
            seen += [(user, int(view.time[r]), int(view.seq[r]), values[r]) for r in span]
        assert view.n_rows <= most_rows or len(view.user_ids) <= 1
    expected = sorted([row for row in rows if row[0] not in hidden] + back, key=lambda row: row[:3])
    assert sorted(seen, key=lambda row: row[0]) == expected


def test_a_joined_property_names_each_value_once() -> None:
    months = [part_of(str(at), [(1, at * MONTH, at, "x"), (2, at * MONTH, at + 9, "y")]) for at in range(3)]
    coded = JoinedPart(months).coded("page")
    assert coded is not None
    assert len(coded.dictionary) == 3
    assert values_of(coded) == ["x"] * 3 + ["y"] * 3


def test_runs_follow_each_other() -> None:
    assert runs(np.array([5, 1, 9]), np.array([2, 0, 1])).tolist() == [5, 6, 9]


def times_of(lake: Lake) -> list[list[int]]:
    """The times of every view of the lake's newest version."""
    with lake.snapshot() as snapshot:
        return [view.time.tolist() for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)]


def test_months_are_joined_once_for_all_versions(lake: Lake) -> None:
    lake.append("1", event_table(some_events(200)))
    lake.compact()
    with lake.snapshot() as one:
        before = [one.views(bucket)[0].time for bucket in range(one.n_buckets)]
    lake.append("2", event_table([Event("new", "open", 90)]))
    with lake.snapshot() as two:
        after = [two.views(bucket)[0].time for bucket in range(two.n_buckets)]
    assert [np.shares_memory(*pair) for pair in zip(before, after, strict=True)] == [True] * len(before)


def test_joined_months_are_let_go_beyond_their_budget(lake: Lake, tmp_path: Path) -> None:
    lake.append("1", event_table(some_events(200)))
    lake.compact()
    short = Lake(lake.store, tmp_path / "prepared", joined_bytes=0)
    assert times_of(short) == times_of(short) == times_of(lake)
    assert len(short._joined._parts) <= 1
