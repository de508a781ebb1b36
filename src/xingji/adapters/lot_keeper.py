"""State kept lot by lot in a database of its own: which lot it stands at, and how the next is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from xingji.adapters.sqlite_state import named_faults, opened, transaction
from xingji.model.errors import FieldError

_STANDING = """
CREATE TABLE IF NOT EXISTS standing (one INTEGER PRIMARY KEY CHECK (one = 1), lot INTEGER NOT NULL);
INSERT OR IGNORE INTO standing VALUES (1, 0);
"""


class LotKeeper:
    """The mechanism of a keeper; its tables and what is asked of them are its own."""

    schema: ClassVar[str]
    """Its tables, beside the one that notes the lot."""
    lots_are: ClassVar[str] = "committed"
    """What it does with lots, as errors say it."""

    def __init__(self, path: Path) -> None:
        """Open the database, made where there is none.

        Raises:
            DamagedFileError: the file is no database any more.
        """
        self._path = path
        self._database = opened(path, self.schema + _STANDING)

    @property
    def lot(self) -> int:
        """The last lot that was committed; 0 before the first."""
        return int(self._asked("SELECT lot FROM standing")[0][0])

    def close(self) -> None:
        """Let go of what is open."""
        self._database.close()

    def _asked(self, question: str, *values: Any) -> list[Any]:
        with named_faults(self._path):
            return self._database.execute(question, values).fetchall()

    def _commit(self, lot: int, write: Callable[[sqlite3.Connection], object]) -> None:
        """Have a lot written, durably, with the note that it was; nothing where that is so already.

        Raises:
            FieldError: the lot is below the last one committed.
            StorageFullError: the disk has no room; nothing was changed.
        """
        done = self.lot
        if lot < done:
            raise FieldError("lot", lot, f"{done}, the last one {self.lots_are}, or above")
        if lot == done:
            return
        with transaction(self._database, self._path) as database:
            write(database)
            database.execute("UPDATE standing SET lot = ?", (lot,))
