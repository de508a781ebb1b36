"""Loading a file into a lake, once: what was stored of it is known by what it holds, not by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from xingji.adapters.processes import ProcessRunner
from xingji.app.event_files import Reading
from xingji.app.terminal import Terminal
from xingji.govern.files.block import EventBlock
from xingji.govern.files.pieces import DECODING
from xingji.govern.files.reading import read_events, worth_processes
from xingji.govern.files.refusal import Refusal, Refusals
from xingji.lake.bulk_import import Import, session_name
from xingji.lake.fitting import type_named, type_text
from xingji.lake.lake import Lake
from xingji.model.errors import CallerError, InputError
from xingji.model.event_table import EVENT, EVENT_ID, PREFIX
from xingji.ports.batch_runner import BatchRunner
from xingji.ports.lake_store import Subject

_PIECE_BYTES = 1 << 22
_BLOCK_ROWS = 1 << 16
"""Read and typed at a time; more would have the memory of wide files cleared again and again."""

_MOST_DECODERS = 4
"""More would wait for what is done with the events in this process."""


class FileProgress(msgspec.Struct, frozen=True):
    """How far a file has been read: rows of it, what was refused, and the types its properties were given."""

    rows_read: int = 0
    refused: dict[str, int] = {}
    examples: list[tuple[int, str, str]] = []
    types: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: `stored` events or user changes, `repeated` ones that were there already.

    `known`: the whole file had been loaded before. `resumed_at`: the row after which an interrupted import
    went on, or 0.
    """

    path: Path
    stored: int
    repeated: int
    refused: Refusals
    known: bool = False
    resumed_at: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the file held no row at all."""
        return not (self.known or self.stored or self.repeated or self.refused.total)


class _EmptyFile(Exception):
    """There is nothing to store, and nothing to know again: an empty file is like any other."""


Take = Callable[[Import, pa.Table, int, Any], None]
"""Hands a table of a file to its import, with the file's rows before it and how far it has been read."""


def import_events(lake: Lake, path: Path, reading: Reading, threads: int, terminal: Terminal) -> Outcome:
    """Store the events of a file; a file that was stored before, under whatever name, adds nothing.

    Raises InputError for a file that cannot be read to its end, of which nothing is stored then.
    """

    def take(work: Import, table: pa.Table, first_row: int, note: Any) -> None:
        work.add(events=with_all_ids(table, import_id, first_row), note=note)

    with _decoders(path, reading, threads) as runner:
        import_id = _import_id("events", path, reading, terminal)
        return _import(lake, path, reading, import_id, take, Subject.EVENT, threads, terminal, runner)


def import_users(lake: Lake, path: Path, reading: Reading, threads: int, terminal: Terminal) -> Outcome:
    """Store a file of user properties: `user`, `time` since when they hold, a column for each property."""

    def take(work: Import, table: pa.Table, first_row: int, note: Any) -> None:
        work.add(users=table.drop_columns([EVENT]), note=note)

    import_id = _import_id("users", path, reading, terminal)
    return _import(lake, path, reading, import_id, take, Subject.USER, threads, terminal)


def _import(
    lake: Lake,
    path: Path,
    reading: Reading,
    import_id: str,
    take: Take,
    subject: Subject,
    threads: int,
    terminal: Terminal,
    runner: BatchRunner | None = None,
) -> Outcome:
    try:
        with lake.begin_import(import_id, threads) as work:
            if work.is_done:
                return Outcome(path, 0, 0, Refusals(), known=True)
            begun = _progress_of(work, lake, subject, reading)
            read, n_rows = begun, 0
            with terminal.progress(f"Reading {path.name}", path.stat().st_size, "bytes") as advance:
                for block in _blocks(path, reading, begun, runner):
                    first_row, read = read.rows_read, _after(read, block)
                    take(work, block.table, first_row, msgspec.to_builtins(read))
                    n_rows += len(block.table)
                    advance(block.bytes_read)
            if not (n_rows or begun.rows_read or read.refused):
                raise _EmptyFile
            with terminal.progress(f"Storing {path.name}", None, "files") as advance:
                done = work.finish(lambda built, _: advance(built))
    except _EmptyFile:
        _forget(lake, import_id)
        return Outcome(path, 0, 0, Refusals())
    except CallerError:
        _forget(lake, import_id)
        raise
    refused = Refusals(read.refused, _examples(read))
    stored = done.events + done.user_changes
    return Outcome(path, stored, done.repeated_events, refused, resumed_at=begun.rows_read)


@contextmanager
def _decoders(path: Path, reading: Reading, threads: int) -> Iterator[BatchRunner | None]:
    """Processes that decode a file's lines, where it is long and more than one core is allowed."""
    if threads == 1 or not worth_processes(path, reading.options):
        yield None
        return
    with ProcessRunner(min(threads, _MOST_DECODERS), [DECODING]) as runner:
        yield runner


def _blocks(
    path: Path, reading: Reading, begun: FileProgress, runner: BatchRunner | None
) -> Iterator[EventBlock]:
    types = {name: type_named(kind) for name, kind in begun.types.items()}
    return read_events(
        path,
        reading.mapping,
        options=reading.options,
        block_rows=_BLOCK_ROWS,
        property_types=types,
        skip_rows=begun.rows_read,
        runner=runner,
    )


def _progress_of(work: Import, lake: Lake, subject: Subject, reading: Reading) -> FileProgress:
    """Where an import that was interrupted goes on; a new one gives properties the types the lake has."""
    if work.note is not None:
        return msgspec.convert(work.note, FileProgress)
    known = {p.name: p.type for p in lake.store.version().columns(subject).values()}
    for name, kind in reading.property_types().items():
        if known.setdefault(name, type_text(kind)) != type_text(kind):
            raise CallerError(f"--type {name} differs from what the lake holds it as, {known[name]}")
    return FileProgress(types=known)


def _after(read: FileProgress, block: EventBlock) -> FileProgress:
    refused = Refusals(read.refused, _examples(read)) + block.refused
    types = dict(read.types)
    for column in block.table.schema:
        if column.name.startswith(PREFIX):
            types.setdefault(column.name.removeprefix(PREFIX), type_text(column.type))
    examples = [(one.number, one.reason, one.excerpt) for one in refused.examples]
    return FileProgress(block.rows_read, dict(refused.counts), examples, types)


def _examples(read: FileProgress) -> tuple[Refusal, ...]:
    return tuple(Refusal(*example) for example in read.examples)


def _forget(lake: Lake, import_id: str) -> None:
    """Drop what was read of a file that turned out to be at fault: mended, it is another file."""
    lake.store.session(session_name(import_id)).end()


def with_all_ids(table: pa.Table, seed: str, first_row: int) -> pa.Table:
    """An event table in which rows without an id get one, made of `seed` and their number.

    A table without any ids stays as it is: the lake makes them all.
    """
    if EVENT_ID not in table.schema.names or not table[EVENT_ID].null_count:
        return table
    ids = table[EVENT_ID].combine_chunks().cast(pa.binary())
    words = np.empty((table.num_rows, 2), ">u8")
    words[:, 0] = xxhash.xxh3_64_intdigest(seed.encode())
    words[:, 1] = np.arange(first_row, first_row + table.num_rows, dtype=np.uint64)
    made = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(words), [None, pa.py_buffer(words)])
    filled = pc.coalesce(ids, made.cast(pa.binary())).cast(pa.binary(16))
    return table.set_column(table.schema.get_field_index(EVENT_ID), EVENT_ID, filled)


def _import_id(what: str, path: Path, reading: Reading, terminal: Terminal) -> str:
    """The identity of what a file says: its contents, and how they are read."""
    digest = xxhash.xxh3_128()
    try:
        with path.open("rb") as file, terminal.progress(f"Looking at {path.name}", None, "bytes") as advance:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                advance(file.tell())
    except OSError as fault:
        raise InputError(str(path), f"it cannot be read: {fault.strerror or fault}") from None
    digest.update(repr(reading).encode())
    return f"{what} {digest.hexdigest()}"
