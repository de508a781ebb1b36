"""Chunks of lines turned into event tables, in their order: here, or spread over other processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from xingji.govern.files.column_types import ColumnTypes
from xingji.govern.files.lines import LineChunk, LineReader
from xingji.govern.files.ndjson import NdjsonDecoder, NdjsonForm
from xingji.govern.files.refusal import Refusals, RefusalTally
from xingji.model.errors import InputError
from xingji.ports.batch_runner import BatchRunner

DECODING = __name__
"""The module that a process needs for decoding."""
Decode = Callable[[LineChunk, RefusalTally], pa.Table]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The events of a chunk, and its lines that are none."""

    chunk: LineChunk
    table: pa.Table
    refused: Refusals


class Chunks:
    """The chunks of a file, none of which crosses from one block to the next."""

    def __init__(self, lines: LineReader, block_rows: int) -> None:
        self._lines, self._block_rows, self._before = lines, block_rows, lines.n_lines
        self.fault: InputError | None = None
        """What ended them before the end of the file."""

    def __iter__(self) -> Iterator[LineChunk]:
        while True:
            try:
                chunk = self._lines.take(self._block_rows - self._rows() % self._block_rows)
            except InputError as fault:
                self.fault = fault
                return
            if chunk is None:
                return
            yield chunk

    def _rows(self) -> int:
        return self._lines.n_lines - self._before


def decoded_here(decode: Decode, chunks: Iterator[LineChunk]) -> Iterator[Decoded]:
    """The events of chunks, one after the other."""
    for chunk in chunks:
        tally = RefusalTally()
        table = decode(chunk, tally)
        yield Decoded(chunk, table, tally.refusals())


def decoded_apart(
    decoder: NdjsonDecoder, form: NdjsonForm, runner: BatchRunner, chunks: Iterator[LineChunk]
) -> Iterator[Decoded]:
    """The events of chunks, decoded by a runner's processes, just as if it had been done here.

    Types are decided in the order of the file: a chunk sees those decided before it was sent. Where it then
    decides otherwise than the chunks before it, which were still under way, it is decoded again.
    """
    types, sent = decoder.types, deque[LineChunk]()
    # Most properties are in the first chunk; and the processes may still be starting.
    yield from decoded_here(decoder.table, islice(chunks, 1))

    def pieces() -> Iterator[_Piece]:
        for chunk in chunks:
            sent.append(chunk)
            yield _Piece(chunk, types.known())

    for found in runner.map(_Apart(form), pieces()):
        chunk = sent.popleft()
        if types.adopt(found.decisions):
            yield Decoded(chunk, pa.ipc.open_stream(found.table).read_all(), found.refused)
        else:
            yield from decoded_here(decoder.table, iter([chunk]))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk, and the types known when it was sent."""

    chunk: LineChunk
    types: dict[str, pa.DataType]


@dataclass(frozen=True, slots=True)
class _Found:
    """The events of a piece as an Arrow stream, and the types that it decided."""

    table: bytes | bytearray
    refused: Refusals
    decisions: dict[str, pa.DataType | None]


class _Apart:
    """The task of a process: what it learns of a file's keys stays from piece to piece."""

    def __init__(self, form: NdjsonForm) -> None:
        self._form = form
        self._decoder: NdjsonDecoder | None = None

    def __call__(self, piece: _Piece) -> _Found:
        """Decode a piece."""
        types = ColumnTypes(piece.types)
        if self._decoder is None:
            self._decoder = NdjsonDecoder(self._form, types)
        self._decoder.types = types
        tally = RefusalTally()
        table = self._decoder.table(piece.chunk, tally)
        return _Found(_stream_of(table), tally.refusals(), types.decisions)


def _stream_of(table: pa.Table) -> bytearray:
    """A table as an Arrow stream; written twice, for a buffer that grows is copied again and again."""
    size = pa.MockOutputStream()
    _write(table, size)
    content = bytearray(size.size())
    _write(table, pa.FixedSizeBufferWriter(pa.py_buffer(content)))
    return content


def _write(table: pa.Table, sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
