"""The registry of users: numbers for names, in order of first sight, never given twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from xingji.ports.lake_store import Int64s

_FIND = """
SELECT COALESCE(user.survivor, user.id, 0) FROM json_each(?) AS asked
LEFT JOIN lake_user AS user ON user.name = asked.value ORDER BY asked.key
"""
_NAMES = """
SELECT COALESCE(user.name, '') FROM json_each(?) AS asked
LEFT JOIN lake_user AS user ON user.id = asked.value ORDER BY asked.key
"""
_BOUND = "SELECT id FROM lake_user WHERE survivor IN (SELECT value FROM json_each(?)) ORDER BY id"
NEXT_USER = "next_user"


def find(connection: sqlite3.Connection, names: Sequence[str]) -> Int64s:
    """The ids of users by name, 0 where unknown."""
    rows = connection.execute(_FIND, (json.dumps(list(names)),)).fetchall()
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


def names_of(connection: sqlite3.Connection, user_ids: Int64s) -> list[str]:
    """The names of users by id."""
    return [row[0] for row in connection.execute(_NAMES, (json.dumps(user_ids.tolist()),))]


def assign(connection: sqlite3.Connection, names: Sequence[str]) -> Int64s:
    """The ids of users by name; the next numbers go to names that have none (in the caller's transaction)."""
    ids = find(connection, names)
    unknown = np.flatnonzero(ids == 0).tolist()
    fresh = dict.fromkeys(names[at] for at in unknown)
    if not fresh:
        return ids
    (first,) = connection.execute(
        "UPDATE lake_setting SET value = value + ? WHERE name = ? RETURNING value - ?",
        (len(fresh), NEXT_USER, len(fresh)),
    ).fetchone()
    given = {name: first + at for at, name in enumerate(fresh)}
    connection.executemany("INSERT INTO lake_user (name, id) VALUES (?, ?)", given.items())
    ids[unknown] = [given[names[at]] for at in unknown]
    return ids


def bound_to(connection: sqlite3.Connection, user_ids: Sequence[int]) -> list[int]:
    """The users whose names lead to one of these for good."""
    return [row[0] for row in connection.execute(_BOUND, (json.dumps(list(user_ids)),))]


def forget(connection: sqlite3.Connection, user_ids: Iterable[int]) -> None:
    """Drop users; their numbers are not given again."""
    connection.executemany("DELETE FROM lake_user WHERE id = ?", ((user,) for user in user_ids))
