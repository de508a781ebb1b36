"""The tail: one small file for each append, merged before they become many."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import int64s
from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import ROW_GROUP_ROWS, field_ids, read_rows, write_rows
from xingji.lake.order import user_order
from xingji.lake.part import Int64s
from xingji.lake.wide import Wide, stack_wide
from xingji.model.errors import BusyError, DamagedFileError
from xingji.model.event_table import TIME
from xingji.ports.lake_store import (
    SEQ,
    TAIL_TABLES,
    USER_ID,
    CommitConflictError,
    LakeChange,
    LakeFile,
    LakeStore,
    LakeTable,
    LakeVersion,
    WorkSession,
)

SESSION = "tail"
CROWDED = 32
"""From this many files on, the small ones of a tail are merged."""
MERGED_ROWS = ROW_GROUP_ROWS
"""No more rows are merged at once: a merge takes memory and the interpreter's lock by their number."""


def write_tail(
    store: LakeStore, table: LakeTable, rows: Wide, version: LakeVersion, path: str | None = None
) -> LakeFile:
    """Write rows to a new file of a tail, sorted by (bucket, user_id, time, seq)."""
    ordered = rows.take(tail_order(rows.dense, version.n_buckets))
    return write_rows(store, path or store.new_path(table), table, ordered, field_ids(table, version))


def tail_order(rows: pa.Table, n_buckets: int) -> Int64s:
    """The order of rows by (bucket, user_id, time, seq)."""
    users = int64s(rows[USER_ID])
    by_user = user_order(users, int64s(rows[TIME]), int64s(rows[SEQ]))
    return by_user[np.argsort(bucket_of(users[by_user], n_buckets), kind="stable")]


def bucket_slices(rows: pa.Table, n_buckets: int) -> dict[int, pa.Table]:
    """The rows of each bucket that a file of a tail has any of."""
    buckets = bucket_of(int64s(rows[USER_ID]), n_buckets)
    found = np.unique(buckets)
    begins, ends = np.searchsorted(buckets, found), np.searchsorted(buckets, found, side="right")
    return {
        int(bucket): rows.slice(int(begin), int(end - begin))
        for bucket, begin, end in zip(found, begins, ends, strict=True)
    }


def merge_tails(store: LakeStore) -> int:
    """Merge the small files of crowded tails; gives how many were merged away.

    A file stays when it is larger than all smaller ones together, so that each row is rewritten few times and
    what remains are about as many files as the row count has bits; and one for each half of MERGED_ROWS, for
    what would become larger than that stays as well. So does a file that is damaged.

    Nor is anything done while another process does it.

    Raises:
        StorageFullError: the disk has no room; nothing was changed.
    """
    crowded = any(_is_crowded(store.version(), table) for table in TAIL_TABLES)
    if not crowded and SESSION not in store.sessions():
        return 0
    try:
        session = store.session(SESSION)
    except BusyError:
        return 0
    try:
        return sum(_merge_tail(store, session, table) for table in TAIL_TABLES)
    finally:
        session.end()  # also of one that was killed: nothing of it is to be gone on with


def _is_crowded(version: LakeVersion, table: LakeTable) -> bool:
    return len(version.of(table)) >= CROWDED


def _merge_tail(store: LakeStore, session: WorkSession, table: LakeTable) -> int:
    with store.pin() as pin:
        version = pin.version
        small = small_files(version.of(table)) if _is_crowded(version, table) else []
        if len(small) < 2:
            return 0
        whole = _legible(store, small)
        if len(whole) < 2:
            return 0
        rows = stack_wide(list(whole.values()))
        path = session.new_path(table)
        merged = write_tail(store, table, rows, version, path)
        batch = path.rsplit("/", 1)[-1]
        try:
            store.commit(LakeChange(batch, add=(merged,), remove=tuple(whole), operation="replace"))
        except CommitConflictError:
            return 0  # a compaction took the files meanwhile, which serves as well
    return len(whole) - 1


def _legible(store: LakeStore, files: Sequence[LakeFile]) -> dict[LakeFile, Wide]:
    """The files that can be read, and their rows."""
    rows: dict[LakeFile, Wide] = {}
    for file in files:
        with contextlib.suppress(DamagedFileError):
            rows[file] = Wide.of(read_rows(store, file))
    return rows


def small_files(files: Sequence[LakeFile]) -> list[LakeFile]:
    """The files that are not larger than all smaller ones together, as far as MERGED_ROWS go."""
    by_size = sorted(files, key=lambda file: file.rows)
    total = keep_from = 0
    for at, file in enumerate(by_size):
        if total + file.rows > MERGED_ROWS:
            break
        if file.rows <= total:
            keep_from = at + 1
        total += file.rows
    return by_size[:keep_from]
