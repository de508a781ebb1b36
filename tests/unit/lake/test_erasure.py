"""An erased user is nowhere any more: in no answer, and in no byte of the lake's folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.lake.conftest import Reopen
from tests.unit.lake.rows import Event, event_table, rows_in, rows_of, some_events
from xingji.lake import bulk_import
from xingji.lake import lake as lake_module
from xingji.lake.lake import Lake
from xingji.model.errors import BusyError, DamagedFileError
from xingji.ports.lake_store import LakeTable

SECRET = "c-58103377-secret"
EVENTS = [
    replace(event, user=SECRET, properties={**event.properties, "card": SECRET})
    if event.user == "u1"
    else event
    for event in some_events(300)
]
OTHERS = [event for event in EVENTS if event.user != SECRET]


def files_with(folder: Path, text: str) -> list[str]:
    """The files that hold a text, in their names or bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if text.encode() in path.read_bytes() or text in str(path)]


def table_of(events: list[Event]) -> pa.Table:
    """An event table with the card as a typed column and the page as JSON."""
    cards = [event.properties.get("card") for event in events]
    plain = [replace(e, properties={k: v for k, v in e.properties.items() if k != "card"}) for e in events]
    return event_table(plain, p_card=pa.array(cards, pa.string()))


@pytest.fixture
def full(lake: Lake, tmp_path: Path) -> Lake:
    """A lake with the user in the base, the tail, the registry, user changes and prepared columns."""
    lake.append("1", table_of(EVENTS[:200]))
    lake.compact()
    lake.append("2", table_of(EVENTS[200:]))
    changes = {"user": [SECRET], "time": event_table(EVENTS[:1])["time"], "p_id": [SECRET]}
    lake.append("3", users=pa.table(changes))
    assert rows_of(lake, "card", "n") == rows_in(EVENTS, "card", "n")
    assert files_with(tmp_path, SECRET)
    return lake


def test_erased_user_is_gone_for_good(full: Lake, tmp_path: Path) -> None:
    done = full.erase(SECRET)
    assert (done.users, done.events, done.user_changes) == (1, len(EVENTS) - len(OTHERS), 1)
    assert done.held_files == 0
    assert rows_of(full, "card", "n") == rows_in(OTHERS, "card", "n")
    assert files_with(tmp_path, SECRET) == []
    assert full.find_trouble() == []


def test_erasing_again_changes_nothing(full: Lake) -> None:
    full.erase(SECRET)
    assert full.erase(SECRET).users == 0
    assert rows_of(full) == rows_in(OTHERS)


def test_those_merged_into_the_user_go_too(full: Lake, tmp_path: Path) -> None:
    full.merge_users("u2", SECRET)
    full.compact()
    full.merge_users("u3", SECRET)
    assert full.erase("u3").users == 3
    left = [event for event in OTHERS if event.user not in ("u2", "u3")]
    assert rows_of(full) == rows_in(left)
    assert files_with(tmp_path, SECRET) == []
    full.append("later", event_table([Event("u2", "open", 3)]))
    assert [row[0] for row in rows_of(full)].count("u2") == 1


def test_who_was_parted_from_the_user_stays(full: Lake, tmp_path: Path) -> None:
    full.merge_users("u2", SECRET)
    full.compact()
    full.unmerge_users("u2")
    full.erase(SECRET)
    assert rows_of(full, "n") == rows_in(OTHERS, "n")
    full.compact()
    assert rows_of(full, "n") == rows_in(OTHERS, "n")
    assert full.find_trouble() == []
    full.collect()
    assert files_with(tmp_path, SECRET) == []


def test_the_user_goes_whose_rows_are_stored_under_another(full: Lake, tmp_path: Path) -> None:
    full.merge_users(SECRET, "u2")
    full.compact()
    full.unmerge_users(SECRET)
    done = full.erase(SECRET)
    assert (done.users, done.events) == (1, len(EVENTS) - len(OTHERS))
    assert rows_of(full, "n") == rows_in(OTHERS, "n")
    assert full.find_trouble() == []
    assert files_with(tmp_path, SECRET) == []


@pytest.mark.parametrize("last", ["collect", "end"])
def test_erasure_stopped_before_its_end_goes_on(
    full: Lake, reopen: Reopen, tmp_path: Path, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    target = (Lake, "collect") if last == "collect" else (lake_module, "end_erasure")
    with monkeypatch.context() as patch:
        patch.setattr(*target, stop)
        with pytest.raises(KeyboardInterrupt):
            full.erase(SECRET)
    assert files_with(tmp_path, SECRET)
    again = reopen()
    assert again.is_being_erased(SECRET)
    assert not again.is_being_erased("u2")
    assert again.erase(SECRET).events == len(EVENTS) - len(OTHERS)
    assert files_with(tmp_path, SECRET) == []
    assert list(again.store.sessions()) == []
    assert not again.is_being_erased(SECRET)


def test_erasure_that_fails_leaves_nothing_behind(full: Lake, tmp_path: Path) -> None:
    base = max(full.store.version().of(LakeTable.EVENTS), key=lambda file: file.rows)
    (tmp_path / "lake" / "warehouse" / base.path).write_bytes(b"no Parquet")
    before = full.store.version()
    (name,) = full.store.user_names(np.array([base.first_user]))
    with pytest.raises(DamagedFileError, match=base.path):
        full.erase(name)
    assert (full.store.version(), list(full.store.sessions())) == (before, [])


def test_reader_holds_files_until_it_ends(full: Lake, tmp_path: Path) -> None:
    snapshot = full.snapshot()
    assert full.erase(SECRET).held_files > 0
    snapshot.close()
    full.collect()
    assert files_with(tmp_path / "lake", SECRET) == []


def test_unfinished_import_is_dropped_with_the_user(
    full: Lake, reopen: Reopen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_import, "RUN_ROWS", 50)
    with full.begin_import("f") as session:
        session.add(table_of(EVENTS))
        with pytest.raises(BusyError):
            reopen().erase(SECRET)
    full.erase(SECRET)
    assert files_with(tmp_path, SECRET) == []
    with full.begin_import("f") as session:
        assert session.rows == 0
