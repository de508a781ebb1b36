"""Removing persons for good: deleted pages are overwritten, and the database's own log is emptied."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

from xingji.adapters.sqlite_identity.packed import digest_of
from xingji.adapters.sqlite_identity.rows import node_row
from xingji.model.errors import TransientError
from xingji.ports.identity_store import Node


class UnemptiedLogError(TransientError):
    """What was deleted is still in the log of a database."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: what was erased is still in its log, since somebody reads it; erase again")


def erase(database: sqlite3.Connection, names: Mapping[int, str], acts: Iterable[int]) -> None:
    """Delete nodes by number and name, their persons, and acts. The connection deletes securely."""
    numbers = [(number,) for number in names]
    database.executemany("DELETE FROM person WHERE root = ?", numbers)
    database.executemany("DELETE FROM node WHERE number = ?", numbers)
    database.executemany("DELETE FROM id WHERE digest = ?", [(digest_of(name),) for name in names.values()])
    database.executemany("DELETE FROM denied WHERE name = ?", [(name,) for name in names.values()])
    database.executemany("DELETE FROM act WHERE number = ?", [(number,) for number in acts])


def forget_met(database: sqlite3.Connection, left: Mapping[str, tuple[int, ...]]) -> None:
    """Put what nodes have met without those who are gone."""
    rows = [node_row(Node(name, 0, met)) for name, met in left.items()]
    database.executemany("UPDATE id SET met = ?2 WHERE digest = ?1", [(row[0], row[2]) for row in rows])


def empty_log(database: sqlite3.Connection, path: Path) -> None:
    """Write what was deleted over in the database's file, and leave nothing in its write-ahead log.

    Raises:
        UnemptiedLogError: somebody reads what was there before.
    """
    # A checkpoint that could not be finished is no error of SQLite's: it says so in its row alone.
    is_busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise UnemptiedLogError(path)
