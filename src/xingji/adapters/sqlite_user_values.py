"""`UserValues` in SQLite: beside each user's properties, those from before the last lot that changed them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import msgspec

from xingji.adapters.lot_keeper import LotKeeper
from xingji.adapters.sqlite_state import empty_log, transaction
from xingji.ports.user_values import Values

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY,
    lot INTEGER NOT NULL,
    now BLOB NOT NULL,
    before BLOB
) WITHOUT ROWID;
"""
_BEFORE = """
SELECT user.name, CASE user.lot WHEN ?2 THEN user.before ELSE user.now END
FROM json_each(?1) AS asked JOIN user ON user.name = asked.value
"""
_KEEP = """
INSERT INTO user (name, lot, now) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET before = now, now = excluded.now, lot = excluded.lot
"""


class SqliteUserValues(LotKeeper):
    """The properties of a project's users, in a database of its own, for one process at a time."""

    schema = _SCHEMA

    def before(self, lot: int, users: Iterable[str]) -> dict[str, Values]:
        """See `UserValues`."""
        rows = self._asked(_BEFORE, json.dumps(list(users)), lot)
        return {name: msgspec.json.decode(values) for name, values in rows if values is not None}

    def commit(self, lot: int, changed: Mapping[str, Values]) -> None:
        """See `UserValues`."""
        rows = [(name, lot, msgspec.json.encode(values)) for name, values in changed.items()]
        self._commit(lot, lambda database: database.executemany(_KEEP, rows))

    def forget(self, users: Iterable[str]) -> None:
        """See `UserValues`."""
        with transaction(self._database, self._path) as database:
            database.executemany("DELETE FROM user WHERE name = ?", [(name,) for name in users])
        empty_log(self._database, self._path)
