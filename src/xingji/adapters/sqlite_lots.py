"""`LotBook` in SQLite: one row."""

from __future__ import annotations

from pathlib import Path

from xingji.adapters.sqlite_state import named_faults, opened, transaction
from xingji.model.errors import FieldError
from xingji.ports.lot_book import Lot

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lot (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    "after" INTEGER NOT NULL,
    last INTEGER NOT NULL
);
"""


class SqliteLotBook:
    """The lots of one log, in a database of its own; one process begins lots, any may read them."""

    def __init__(self, path: Path) -> None:
        """Open the book, made where there is none.

        Raises:
            DamagedFileError: the file is no database any more.
        """
        self._path = path
        self._database = opened(path, _SCHEMA)

    def newest(self) -> Lot | None:
        """See `LotBook`."""
        with named_faults(self._path):
            row = self._database.execute('SELECT number, "after", last FROM lot').fetchone()
        return Lot(*row) if row else None

    def begin(self, lot: Lot) -> None:
        """See `LotBook`."""
        newest = self.newest()
        number, after = (newest.number + 1, newest.last) if newest else (1, lot.after)
        if (lot.number, lot.after) != (number, after) or lot.last <= lot.after:
            raise FieldError("lot", lot, f"lot {number}, of entries after offset {after}")
        with transaction(self._database, self._path) as database:
            database.execute(
                "INSERT OR REPLACE INTO lot VALUES (1, ?, ?, ?)", (lot.number, lot.after, lot.last)
            )

    def close(self) -> None:
        """See `LotBook`."""
        self._database.close()
