"""Prepared columns are a cache: damaged, evicted or unwritable, the answers stay."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.rows import event_table, rows_in, rows_of, rows_of_view, some_events
from xingji.lake import column_file
from xingji.lake.dictionary import event_numbers
from xingji.lake.lake import Lake
from xingji.lake.snapshot import LakeSnapshot
from xingji.model.errors import DamagedFileError
from xingji.ports.lake_store import LakeFile, LakeTable

EVENTS = some_events(300)
NAMES = ("n", "page")


@pytest.fixture
def full(lake: Lake) -> Lake:
    lake.append("1", event_table(EVENTS))
    lake.compact()
    assert rows_of(lake, *NAMES) == rows_in(EVENTS, *NAMES)
    return lake


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    content[0] ^= 0xFF
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped bits": flip,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:5]),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
    "other content": lambda path: path.write_text("[1, 2]"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("kind", ["col", "json", "dict", "arrow"])
def test_damaged_column_is_built_again(
    full: Lake, reopen: Reopen, tmp_path: Path, kind: str, damage: Callable[[Path], object]
) -> None:
    files = list((tmp_path / "prepared").glob(f"*/*.{kind}"))
    assert files
    for file in files:
        damage(file)
    assert rows_of(reopen(), *NAMES) == rows_in(EVENTS, *NAMES)
    assert rows_of(reopen(), *NAMES) == rows_in(EVENTS, *NAMES)


def test_columns_are_built_when_there_are_none(full: Lake, reopen: Reopen, tmp_path: Path) -> None:
    full.prepared.evict(0)
    assert full.prepared.size() == 0
    assert rows_of(full, *NAMES) == rows_in(EVENTS, *NAMES)
    assert rows_of(reopen(), *NAMES) == rows_in(EVENTS, *NAMES)
    assert full.prepared.size() > 0


def test_eviction_stops_at_its_bound(full: Lake) -> None:
    size = full.prepared.size()
    freed = full.prepared.evict(size // 2)
    assert size // 2 <= freed < size
    assert full.prepared.size() == size - freed


def test_columns_of_files_that_are_gone_go_too(full: Lake, tmp_path: Path) -> None:
    full.append("2", event_table(some_events(300, seed=8)))
    full.compact()
    full.collect()
    folders = {path.name for path in (tmp_path / "prepared").iterdir()}
    files = full.store.version().of(LakeTable.EVENTS)
    assert folders == {file.path.rsplit("/", 1)[-1].removesuffix(".parquet") for file in files}


def test_without_room_columns_stay_in_memory(
    full: Lake, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    full.prepared.evict(0)
    monkeypatch.setattr(column_file, "_replace", no_room)
    assert rows_of(reopen(), *NAMES) == rows_in(EVENTS, *NAMES)


def rot(path: Path) -> None:
    """Flip a bit of every eighth byte of a Parquet file's data, and none of its footer's."""
    content = bytearray(path.read_bytes())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    for at in range(4, len(content) - footer, 8):
        content[at] ^= 0x10
    path.write_bytes(content)


def damaged_file(lake: Lake, tmp_path: Path) -> LakeFile:
    file = max(lake.store.version().of(LakeTable.EVENTS), key=lambda file: file.rows)
    rot(tmp_path / "lake" / "warehouse" / file.path)
    return file


def all_rows(snapshot: LakeSnapshot) -> int:
    views = [view for bucket in range(snapshot.n_buckets) for view in snapshot.views(bucket)]
    return sum(len(rows_of_view(view, snapshot, NAMES)) for view in views)


def test_damaged_file_is_named_and_the_rest_answers(full: Lake, reopen: Reopen, tmp_path: Path) -> None:
    full.prepared.evict(0)
    file = damaged_file(full, tmp_path)
    with reopen().snapshot() as snapshot:
        assert all_rows(snapshot) == len(EVENTS) - file.rows
        assert [
            file.path in text and f"{file.rows} events are missing" in text for text in snapshot.warnings
        ] == [True]
    assert any(file.path in text for text in full.find_trouble())


def test_damaged_file_costs_only_what_is_not_prepared(full: Lake, reopen: Reopen, tmp_path: Path) -> None:
    for note in (tmp_path / "prepared").glob("*/[pl]*.json"):
        note.unlink()
    file = damaged_file(full, tmp_path)
    with reopen().snapshot() as snapshot:
        assert all_rows(snapshot) == len(EVENTS)
        assert {text.rsplit("property ", 1)[-1].split(" of ")[0] for text in snapshot.warnings} == set(NAMES)
        assert all(file.path in text for text in snapshot.warnings)


def test_damaged_tail_is_named_and_the_rest_answers(lake: Lake, reopen: Reopen, tmp_path: Path) -> None:
    lake.append("1", event_table(EVENTS[:100]))
    lake.append("2", event_table(EVENTS[100:]))
    tail = next(file for file in lake.store.version().of(LakeTable.EVENTS_TAIL) if file.rows == 100)
    rot(tmp_path / "lake" / "warehouse" / tail.path)
    with reopen().snapshot() as snapshot:
        assert all_rows(snapshot) == 200
        assert [tail.path in text for text in snapshot.warnings] == [True]
    with pytest.raises(DamagedFileError, match=tail.path):
        lake.compact()


def test_columns_are_mapped_not_copied(full: Lake, reopen: Reopen) -> None:
    lake = reopen()
    with lake.snapshot() as snapshot:
        view = next(view for bucket in range(4) for view in snapshot.views(bucket) if view.n_rows)
        assert view.n_rows
    file = full.store.version().of(LakeTable.EVENTS)[0]
    codes = {name: code for code, name in enumerate(full.store.version().event_names)}
    part = lake.prepared.part(file, codes)
    assert not part.time().flags.owndata


def test_a_dictionary_may_name_events_that_no_row_has() -> None:
    column = pa.chunked_array([pa.DictionaryArray.from_arrays([1, 1], ["never", "view"])])
    assert event_numbers(column, {"view": 7}).tolist() == [7, 7]
