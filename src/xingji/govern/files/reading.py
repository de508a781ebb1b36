"""Reading a file of events, whatever its format, in blocks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
from xingji.govern.files.ndjson import HEAD_LINES, NdjsonDecoder
from xingji.govern.files.parquet import parquet_blocks
from xingji.govern.files.refusal import RefusalTally
from xingji.govern.files.source import Source
from xingji.govern.files.xes import XesReader
from xingji.model.errors import FieldError, InputError

Decode = Callable[[LineChunk, RefusalTally], pa.Table]


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
) -> Iterator[EventBlock]:
    """The events of a file in its order, in blocks of at most `block_rows` rows; at least one block.

    `property_types` fixes the types of properties, for example those a lake has already. `skip_rows`: the
    `rows_read` of the last block of an earlier reading with the same `block_rows` and mapping, to go on after
    it; pass the types found until then as `property_types`.

    Raises InputError for a file that cannot be read or lacks a needed column (one that breaks off gives the
    blocks before the break first), FieldError for options that are none.
    """
    mapping, options = mapping or FieldMapping(), options or FileOptions()
    if options.encoding not in ENCODINGS:
        raise FieldError("--encoding", options.encoding, " or ".join(ENCODINGS))
    with Source(Path(path)) as source:
        for block in _blocks(
            source, Path(path), mapping, options, block_rows, ColumnTypes(property_types), skip_rows
        ):
            if block.rows_read > skip_rows or not skip_rows:
                yield block


def _blocks(
    source: Source,
    path: Path,
    mapping: FieldMapping,
    options: FileOptions,
    block_rows: int,
    types: ColumnTypes,
    skip_rows: int,
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
        decoder = AccessLogDecoder(source.file, mapping, types, options.encoding)
        return _line_blocks(lines, decoder.table, block_rows, skip_rows)
    head = lines.head(HEAD_LINES)
    native = NdjsonDecoder(source.file, mapping, types, encoding=options.encoding, head=head)
    return _line_blocks(lines, native.table, block_rows, skip_rows)


def _line_blocks(lines: LineReader, decode: Decode, block_rows: int, skip_rows: int) -> Iterator[EventBlock]:
    lines.skip(skip_rows)
    source, builder, begun, fault = lines.source, BlockBuilder(block_rows, lines.n_lines), False, None
    while True:
        try:
            chunk = lines.take(builder.rows_left(lines.n_lines))
        except InputError as broken:
            chunk, fault = None, broken
        if chunk is None:
            break
        builder.add(decode(chunk, builder.tally))
        if builder.is_full(lines.n_lines):
            begun = True
            yield builder.finish(lines.n_lines, source.bytes_read, source.total_bytes)
    if builder.has_any or (not begun and fault is None):
        yield builder.finish(lines.n_lines, source.bytes_read, source.total_bytes)
    if fault is not None:
        raise fault
