"""`Ledger` in SQLite: a row for each minute, fate and reason."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from xingji.adapters.lot_keeper import LotKeeper
from xingji.ports.ledger import Fate, Line

_SCHEMA = """
CREATE TABLE IF NOT EXISTS line (
    minute INTEGER NOT NULL,
    fate TEXT NOT NULL,
    reason TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (minute, fate, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (fate TEXT PRIMARY KEY, events INTEGER NOT NULL) WITHOUT ROWID;
"""
_ADD = """
INSERT INTO line VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET events = events + excluded.events
"""
_ADD_TOTAL = "INSERT INTO total VALUES (?, ?) ON CONFLICT DO UPDATE SET events = events + excluded.events"
_COUNTS = """
SELECT minute, fate, reason, events FROM line WHERE minute >= ? AND minute < ? AND events <> 0
ORDER BY minute, fate, reason
"""


class SqliteLedger(LotKeeper):
    """The ledger of a project, in a database of its own; one process counts, any may read."""

    schema = _SCHEMA
    lots_are = "counted"

    def commit(self, lot: int, counts: Mapping[Line, int]) -> None:
        """See `Ledger`."""

        def add(database: sqlite3.Connection) -> None:
            database.executemany(_ADD, [(*line, events) for line, events in counts.items()])
            database.executemany(_ADD_TOTAL, [(line.fate, events) for line, events in counts.items()])

        self._commit(lot, add)

    def counts(self, first_minute: int, end_minute: int) -> dict[Line, int]:
        """See `Ledger`."""
        rows = self._asked(_COUNTS, first_minute, end_minute)
        return {Line(minute, Fate(fate), reason): events for minute, fate, reason, events in rows}

    def totals(self) -> dict[Fate, int]:
        """See `Ledger`."""
        rows = dict(self._asked("SELECT fate, events FROM total"))
        return {fate: rows.get(fate, 0) for fate in Fate}
