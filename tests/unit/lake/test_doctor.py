"""The doctor finds what a broken writer, or somebody's hand, could have done to a lake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.lake.rows import event_table, some_events
from xingji.lake.data_file import field_ids, read_rows, write_rows
from xingji.lake.doctor import is_sorted
from xingji.lake.lake import Lake
from xingji.ports.lake_store import LakeChange, LakeFile, LakeTable

Change = Callable[[Lake, LakeFile, pa.Table], LakeFile]


def rewritten(lake: Lake, file: LakeFile, rows: pa.Table) -> LakeFile:
    version = lake.store.version()
    ids = field_ids(file.table, version)
    return write_rows(
        lake.store, lake.store.new_path(file.table), file.table, rows, ids, file.bucket, file.month
    )


CHANGES: dict[str, tuple[Change, str]] = {
    "out of order": (
        lambda lake, file, rows: rewritten(lake, file, rows.take(list(range(rows.num_rows))[::-1])),
        "not in order",
    ),
    "in another bucket": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), bucket=(file.bucket or 0) ^ 1),
        "users of other buckets",
    ),
    "in another month": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), month=600),
        "events of other months",
    ),
    "with other bounds": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), last_user=9_999),
        "the catalogue says otherwise",
    ),
    "with other times": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), last_us=file.last_us + 1),
        "other times",
    ),
    "with other rows": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), rows=file.rows + 1),
        "the catalogue says",
    ),
    "with other bytes": (
        lambda lake, file, rows: replace(rewritten(lake, file, rows), bytes=file.bytes + 1),
        "the catalogue says",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_file_that_is_not_what_it_should_be_is_named(lake: Lake, name: str) -> None:
    lake.append("1", event_table(some_events(200)))
    lake.compact()
    assert lake.find_trouble() == []
    change, message = CHANGES[name]
    file = max(lake.store.version().of(LakeTable.EVENTS), key=lambda file: file.rows)
    bad = change(lake, file, read_rows(lake.store, file))
    lake.store.commit(LakeChange("bad", add=(bad,), remove=(file,), operation="replace"))
    found = lake.find_trouble()
    assert any(message in sentence and bad.path in sentence for sentence in found), found


def test_two_files_with_the_same_users_are_named(lake: Lake) -> None:
    lake.append("1", event_table(some_events(200)))
    lake.compact()
    file = lake.store.version().of(LakeTable.EVENTS)[0]
    twin = rewritten(lake, file, read_rows(lake.store, file))
    lake.store.commit(LakeChange("twin", add=(twin,)))
    assert any("same users" in sentence for sentence in lake.find_trouble())


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)), max_size=12))
def test_is_sorted_by_several_keys(rows: list[tuple[int, int, int]]) -> None:
    keys = [np.array([row[at] for row in rows], np.int64) for at in range(3)]
    assert is_sorted(keys) == (rows == sorted(rows))
    assert is_sorted([np.array(key) for key in zip(*sorted(rows), strict=True)] or keys)


def merged(lake: Lake) -> Lake:
    """A lake in which rows of u1 are stored under u2 and belong to u1 again."""
    lake.append("1", event_table(some_events(200)), merges=[("u1", "u2")])
    lake.compact()
    lake.unmerge_users("u1")
    assert lake.find_trouble() == []
    return lake


def test_rows_that_are_read_as_somebody_else_s_are_named(lake: Lake) -> None:
    lost = merged(lake).store.version().of(LakeTable.OVERRIDES)
    lake.store.commit(LakeChange("lost", remove=tuple(lost), operation="delete"))
    user, other = lake.store.find_users(["u1", "u2"]).tolist()
    found = lake.find_trouble()
    assert any(f"rows of user {user} that are {user}'s, and are read as {other}'s" in one for one in found)


def test_rows_under_another_user_that_nobody_noted_are_named(lake: Lake) -> None:
    user, other = merged(lake).store.find_users(["u1", "u2"]).tolist()
    lake.store.commit(LakeChange("lost", vacated=np.array([[user, other]])))
    found = lake.find_trouble()
    assert any(f"rows of user {user} under {other}, which nobody noted" in one for one in found)
