"""Removing persons for good: deleted pages are overwritten, and the database's own log is emptied."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from xingji.adapters.sqlite_identity.packed import digest_of
from xingji.adapters.sqlite_identity.rows import node_row
from xingji.ports.identity_store import Node


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
