"""Commits are atomic over tables and idempotent; versions are pinned; what nobody needs is collected."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.contract.lake.conftest import put_file
from xingji.adapters.iceberg_local import IcebergLocalStore
from xingji.adapters.iceberg_local.ledger import translated
from xingji.model.errors import BusyError, CallerError, DamagedFileError
from xingji.ports.lake_store import (
    CommitConflictError,
    LakeChange,
    LakeStore,
    LakeTable,
    Merge,
    Property,
    Subject,
)

Reopen = Callable[[], LakeStore]
AMOUNT = Property(Subject.EVENT, "amount", "int64", 9)


def test_new_lake_is_empty_and_whole(store: LakeStore) -> None:
    version = store.version()
    assert (version.number, version.files, version.event_names, version.n_buckets) == (0, (), (), 4)
    assert store.check() == []


def test_commit_shows_all_its_tables_at_once(store: LakeStore, reopen: Reopen) -> None:
    files = tuple(put_file(store, table=table) for table in (LakeTable.EVENTS, LakeTable.USERS_TAIL))
    change = LakeChange("b", add=files, event_names=("open", "pay"), columns=(AMOUNT,))
    written = store.commit(change)
    read = reopen().version()
    assert written == read
    assert set(read.files) == set(files)
    assert (read.number, read.event_names, read.properties) == (1, ("open", "pay"), (AMOUNT,))


def test_same_batch_changes_nothing(store: LakeStore) -> None:
    file = put_file(store)
    first = store.commit(LakeChange("b", add=(file,)))
    again = store.commit(LakeChange("b", add=(put_file(store),)))
    assert again == first
    assert (store.is_committed("b"), store.is_committed("c")) == (True, False)


def test_replacing_what_was_replaced_is_refused(store: LakeStore, reopen: Reopen) -> None:
    file = put_file(store)
    store.commit(LakeChange("a", add=(file,)))
    reopen().commit(LakeChange("b", add=(put_file(store),), remove=(file,), operation="replace"))
    before = store.version()
    with pytest.raises(CommitConflictError, match="the change c came too late"):
        store.commit(LakeChange("c", add=(put_file(store),), remove=(file,), operation="replace"))
    assert store.version() == before
    assert not store.is_committed("c")


def test_changes_of_many_threads_all_arrive(store: LakeStore) -> None:
    def append(batch: int) -> None:
        with store.writer():
            store.commit(LakeChange(f"b{batch}", add=(put_file(store),)))

    threads = [threading.Thread(target=append, args=(batch,)) for batch in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.version().number, len(store.version().files)) == (12, 12)


def test_pinned_version_stays_readable(store: LakeStore) -> None:
    old = put_file(store, rows=3)
    store.commit(LakeChange("a", add=(old,)))
    with store.pin() as pin:
        store.commit(LakeChange("b", add=(put_file(store),), remove=(old,), operation="replace"))
        assert store.collect().held >= 1
        assert pin.version.files == (old,)
        with store.open_input(old.path) as file:
            assert pq.read_table(file).num_rows == 3
    assert store.collect().held == 0
    assert store.size(old.path) == -1
    with pytest.raises(DamagedFileError, match=old.path):
        store.open_input(old.path)


def test_grace_keeps_what_was_superseded_just_now(store: LakeStore) -> None:
    old = put_file(store)
    store.commit(LakeChange("a", add=(old,)))
    store.commit(LakeChange("b", remove=(old,), operation="delete"))
    store.collect(grace_seconds=3600)
    assert store.size(old.path) == old.bytes
    store.collect()
    assert store.size(old.path) == -1


def test_collection_removes_orphans_but_not_unfinished_work(store: LakeStore) -> None:
    session = store.session("compaction")
    kept, orphan = put_file(store, session=session), put_file(store)
    store.collect()
    assert (store.size(kept.path), store.size(orphan.path)) == (kept.bytes, -1)
    assert list(store.sessions()) == ["compaction"]
    session.end()
    store.collect()
    assert (store.size(kept.path), list(store.sessions())) == (-1, [])
    assert store.check() == []


def test_metadata_does_not_grow_with_commits(store: LakeStore) -> None:
    for batch in range(30):
        store.commit(LakeChange(f"b{batch}", add=(put_file(store),)))
    store.collect()
    assert len(store.version().files) == 30
    assert store.collect().files == 0
    store.commit(LakeChange("end", remove=store.version().files, operation="delete"))
    assert store.collect().files >= 30
    assert store.version().files == ()


def test_session_has_one_holder(store: LakeStore, reopen: Reopen) -> None:
    session = store.session("import-1")
    with pytest.raises(BusyError, match="import-1"):
        reopen().session("import-1")
    session.release()
    reopen().session("import-1").end()


def test_writer_is_reentrant_and_exclusive(store: LakeStore, reopen: Reopen) -> None:
    with store.rewriter():
        with store.rewriter():
            pass
        with pytest.raises(BusyError):
            reopen().rewriter().__enter__()
    with reopen().rewriter():
        pass


def test_users_get_numbers_in_order_of_first_sight(store: LakeStore, reopen: Reopen) -> None:
    assert store.assign_users(["li", "wang", "li"]).tolist() == [1, 2, 1]
    assert reopen().assign_users(["zhao", "wang"]).tolist() == [3, 2]
    assert store.find_users(["nobody", "zhao"]).tolist() == [0, 3]
    assert store.user_names(np.array([3, 9, 1])) == ["zhao", "", "li"]


def merges_of(store: LakeStore, *users: int, number: int | None = None) -> list[list[int]]:
    found: list[list[int]] = store.merges_of(np.array(users), number).tolist()
    return sorted(found)


def merged(batch_id: str, *pairs: tuple[int, int], unmerged: tuple[int, ...] = ()) -> LakeChange:
    """A change of merges (absorbed, survivor) alone."""
    return LakeChange(batch_id, merges=tuple(Merge(*pair, seq=1) for pair in pairs), unmerged=unmerged)


def test_merges_are_followed_up_and_down(store: LakeStore, reopen: Reopen) -> None:
    store.assign_users(["a", "b", "c", "d"])
    store.commit(merged("1", (1, 2), (2, 3), (4, 2)))
    for known in (store, reopen()):
        assert merges_of(known, 1) == [[1, 2], [2, 3]]
        assert merges_of(known, 3) == []
        assert sorted(known.merges_under(np.array([3])).tolist()) == [[1, 2], [2, 3], [4, 2]]
        assert known.find_users(["a", "b"]).tolist() == [1, 2]


def test_a_version_keeps_the_merges_that_held_in_it(store: LakeStore) -> None:
    store.assign_users(["a", "b", "c"])
    first = store.commit(merged("1", (1, 2))).number
    with store.pin():
        second = store.commit(merged("2", (1, 3))).number
        third = store.commit(merged("3", unmerged=(1,))).number
        store.collect()
        held = [merges_of(store, 1, number=at) for at in (first - 1, first, second, third)]
        assert held == [[], [[1, 2]], [[1, 3]], []]
    assert merges_of(store, 1) == []


def test_merges_that_hold_in_no_version_left_are_forgotten(store: LakeStore) -> None:
    store.assign_users(["a", "b"])
    first = store.commit(merged("1", (1, 2))).number
    store.commit(merged("2", unmerged=(1,)))
    store.collect()
    assert merges_of(store, 1, number=first) == []


def test_merges_of_forgotten_users_are_forgotten(store: LakeStore) -> None:
    store.assign_users(["a", "b", "c"])
    store.commit(merged("1", (1, 2), (2, 3)))
    store.lodge(np.array([[1, 3], [2, 3]]))
    store.commit(LakeChange("2", forget=(2,)))
    assert merges_of(store, 1, 2) == []
    assert store.lodgings_of(np.array([1, 2])).tolist() == [[1, 3]]


def test_lodgings_are_noted_until_they_end(store: LakeStore, reopen: Reopen) -> None:
    store.lodge(np.array([[1, 3], [2, 3], [1, 3]]))
    store.commit(LakeChange("1", lodged=np.array([[1, 4]]), vacated=np.array([[2, 3]])))
    for known in (store, reopen()):
        assert sorted(known.lodgings_of(np.array([1, 2])).tolist()) == [[1, 3], [1, 4]]
        assert known.lodgers_of(np.array([3, 5])).tolist() == [[1, 3]]


def test_merges_of_a_batch_that_was_committed_are_not_begun_again(store: LakeStore) -> None:
    store.assign_users(["a", "b", "c"])
    done = store.commit(merged("1", (1, 2)))
    assert store.commit(merged("1", (1, 3))) == done
    assert merges_of(store, 1) == [[1, 2]]


def test_forgotten_users_numbers_are_not_given_again(store: LakeStore) -> None:
    store.assign_users(["a", "b"])
    store.commit(LakeChange("1", forget=(2,)))
    assert store.find_users(["b"]).tolist() == [0]
    assert store.assign_users(["c"]).tolist() == [3]


def test_places_in_log_order_are_given_once(store: LakeStore, reopen: Reopen) -> None:
    first = store.reserve_seq(10)
    assert reopen().reserve_seq(5) == first + 10
    assert store.reserve_seq(1) == first + 15


def test_check_names_a_file_that_is_not_there(store: LakeStore) -> None:
    file = put_file(store)
    store.commit(LakeChange("a", add=(replace(file, bytes=file.bytes + 1),)))
    assert [file.path in trouble for trouble in store.check()] == [True]


def test_missing_metadata_is_named(reopen: Reopen, tmp_path: Path) -> None:
    store = reopen()
    store.commit(LakeChange("a", add=(put_file(store),)))
    for path in (tmp_path / "lake").rglob("snap-*"):
        path.unlink()
    with pytest.raises(DamagedFileError, match="snap-"):
        reopen().version()


def test_catalogue_that_is_none_is_named(reopen: Reopen, tmp_path: Path) -> None:
    reopen().close()  # type: ignore[attr-defined]
    for path in (tmp_path / "lake").glob("catalog.db*"):
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(DamagedFileError, match=r"catalog\.db"):
        reopen()


@pytest.mark.parametrize("damage", ["", '{"location": "'], ids=["emptied", "cut short"])
def test_damaged_description_of_a_table_is_named(reopen: Reopen, tmp_path: Path, damage: str) -> None:
    reopen().commit(LakeChange("a", add=(put_file(reopen()),)))
    for path in (tmp_path / "lake").rglob("events_tail/metadata/*.metadata.json"):
        path.write_text(damage)
    store = reopen()
    (trouble,) = store.check()
    assert "events_tail/metadata/" in trouble
    assert "is damaged" in trouble
    with pytest.raises(DamagedFileError, match="events_tail/metadata/"):
        store.commit(LakeChange("b", add=(put_file(store),)))
    assert not store.is_committed("b")


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_lake_whose_catalogue_is_lost_is_not_taken_for_an_empty_one(
    reopen: Reopen, tmp_path: Path, how: str
) -> None:
    store = reopen()
    file = put_file(store)
    store.commit(LakeChange("a", add=(file,)))
    store.close()  # type: ignore[attr-defined]
    catalogue = tmp_path / "lake" / "catalog.db"
    catalogue.unlink() if how == "removed" else catalogue.write_bytes(b"")
    with pytest.raises(DamagedFileError, match=r"catalog\.db .* put back a copy"):
        reopen()
    assert (tmp_path / "lake" / "warehouse" / file.path).exists()


def test_copy_of_a_lake_is_refused_elsewhere_and_both_stay_whole(
    store: LakeStore, reopen: Reopen, tmp_path: Path
) -> None:
    file = put_file(store)
    store.commit(LakeChange("a", add=(file,)))
    lake, copy = tmp_path / "lake", tmp_path / "copy"
    shutil.copytree(lake, copy)
    with pytest.raises(CallerError, match=f"{copy} holds a lake that was made at {lake}"):
        IcebergLocalStore(copy)
    assert (copy / "warehouse" / file.path).exists()
    shutil.rmtree(lake)
    copy.rename(lake)
    assert (reopen().check(), reopen().version().files) == ([], (file,))


@pytest.mark.parametrize("name", ["h%20 ü#?x", "a b", "@:c", "行迹"])
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    for number in range(2):
        store = IcebergLocalStore(tmp_path / name / "lake", n_buckets=4)
        store.commit(LakeChange(f"b{number}", add=(put_file(store),)))
        store.collect()
        assert (store.check(), len(store.version().files)) == ([], number + 1)
        store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("mode", "folder", "reason"),
    [
        pytest.param("ro", ".", "readonly database", id="may not be written"),
        pytest.param("rw", "absent", "unable to open", id="may not be opened"),
    ],
)
def test_catalogue_that_may_not_be_used_is_not_called_damaged(
    tmp_path: Path, mode: str, folder: str, reason: str
) -> None:
    database = tmp_path / folder / "catalog.db"
    sqlite3.connect(tmp_path / "catalog.db").execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(PermissionError, match=reason) as told, translated(database):
        sqlite3.connect(f"file:{database}?mode={mode}", uri=True).execute("INSERT INTO t VALUES (1)")
    assert told.value.filename == str(database)
