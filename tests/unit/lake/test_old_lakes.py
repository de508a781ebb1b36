"""A lake from before rows bore their own user: it opens as it was, and its merges can be undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from tests.unit.lake.rows import LAKE_BUCKETS, Event, event_table, rows_in, rows_of, some_events
from xingji.adapters.iceberg_local import IcebergLocalStore, tables
from xingji.adapters.iceberg_local import store as store_module
from xingji.lake.data_file import write_rows
from xingji.lake.lake import Lake
from xingji.model.errors import DamagedFileError, FieldError
from xingji.ports import lake_store
from xingji.ports.lake_store import OWN, SEQ, SURVIVOR, USER_ID, LakeChange, LakeTable

EVENTS = some_events(120, users=5, days=20)
Open = Callable[[], Lake]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Such a lake: properties took the places that OWN has now; u1 was merged into u2, and u2 into u3."""
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        for table, columns in lake_store.FIXED_COLUMNS.items():
            patch.setitem(lake_store.FIXED_COLUMNS, table, columns[:-1])  # type: ignore[arg-type]
        for subject, field_id in lake_store.OWN_FIELD_IDS.items():
            patch.setitem(lake_store.OWN_FIELD_IDS, subject, field_id - 1)  # type: ignore[arg-type]
        patch.setattr(store_module, "design_of", tables.design_of.__wrapped__)  # which remembers designs
        store = IcebergLocalStore(home / "lake", LAKE_BUCKETS)
        lake = Lake(store, home / "prepared")
        append(lake, "base", EVENTS[:60])
        lake.compact()
        append(lake, "tail", EVENTS[60:90])
        chain = pa.table({USER_ID: store.find_users(["u1", "u2"]), SURVIVOR: store.find_users(["u2", "u3"])})
        rows = chain.append_column(SEQ, pa.array([7, 8], pa.int64()))
        path = store.new_path(LakeTable.OVERRIDES)
        file = write_rows(store, path, LakeTable.OVERRIDES, rows, {USER_ID: 1, SURVIVOR: 2, SEQ: 3})
        store.commit(LakeChange("merges", add=(file,)))
        store.close()
    with sqlite3.connect(home / "lake" / "catalog.db") as db:
        db.execute("DELETE FROM lake_setting WHERE name LIKE 'own_field_%'")
        db.execute("DROP TABLE lake_merge")
        db.execute("DROP TABLE lake_lodging")
    db.close()
    return home


def append(lake: Lake, batch_id: str, events: list[Event]) -> None:
    """Events with a property that gets a column."""
    lake.append(batch_id, event_table(events, p_number=pa.array(range(len(events)), pa.int64())))


def open_lake(home: Path) -> Lake:
    return Lake(IcebergLocalStore(home / "lake", LAKE_BUCKETS), home / "prepared")


def close(lake: Lake) -> None:
    assert isinstance(lake.store, IcebergLocalStore)
    lake.store.close()


def owned(events: list[Event], **owners: str) -> list[tuple[str, int, str, tuple[object, ...]]]:
    """The rows of events, each under whom it belongs to."""
    renamed = [Event(owners.get(e.user, e.user), e.name, e.day, e.properties, e.id) for e in events]
    return rows_in(renamed, "n")


def test_an_old_lake_answers_as_before(old: Path) -> None:
    for _ in range(2):  # it is changed once only
        lake = open_lake(old)
        assert rows_of(lake, "n") == owned(EVENTS[:90], u1="u3", u2="u3")
        assert lake.find_trouble() == []
        close(lake)


def test_merges_of_an_old_lake_can_be_undone(old: Path) -> None:
    lake = open_lake(old)
    lake.compact()
    append(lake, "new", EVENTS[90:])
    assert rows_of(lake, "n") == owned(EVENTS, u1="u3", u2="u3")
    lake.unmerge_users("u2")
    assert rows_of(lake, "n") == owned(EVENTS, u1="u2")
    lake.compact()
    assert rows_of(lake, "n") == owned(EVENTS, u1="u2")
    assert lake.find_trouble() == []
    close(lake)


def test_other_engines_read_an_old_lake_with_the_new_column(old: Path) -> None:
    lake = open_lake(old)
    lake.compact()
    close(lake)
    catalog = SqlCatalog(
        "xingji", uri=f"sqlite:///{old}/lake/catalog.db", warehouse=(old / "lake" / "warehouse").as_uri()
    )
    table = catalog.load_table("lake.events")
    found = table.scan(selected_fields=(USER_ID, OWN, "p_number")).to_arrow()
    assert found["p_number"].null_count == 0
    ids = [field.field_id for field in table.schema().fields]
    assert len(set(ids)) == len(ids)
    assert table.schema().find_field(OWN).field_id == max(ids)
    catalog.close()
    moved = [row for row in found.to_pylist() if row[OWN] is not None]
    assert len(moved) == sum(event.user in ("u1", "u2") for event in EVENTS[:90])


def test_a_merge_that_an_old_program_made_final_stays(old: Path) -> None:
    with sqlite3.connect(old / "lake" / "catalog.db") as db:
        (survivor,) = db.execute("SELECT id FROM lake_user WHERE name = 'u3'").fetchone()
        changed = db.execute("UPDATE lake_user SET survivor = ? WHERE name = 'u4'", (survivor,)).rowcount
    db.close()
    assert changed == 1
    lake = open_lake(old)
    with pytest.raises(FieldError, match="has not merged for good"):
        lake.unmerge_users("u4")
    close(lake)


def test_an_old_lake_whose_merges_cannot_be_read_is_left_as_it_is(old: Path) -> None:
    (file,) = (old / "lake" / "warehouse").glob("overrides/data/**/*.parquet")
    whole = file.read_bytes()
    file.write_bytes(b"nothing")
    with pytest.raises(DamagedFileError):
        open_lake(old)
    file.write_bytes(whole)
    lake = open_lake(old)
    assert rows_of(lake, "n") == owned(EVENTS[:90], u1="u3", u2="u3")
    close(lake)
