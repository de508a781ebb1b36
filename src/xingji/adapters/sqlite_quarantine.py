"""`Quarantine` in SQLite: what a lot released stays, marked, until the next lot."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from xingji.adapters.lot_keeper import LotKeeper
from xingji.adapters.sqlite_state import empty_log, transaction
from xingji.ports.event_log import Form
from xingji.ports.quarantine import Held, Spot

_SCHEMA = """
CREATE TABLE IF NOT EXISTS held (
    "offset" INTEGER NOT NULL,
    number INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    released INTEGER,
    received_us INTEGER NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    form TEXT NOT NULL,
    n_events INTEGER NOT NULL,
    is_entry INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY ("offset", number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_reason ON held (reason, "offset", number) WHERE released IS NULL;
CREATE INDEX IF NOT EXISTS held_released ON held (released) WHERE released IS NOT NULL;
"""
_TAKE = "INSERT INTO held VALUES (?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)"
_ONE = """
SELECT * FROM held
WHERE "offset" = ?1 AND number = ?2 AND lot < ?3 AND (released IS NULL OR released = ?3)
"""
_PAGE = """
SELECT * FROM held WHERE released IS NULL AND ("offset", number) > (?1, ?2)
ORDER BY "offset", number LIMIT ?3
"""
_PAGE_OF_REASON = """
SELECT * FROM held WHERE released IS NULL AND ("offset", number) > (?1, ?2) AND reason = ?4
ORDER BY "offset", number LIMIT ?3
"""
_RELEASE = 'UPDATE held SET released = ? WHERE "offset" = ? AND number = ?'
_DELETE = 'DELETE FROM held WHERE "offset" = ? AND number = ?'


class SqliteQuarantine(LotKeeper):
    """The quarantine of a project, in a database of its own; one process writes, any may read."""

    schema = _SCHEMA

    def commit(self, lot: int, held: Sequence[Held], released: Iterable[Spot] = ()) -> None:
        """See `Quarantine`."""

        def change(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM held WHERE released IS NOT NULL")
            database.executemany(_TAKE, [_row(one, lot) for one in held])
            database.executemany(_RELEASE, [(lot, *spot) for spot in released])

        self._commit(lot, change)

    def before(self, lot: int, spots: Iterable[Spot]) -> list[Held]:
        """See `Quarantine`."""
        return [_held(row) for spot in spots for row in self._asked(_ONE, *spot, lot)]

    def page(self, after: Spot | None, limit: int, reason: str | None = None) -> list[Held]:
        """See `Quarantine`."""
        behind = after or (-1, -1)
        if reason is None:
            return [_held(row) for row in self._asked(_PAGE, *behind, limit)]
        return [_held(row) for row in self._asked(_PAGE_OF_REASON, *behind, limit, reason)]

    def reasons(self) -> dict[str, int]:
        """See `Quarantine`."""
        question = (
            "SELECT reason, sum(n_events) FROM held WHERE released IS NULL GROUP BY reason ORDER BY reason"
        )
        return dict(self._asked(question))

    def forget(self, spots: Iterable[Spot]) -> int:
        """See `Quarantine`."""
        with transaction(self._database, self._path) as database:
            before = database.total_changes
            database.executemany(_DELETE, list(spots))
            n_gone = database.total_changes - before
        empty_log(self._database, self._path)
        return n_gone


def _row(one: Held, lot: int) -> tuple[Any, ...]:
    return (
        *one.spot, lot, one.received_us, one.reason, one.message, one.form.value, one.n_events, one.is_entry,
        one.body,
    )  # fmt: skip


def _held(row: Sequence[Any]) -> Held:
    offset, number, _, _, received_us, reason, message, form, n_events, is_entry, body = row
    return Held(
        Spot(offset, number), received_us, reason, message, bytes(body), Form(form), n_events, bool(is_entry)
    )
