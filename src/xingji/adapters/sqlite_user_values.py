"""`UserValues` in SQLite: beside each user's properties, those from before the last lot that changed them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from xingji.adapters.sqlite_state import named_faults, opened, transaction
from xingji.model.errors import FieldError
from xingji.ports.user_values import Values

_SCHEMA = """
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY,
    lot INTEGER NOT NULL,
    now BLOB NOT NULL,
    before BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS standing (one INTEGER PRIMARY KEY CHECK (one = 1), lot INTEGER NOT NULL);
INSERT OR IGNORE INTO standing VALUES (1, 0);
"""
_BEFORE = """
SELECT user.name, CASE user.lot WHEN ?2 THEN user.before ELSE user.now END
FROM json_each(?1) AS asked JOIN user ON user.name = asked.value
"""
_KEEP = """
INSERT INTO user (name, lot, now) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET before = now, now = excluded.now, lot = excluded.lot
"""


class SqliteUserValues:
    """The properties of a project's users, in a database of its own, for one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the database, made where there is none.

        Raises:
            DamagedFileError: the file is no database any more.
        """
        self._path = path
        self._database = opened(path, _SCHEMA)

    @property
    def lot(self) -> int:
        """See `UserValues`."""
        with named_faults(self._path):
            return int(self._database.execute("SELECT lot FROM standing").fetchone()[0])

    def before(self, lot: int, users: Iterable[str]) -> dict[str, Values]:
        """See `UserValues`."""
        with named_faults(self._path):
            rows = self._database.execute(_BEFORE, (json.dumps(list(users)), lot)).fetchall()
        return {name: msgspec.json.decode(values) for name, values in rows if values is not None}

    def commit(self, lot: int, changed: Mapping[str, Values]) -> None:
        """See `UserValues`."""
        done = self.lot
        if lot < done:
            raise FieldError("lot", lot, f"{done}, the last one committed, or above")
        if lot == done:
            return
        rows = [(name, lot, msgspec.json.encode(values)) for name, values in changed.items()]
        with transaction(self._database, self._path) as database:
            database.executemany(_KEEP, rows)
            database.execute("UPDATE standing SET lot = ?", (lot,))

    def forget(self, users: Iterable[str]) -> None:
        """See `UserValues`."""
        with transaction(self._database, self._path) as database:
            database.executemany("DELETE FROM user WHERE name = ?", [(name,) for name in users])

    def close(self) -> None:
        """See `UserValues`."""
        self._database.close()
