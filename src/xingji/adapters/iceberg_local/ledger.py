"""The lake's own rows in the catalogue database: versions, batches, names, properties, settings."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from threading import RLock

from xingji.adapters.iceberg_local import lodging, merges, registry
from xingji.adapters.iceberg_local.catalog import NAME, NAMESPACE, Staged, set_pragmas
from xingji.model.errors import BusyError, DamagedFileError, StorageFullError
from xingji.ports.lake_store import CommitConflictError, LakeChange, LakeTable, Property, Subject

BUCKETS, NEXT_SEQ = "buckets", "next_seq"
ManifestLists = dict[LakeTable, str | None]


class Ledger:
    """One connection to the catalogue database, used by one thread at a time."""

    def __init__(self, database: Path) -> None:
        self._mine, self._database = RLock(), database
        self._connection = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        with translated(database):
            set_pragmas(self._connection)
            self._connection.executescript((files(__package__) / "schema.sql").read_text())

    def close(self) -> None:
        with self._mine:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the database for several reads."""
        with self._mine, translated(self._database):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block, durably, or nothing."""
        with self._mine, translated(self._database):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def shrink(self) -> None:
        """Leave nothing of what was deleted in the write-ahead log."""
        with self._mine, translated(self._database):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def translated(database: Path) -> Iterator[None]:
    """SQLite's errors as ours.

    Raises:
        StorageFullError: the disk has no room.
        BusyError: another process has been writing for too long.
        DamagedFileError: the file is no database any more.
        PermissionError: it may not be opened or written.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise StorageFullError(str(database.parent), f"write {database.name} ({error})") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise BusyError(f"the catalogue {database}", "another process that writes") from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise PermissionError(errno.EACCES, str(error), str(database)) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise DamagedFileError(str(database), str(error)) from error
        raise


def setting(connection: sqlite3.Connection, name: str) -> int | None:
    """A setting's value."""
    row = connection.execute("SELECT value FROM lake_setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else int(row[0])


def put_settings(connection: sqlite3.Connection, **values: int) -> None:
    """Settings that are not there yet."""
    connection.executemany("INSERT OR IGNORE INTO lake_setting VALUES (?, ?)", values.items())


def reserve_seq(connection: sqlite3.Connection, n: int) -> int:
    """Take `n` places in log order; gives the first."""
    statement = "UPDATE lake_setting SET value = value + ? WHERE name = ? RETURNING value - ?"
    return int(connection.execute(statement, (n, NEXT_SEQ, n)).fetchone()[0])


def newest(connection: sqlite3.Connection) -> int:
    """The number of the newest version."""
    return int(connection.execute("SELECT MAX(number) FROM lake_version").fetchone()[0])


def manifest_lists(connection: sqlite3.Connection, number: int) -> ManifestLists | None:
    """The snapshots of a version; None when it has expired."""
    row = connection.execute(
        "SELECT manifest_lists FROM lake_version WHERE number = ? AND NOT expired", (number,)
    ).fetchone()
    return None if row is None else _lists(row[0])


def event_names(connection: sqlite3.Connection, number: int) -> tuple[str, ...]:
    """The names by code, as of a version."""
    statement = "SELECT name FROM lake_event_name WHERE version <= ? ORDER BY code"
    return tuple(row[0] for row in connection.execute(statement, (number,)))


def properties(connection: sqlite3.Connection, number: int) -> tuple[Property, ...]:
    """The properties seen up to a version."""
    statement = "SELECT subject, name, type, field_id FROM lake_property WHERE version <= ? ORDER BY place"
    return tuple(
        Property(Subject(subject), name, kind, field_id)
        for subject, name, kind, field_id in connection.execute(statement, (number,))
    )


def is_batch_known(connection: sqlite3.Connection, batch_id: str) -> bool:
    """Whether a batch was committed."""
    statement = "SELECT 1 FROM lake_batch WHERE batch_id = ?"
    return connection.execute(statement, (batch_id,)).fetchone() is not None


def pointers(connection: sqlite3.Connection) -> dict[LakeTable, str]:
    """Where the metadata of each table is."""
    statement = (
        "SELECT table_name, metadata_location FROM iceberg_tables "
        "WHERE catalog_name = ? AND table_namespace = ?"
    )
    rows = connection.execute(statement, (NAME, NAMESPACE))
    return {LakeTable(table): location for table, location in rows}


def move_pointers(connection: sqlite3.Connection, batch_id: str, staged: Sequence[Staged]) -> None:
    """Publish prepared metadata of tables, if nobody else has in between."""
    for table in staged:
        if table.before is None:
            connection.execute(
                "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
                "iceberg_type) VALUES (?, ?, ?, ?, 'TABLE')",
                (NAME, NAMESPACE, table.table, table.after),
            )
            continue
        moved = connection.execute(
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? "
            "WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?",
            (table.after, table.before, NAME, NAMESPACE, table.table, table.before),
        )
        if moved.rowcount != 1:
            raise CommitConflictError(batch_id, f"another writer committed to {table.table}")


def add_version(
    connection: sqlite3.Connection, number: int, batch_id: str, lists: ManifestLists, now_ms: int
) -> None:
    """A new version row, which supersedes the one before."""
    connection.execute("UPDATE lake_version SET superseded_ms = ? WHERE number = ?", (now_ms, number - 1))
    connection.execute(
        "INSERT INTO lake_version (number, batch_id, manifest_lists) VALUES (?, ?, ?)",
        (number, batch_id, json.dumps(lists)),
    )
    connection.execute("INSERT INTO lake_batch VALUES (?, ?)", (batch_id, number))


def add_words(connection: sqlite3.Connection, number: int, change: LakeChange) -> None:
    """The names, properties, merges and users of a change."""
    (code,) = connection.execute("SELECT COUNT(*) FROM lake_event_name").fetchone()
    rows = [(code + at, name, number) for at, name in enumerate(change.event_names)]
    connection.executemany("INSERT INTO lake_event_name VALUES (?, ?, ?)", rows)
    connection.executemany(
        "INSERT OR IGNORE INTO lake_property (subject, name, type, field_id, version) VALUES (?, ?, ?, ?, ?)",
        [(p.subject, p.name, p.type, p.field_id, number) for p in (*change.columns, *change.properties)],
    )
    merges.end(connection, number, [*change.unmerged, *(merge.absorbed for merge in change.merges)])
    merges.begin(connection, number, change.merges)
    lodging.remove(connection, change.vacated)
    lodging.add(connection, change.lodged)
    for forget in (registry.forget, merges.forget, lodging.forget):
        forget(connection, change.forget)


def expire(connection: sqlite3.Connection, before_ms: int) -> dict[int, ManifestLists]:
    """Mark the versions superseded before an instant; gives all that are marked and not yet dropped."""
    connection.execute("UPDATE lake_version SET expired = 1 WHERE superseded_ms <= ?", (before_ms,))
    rows = connection.execute("SELECT number, manifest_lists FROM lake_version WHERE expired")
    return {number: _lists(text) for number, text in rows}


def valid_manifest_lists(connection: sqlite3.Connection) -> list[ManifestLists]:
    """The snapshots of every version that readers may still pin."""
    rows = connection.execute("SELECT manifest_lists FROM lake_version WHERE NOT expired")
    return [_lists(text) for (text,) in rows]


def _lists(text: str) -> ManifestLists:
    return {LakeTable(table): path for table, path in json.loads(text).items()}
