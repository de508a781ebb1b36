"""Sorted runs of an import in progress: Arrow files on the local disk, a record batch a bucket and month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import local

import msgspec
import numpy as np
import pyarrow as pa

from xingji.lake.arrow_columns import compacted, int64s, whole
from xingji.lake.bucket import bucket_of
from xingji.lake.month import months_of
from xingji.lake.order import row_order
from xingji.lake.part import Int64s
from xingji.lake.rewriting import RowSource
from xingji.lake.wide import Thin, Wide
from xingji.model.event_table import TIME
from xingji.ports.lake_store import USER_ID, LakeTable
from xingji.ports.local_file import open_synced, when_full

MANY_TEXTS = 4
"""Texts that are more than one in so many rows of a batch are looked through for those that it uses."""
Place = tuple[int, int | None]
"""A bucket and a month; changes of users have no month."""


class Run(msgspec.Struct, frozen=True):
    """One run: a file in the scratch folder, its table, and the place and rows of each of its batches.

    Thin columns are in a second file, with one batch of one row for each place: lists of places and of
    values.
    """

    file: str
    table: LakeTable
    places: list[Place]
    rows: list[int]
    has_thin: bool = False


def write_run(scratch: Path, file: str, table: LakeTable, rows: Wide, n_buckets: int) -> Run:
    """Sort rows that are in order of seq by place, user and time, and write them durably.

    Raises:
        StorageFullError: the disk has no room; there is no run.
    """
    users, time_us = int64s(rows.dense[USER_ID]), int64s(rows.dense[TIME])
    by_month = table is LakeTable.EVENTS
    buckets = bucket_of(users, n_buckets).astype(np.int64)
    months = months_of(time_us) if by_month else np.zeros(len(users), np.int64)
    first_month, span = int(months.min()), int(months.max() - months.min()) + 1
    codes = buckets * span + (months - first_month)
    order = _order(codes, users, time_us)
    found, starts = np.unique(codes[order], return_index=True)
    edges = [*starts.tolist(), len(order)]
    _write_batches(scratch, file, rows, order, edges)
    places: list[Place] = [
        (code // span, code % span + first_month if by_month else None) for code in found.tolist()
    ]
    return Run(file, table, places, np.diff(edges).tolist(), has_thin=bool(rows.thin))


def _write_batches(scratch: Path, file: str, rows: Wide, order: Int64s, edges: list[int]) -> None:
    """The rows of each place, in order: dense columns as a batch, thin ones as one of lists."""
    dense = pa.record_batch([whole(column) for column in rows.dense.columns], names=rows.dense.schema.names)
    thin = Wide(rows.dense.select([USER_ID]), rows.thin).take(order) if rows.thin else None
    with when_full(scratch, "import events"):
        with _open_run(scratch, file, dense.schema) as writer:
            for begin, end in pairwise(edges):
                writer.write_batch(dense.take(pa.array(order[begin:end])))
        if thin is not None:
            schema = _lists_of(thin).schema
            with _open_run(scratch, thin_file(file), schema) as writer:
                for begin, end in pairwise(edges):
                    writer.write_batch(_lists_of(thin.slice(begin, end)))


@contextmanager
def _open_run(scratch: Path, file: str, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    (scratch / file).unlink(missing_ok=True)  # of a process that was killed before it could note it
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with open_synced(scratch / file) as out, pa.ipc.new_file(out, schema, options=options) as writer:
        yield writer


def thin_file(file: str) -> str:
    """The file of a run's thin columns."""
    return file.removesuffix(".arrow") + ".thin.arrow"


def _lists_of(rows: Wide) -> pa.RecordBatch:
    """The thin columns as one row of lists: the places that some columns share, then each column's values.

    The name of a column of values begins with the number of its places.
    """
    shared = {id(column.places): column.places for column in rows.thin.values()}
    numbers = {key: number for number, key in enumerate(shared)}
    lists = {str(numbers[key]): _one_list(pa.array(places)) for key, places in shared.items()}
    for name, column in rows.thin.items():
        lists[f"{numbers[id(column.places)]} {name}"] = _one_list(column.values)
    return pa.record_batch(lists)


def _one_list(values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def _thin_of(lists: pa.RecordBatch) -> dict[str, Thin]:
    """The reverse of `_lists_of`."""
    places: dict[str, Int64s] = {}
    thin: dict[str, Thin] = {}
    for name, column in zip(lists.schema.names, lists.columns, strict=True):
        number, _, of = name.partition(" ")
        if of:
            thin[of] = Thin(places[number], column.flatten())
        else:
            places[number] = column.flatten().to_numpy()
    return thin


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
            RunSource(self, run, at)
            for run in runs
            if run.table is table
            for at in [index for index, other in enumerate(run.places) if other == place]
        ]

    def batch(self, run: Run, at: int) -> Wide:
        """One batch of a run."""
        stored = self._file(run.file).get_batch(at)
        # A batch comes with all texts of its run; joining batches would look each of them up, used or not.
        dense = pa.table([_own_texts(column) for column in stored.columns], names=stored.schema.names)
        lists = self._file(thin_file(run.file)).get_batch(at) if run.has_thin else None
        return Wide(dense, {} if lists is None else _thin_of(lists))

    def _file(self, name: str) -> pa.ipc.RecordBatchFileReader:
        files = self._open.__dict__.setdefault("files", {})
        if name not in files:
            files[name] = pa.ipc.open_file(pa.memory_map(str(self._scratch / name)))
        return files[name]


def _own_texts(column: pa.Array) -> pa.Array:
    coded = pa.types.is_dictionary(column.type)
    return compacted(column) if coded and len(column.dictionary) * MANY_TEXTS > len(column) else column


class RunSource:
    """One batch of a run as rows to be merged (see `xingji.lake.rewriting.Source`)."""

    def __init__(self, reader: RunReader, run: Run, at: int) -> None:
        self._reader, self._run, self._at = reader, run, at
        self.n_rows = run.rows[at]

    def users(self) -> Int64s:
        return int64s(self._reader.batch(self._run, self._at).dense[USER_ID])

    def rows(self, first_user: int, end_user: int) -> Wide:
        return RowSource(self._reader.batch(self._run, self._at)).rows(first_user, end_user)


__all__ = ["Place", "Run", "RunReader", "RunSource", "write_run"]
