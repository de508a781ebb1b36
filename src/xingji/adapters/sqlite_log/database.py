"""The log's database: how it is opened, how its faults are named, and how an entry is a row."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import zstandard

from xingji.adapters import sqlite_state
from xingji.model.errors import DamagedFileError, TransientError
from xingji.ports.event_log import Form, LogEntry, RawBatch
from xingji.ports.local_file import make_folder, sync_folder

NAME = "log.db"
INSERT = """
INSERT INTO entry (project, form, received_us, n_events, key_id, plain_bytes, is_packed, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
READ = """
SELECT "offset", project, form, received_us, n_events, key_id, plain_bytes, is_packed, body
FROM entry WHERE "offset" > ? ORDER BY "offset"
"""
PLAIN_BYTES = 6
"""The place in a row of what its body takes once it is unpacked."""
_LEVEL = 1
"""zstd's quickest: JSON becomes a sixth of its size, and the writer has no time for more."""
_WORTH_PACKING_BYTES = 512
_WAL_BYTES = 64 << 20
_BUSY_SECONDS = 10.0
Row = tuple[Any, ...]


class LogUnavailableError(TransientError):
    """The log's database cannot be written at the moment."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}; nothing of the batch was kept, try again")


named_faults = partial(sqlite_state.named_faults, wanted="keep what was sent", may_pass=LogUnavailableError)
"""See `sqlite_state.named_faults`."""


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """The database of a folder, made where there is none; a commit is on the disk when it returns."""
    make_folder(folder)
    path = folder / NAME
    is_new = not path.exists()
    with named_faults(path):
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded by a new database only
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        connection.executescript(files(__package__).joinpath("schema.sql").read_text())
    if is_new:
        os.chmod(path, 0o600)
        sync_folder(folder)
    return connection


def open_for_reading(folder: Path) -> sqlite3.Connection:
    """A connection that sees what is committed and cannot write."""
    with named_faults(folder / NAME):
        connection = sqlite3.connect(
            f"{(folder / NAME).as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        connection.execute("PRAGMA query_only = 1")
        return connection


def row_of(batch: RawBatch) -> Row:
    """A batch as the database keeps it, packed where that is smaller."""
    packed = batch.body
    if len(packed) >= _WORTH_PACKING_BYTES:
        packed = zstandard.ZstdCompressor(level=_LEVEL).compress(batch.body)
    is_packed = len(packed) < len(batch.body)
    kept = packed if is_packed else batch.body
    return (
        batch.project, batch.form.value, batch.received_us, batch.n_events, batch.key_id, len(batch.body),
        is_packed, kept,
    )  # fmt: skip


def entry_of(row: Row, path: Path) -> LogEntry:
    """What a row of COLUMNS holds.

    Raises:
        DamagedFileError: its body cannot be unpacked, or is not as long as it was.
    """
    offset, project, form, received_us, n_events, key_id, plain_bytes, is_packed, body = row
    try:
        plain = zstandard.ZstdDecompressor().decompress(body, plain_bytes) if is_packed else body
    except zstandard.ZstdError as fault:
        raise DamagedFileError(str(path), f"entry {offset}: {fault}") from fault
    if len(plain) != plain_bytes:
        raise DamagedFileError(str(path), f"entry {offset} has {len(plain)} bytes in place of {plain_bytes}")
    return LogEntry(offset, RawBatch(project, Form(form), received_us, plain, n_events, key_id))
