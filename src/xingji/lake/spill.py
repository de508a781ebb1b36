"""Sorted runs of an import in progress: Arrow files on the local disk, in batches of neighbouring places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, pairwise
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

BATCH_ROWS = 16_384
"""Months of a bucket share a batch until it has so many rows; whoever wants one month reads them all."""
MANY_TEXTS = 4
"""Texts that are more than one in so many rows of a batch are looked through for those that it uses."""
Place = tuple[int, int | None]
"""A bucket and a month; changes of users have no month."""


class Run(msgspec.Struct, frozen=True):
    """One run: a file in the scratch folder, its table, its places in order, and the rows of each.

    `batches`: how many of the places each record batch holds. Thin columns are in a second file, with one
    row for each batch: lists of places and of values.
    """

    file: str
    table: LakeTable
    places: list[Place]
    rows: list[int]
    batches: list[int]
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
    batches = _batches((found // span).tolist(), np.diff(edges).tolist())
    ends = np.cumsum([0, *batches]).tolist()
    _write_batches(scratch, file, rows, order, [edges[end] for end in ends])
    places: list[Place] = [
        (code // span, code % span + first_month if by_month else None) for code in found.tolist()
    ]
    return Run(file, table, places, np.diff(edges).tolist(), batches, has_thin=bool(rows.thin))


def _batches(buckets: list[int], rows: list[int]) -> list[int]:
    """How many places each batch holds: those of one bucket, until they are enough rows."""
    batches: list[int] = []
    size = 0
    for at, (bucket, n_rows) in enumerate(zip(buckets, rows, strict=True)):
        if at and bucket == buckets[at - 1] and size < BATCH_ROWS:
            batches[-1] += 1
            size += n_rows
        else:
            batches.append(1)
            size = n_rows
    return batches


def _write_batches(scratch: Path, file: str, rows: Wide, order: Int64s, edges: list[int]) -> None:
    """The rows between edges, in order: dense columns as a batch, thin ones as one of lists."""
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
    with open_synced(scratch / file) as out:
        content = pa.BufferOutputStream()  # Arrow writes every buffer by itself, to Python's files one by one
        with pa.ipc.new_file(content, schema, options=options) as writer:
            yield writer
        out.write(content.getvalue())


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

    def sources(self, runs: Sequence[Run], table: LakeTable, places: Sequence[Place]) -> list[RunSource]:
        """The rows of some places, run by run; what stands together is read together."""
        wanted = set(places)
        return [
            RunSource(self, run, first, end)
            for run in runs
            if run.table is table
            for first, end in _together(run, wanted)
        ]

    def all_rows(self, run: Run) -> list[Wide]:
        """The rows of a run, batch by batch."""
        return [self._batch(run, number) for number in range(len(run.batches))]

    def rows(self, run: Run, first: int, end: int) -> Wide:
        """The rows of places `first` up to, not including, `end`, which are all in one batch."""
        starts = np.cumsum([0, *run.batches])
        number = int(np.searchsorted(starts, first, side="right")) - 1
        skipped = sum(run.rows[int(starts[number]) : first])
        batch, n_rows = self._batch(run, number), sum(run.rows[first:end])
        return batch if n_rows == batch.n_rows else batch.slice(skipped, skipped + n_rows)

    def _batch(self, run: Run, number: int) -> Wide:
        stored = self._file(run.file).get_batch(number)
        # A batch comes with all texts of its run; joining batches would look each of them up, used or not.
        dense = pa.table([_own_texts(column) for column in stored.columns], names=stored.schema.names)
        lists = self._file(thin_file(run.file)).get_batch(number) if run.has_thin else None
        return Wide(dense, {} if lists is None else _thin_of(lists))

    def _file(self, name: str) -> pa.ipc.RecordBatchFileReader:
        files = self._open.__dict__.setdefault("files", {})
        if name not in files:
            files[name] = pa.ipc.open_file(pa.memory_map(str(self._scratch / name)))
        return files[name]


def _together(run: Run, wanted: set[Place]) -> Iterator[tuple[int, int]]:
    """The stretches of wanted places that are in one batch each: the first, and where they end."""
    first = 0
    for size in run.batches:
        batch, first = range(first, first + size), first + size
        for is_wanted, stretch in groupby(batch, key=lambda at: run.places[at] in wanted):
            if is_wanted:
                inside = list(stretch)
                yield inside[0], inside[-1] + 1


def _own_texts(column: pa.Array) -> pa.Array:
    coded = pa.types.is_dictionary(column.type)
    return compacted(column) if coded and len(column.dictionary) * MANY_TEXTS > len(column) else column


class RunSource:
    """Neighbouring places of a run as rows to be merged (see `xingji.lake.rewriting.Source`)."""

    def __init__(self, reader: RunReader, run: Run, first: int, end: int) -> None:
        self._reader, self._run, self._first, self._end = reader, run, first, end
        self.n_rows = sum(run.rows[first:end])

    def users(self) -> Int64s:
        return int64s(self._rows().dense[USER_ID])

    def rows(self, first_user: int, end_user: int) -> Wide:
        return RowSource(self._rows()).rows(first_user, end_user)

    def all_rows(self) -> Wide:
        """The rows of all users; those of several months do not rise by user."""
        return self._rows()

    def _rows(self) -> Wide:
        return self._reader.rows(self._run, self._first, self._end)


__all__ = ["Place", "Run", "RunReader", "RunSource", "write_run"]
