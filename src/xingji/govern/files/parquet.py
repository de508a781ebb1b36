"""Parquet files, read batch by batch with their texts still coded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xingji.govern.files.assembly import RowPlaces
from xingji.govern.files.block import BlockBuilder, EventBlock
from xingji.govern.files.column_rows import ColumnRows, identity_columns
from xingji.govern.files.column_types import NAME_LIMIT, ColumnTypes
from xingji.govern.files.mapping import FieldMapping, resolve
from xingji.govern.files.refusal import excerpt_of
from xingji.govern.files.source import Source
from xingji.govern.files.typed_column import add_typed_column
from xingji.model.errors import InputError, shown

PIECE_BYTES = 64 << 20
"""Row groups are joined until they take so much memory: every column costs the same for a row as for many."""
UNFOLD_RATIO, UNFOLD_FLOOR_BYTES = 100, 1 << 30
"""A compressed Parquet file may unfold to so many times its size, and to this much in any case."""


def parquet_blocks(
    source: Source, path: Path, mapping: FieldMapping, types: ColumnTypes, block_rows: int
) -> Iterator[EventBlock]:
    """The events of a Parquet file. Raises InputError for one that is damaged or lacks a needed column."""
    with tempfile.TemporaryFile() as unfolded:
        handle = str(path) if not source.compression else _unfold(source, unfolded)
        try:
            yield from _blocks(source, handle, mapping, types, block_rows)
        except (pa.ArrowException, OSError, ValueError) as fault:
            reason = str(fault).split("\n")[0].rstrip(".")
            raise InputError(source.file, f"it is no whole Parquet file: {reason}") from None


def _unfold(source: Source, unfolded: Any) -> Any:
    """Parquet is read from its end, so a compressed file must be unfolded first."""
    bound = max(UNFOLD_FLOOR_BYTES, UNFOLD_RATIO * source.total_bytes)
    while piece := source.read(1 << 20):
        unfolded.write(piece)
        if unfolded.tell() > bound:
            raise InputError(source.file, f"it unfolds to more than {bound:,} bytes; this is no Parquet file")
    unfolded.seek(0)
    return unfolded


def _blocks(
    source: Source, handle: Any, mapping: FieldMapping, types: ColumnTypes, block_rows: int
) -> Iterator[EventBlock]:
    schema = pq.read_schema(handle)
    _check_names(source.file, schema.names)
    origins = resolve(
        source.file, mapping, schema.names, identified=bool(identity_columns(dict.fromkeys(schema.names)))
    )
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    file = pq.ParquetFile(handle, read_dictionary=texts, pre_buffer=False)
    builder, rows_read, total_rows = BlockBuilder(block_rows), 0, file.metadata.num_rows
    for batch in _joined(file.iter_batches(block_rows, use_threads=True), block_rows):
        _check_texts(source.file, batch)
        while len(batch):
            piece = batch.slice(0, builder.rows_left(rows_read))
            rows = ColumnRows(dict(zip(piece.schema.names, piece.columns)), len(piece))
            places = _places(piece, rows_read)
            builder.add(rows.table(source.file, origins, types, places, builder.tally, add_typed_column))
            rows_read, batch = rows_read + len(piece), batch.slice(len(piece))
            if builder.is_full(rows_read):
                yield builder.finish(rows_read, _share(source, rows_read, total_rows), source.total_bytes)
    if builder.has_any or not rows_read:
        yield builder.finish(rows_read, source.total_bytes, source.total_bytes)


def _joined(batches: Iterable[pa.RecordBatch], most_rows: int) -> Iterator[pa.RecordBatch]:
    """Batches put together, every column in one array, while they are few rows and little memory."""
    waiting: list[pa.RecordBatch] = []
    n_rows = size_bytes = 0
    for batch in batches:
        if n_rows + len(batch) > most_rows or size_bytes >= PIECE_BYTES:
            yield from _whole(waiting)
            waiting, n_rows, size_bytes = [], 0, 0
        waiting.append(batch)
        n_rows, size_bytes = n_rows + len(batch), size_bytes + batch.nbytes
    if waiting:
        yield from _whole(waiting)


def _whole(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Batches as one; as they are where their codes have no room for the values of them all."""
    if len(batches) == 1:
        return batches
    try:
        table = pa.Table.from_batches(batches).unify_dictionaries()
        # Column by column: Table.combine_chunks takes nine times as long for dictionaries.
        columns = [column.combine_chunks() for column in table.columns]
        return [pa.record_batch(columns, names=table.column_names)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return batches


def _share(source: Source, rows_read: int, total_rows: int) -> int:
    return source.total_bytes * rows_read // total_rows


def _check_texts(file: str, batch: pa.RecordBatch) -> None:
    """What is called text must be UTF-8: others who read it take that for granted."""
    for name, column in zip(batch.schema.names, batch.columns):
        if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
            try:
                (column.dictionary if pa.types.is_dictionary(column.type) else column).validate(full=True)
            except pa.ArrowInvalid:
                raise InputError(file, f"the column {shown(name)} holds text that is not UTF-8") from None


def _check_names(file: str, names: list[str]) -> None:
    for name in names:
        if not 1 <= len(name) <= NAME_LIMIT:
            raise InputError(
                file,
                f"the column {shown(name, 40)} has a name of {len(name):,} characters; allowed: 1 to 255",
            )
        if names.count(name) > 1:
            raise InputError(file, f"two columns are named {shown(name)}")


def _places(batch: pa.RecordBatch, rows_before: int) -> RowPlaces:
    def excerpt(row: int) -> str:
        return excerpt_of({k: v for k, v in batch.slice(row, 1).to_pylist()[0].items() if v is not None})

    return RowPlaces(lambda row: rows_before + row + 1, excerpt)
