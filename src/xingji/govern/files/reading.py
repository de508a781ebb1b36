"""Reading a file of events, whatever its format, in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from xingji.govern.files.access_log import AccessLogDecoder
from xingji.govern.files.block import BLOCK_ROWS, BlockBuilder, EventBlock
from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.csv_form import csv_form
from xingji.govern.files.delimited import CsvReader
from xingji.govern.files.file_format import ACCESS_LOG, CSV, NDJSON, PARQUET, file_format
from xingji.govern.files.lines import ENCODINGS, LineChunk, LineReader
from xingji.govern.files.mapping import FieldMapping
from xingji.govern.files.ndjson import HEAD_LINES, NdjsonDecoder, NdjsonForm
from xingji.govern.files.parquet import parquet_blocks
from xingji.govern.files.pieces import Chunks, Decoded, decoded_apart, decoded_here
from xingji.govern.files.source import Source
from xingji.govern.files.xes import XesReader
from xingji.model.errors import FieldError
from xingji.ports.batch_runner import BatchRunner

PROCESSES_FROM_BYTES = 64 << 20
"""NDJSON of so many bytes takes longer to decode than two processes to start."""
_UNFOLDED = 8
"""About so many times its size is what a compressed file holds."""
Pieces = Callable[[Iterator[LineChunk]], Iterator[Decoded]]
"""Turns chunks of lines into their events."""


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What cannot be told from a file itself.

    `format`: one of `file_format.FORMATS`; None: told from the contents and the name. `encoding` of text:
    "utf-8" or "gb18030". `delimiter` of CSV: one of , ; | tab whitespace; None: guessed. `columns`: the names
    of a CSV's columns where it has no header.
    """

    format: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    columns: tuple[str, ...] = ()


def read_events(
    path: str | Path,
    mapping: FieldMapping | None = None,
    *,
    options: FileOptions | None = None,
    block_rows: int = BLOCK_ROWS,
    property_types: Mapping[str, pa.DataType] | None = None,
    skip_rows: int = 0,
    runner: BatchRunner | None = None,
) -> Iterator[EventBlock]:
    """The events of a file in its order, in blocks of at most `block_rows` rows; at least one block.

    `property_types` fixes the types of properties, for example those a lake has already. `skip_rows`: the
    `rows_read` of the last block of an earlier reading with the same `block_rows` and mapping, to go on after
    it; pass the types found until then as `property_types`. `runner`: processes that decode NDJSON.

    Raises InputError for a file that cannot be read or lacks a needed column (one that breaks off gives the
    blocks before the break first), FieldError for options that are none.
    """
    mapping, options = mapping or FieldMapping(), options or FileOptions()
    if options.encoding not in ENCODINGS:
        raise FieldError("--encoding", options.encoding, " or ".join(ENCODINGS))
    with Source(Path(path)) as source:
        for block in _blocks(
            source, Path(path), mapping, options, block_rows, ColumnTypes(property_types), skip_rows, runner
        ):
            if block.rows_read > skip_rows or not skip_rows:
                yield block


def worth_processes(path: Path, options: FileOptions) -> bool:
    """Whether decoding a file takes so long that starting processes for it pays."""
    with Source(path) as source:
        n_bytes = source.total_bytes * (_UNFOLDED if source.compression else 1)
        return n_bytes >= PROCESSES_FROM_BYTES and file_format(source, options.format) == NDJSON


def _blocks(
    source: Source,
    path: Path,
    mapping: FieldMapping,
    options: FileOptions,
    block_rows: int,
    types: ColumnTypes,
    skip_rows: int,
    runner: BatchRunner | None,
) -> Iterator[EventBlock]:
    kind = file_format(source, options.format)
    if kind == PARQUET:
        return parquet_blocks(source, path, mapping, types, block_rows)
    if kind not in (NDJSON, CSV, ACCESS_LOG):
        return XesReader(source, mapping, types).blocks(block_rows)
    lines = LineReader(source)
    if kind == CSV:
        form = csv_form(lines, options.encoding, options.delimiter, options.columns)
        if form is not None:
            return CsvReader(lines, form, mapping, types, options.encoding).blocks(block_rows)
    if kind == ACCESS_LOG:
        decode = AccessLogDecoder(source.file, mapping, types, options.encoding).table
        return _line_blocks(lines, partial(decoded_here, decode), block_rows, skip_rows)
    head = tuple(lines.head(HEAD_LINES))
    native = NdjsonForm(source.file, mapping, options.encoding, head, exact=types.has_money)
    return _line_blocks(lines, _ndjson_pieces(native, types, runner), block_rows, skip_rows)


def _ndjson_pieces(form: NdjsonForm, types: ColumnTypes, runner: BatchRunner | None) -> Pieces:
    decoder = NdjsonDecoder(form, types)
    if runner is None or not decoder.knows_columns:
        return partial(decoded_here, decoder.table)
    return partial(decoded_apart, decoder, form, runner)


def _line_blocks(lines: LineReader, pieces: Pieces, block_rows: int, skip_rows: int) -> Iterator[EventBlock]:
    lines.skip(skip_rows)
    total_bytes, begun = lines.source.total_bytes, False
    chunks, builder = Chunks(lines, block_rows), BlockBuilder(block_rows, lines.n_lines)
    ends = lines.n_lines + block_rows
    for piece in pieces(iter(chunks)):
        builder.add(piece.table)
        builder.tally.include(piece.refused)
        rows_read = piece.chunk.rows_read
        if rows_read == ends or builder.is_full(rows_read):
            ends, begun = ends + block_rows * (rows_read == ends), True
            yield builder.finish(rows_read, piece.chunk.bytes_read, total_bytes)
    if builder.has_any or (not begun and chunks.fault is None):
        yield builder.finish(lines.n_lines, lines.source.bytes_read, total_bytes)
    if chunks.fault is not None:
        raise chunks.fault
