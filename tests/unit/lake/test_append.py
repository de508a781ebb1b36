"""What is appended is what is read, once for a batch, from the next version on."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.rows import DAY_US, MAY, Event, event_table, rows_in, rows_of, some_events
from xingji.lake import tail
from xingji.lake.lake import Lake
from xingji.lake.tail import CROWDED
from xingji.model.errors import FieldError
from xingji.ports.lake_store import LakeTable, Subject


def test_appended_events_are_read_in_order(lake: Lake, reopen: Reopen) -> None:
    events = some_events()
    for at in range(0, len(events), 50):
        lake.append(f"batch {at}", event_table(events[at : at + 50]))
    assert rows_of(lake, "n", "page") == rows_in(events, "n", "page")
    assert rows_of(reopen(), "n") == rows_in(events, "n")


def test_same_batch_again_adds_nothing(lake: Lake, reopen: Reopen) -> None:
    events = some_events(20)
    first = lake.append("a", event_table(events))
    again = reopen().append("a", event_table(events))
    assert (first.events, first.repeated, again.events, again.repeated) == (20, False, 0, True)
    assert rows_of(lake) == rows_in(events)


def test_properties_become_columns_and_keep_their_types(lake: Lake) -> None:
    events = [Event("a", "open", 0), Event("a", "open", 1), Event("a", "open", 2)]
    table = event_table(events, p_n=pa.array([1, 2, None]), p_city=pa.array(["渝", None, "渝"]))
    lake.append("1", table)
    lake.append("2", event_table([Event("a", "open", 3)], p_n=pa.array(["many"])))
    assert [row[3] for row in rows_of(lake, "n", "city")] == [
        (1, "渝"),
        (2, None),
        (None, "渝"),
        ("many", None),
    ]
    columns = lake.store.version().columns(Subject.EVENT)
    assert {name: p.type for name, p in columns.items()} == {"n": "int64", "city": "string"}
    with lake.snapshot() as snapshot:
        assert snapshot.event_properties["n"].types == ("int64", "string")


def test_snapshot_does_not_see_what_comes_after(lake: Lake) -> None:
    lake.append("1", event_table([Event("a", "open", 0)]))
    with lake.snapshot() as snapshot:
        lake.append("2", event_table([Event("b", "pay", 1)]))
        assert (snapshot.n_events, list(snapshot.event_names)) == (1, ["open"])
        assert snapshot.as_of_us == MAY
    with lake.snapshot() as snapshot:
        assert (snapshot.n_events, list(snapshot.event_names)) == (2, ["open", "pay"])


def test_bucket_leaves_out_files_outside_the_range(lake: Lake) -> None:
    lake.append("1", event_table([Event("a", "open", 0)]))
    lake.append("2", event_table([Event("a", "open", 5)]))
    with lake.snapshot() as snapshot:
        views = [
            view
            for bucket in range(snapshot.n_buckets)
            for view in snapshot.views(bucket, MAY + 4 * DAY_US, MAY + 6 * DAY_US)
        ]
        assert sum(view.n_rows for view in views) == 1


def test_user_changes_become_histories(lake: Lake) -> None:
    lake.append("1", event_table([Event("a", "open", 0), Event("b", "open", 0)]))
    changes = pa.table(
        {
            "user": ["a", "a", "b", "a"],
            "time": event_table([Event("", "", day) for day in (1, 3, 2, 2)])["time"],
            "p_level": pa.array(["low", "high", "mid", None]),
            "properties_json": pa.array([None, None, '{"tags":["x"]}', '{"level":null}']),
        }
    )
    assert lake.append("2", users=changes).user_changes == 4
    with lake.snapshot() as snapshot:
        found = {}
        for bucket in range(snapshot.n_buckets):
            (view,) = snapshot.views(bucket)
            history = view.history("level")
            for at, user in enumerate(snapshot.user_names_of(view.user_ids)):
                assert history is not None
                span = slice(int(history.offsets[at]), int(history.offsets[at + 1]))
                values = [None, *history.dictionary.chunks[0].to_pylist()]
                days = (history.time_us[span] - MAY) // DAY_US
                found[user] = list(zip(days.tolist(), [values[c] for c in history.codes[span]], strict=True))
        assert found == {"a": [(1, "low"), (2, None), (3, "high")], "b": [(2, "mid")]}
        assert set(snapshot.user_properties) == {"level", "tags"}


def test_crowded_tail_is_merged_and_nothing_changes(lake: Lake) -> None:
    events = some_events(CROWDED + 20)
    for at, event in enumerate(events):
        lake.append(f"{at}", event_table([event]))
        lake.merge_tails()
        assert len(lake.store.version().of(LakeTable.EVENTS_TAIL)) <= CROWDED
    assert rows_of(lake, "n", "page") == rows_in(events, "n", "page")


def test_no_more_than_a_bound_is_merged_at_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "MERGED_ROWS", 10)
    monkeypatch.setattr(tail, "CROWDED", 8)
    events = some_events(100)
    for at, event in enumerate(events):
        lake.append(f"{at}", event_table([event]))
        lake.merge_tails()
        sizes = [file.rows for file in lake.store.version().of(LakeTable.EVENTS_TAIL)]
        assert max(sizes) <= 10
        assert len(sizes) <= 8 + at // 5
    assert rows_of(lake, "n", "page") == rows_in(events, "n", "page")


def test_damaged_file_of_a_crowded_tail_stays_and_the_rest_is_merged(lake: Lake, tmp_path: Path) -> None:
    events = some_events(CROWDED)
    for at, event in enumerate(events):
        lake.append(f"{at}", event_table([event]))
    files = lake.store.version().of(LakeTable.EVENTS_TAIL)
    (tmp_path / "lake" / "warehouse" / files[7].path).write_bytes(b"no Parquet")
    assert lake.merge_tails() == CROWDED - 2
    left = lake.store.version().of(LakeTable.EVENTS_TAIL)
    assert (files[7] in left, len(left), sum(file.rows for file in left)) == (True, 2, CROWDED)
    assert list(lake.store.sessions()) == []


def test_crowded_tail_is_left_to_the_process_that_merges_it(lake: Lake, reopen: Reopen) -> None:
    for at, event in enumerate(some_events(CROWDED)):
        lake.append(f"{at}", event_table([event]))
    session = reopen().store.session("tail")
    assert lake.merge_tails() == 0
    session.end()
    assert lake.merge_tails() == CROWDED - 1


def test_merge_of_a_tail_that_was_killed_leaves_nothing_behind(lake: Lake) -> None:
    lake.append("1", event_table(some_events(10)))
    lake.store.session("tail").release()
    assert lake.merge_tails() == 0
    assert list(lake.store.sessions()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"user": pa.array([None], pa.string())}, "user is null", id="no user"),
        pytest.param({"event": pa.array([None], pa.string())}, "event is null", id="no event"),
        pytest.param({"p_x": pa.array([[1]])}, "p_x is", id="a list as a column"),
    ],
)
def test_table_that_is_no_event_table_is_refused_whole(
    lake: Lake, change: dict[str, pa.Array], message: str
) -> None:
    table = event_table([Event("a", "open", 0)])
    with pytest.raises(FieldError, match=message):
        lake.append("1", pa.table(dict(zip(table.schema.names, table.columns, strict=True)) | change))
    assert lake.store.version().number == 0
    assert rows_of(lake) == []
