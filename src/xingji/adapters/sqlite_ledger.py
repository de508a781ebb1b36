"""`Ledger` in SQLite: a row for each minute, fate and reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xingji.adapters.sqlite_state import named_faults, opened, transaction
from xingji.model.errors import FieldError
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
CREATE TABLE IF NOT EXISTS standing (one INTEGER PRIMARY KEY CHECK (one = 1), lot INTEGER NOT NULL);
INSERT OR IGNORE INTO standing VALUES (1, 0);
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


class SqliteLedger:
    """The ledger of a project, in a database of its own; one process counts, any may read."""

    def __init__(self, path: Path) -> None:
        """Open the database, made where there is none.

        Raises:
            DamagedFileError: the file is no database any more.
        """
        self._path = path
        self._database = opened(path, _SCHEMA)

    @property
    def lot(self) -> int:
        """See `Ledger`."""
        with named_faults(self._path):
            return int(self._database.execute("SELECT lot FROM standing").fetchone()[0])

    def commit(self, lot: int, counts: Mapping[Line, int]) -> None:
        """See `Ledger`."""
        done = self.lot
        if lot < done:
            raise FieldError("lot", lot, f"{done}, the last one counted, or above")
        if lot == done:
            return
        with transaction(self._database, self._path) as database:
            database.executemany(_ADD, [(*line, events) for line, events in counts.items()])
            database.executemany(_ADD_TOTAL, [(line.fate, events) for line, events in counts.items()])
            database.execute("UPDATE standing SET lot = ?", (lot,))

    def counts(self, first_minute: int, end_minute: int) -> dict[Line, int]:
        """See `Ledger`."""
        with named_faults(self._path):
            rows = self._database.execute(_COUNTS, (first_minute, end_minute)).fetchall()
        return {Line(minute, Fate(fate), reason): events for minute, fate, reason, events in rows}

    def totals(self) -> dict[Fate, int]:
        """See `Ledger`."""
        with named_faults(self._path):
            rows = dict(self._database.execute("SELECT fate, events FROM total").fetchall())
        return {fate: rows.get(fate, 0) for fate in Fate}

    def close(self) -> None:
        """See `Ledger`."""
        self._database.close()
