"""An import arrives whole and once, whatever its size, and goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.rows import DAY_US, Event, event_table, rows_in, rows_of, some_events
from xingji.lake import bulk_import, rewriting, spill
from xingji.lake.lake import Lake
from xingji.lake.wide import Wide
from xingji.model.errors import BusyError
from xingji.model.event_table import TIME_TYPE
from xingji.ports.lake_store import LakeTable

EVENTS = some_events(600, users=20)


@pytest.fixture(params=["base", "tail"])
def small_runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Imports of a few hundred rows behave like those of many millions, or like small ones."""
    monkeypatch.setattr(bulk_import, "RUN_ROWS", 100)
    if request.param == "base":
        monkeypatch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)
    return str(request.param)


def tables(events: Sequence[Event], size: int = 60) -> Iterator[pa.Table]:
    for at in range(0, len(events), size):
        yield event_table(events[at : at + size])


def import_all(lake: Lake, import_id: str, events: Sequence[Event]) -> bulk_import.Imported:
    with lake.begin_import(import_id) as session:
        for table in tables(events):
            session.add(table)
        return session.finish()


def test_import_is_read_in_order(lake: Lake, small_runs: str) -> None:
    done = import_all(lake, "f", EVENTS)
    assert (done.events, done.repeated_events) == (600, 0)
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    base = lake.store.version().of(LakeTable.EVENTS)
    places = [(file.bucket, file.month) for file in base]
    assert len(places) == len(set(places)) == (0 if small_runs == "tail" else 12)


def test_same_import_again_adds_nothing(lake: Lake, small_runs: str) -> None:
    import_all(lake, "f", EVENTS)
    again = import_all(lake, "f", EVENTS)
    assert (again.events, lake.store.sessions()) == (0, [])
    assert rows_of(lake) == rows_in(EVENTS)


def test_import_merges_with_what_is_there(lake: Lake, small_runs: str) -> None:
    import_all(lake, "1", EVENTS[:250])
    lake.append("2", event_table(EVENTS[250:300]))
    import_all(lake, "3", EVENTS[300:])
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")


def test_files_of_many_rows_are_cut_between_users(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)
    monkeypatch.setattr(bulk_import, "LOT_ROWS", 0)
    monkeypatch.setattr(rewriting, "MAX_FILE_ROWS", 25)
    import_all(lake, "1", EVENTS[:300])
    import_all(lake, "2", EVENTS[300:])
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    ranges: dict[tuple[int | None, int | None], list[tuple[int, int]]] = {}
    for file in lake.store.version().of(LakeTable.EVENTS):
        ranges.setdefault((file.bucket, file.month), []).append((file.first_user, file.last_user))
    assert max(len(own) for own in ranges.values()) > 1
    for own in ranges.values():
        own.sort()
        assert all(before[1] < after[0] for before, after in pairwise(own))


@pytest.mark.parametrize("batch_rows", [0, 10, 1_000])
@pytest.mark.parametrize("lot_rows", [0, 60, 10_000])
def test_months_come_out_alike_however_many_are_built_together(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, batch_rows: int, lot_rows: int
) -> None:
    monkeypatch.setattr(bulk_import, "RUN_ROWS", 100)
    monkeypatch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)
    monkeypatch.setattr(bulk_import, "LOT_ROWS", lot_rows)
    monkeypatch.setattr(spill, "BATCH_ROWS", batch_rows)
    named = [replace(event, id=at) for at, event in enumerate(EVENTS)]
    done = import_all(lake, "f", named + named[::3])
    assert (done.events, done.repeated_events) == (600, 200)
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")
    assert len(lake.store.version().of(LakeTable.EVENTS)) == 12


def test_a_reader_finds_places_that_do_not_stand_together(tmp_path: Path) -> None:
    """As when an import that was killed has built every other month."""
    months = np.arange(6) % 3
    rows = Wide.of(
        pa.table(
            {
                "user_id": pa.array(np.ones(6, np.int64)),
                "time": pa.array(months * 31 * DAY_US, pa.int64()).cast(TIME_TYPE),
                "p_x": pa.array(["a", "b", "c", "d", "e", "f"]),
                "p_thin": pa.array([1, None, None, None, None, None]),
            }
        )
    )
    run = spill.write_run(tmp_path, "a.arrow", LakeTable.EVENTS, rows, 1)
    assert run.batches == [3]
    reader = spill.RunReader(tmp_path)
    found = reader.sources([run], LakeTable.EVENTS, [run.places[0], run.places[2]])
    tables = [source.all_rows().table() for source in found]
    assert [table["p_x"].to_pylist() for table in tables] == [["a", "d"], ["c", "f"]]
    assert [table["p_thin"].to_pylist() for table in tables] == [[1, None], [None, None]]


def test_import_goes_on_where_it_was(lake: Lake, reopen: Reopen, small_runs: str) -> None:
    with lake.begin_import("f") as session:
        session.add(event_table(EVENTS[:150]), note={"line": 150})
        session.add(event_table(EVENTS[150:170]), note={"line": 170})
        session.save()
        session.add(event_table(EVENTS[170:190]), note={"line": 190})
    with reopen().begin_import("f") as session:
        assert (session.rows, session.note) == (170, {"line": 170})
        for table in tables(EVENTS[session.rows :]):
            session.add(table)
        assert session.finish().events == 600
    assert rows_of(lake, "n", "page") == rows_in(EVENTS, "n", "page")


def test_unfinished_import_shows_nothing(lake: Lake) -> None:
    with lake.begin_import("f") as session:
        session.add(event_table(EVENTS))
        session.save()
        assert rows_of(lake) == []


def test_one_process_works_on_an_import(lake: Lake, reopen: Reopen) -> None:
    with lake.begin_import("f"), pytest.raises(BusyError):
        reopen().begin_import("f")


def test_repeated_events_are_dropped_and_counted(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_import, "SMALL_IMPORT_ROWS", 0)
    done = import_all(lake, "f", [*EVENTS, *EVENTS[:10]])
    assert (done.events, done.repeated_events) == (600, 10)
    assert rows_of(lake) == rows_in(EVENTS)


def test_users_are_imported_too(lake: Lake, small_runs: str) -> None:
    users = pa.table({"user": ["u1", "u2"], "time": event_table(EVENTS[:2])["time"], "p_city": ["渝", "京"]})
    with lake.begin_import("f") as session:
        session.add(event_table(EVENTS), users=users)
        assert session.finish().user_changes == 2
    with lake.snapshot() as snapshot:
        found = [
            view.history("city") for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)
        ]
        values = [value for h in found if h for chunk in h.dictionary.chunks for value in chunk.to_pylist()]
    assert sorted(values) == ["京", "渝"]


def test_ids_that_are_missing_are_made_the_same_again(lake: Lake, reopen: Reopen) -> None:
    events = [Event("a", "open", 1) for _ in range(5)]
    import_all(lake, "f", events)
    assert len(rows_of(lake)) == 5


def test_empty_import_is_done(lake: Lake) -> None:
    with lake.begin_import("nothing") as session:
        assert session.finish().events == 0
    assert lake.store.is_committed("import nothing")
