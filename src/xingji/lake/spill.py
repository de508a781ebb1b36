"""Sorted runs of an import in progress: Arrow files on the local disk, a record batch a bucket and month."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import local

import msgspec
import numpy as np
import pyarrow as pa

from xingji.lake.bucket import bucket_of
from xingji.lake.data_file import int64s, whole
from xingji.lake.month import months_of
from xingji.lake.order import row_order
from xingji.lake.part import Int64s
from xingji.lake.rewriting import TableSource
from xingji.model.event_table import TIME
from xingji.ports.lake_store import USER_ID, LakeTable
from xingji.ports.local_file import open_synced, when_full

Place = tuple[int, int | None]
"""A bucket and a month; changes of users have no month."""


class Run(msgspec.Struct, frozen=True):
    """One run: a file in the scratch folder, its table, and the place and rows of each of its batches."""

    file: str
    table: LakeTable
    places: list[Place]
    rows: list[int]


def write_run(scratch: Path, file: str, table: LakeTable, rows: pa.Table, n_buckets: int) -> Run:
    """Sort rows that are in order of seq by place, user and time, and write them durably.

    Raises:
        StorageFullError: the disk has no room; there is no run.
    """
    users, time_us = int64s(rows[USER_ID]), int64s(rows[TIME])
    buckets = bucket_of(users, n_buckets).astype(np.int64)
    months = months_of(time_us) if table is LakeTable.EVENTS else np.zeros(len(users), np.int64)
    first_month, span = int(months.min()), int(months.max() - months.min()) + 1
    place = buckets * span + (months - first_month)
    order = _order(place, users, time_us)
    codes, starts = np.unique(place[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)]
    batch = pa.record_batch([whole(column) for column in rows.columns], names=rows.schema.names)
    (scratch / file).unlink(missing_ok=True)  # of a process that was killed before it could note it
    with (
        when_full(scratch, "import events"),
        open_synced(scratch / file) as out,
        pa.ipc.new_file(out, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer,
    ):
        for begin, end in zip(starts.tolist(), ends, strict=True):
            writer.write_batch(batch.take(pa.array(order[begin:end])))
    months_kept = table is LakeTable.EVENTS
    places: list[Place] = [
        (code // span, code % span + first_month if months_kept else None) for code in codes.tolist()
    ]
    return Run(file, table, places, np.diff([*starts, len(order)]).tolist())


def _order(place: Int64s, users: Int64s, time_us: Int64s) -> Int64s:
    lowest, highest = int(users.min()), int(users.max())
    bits = (highest - lowest).bit_length()
    if bits + int(place.max()).bit_length() > 62:
        return np.lexsort((time_us, users, place))
    return row_order(place << bits | (users - lowest), (int(place.max()) + 1) << bits, time_us)


class RunReader:
    """Reads batches of runs; each thread has its own open files."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._open = local()

    def sources(self, runs: Sequence[Run], table: LakeTable, place: Place) -> list[RunSource]:
        """The rows of a place, in the order of the runs."""
        return [
            RunSource(self, run.file, at, run.rows[at])
            for run in runs
            if run.table is table
            for at in [index for index, other in enumerate(run.places) if other == place]
        ]

    def batch(self, file: str, at: int) -> pa.Table:
        """One batch of a run."""
        files = self._open.__dict__.setdefault("files", {})
        if file not in files:
            files[file] = pa.ipc.open_file(pa.memory_map(str(self._scratch / file)))
        return pa.Table.from_batches([files[file].get_batch(at)])


class RunSource:
    """One batch of a run as rows to be merged (see `xingji.lake.rewriting.Source`)."""

    def __init__(self, reader: RunReader, file: str, at: int, n_rows: int) -> None:
        self._reader, self._file, self._at = reader, file, at
        self.n_rows = n_rows

    def users(self) -> Int64s:
        return int64s(self._reader.batch(self._file, self._at)[USER_ID])

    def rows(self, first_user: int, end_user: int) -> pa.Table:
        return TableSource(self._reader.batch(self._file, self._at)).rows(first_user, end_user)


__all__ = ["Place", "Run", "RunReader", "RunSource", "write_run"]
