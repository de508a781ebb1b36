"""`EventLog` in SQLite: one process writes, any number read."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from xingji.adapters.sqlite_log.database import (
    NAME,
    PLAIN_BYTES,
    READ,
    entry_of,
    named_faults,
    open_for_reading,
    row_of,
)
from xingji.adapters.sqlite_log.writer import Writer
from xingji.model.errors import BusyError
from xingji.ports.event_log import LogEntry, RawBatch
from xingji.ports.local_file import make_folder

_LOCK = "writer.lock"
_TRIMMED_AT_ONCE = 200
"""Entries of one transaction of a trim or a rewriting: batches that wait are committed in between."""
_PAGES_AT_ONCE = 1_000


class SqliteLog:
    """The log in a folder; `writes`: as the one process that may submit, trim and rewrite."""

    def __init__(self, folder: Path, *, writes: bool) -> None:
        """Open the log, made where there is none and this process writes it.

        Raises:
            BusyError: another process writes it.
            DamagedFileError: the file is no database any more.
        """
        self._folder, self._path = folder, folder / NAME
        self._lock = _locked(folder) if writes else None
        self._writer = Writer(folder) if writes else None
        self._readers = threading.local()
        self._opened: list[sqlite3.Connection] = []

    def submit(self, batch: RawBatch) -> Future[int]:
        """See `EventLog`."""
        return self._own_writer().submit(batch)

    def read(self, after: int, most_bytes: int) -> list[LogEntry]:
        """See `EventLog`; with nothing new it is one look into an index."""
        found: list[LogEntry] = []
        size = 0
        for row in self._asked(READ, after):
            size += row[PLAIN_BYTES]
            if found and size > most_bytes:
                break
            found.append(entry_of(row, self._path))
        return found

    def last_offset(self) -> int:
        """See `EventLog`; known also when all entries are forgotten."""
        for (last,) in self._asked("SELECT seq FROM sqlite_sequence WHERE name = 'entry'"):
            return int(last)
        return 0

    def first_offset(self) -> int:
        """See `EventLog`."""
        for (first,) in self._asked('SELECT min("offset") FROM entry'):
            if first is not None:
                return int(first)
        return self.last_offset() + 1

    def trim(self, up_to: int) -> int:
        """See `EventLog`; in steps between which batches are committed."""
        freed = 0
        while True:
            sizes = [
                (offset, size)
                for offset, size in self._asked(
                    'SELECT "offset", plain_bytes FROM entry WHERE "offset" <= ? ORDER BY "offset" LIMIT ?',
                    up_to,
                    _TRIMMED_AT_ONCE,
                )
            ]
            if not sizes:
                return freed
            last = sizes[-1][0]
            self._own_writer().do(lambda database, last=last: _forget(database, last))  # type: ignore[misc]
            freed += sum(size for _, size in sizes)

    def rewrite(self, entries: Iterator[LogEntry]) -> None:
        """See `EventLog`."""
        for entry in entries:
            self._own_writer().do(lambda database, entry=entry: _replace(database, entry))  # type: ignore[misc]

    def close(self) -> None:
        """See `EventLog`."""
        if self._writer is not None:
            self._writer.close()
        for connection in self._opened:
            connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _own_writer(self) -> Writer:
        if self._writer is None:
            raise ValueError("this log was opened for reading")
        return self._writer

    def _asked(self, question: str, *values: int) -> Iterator[tuple[Any, ...]]:
        with named_faults(self._path):
            cursor = self._reader().execute(question, values)
            try:
                yield from cursor
            finally:
                cursor.close()  # a question left open would keep the database's own log from being emptied

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = open_for_reading(self._folder)
            self._opened.append(connection)
        return connection


def _locked(folder: Path) -> int:
    """A lock that dies with the process."""
    make_folder(folder)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode(errors="replace") or "unknown"
        os.close(handle)
        raise BusyError(f"the log in {folder}", f"process {holder}") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _forget(database: sqlite3.Connection, up_to: int) -> None:
    database.execute('DELETE FROM entry WHERE "offset" <= ?', (up_to,))
    database.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def _replace(database: sqlite3.Connection, entry: LogEntry) -> None:
    database.execute("PRAGMA secure_delete = 1")
    _, _, _, n_events, _, plain_bytes, is_packed, body = row_of(entry.batch)
    database.execute(
        'UPDATE entry SET n_events = ?, plain_bytes = ?, is_packed = ?, body = ? WHERE "offset" = ?',
        (n_events, plain_bytes, is_packed, body, entry.offset),
    )
