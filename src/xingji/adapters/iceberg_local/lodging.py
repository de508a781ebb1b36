"""Lodgings: of which users rows may be stored under which others. Only writers ask; rows say so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from xingji.adapters.iceberg_local.merges import pairs_of
from xingji.ports.lake_store import Int64s, Pairs

_AT_ONCE = 50_000
_OF = """
SELECT l.user, l.place FROM json_each(?) AS asked CROSS JOIN lake_lodging AS l ON l.user = asked.value
"""
_UNDER = """
SELECT l.user, l.place FROM json_each(?) AS asked CROSS JOIN lake_lodging AS l ON l.place = asked.value
"""


def of_users(connection: sqlite3.Connection, user_ids: Int64s) -> Pairs:
    """The lodgings (user, place) of users."""
    return pairs_of(connection.execute(_OF, (json.dumps(user_ids.tolist()),)).fetchall())


def under_places(connection: sqlite3.Connection, places: Int64s) -> Pairs:
    """The lodgings (user, place) under users."""
    return pairs_of(connection.execute(_UNDER, (json.dumps(places.tolist()),)).fetchall())


def add(connection: sqlite3.Connection, lodgings: Pairs) -> None:
    """Note lodgings; those known stay."""
    connection.executemany("INSERT OR IGNORE INTO lake_lodging VALUES (?, ?)", _rows(lodgings))


def remove(connection: sqlite3.Connection, lodgings: Pairs) -> None:
    """End lodgings."""
    connection.executemany("DELETE FROM lake_lodging WHERE user = ? AND place = ?", _rows(lodgings))


def forget(connection: sqlite3.Connection, user_ids: Sequence[int]) -> None:
    """Drop the lodgings of users; others may still lodge under them."""
    connection.execute(
        "DELETE FROM lake_lodging WHERE user IN (SELECT value FROM json_each(?))",
        (json.dumps(list(user_ids)),),
    )


def _rows(lodgings: Pairs) -> Iterator[list[int]]:
    """The pairs as plain numbers, without all of them in memory at once."""
    for at in range(0, len(lodgings), _AT_ONCE):
        yield from lodgings[at : at + _AT_ONCE].tolist()
