"""Databases of state that is kept lot by lot: how they are opened, changed, and their faults named."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from xingji.model.errors import DamagedFileError, StorageFullError, TransientError
from xingji.ports.local_file import make_folder, sync_folder

_BUSY_SECONDS = 10.0


class UnwritableError(TransientError):
    """A database cannot be written at the moment."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}; nothing was changed, try again")


class UnemptiedLogError(TransientError):
    """What was deleted is still in the log of a database."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: what was erased is still in its log, since somebody reads it; erase again")


def opened(path: Path, schema: str) -> sqlite3.Connection:
    """A database in WAL mode, made durably where there is none; a commit is on the disk when it returns."""
    make_folder(path.parent)
    is_new = not path.exists()
    with named_faults(path):
        database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.executescript(schema)
    if is_new:
        os.chmod(path, 0o600)
        sync_folder(path.parent)
    return database


@contextmanager
def transaction(database: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """All of a block or nothing of it."""
    with named_faults(path):
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


@contextmanager
def named_faults(
    path: Path,
    wanted: str = "keep what is new",
    may_pass: Callable[[Path, str], TransientError] = UnwritableError,
) -> Iterator[None]:
    """Turn SQLite's errors into ours: a full disk, a damaged file, or something that may pass.

    `wanted`: what there was no room for; `may_pass`: makes the last of a path and a reason.
    """
    try:
        yield
    except sqlite3.Error as fault:
        name = getattr(fault, "sqlite_errorname", "")
        if name.startswith("SQLITE_FULL"):
            raise StorageFullError(str(path.parent), wanted) from fault
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise DamagedFileError(str(path), str(fault)) from fault
        raise may_pass(path, f"{fault} ({name or type(fault).__name__})") from fault


def empty_log(database: sqlite3.Connection, path: Path) -> None:
    """Write what was deleted over in the database's file, and leave nothing in its write-ahead log.

    Raises:
        UnemptiedLogError: somebody reads what was there before.
    """
    # A checkpoint that could not be finished is no error of SQLite's: it says so in its row alone.
    with named_faults(path):
        is_busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise UnemptiedLogError(path)
