"""Who was merged into whom, version by version, so that whoever reads an older one sees what held in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from xingji.ports.lake_store import Int64s, Merge, Pairs

NEWEST = (1 << 63) - 1
_HELD = "m.since <= :number AND (m.until IS NULL OR m.until > :number)"
# CROSS JOIN keeps SQLite from walking all merges for the few users that are asked for. UNION makes a chain
# that many of them share be walked once.
_UP = f"""
WITH RECURSIVE up(user, survivor) AS (
    SELECT m.user, m.survivor FROM json_each(:users) AS asked
    CROSS JOIN lake_merge AS m ON m.user = asked.value AND {_HELD}
    UNION
    SELECT m.user, m.survivor FROM up CROSS JOIN lake_merge AS m ON m.user = up.survivor AND {_HELD}
)
SELECT user, survivor FROM up
"""  # noqa: S608
_DOWN = """
WITH RECURSIVE down(user, survivor) AS (
    SELECT m.user, m.survivor FROM json_each(:users) AS asked
    CROSS JOIN lake_merge AS m ON m.survivor = asked.value AND m.until IS NULL
    UNION
    SELECT m.user, m.survivor FROM down
    CROSS JOIN lake_merge AS m ON m.survivor = down.user AND m.until IS NULL
)
SELECT user, survivor FROM down
"""
_END = "UPDATE lake_merge SET until = ? WHERE until IS NULL AND user IN (SELECT value FROM json_each(?))"
_FORGET = """
DELETE FROM lake_merge WHERE user IN (SELECT value FROM json_each(:users))
OR survivor IN (SELECT value FROM json_each(:users))
"""


def above(connection: sqlite3.Connection, user_ids: Int64s, number: int | None) -> Pairs:
    """The merges of users, of their survivors, and so on, in a version (None: the newest)."""
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM lake_merge)").fetchone()[0]:
        return pairs_of([])
    asked = {"users": json.dumps(user_ids.tolist()), "number": NEWEST if number is None else number}
    return pairs_of(connection.execute(_UP, asked).fetchall())


def under(connection: sqlite3.Connection, user_ids: Int64s) -> Pairs:
    """The merges into users, into those who were absorbed, and so on, in the newest version."""
    return pairs_of(connection.execute(_DOWN, {"users": json.dumps(user_ids.tolist())}).fetchall())


def pairs_of(rows: Sequence[tuple[int, int]]) -> Pairs:
    """Rows of two users as an array."""
    return np.array(rows, np.int64).reshape(-1, 2)


def begin(connection: sqlite3.Connection, number: int, merges: Iterable[Merge]) -> None:
    """Merges that hold from a version on."""
    rows = ((merge.absorbed, merge.survivor, merge.seq, number) for merge in merges)
    connection.executemany("INSERT INTO lake_merge (user, survivor, seq, since) VALUES (?, ?, ?, ?)", rows)


def end(connection: sqlite3.Connection, number: int, user_ids: Sequence[int]) -> None:
    """End the merges of users with the version before."""
    if user_ids:
        connection.execute(_END, (number, json.dumps(user_ids)))


def prune(connection: sqlite3.Connection) -> None:
    """Drop the merges that hold in no version that somebody could still read."""
    connection.execute("DELETE FROM lake_merge WHERE until <= (SELECT MIN(number) FROM lake_version)")


def forget(connection: sqlite3.Connection, user_ids: Sequence[int]) -> None:
    """Drop users, also from versions that are past."""
    if user_ids:
        connection.execute(_FORGET, {"users": json.dumps(user_ids)})
