"""Batches of rows written to a file, in formats that are read: Parquet, NDJSON and CSV, also gzipped."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from xingji.model.errors import CallerError, FieldError
from xingji.ports.local_file import when_full

FORMATS = (".parquet", ".ndjson", ".csv", ".ndjson.gz", ".csv.gz")
GROUP_ROWS = 100_000
"""A row group of a Parquet file gets about so many rows."""
_ID = "event_id"
_IDENTITY = "identity."
_OUTSIDE = ("user", "event", "time", _ID)
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Writer(Protocol):
    """Takes batches of one schema."""

    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def writing(path: Path, schema: pa.Schema) -> Iterator[Writer]:
    """A writer of the format that the file's name says; the file appears once everything is written.

    Raises FieldError for another name, CallerError where the folder cannot be written, StorageFullError.
    """
    check_written(path)
    part = path.with_name(f".{path.name}.part")
    try:
        with when_full(path.parent, f"write {path}"):
            with (
                _open(part, path.name.endswith(".gz")) as stream,
                contextlib.closing(_writer(path, stream, schema)) as made,
            ):
                yield made
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_written(path: Path) -> None:
    """Raise CallerError where a file of events cannot be written, before anything is done for it."""
    if not path.name.endswith(FORMATS):
        raise FieldError("the file", str(path), f"a name that ends in {', '.join(FORMATS)}")
    check_replaced(path)


def check_replaced(path: Path) -> None:
    """Raise CallerError where no file can be put."""
    if not path.parent.is_dir():
        raise CallerError(f"{path.parent}: there is no such folder")
    if path.exists() and not path.is_file():
        raise CallerError(
            f"{path}: it is {'a folder' if path.is_dir() else 'no file'}, and cannot be replaced"
        )


def _open(path: Path, gzipped: bool) -> pa.NativeFile:
    try:
        return pa.output_stream(str(path), compression="gzip" if gzipped else None)
    except FileNotFoundError:
        raise CallerError(f"{path.parent}: there is no such folder") from None
    except PermissionError as fault:
        raise CallerError(f"{path.parent}: {fault.strerror or 'it cannot be written'}") from None


def _writer(path: Path, stream: pa.NativeFile, schema: pa.Schema) -> Writer:
    if path.name.endswith(".parquet"):
        return _Parquet(stream, schema)
    return _Ndjson(stream) if ".ndjson" in path.name else _Csv(stream, schema)


class _Parquet:
    """Batches are gathered into row groups: whoever reads them pays for every column of every group."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd")
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            table = pa.Table.from_batches(waiting, self._schema).unify_dictionaries()
            columns = [column.combine_chunks() for column in table.columns]
            self._writer.write_table(pa.table(columns, schema=self._schema))

    def close(self) -> None:
        self._flush()
        self._writer.close()


class _Csv:
    """Texts as they are, event ids as UUIDs; a value that is missing is an empty field."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        plain = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])
        self._writer = pacsv.CSVWriter(stream, plain)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [_plain(column) for column in batch.columns]
        self._writer.write_batch(pa.record_batch(columns, names=batch.schema.names))

    def close(self) -> None:
        self._writer.close()


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return kind
    return pa.string()


def _plain(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.dictionary_decode().cast(pa.string())
    if pa.types.is_fixed_size_binary(kind):
        return pa.array(
            [None if each is None else str(uuid.UUID(bytes=each)) for each in column.to_pylist()], pa.string()
        )
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
    return column.cast(_plain_type(kind))


class _Ndjson:
    """One object a line, in which `identities` and `properties` are objects of their own."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream

    def write(self, batch: pa.RecordBatch) -> None:
        lines: list[bytes] = [b""] * len(batch)
        for rows in _rows_by_event(batch):
            for row, line in zip(rows.tolist(), _lines(batch.take(pa.array(rows))), strict=True):
                lines[row] = line
        self._stream.write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """The stream is closed by who opened it."""


def _rows_by_event(batch: pa.RecordBatch) -> Iterator[Any]:
    """The rows of each event's name: those of one name have few of all properties, and the same ones."""
    if "event" not in batch.schema.names:
        yield np.arange(len(batch))
        return
    events = batch["event"]
    coded = events if pa.types.is_dictionary(events.type) else events.dictionary_encode()
    codes = np.asarray(coded.indices)
    for code in np.unique(codes):
        yield np.flatnonzero(codes == code)


def _lines(batch: pa.RecordBatch) -> Iterator[bytes]:
    used = [
        name
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if column.null_count < len(batch)
    ]
    outer = [name for name in used if name in _OUTSIDE]
    identities = [name for name in used if name.startswith(_IDENTITY)]
    inner = [name for name in used if name not in outer and name not in identities]
    columns = {name: _values(batch[name]) for name in used}
    for at in range(len(batch)):
        line: dict[str, Any] = {name: columns[name][at] for name in outer}
        if identities:
            line["identities"] = {
                name.removeprefix(_IDENTITY): columns[name][at]
                for name in identities
                if columns[name][at] is not None
            }
        line["properties"] = {name: columns[name][at] for name in inner if columns[name][at] is not None}
        yield _encode(line)


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_timestamp(kind):
        return _plain(column).to_pylist()  # type: ignore[no-any-return]
    return column.to_pylist()  # type: ignore[no-any-return]
